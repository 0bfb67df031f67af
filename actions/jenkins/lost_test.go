package jenkins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"levee/actions"
)

func TestAnAnswerThatGotLostTriggersNothingTwice(t *testing.T) {
	in(t, nil, func(w *world) {
		var lost atomic.Int32
		w.wire.set(posts(func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if lost.Add(1) == 1 {
				_, _ = next()
				return nil, io.ErrUnexpectedEOF
			}
			return next()
		}))
		rs := w.apply(block("d1", "192.0.2.1"))
		time.Sleep(time.Minute)
		if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK || lost.Load() != 1 {
			t.Errorf("%d builds, %d posts, receipt %+v", len(got), lost.Load(), rs[0])
		}
	})
}

func TestARequestThatGotLostIsSentAgain(t *testing.T) {
	in(t, nil, func(w *world) {
		var n atomic.Int32
		w.wire.set(posts(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if n.Add(1) == 1 { // hangs until the client gives up
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return next()
		}))
		rs := w.apply(block("d1", "192.0.2.1"))
		if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK || n.Load() != 2 {
			t.Errorf("%d builds, %d posts, receipt %+v", len(got), n.Load(), rs[0])
		}
	})
}

func TestAControllerThatIsAway(t *testing.T) {
	in(t, nil, func(w *world) {
		var calls atomic.Int32
		w.wire.set(func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			calls.Add(1)
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		})
		d := block("d1", "192.0.2.1")
		rs := w.apply(d)
		if rs[0].OK || !rs[0].Unknown || !strings.Contains(rs[0].Note, "not answer") {
			t.Errorf("receipt %+v", rs[0])
		}
		time.Sleep(time.Minute)
		if calls.Load() > 20 {
			t.Errorf("%d calls in a minute: the breaker did not open", calls.Load())
		}
		w.wire.set(nil)
		time.Sleep(5 * time.Minute)
		// It came back too late for this run, or in time: either way the next try goes through.
		if rs := w.apply(d); !rs[0].OK || len(w.j.Triggered("ops/block-ip")) != 1 {
			t.Errorf("receipt %+v, %v", rs[0], w.j.Triggered("ops/block-ip"))
		}
	})
}

func TestStartingUpIsWaitedFor(t *testing.T) {
	in(t, nil, func(w *world) {
		w.j.StartingUp(true)
		go func() {
			time.Sleep(5 * time.Second)
			w.j.StartingUp(false)
		}()
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK {
			t.Errorf("receipt %+v", rs[0])
		}
	})
}

func TestARestartFindsItsRunsAgain(t *testing.T) {
	in(t, nil, func(w *world) {
		d := scale("s1")
		w.apply(d)
		w.close()
		time.Sleep(10 * time.Minute) // the queue item is forgotten by now
		w.open()
		rs, err := w.e.Resume(context.Background(), []actions.Decision{d, scale("never sent")})
		if err != nil || !rs[0].OK || rs[1].OK || rs[1].Unknown {
			t.Errorf("receipts %+v, %v", rs, err)
		}
		time.Sleep(5 * time.Second)
		if j := w.e.Jobs()[0]; j.State != success || len(w.j.Triggered("ops/scale")) != 1 {
			t.Errorf("job %+v", j)
		}
	})
}

// TestALostRunReadsUnknownUntilItIsFound: while the controller is away nobody
// can know, and once it is back it is asked.
func TestALostRunReadsUnknownUntilItIsFound(t *testing.T) {
	for name, journal := range map[string]bool{"with a journal": true, "by the ledger's receipt": false} {
		t.Run(name, func(t *testing.T) {
			in(t, nil, func(w *world) {
				var arrived atomic.Bool
				w.wire.set(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
					if req.Method == http.MethodPost && arrived.CompareAndSwap(false, true) {
						_, _ = next()
					}
					return nil, io.ErrUnexpectedEOF
				})
				d := scale("s1")
				d.Receipts = w.apply(d)
				time.Sleep(10 * time.Minute)
				if j := w.e.Jobs()[0]; j.State != lost {
					t.Fatalf("job %+v", j)
				}
				if !journal { // it was lost with the disk
					w.close()
					w.o.Journal = ""
					w.open()
				}
				resume := func() actions.Receipt {
					rs, err := w.e.Resume(context.Background(), []actions.Decision{d})
					if err != nil {
						t.Fatal(err)
					}
					return rs[0]
				}
				for range 3 {
					if c := resume(); c.OK || !c.Unknown {
						t.Errorf("while it is away: %+v", c)
					}
					if journal {
						if c := w.apply(d)[0]; c.OK || !c.Unknown {
							t.Errorf("applied while it is away: %+v", c)
						}
					}
					time.Sleep(time.Minute)
				}
				w.wire.set(nil)
				time.Sleep(10 * time.Minute)
				if c := resume(); !c.OK || len(w.j.Triggered("ops/scale")) != 1 {
					t.Errorf("once it is back: %+v", c)
				}
				time.Sleep(time.Minute)
				if j := w.e.Jobs()[0]; j.State != success || len(w.e.Jobs()) != 1 {
					t.Errorf("jobs %+v", w.e.Jobs())
				}
			})
		})
	}
}

// TestWhatNeverLeftHasFailed: of a controller that no packet reaches it is known
// that nothing was done there.
func TestWhatNeverLeftHasFailed(t *testing.T) {
	in(t, nil, func(w *world) {
		w.close()
		w.o.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		w.open()
		w.apply(block("d1", "192.0.2.1"))
		time.Sleep(5 * time.Minute)
		if j := w.e.Jobs()[0]; j.State != errored || !strings.Contains(j.Why, "Jenkins") {
			t.Errorf("job %+v", j)
		}
	})
}

// TestKilledAtEveryStep stops at each exchange of a run, starts again and
// applies again: exactly one build each time.
func TestKilledAtEveryStep(t *testing.T) {
	for step := range 6 {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			in(t, nil, func(w *world) {
				var calls atomic.Int32
				killed := make(chan struct{})
				w.wire.set(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
					n := int(calls.Add(1))
					if n <= step {
						return next()
					}
					if n == step+1 && step%2 == 0 { // it arrived, but nobody heard
						_, _ = next()
						close(killed)
					} else if n == step+1 {
						close(killed)
					}
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
				d := block("d1", "192.0.2.1")
				ctx, cancel := context.WithCancel(context.Background())
				go func() { <-killed; cancel() }()
				if _, err := w.e.Apply(ctx, []actions.Decision{d}); err != nil {
					t.Fatal(err)
				}
				w.close()
				w.wire.set(nil)
				time.Sleep(time.Duration(step) * 2 * time.Minute)
				w.open()
				if rs, err := w.e.Resume(context.Background(), []actions.Decision{d}); err != nil {
					t.Errorf("%+v %v", rs, err)
				}
				time.Sleep(time.Minute)
				rs := w.apply(d)
				if got := w.j.Triggered("ops/block-ip"); len(got) != 1 || !rs[0].OK {
					t.Errorf("%d builds, receipt %+v", len(got), rs[0])
				}
				cancel()
			})
		})
	}
}
