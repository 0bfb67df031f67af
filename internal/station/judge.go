package station

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"levee/detect"
	"levee/internal/source"
)

// queueLen is how many batches may wait for the judge. A file's reader waits
// when it is full (what is on disk stays there); a datagram's reader sheds.
const queueLen = 16

// publishEvery is how often a snapshot is published: at most four a second.
const publishEvery = 250 * time.Millisecond

// judge owns the engine. The lock is held for one batch, one snapshot or one
// look-up at a time.
type judge struct {
	mu     sync.Mutex
	engine *detect.Engine

	queue    chan *source.Batch
	drained  chan chan struct{} // closed when all that waited was judged
	over     chan struct{}      // closed when run returns
	shown    atomic.Pointer[detect.Snapshot]
	past     past
	judged   atomic.Int64 // wall clock of the last batch, Unix nanoseconds; 0 none yet
	verdicts func([]detect.Event)
	// judgedToo is lent each batch's requests after the engine saw them, and calls
	// release once it is done with them; nil: nobody.
	judgedToo func(list []detect.Request, release func())
	now       func() time.Time

	anchor struct { // event time runs on from here when no line comes
		event, wall time.Time
	}
	events []detect.Event
}

func newJudge(e *detect.Engine, now func() time.Time, verdicts func([]detect.Event)) *judge {
	j := &judge{engine: e, queue: make(chan *source.Batch, queueLen), drained: make(chan chan struct{}), over: make(chan struct{}), now: now, verdicts: verdicts}
	j.shown.Store(e.Snapshot())
	return j
}

// take hands a batch to the judge and waits while its queue is full.
func (j *judge) take(ctx context.Context, b *source.Batch) error {
	select {
	case j.queue <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run judges until ctx ends; what already waits is judged before it returns,
// so that every position that moves on was judged.
func (j *judge) run(ctx context.Context) {
	defer close(j.over)
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	fresh := false
	for {
		select {
		case b := <-j.queue:
			j.add(b)
			fresh = true
		case <-tick.C:
			j.publish(fresh)
			fresh = false
		case done := <-j.drained:
			fresh = j.rest() || fresh
			close(done)
		case <-ctx.Done():
			j.rest()
			j.publish(true)
			return
		}
	}
}

// rest judges what waits and reports whether anything did.
func (j *judge) rest() (any bool) {
	for {
		select {
		case b := <-j.queue:
			j.add(b)
			any = true
		default:
			return any
		}
	}
}

// drain waits until all that was handed over is judged.
func (j *judge) drain() {
	done := make(chan struct{})
	select {
	case j.drained <- done:
		<-done
	case <-j.over:
	}
}

func (j *judge) add(b *source.Batch) {
	j.mu.Lock()
	j.engine.Add(b.Requests)
	j.events = j.engine.Events(j.events[:0])
	j.mu.Unlock()
	if len(b.Requests) > 0 {
		j.judged.Store(j.now().UnixNano())
	}
	if j.judgedToo != nil {
		j.judgedToo(b.Requests, b.Release)
	} else {
		b.Release()
	}
	j.tell()
}

// tell passes the events on. Their slice is the judge's own again afterwards.
func (j *judge) tell() {
	if len(j.events) > 0 {
		j.verdicts(j.events)
	}
}

// publish makes a new snapshot. Without requests since the last one, event
// time goes on by the wall clock: after a good block the log falls silent.
func (j *judge) publish(fresh bool) {
	wall := j.now()
	j.mu.Lock()
	if !fresh && !j.anchor.event.IsZero() {
		j.engine.Advance(j.anchor.event.Add(wall.Sub(j.anchor.wall)))
		j.events = j.engine.Events(j.events[:0])
	} else {
		j.events = j.events[:0]
	}
	s := j.engine.Snapshot()
	j.mu.Unlock()
	if fresh {
		j.anchor.event, j.anchor.wall = s.Now, wall
	}
	j.past.take(s)
	j.shown.Store(s)
	j.tell()
}

// age is the time since the newest line was judged; negative: none yet.
func (j *judge) age() time.Duration {
	at := j.judged.Load()
	if at == 0 {
		return -1
	}
	return max(0, j.now().Sub(time.Unix(0, at)))
}

func (j *judge) source(p netip.Prefix) detect.SourceView {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.engine.Source(p)
}

func (j *judge) suspects(ps []netip.Prefix) []detect.Suspect {
	out := make([]detect.Suspect, len(ps))
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, p := range ps {
		out[i] = j.engine.Source(p).Suspect
	}
	return out
}

// coveredAtOnce bounds how many blocks are looked into while the engine waits.
const coveredAtOnce = 200

// Covered and Heard make the judge an actions.Clientele.
func (j *judge) Covered(blocks []detect.Cover) []*detect.Clients {
	out := make([]*detect.Clients, 0, len(blocks))
	for part := range slices.Chunk(blocks, coveredAtOnce) {
		j.mu.Lock()
		out = append(out, j.engine.Covered(part)...)
		j.mu.Unlock()
	}
	return out
}

// Heard see Covered.
func (j *judge) Heard(list []*detect.Clients) []detect.Heard {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.engine.Heard(list)
}
