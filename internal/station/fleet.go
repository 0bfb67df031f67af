package station

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"levee/detect"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/status"
)

// How Elasticsearch is asked for what consoles show.
const (
	lookFor   = 8 * time.Second    // how long an answer is waited for
	lookIdle  = 20 * time.Second   // after nobody looked for this long, nothing is asked
	pastOver  = 7 * 24 * time.Hour // what a source's history covers
	pastFresh = time.Minute        // how old it may get while somebody looks
	mostPasts = 128                // sources whose history is kept
	lookPause = 15 * time.Second   // longest pause after failures
	defWindow = 5 * time.Minute    // where no configuration was read
	defEvery  = 5 * time.Second    // the same
)

// FleetQuery is where levee.yaml says that all hosts' access logs are.
func FleetQuery(c config.Config) elastic.FleetQuery {
	f := c.Elasticsearch.Fields
	q := elastic.FleetQuery{Index: c.FleetIndex(), Window: c.Elasticsearch.Fleet.Window,
		Fields: elastic.FleetFields{Time: f.Time, Source: f.Source, Status: f.Status, Path: f.Path, Agent: f.Agent, Host: f.Host, Method: f.Method, User: f.User}}
	if q.Window <= 0 {
		q.Window = defWindow
	}
	return q
}

// lookout asks Elasticsearch, in the background and only while somebody looks,
// what all hosts together see and what a source did before.
type lookout struct {
	s      *Station
	client *elastic.Client
	reader *elastic.Reader
	every  time.Duration

	asked atomic.Int64 // when a console last wanted the fleet, Unix nanoseconds
	wake  chan struct{}
	shown atomic.Pointer[status.Fleet]

	mu    sync.Mutex
	pasts map[netip.Prefix]*pastOf
	want  chan netip.Prefix
}

// pastOf is a source's history as it is known.
type pastOf struct {
	shown  status.Past
	asked  time.Time // by a console
	tried  time.Time // when it was last asked of the cluster
	asking bool
}

// openLookout returns nil when no cluster is configured.
func openLookout(s *Station) (*lookout, error) {
	c := s.o.Config
	if len(c.Elasticsearch.URLs) == 0 {
		return nil, nil
	}
	o := ElasticOptions(c.Elasticsearch)
	if o.Timeout <= 0 || o.Timeout > lookFor {
		o.Timeout = lookFor
	}
	client, err := elastic.New(o)
	if err != nil {
		return nil, err
	}
	l := &lookout{s: s, client: client, reader: elastic.NewReader(client, FleetQuery(c)), every: c.Elasticsearch.Fleet.Every,
		wake: make(chan struct{}, 1), pasts: map[netip.Prefix]*pastOf{}, want: make(chan netip.Prefix, 8)}
	if l.every <= 0 {
		l.every = defEvery
	}
	l.shown.Store(&status.Fleet{Configured: true, Window: FleetQuery(c).Window})
	return l, nil
}

// Fleet returns what Elasticsearch last counted for all hosts. While somebody
// calls it, it is asked again every few seconds.
func (s *Station) Fleet() status.Fleet {
	if s.lookout == nil {
		return status.Fleet{}
	}
	s.lookout.asked.Store(s.o.Now().UnixNano())
	poke(s.lookout.wake)
	return *s.lookout.shown.Load()
}

// Past returns what Elasticsearch remembers of a source, as far as it is
// known, and has it asked for.
func (s *Station) Past(p netip.Prefix) status.Past {
	if s.lookout == nil {
		return status.Past{}
	}
	return s.lookout.past(p.Masked())
}

// AskPast asks Elasticsearch now what it remembers of a source.
func (s *Station) AskPast(ctx context.Context, p netip.Prefix) status.Past {
	if s.lookout == nil {
		return status.Past{}
	}
	return s.lookout.askPast(ctx, p.Masked())
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run answers until ctx ends.
func (l *lookout) run(ctx context.Context) error {
	if l == nil {
		return nil
	}
	defer l.client.Close()
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { l.remember(ctx) })
	pause := l.every
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
		if l.s.o.Now().Sub(time.Unix(0, l.asked.Load())) > lookIdle {
			continue
		}
		pause = min(2*pause, max(lookPause, l.every))
		if l.look(ctx) {
			pause = l.every
		}
		sleep(ctx, pause)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// look asks for the fleet once. What was known before stays when that fails.
func (l *lookout) look(ctx context.Context) bool {
	f, err := l.reader.Fleet(ctx, l.s.o.Now())
	if ctx.Err() != nil {
		return false
	}
	var next status.Fleet
	if err != nil {
		next = *l.shown.Load()
		next.Problem = err.Error()
	} else {
		next = status.Fleet{Configured: true, Problem: f.Note, At: f.At, Window: f.Window, Rate: f.Rate, Before: f.Before, Status: f.Status, Distinct: f.Distinct, Sampled: f.Sampled,
			Hosts: shares(f.Hosts, f.Requests), Sources: shares(f.Sources, f.Requests), Paths: shares(f.Paths, f.Requests), Agents: shares(f.Agents, f.Requests),
			Partial: f.Partial, Took: f.Took, Moved: f.Moved}
		if f.Why != "" {
			next.Problem = f.Why
		}
	}
	if old := l.shown.Load().Problem; next.Problem != old {
		if next.Problem != "" {
			l.s.o.Log.Warn("fleet figures from elasticsearch", "problem", next.Problem)
		} else {
			l.s.o.Log.Info("fleet figures from elasticsearch are back")
		}
	}
	l.shown.Store(&next)
	return err == nil
}

func shares(tops []elastic.FleetTop, of uint64) []detect.Share {
	out := make([]detect.Share, 0, len(tops))
	for _, t := range tops {
		out = append(out, detect.Share{Name: t.Name, Count: t.Count, Share: float64(t.Count) / float64(max(of, 1))})
	}
	return out
}

// link adds what is wrong with reading to what is known of writing.
func (l *lookout) link(k status.Link) status.Link {
	if l == nil {
		return k
	}
	if f := l.shown.Load(); f.Problem != "" && l.s.o.Now().Sub(time.Unix(0, l.asked.Load())) < lookIdle && k.OK {
		k.Note = join(k.Note, "fleet figures: "+f.Problem)
	}
	return k
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// past returns what is known of p and has it asked for when that is old.
func (l *lookout) past(p netip.Prefix) status.Past {
	now := l.s.o.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.pasts[p]
	if e == nil {
		l.forget()
		e = &pastOf{shown: status.Past{Configured: true, Over: pastOver}}
		l.pasts[p] = e
	}
	e.asked = now
	fresh := pastFresh
	if e.shown.Problem != "" {
		fresh = l.every
	}
	if !e.asking && (e.tried.IsZero() || now.Sub(e.tried) > fresh) {
		select {
		case l.want <- p:
			e.asking = true
		default: // many are asked for already; the next tick tries again
		}
	}
	return e.shown
}

// forget makes room for one more source.
func (l *lookout) forget() {
	for len(l.pasts) >= mostPasts {
		var oldest netip.Prefix
		for p, e := range l.pasts {
			if o := l.pasts[oldest]; o == nil || e.asked.Before(o.asked) {
				oldest = p
			}
		}
		delete(l.pasts, oldest)
	}
}

// remember asks for histories until ctx ends.
func (l *lookout) remember(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-l.want:
			l.askPast(ctx, p)
		}
	}
}

// askPast asks for p's history and keeps it where a console shows it.
func (l *lookout) askPast(ctx context.Context, p netip.Prefix) status.Past {
	now := l.s.o.Now()
	h, err := l.reader.History(ctx, p, pastOver, now)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.pasts[p]
	if e == nil {
		l.forget()
		e = &pastOf{shown: status.Past{Configured: true, Over: pastOver}, asked: now}
		l.pasts[p] = e
	}
	e.tried, e.asking = now, false
	if err != nil {
		e.shown.Problem = err.Error()
		var q *elastic.Problem
		if errors.As(err, &q) && q.Kind == elastic.Slow && ctx.Err() != nil {
			e.shown.Problem = "Elasticsearch was not waited for any longer; ask again"
		}
		return e.shown
	}
	past := status.Past{Configured: true, At: now, Over: pastOver, Requests: h.Requests, Named: h.Named, First: h.First, Last: h.Last,
		Statuses: shares(h.Status, h.Requests), Paths: shares(h.Paths, h.Requests), Agents: shares(h.Agents, h.Requests), Accounts: shares(h.Users, h.Requests)}
	for _, d := range h.Days {
		past.Days = append(past.Days, status.Day{Time: d.Time, Requests: d.Requests})
	}
	e.shown = past
	return past
}
