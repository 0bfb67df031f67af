// Package logline turns log lines into requests: bytes in, a detect.Request
// out, no allocation on the way.
//
// A Parser recognises the format of each line by itself, keeps to the format
// that fitted last and looks again as soon as a line does not fit, so a file
// may change its format in the middle. Every text it hands out is harmless to
// a terminal: control characters, invalid UTF-8, bidirectional overrides and
// invisible characters come out as visible escapes.
//
// Concurrency: a Parser belongs to one goroutine at a time. The slices of a
// parsed Request point into the line or into the Parser's Arena; they are
// valid until the line is overwritten or the Arena is reset.
package logline
