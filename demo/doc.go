// Package demo rehearses levee against traffic that answers back: a model of
// an online gaming platform (play.example.com) whose visitors, game launchers,
// monitors and crawlers are written as nginx combined lines to a real file,
// and attack drills laid over them with known ground truth.
//
// The core is a simulation in event time: the same Options give the same
// bytes, as long as the same sources are denied at the same moments. Run
// replays it against the wall clock. What levee does comes back in two ways:
// a denied source's requests stop, and Scale adds servers, so that a flash
// crowd's 503s go away.
//
// Concurrency: a Simulator belongs to one goroutine at a time, except for
// Scale, Truth, Status and the deny list, which any goroutine may use while
// Run or Advance is at work.
package demo
