// Package source brings requests in: it reads recorded logs at full speed
// (Scan, ParseFile) and follows live ones (Tail, Stdin, Syslog).
//
// Every way in hands over pooled Batches. A Batch owns the bytes its requests
// point to; whoever receives it calls Release once it was judged. For a
// followed file, that is also the moment at which its position moves on, so
// that a restart neither loses nor repeats a line.
//
// Concurrency: an Input's Run is called once and owns every goroutine it
// starts; Status may be called from anywhere at any time. Release may be
// called from any goroutine.
package source
