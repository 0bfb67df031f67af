// Package sketch holds counters that answer in bounded memory what exact ones
// could only answer in memory that grows with the traffic. Values are given by
// their 64-bit hash; the caller hashes once and asks several sketches.
//
// Nothing here is safe for concurrent use.
package sketch
