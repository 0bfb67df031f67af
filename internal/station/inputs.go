package station

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/source"
)

// feed is one source of levee.yaml and what reads it.
type feed struct {
	origin int
	from   config.Source
	input  source.Input
	stop   context.CancelFunc // nil until it runs
	ended  chan struct{}
}

// feeds are the sources by their origin, the number that their requests carry.
// A source that is taken away leaves its number free for the next.
type feeds struct {
	positions *source.Positions
	stateDir  string
	stdin     io.Reader
	seed      uint64                 // of the detector's hashes
	trusted   atomic.Pointer[[]bool] // by origin: whether auto mode may act on its word

	mu    sync.Mutex
	slots []*feed     // nil: free
	start func(*feed) // nil while the station does not run
}

// newFeeds builds the inputs of c; none of them runs yet.
func newFeeds(c config.Config, positions *source.Positions, stateDir string, stdin io.Reader, seed uint64) (*feeds, error) {
	f := &feeds{positions: positions, stateDir: stateDir, stdin: stdin, seed: seed}
	for i, s := range c.Sources {
		in, err := f.build(c, s, i)
		if err != nil {
			return nil, err
		}
		f.slots = append(f.slots, &feed{origin: i, from: s, input: in})
	}
	f.trust()
	return f, nil
}

// build makes the input of s. Nothing is opened before it runs.
func (f *feeds) build(c config.Config, s config.Source, origin int) (source.Input, error) {
	parse := logline.Options{Format: s.Format, Service: s.Service, TrustedProxies: c.TrustedProxies, Origin: uint16(origin), Seed: f.seed}
	in, err := f.input(c, s, parse, origin)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where(c, s), err)
	}
	return in, nil
}

// trust publishes which origins may be acted on. The caller holds mu, or is
// the only one.
func (f *feeds) trust() {
	trusted := make([]bool, len(f.slots))
	for i, x := range f.slots {
		trusted[i] = x != nil && x.from.Trusted()
	}
	f.trusted.Store(&trusted)
}

// mayAct reports whether auto mode may act on what origin alone says.
func (f *feeds) mayAct(origin uint16) bool {
	t := *f.trusted.Load()
	return int(origin) < len(t) && t[origin]
}

// list returns the feeds in the order of their origins.
func (f *feeds) list() []*feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.slots), func(x *feed) bool { return x == nil })
}

// run reads all feeds, and those that come later, until ctx ends; then it
// waits for them.
func (f *feeds) run(ctx context.Context, read func(context.Context, source.Input)) {
	var readers sync.WaitGroup
	f.mu.Lock()
	f.start = func(x *feed) {
		one, stop := context.WithCancel(ctx)
		x.stop, x.ended = stop, make(chan struct{})
		readers.Go(func() {
			defer close(x.ended)
			defer stop()
			read(one, x.input)
		})
	}
	for _, x := range f.slots {
		if x != nil {
			f.start(x)
		}
	}
	f.mu.Unlock()
	<-ctx.Done()
	f.mu.Lock()
	f.start = nil
	f.mu.Unlock()
	readers.Wait()
}

// change is what a new configuration makes of the feeds.
type change struct {
	slots []*feed // as they will be
	leave []*feed // what is read no more
	enter []*feed // what is read from now on
	stay  map[*feed]config.Source
	later bool // standard input differs: it can't be opened again
}

// compare builds what differs between the feeds and c, and changes nothing.
// anew says that every source is to be read anew, as when the proxies changed.
func (f *feeds) compare(c config.Config, anew bool) (change, error) {
	f.mu.Lock()
	slots := slices.Clone(f.slots)
	f.mu.Unlock()
	ch := change{slots: make([]*feed, len(slots)), stay: map[*feed]config.Source{}}
	taken := make([]bool, len(slots))
	var fresh []config.Source
	for _, s := range c.Sources {
		i := slices.IndexFunc(slots, func(x *feed) bool { return x != nil && x.from.Place() == s.Place() && x.from.Name == s.Name })
		if i < 0 || taken[i] {
			fresh = append(fresh, s)
			continue
		}
		taken[i] = true
		old := slots[i]
		was := old.from
		was.MayAct = s.MayAct // the only thing that is not read anew for
		s.FromStart = was.FromStart
		stays := !anew && was.Same(s)
		if s.File == "-" && !stays {
			ch.later, stays = true, true
			s = was // was has the new may_act already
		}
		if stays {
			ch.slots[i], ch.stay[old] = old, s
			continue
		}
		in, err := f.build(c, s, i)
		if err != nil {
			return ch, err
		}
		x := &feed{origin: i, from: s, input: in}
		ch.slots[i] = x
		ch.leave, ch.enter = append(ch.leave, old), append(ch.enter, x)
	}
	for i, x := range slots {
		if x != nil && !taken[i] {
			ch.leave = append(ch.leave, x)
		}
	}
	for _, s := range fresh {
		i := slices.Index(ch.slots, nil)
		if i < 0 {
			i = len(ch.slots)
			ch.slots = append(ch.slots, nil)
		}
		in, err := f.build(c, s, i)
		if err != nil {
			return ch, err
		}
		x := &feed{origin: i, from: s, input: in}
		ch.slots[i] = x
		ch.enter = append(ch.enter, x)
	}
	return ch, nil
}

// apply carries ch out. drain waits until all that was read is judged: only
// then have the positions moved on that a source read anew begins from.
func (f *feeds) apply(ch change, drain func()) {
	f.mu.Lock()
	var ending []*feed
	for i, x := range ch.leave {
		f.slots[x.origin] = nil // it must not begin meanwhile
		if x.stop != nil {
			x.stop()
			ending = append(ending, ch.leave[i])
		}
	}
	f.mu.Unlock()
	for _, x := range ending {
		<-x.ended
	}
	if len(ending) > 0 {
		drain()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots = ch.slots
	for x, from := range ch.stay {
		x.from = from
	}
	f.trust()
	for _, x := range ch.enter {
		if f.start != nil {
			f.start(x)
		}
	}
}

// where names a source for an error: its line of levee.yaml if it has one.
func where(c config.Config, s config.Source) string {
	if s.Line > 0 {
		return c.Position(s.Line)
	}
	return s.Label()
}

func (f *feeds) input(c config.Config, s config.Source, parse logline.Options, i int) (source.Input, error) {
	switch {
	case s.File == "-":
		return source.Stdin(f.stdin, parse, i)
	case s.File != "":
		return source.Tail(source.TailOptions{Name: s.Label(), Paths: []string{s.File}, Parse: parse, Input: i,
			Positions: f.positions, FromStart: s.FromStart})
	case s.Syslog != "":
		return syslog(s, parse, i)
	case s.Beats != "":
		return beats(s, parse, i)
	}
	return elasticTail(c, s, parse, i, f.stateDir)
}
