package elastic

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"levee/detect"
)

// How the spool's room is shared when it runs short, and how requests wait.
const (
	requestShare = 0.6
	statsShare   = 0.8
	eventShare   = 1.0

	mostRequests = 16 << 20               // bytes of requests that wait for the disk
	gather       = 200 * time.Millisecond // how long they gather
	lastSend     = 5 * time.Second        // what is tried for once levee stops
)

// PublisherOptions says what a Publisher works with. Client, Dir and Origin
// are required.
type PublisherOptions struct {
	Client   *Client
	Dir      string // of the spool; made when missing
	Limit    int64  // bytes the spool may hold; default 512 MiB
	Origin   Origin
	Requests float64          // share of the requests to publish, 0 to 1
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: nothing is logged
	Retry    time.Duration    // first pause after a failure, doubling to 15 s; default 500 ms
}

// Publisher writes to Elasticsearch by way of a spool on disk: while the
// cluster is away, what happened waits there; what is sent twice is stored
// once.
type Publisher struct {
	o     PublisherOptions
	spool *spool
	batch int // bytes sent at once

	given chan given    // requests that wait to be copied
	ended chan struct{} // closed once nobody takes from given any more

	rmu      sync.Mutex
	sample   *sample
	requests []byte // records that wait for the disk
	shedReqs uint64

	mu       sync.Mutex
	problem  string
	answered bool   // whether the cluster ever did
	rejects  string // why the cluster would not have the last document it rejected
	counts   Counts
}

// given is requests that are lent to the publisher, and how it gives them back.
type given struct {
	list []detect.Request
	back func()
}

// NewPublisher opens the spool. Nothing is sent before Run.
func NewPublisher(o PublisherOptions) (*Publisher, error) {
	o.Limit = cmp.Or(o.Limit, 512<<20)
	o.Retry = cmp.Or(o.Retry, 500*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := openSpool(o.Dir, o.Limit)
	if err != nil {
		return nil, err
	}
	return &Publisher{o: o, spool: s, batch: 2 << 20, given: make(chan given, 16), ended: make(chan struct{}), sample: newSample(o.Origin, o.Requests, o.Now())}, nil
}

// Put takes documents over. They are in the spool when it returns, or shed
// and counted.
func (p *Publisher) Put(docs ...Doc) {
	var records []byte
	share := eventShare
	for _, d := range docs {
		if d.Index == StatsStream {
			share = statsShare
		}
		records = appendRecord(records, d)
	}
	p.store(records, share, uint64(len(docs)))
}

func (p *Publisher) store(records []byte, share float64, n uint64) {
	ok, err := p.spool.put(records, share)
	if ok {
		return
	}
	p.mu.Lock()
	p.counts.Shed += n
	p.mu.Unlock()
	if err != nil {
		p.fail(err)
	}
}

// Take publishes the share of the requests that was asked for. They are lent:
// back is called, on another goroutine, once what is wanted of them was copied,
// so that whoever judges does not spend its time on that. Run must be under
// way.
func (p *Publisher) Take(list []detect.Request, back func()) {
	if p.o.Requests <= 0 {
		back()
		return
	}
	select {
	case p.given <- given{list, back}:
	case <-p.ended:
		back()
	}
}

// copyGiven copies what is lent until ctx ends, and then what is there still.
func (p *Publisher) copyGiven(ctx context.Context) {
	for {
		select {
		case g := <-p.given:
			p.Requests(g.list)
			g.back()
			continue
		default:
		}
		select {
		case g := <-p.given:
			p.Requests(g.list)
			g.back()
		case <-ctx.Done():
			if len(p.given) == 0 {
				return
			}
		}
	}
}

// Requests is Take for requests that may not be kept: it copies what it takes
// before it returns, and never waits for disk or network.
func (p *Publisher) Requests(list []detect.Request) {
	if p.o.Requests <= 0 {
		return
	}
	p.rmu.Lock()
	defer p.rmu.Unlock()
	for i := range list {
		if !p.sample.take() {
			continue
		}
		if len(p.requests) > mostRequests {
			p.shedReqs++
			continue
		}
		p.requests = p.sample.append(p.requests, &list[i])
	}
}

// Run sends until ctx ends, then tries for a few seconds to send the rest.
func (p *Publisher) Run(ctx context.Context) error {
	var writer sync.WaitGroup
	writer.Go(func() { p.copyGiven(ctx); close(p.ended) })
	b, err := newBulk(p.o.Client)
	if err != nil {
		writer.Wait() // until ctx ends: who lends must get back
		return err
	}
	writer.Go(func() { p.write(ctx) })
	p.greet(ctx)
	pause := p.o.Retry
	for ctx.Err() == nil {
		switch sent, err := p.round(ctx, b); {
		case err != nil:
			p.fail(err)
			wait(ctx, pause/2+rand.N(pause/2+1))
			pause = min(2*pause, 15*time.Second)
		case sent:
			pause = p.o.Retry
		default:
			select {
			case <-ctx.Done():
			case <-p.spool.more:
			}
		}
	}
	writer.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSend)
	defer cancel()
	for sent := true; sent && err == nil; {
		sent, err = p.round(last, b)
	}
	b.close(last)
	return p.spool.close()
}

// greet asks who is there, so that the console knows before there is
// anything to send.
func (p *Publisher) greet(ctx context.Context) {
	err := p.o.Client.call(ctx, http.MethodGet, "/", nil, nil)
	if err != nil {
		p.fail(err)
		return
	}
	p.well(0)
}

// write carries requests to the spool until ctx ends.
func (p *Publisher) write(ctx context.Context) {
	tick := time.NewTicker(gather)
	defer tick.Stop()
	var spare []byte
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-tick.C:
		}
		if ended {
			<-p.ended // there may be more
		}
		p.rmu.Lock()
		full := p.requests
		p.requests = spare[:0]
		shed := p.shedReqs
		p.shedReqs = 0
		p.rmu.Unlock()
		spare = full
		p.store(full, requestShare, uint64(countLines(full)))
		if shed > 0 {
			p.mu.Lock()
			p.counts.Shed += shed
			p.mu.Unlock()
		}
	}
}

// round sends what waits, once. sent tells whether there was anything.
func (p *Publisher) round(ctx context.Context, b *bulk) (sent bool, err error) {
	docs, n, torn, err := p.spool.next(p.batch)
	if err != nil || n == 0 {
		return false, err
	}
	total := len(docs)
	lost := 0
	pause := p.o.Retry
	for len(docs) > 0 {
		again, never, problem := b.send(ctx, docs)
		if len(never) > 0 {
			lost += len(never)
			p.rejected(never)
		}
		if problem == nil {
			break
		}
		docs = again
		if problem.Status == http.StatusRequestEntityTooLarge && p.batch > 64<<10 {
			p.batch /= 2
			return true, problem
		}
		p.fail(problem)
		wait(ctx, pause/2+rand.N(pause/2+1))
		pause = min(2*pause, 15*time.Second)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	if err := p.spool.done(n); err != nil {
		return false, err
	}
	p.mu.Lock()
	p.counts.Rejected += uint64(torn)
	p.mu.Unlock()
	p.well(uint64(total - lost))
	return true, nil
}

func (p *Publisher) rejected(list []rejection) {
	p.mu.Lock()
	p.counts.Rejected += uint64(len(list))
	p.rejects = list[len(list)-1].why.Text
	p.mu.Unlock()
	p.o.Log.Error("elasticsearch rejects documents", "documents", len(list), "why", list[0].why)
	if err := reject(p.o.Dir, list); err != nil {
		p.o.Log.Error("elasticsearch", "error", err)
	}
}

func (p *Publisher) fail(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	p.mu.Lock()
	news := p.problem != err.Error()
	p.problem = err.Error()
	p.mu.Unlock()
	if news {
		p.o.Log.Warn("elasticsearch", "problem", err)
	}
}

func (p *Publisher) well(sent uint64) {
	p.mu.Lock()
	was := p.problem
	p.problem = ""
	p.answered = true
	p.counts.Sent += sent
	p.mu.Unlock()
	if was != "" {
		p.o.Log.Info("elasticsearch is back")
	}
}

func countLines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
