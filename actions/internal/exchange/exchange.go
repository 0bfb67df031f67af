// Package exchange tells of an HTTP request without an answer whether it can
// have arrived. What surely never left has failed; of anything else nobody
// knows, and it must not be said that nothing was done.
package exchange

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// Watch follows one request.
type Watch struct {
	asked, got atomic.Bool // a connection
	late       bool        // whoever asked had given up before
}

// Begin returns ctx for one request, and what watches it.
func Begin(ctx context.Context) (context.Context, *Watch) {
	w := &Watch{late: ctx.Err() != nil}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	}), w
}

// Unsent reports whether the request, which failed with err, surely never left:
// there was no connection to send it on, because the host can't be found or
// reached, or shows a certificate that nobody trusts.
func (w *Watch) Unsent(err error) bool {
	if w.late || w.asked.Load() { // the transport tells
		return !w.got.Load()
	}
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns)
}
