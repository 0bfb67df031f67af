// Package elastic is levee's side of Elasticsearch: the client and what it
// says when something is wrong (Problem), the templates levee brings (Setup),
// what levee writes there (Publisher) and what it reads from there (Fleet,
// Tail, History).
//
// Nothing in it is needed for levee to work: every part says what is wrong in
// one sentence, goes on trying, and recovers by itself.
//
// Concurrency: a Client and a Publisher may be used from any goroutine. A
// Publisher's Run owns every goroutine it starts.
package elastic
