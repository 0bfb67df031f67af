package station

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"levee/actions"
	"levee/actions/ledger"
	"levee/actions/notify"
	"levee/detect"
	"levee/internal/config"
	"levee/internal/enrich"
	"levee/internal/kernel"
	"levee/internal/source"
)

// Options says what a station works with. Config and StateDir are required.
type Options struct {
	Config   config.Config
	StateDir string           // ledger, positions and baseline; made when missing
	Name     string           // shown in the status bar; default: the host's name
	Stdin    io.Reader        // what a source "-" reads; nil: os.Stdin
	Resolver enrich.Resolver  // verifies crawlers; nil: by published ranges alone
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: nothing is logged
	AutoOn   bool             // whether auto mode is on when nobody ever set it
	Kernel   kernel.Reader    // reads the kernel's counters; nil: os.ReadFile
	Seed     uint64           // of the detector's hashes, for a run that is to be repeated; 0: one is drawn that nobody else can know
}

// Station is a running levee. Its zero value is of no use; see Open.
type Station struct {
	o          Options
	lock       *os.File
	facts      *enrich.Enricher
	judge      *judge
	pilot      *actions.Autopilot
	dispatcher *actions.Dispatcher
	ledger     *ledger.Ledger
	positions  *source.Positions
	feeds      *feeds
	usual      prefixes // never suspects
	host       hostWatch
	counts     verdictCounts
	wishes     wishes
	notifier   *notify.Notifier // nil: nobody is told
	chronicle  *chronicle       // nil without Elasticsearch
	lookout    *lookout         // nil without Elasticsearch
	peers      *peers           // nil for a host on its own
	closers    []io.Closer      // enforcers that hold something
	known      *known
	seed       uint64 // of the detector's hashes, for this run

	reloading sync.Mutex
	conf      config.Config // as it holds now; what waits for another start is as it was

	mu        sync.Mutex
	people    []*person
	talk      talk
	approvals approvals
	cases     cases
}

// ConfigError is a mistake in the configuration that shows when a station is
// built from it: a format, a file or a job that can't be used.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap returns the mistake.
func (e *ConfigError) Unwrap() error { return e.Err }

// Open builds a station and reads what it knew before: the ledger, the
// positions in files, the baseline. Nothing runs before Run. Errors name what,
// where and the mend.
func Open(ctx context.Context, o Options) (_ *Station, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Kernel == nil {
		o.Kernel = os.ReadFile
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Name == "" {
		if o.Name, err = os.Hostname(); err != nil {
			o.Name = "levee"
		}
	}
	if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory %s: %w; name another with --state", o.StateDir, err)
	}
	s := &Station{o: o, conf: o.Config, seed: o.Seed}
	if s.seed == 0 {
		s.seed = newSeed()
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.lock, err = lockState(o.StateDir); err != nil {
		return nil, err
	}
	s.known = openKnown(o.StateDir, o.Log)
	if s.facts, err = enrich.New(enrich.Options{Databases: o.Config.Detect.GeoIP, Resolver: o.Resolver}); err != nil {
		return nil, &ConfigError{err}
	}
	if s.positions, err = source.OpenPositions(o.StateDir); err != nil {
		return nil, err
	}
	if s.feeds, err = newFeeds(o.Config, s.positions, o.StateDir, o.Stdin, s.seed); err != nil {
		return nil, &ConfigError{err}
	}
	engine := detect.New(s.engineOptions())
	if err := loadBaseline(engine, s.baselinePath()); err != nil {
		o.Log.Warn("the baseline is learnt anew", "why", err)
	}
	if err := s.recallExpected(engine); err != nil {
		return nil, err
	}
	if s.chronicle, err = openChronicle(s); err != nil {
		return nil, err
	}
	if s.lookout, err = openLookout(s); err != nil {
		return nil, &ConfigError{err}
	}
	s.judge = newJudge(engine, o.Now, func(ev []detect.Event) { s.counts.add(ev); s.wishes.put(ev); s.chronicle.verdict(ev) })
	s.judge.judgedToo = s.chronicle.judged
	s.wishes.init()
	if s.ledger, err = ledger.Open(ctx, filepath.Join(o.StateDir, "ledger.db"), o.Now); err != nil {
		return nil, err
	}
	if err := s.openActions(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// newSeed returns a seed that nobody else can know.
func newSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: the process would end
	return binary.LittleEndian.Uint64(b[:])
}

func (s *Station) engineOptions() detect.Options {
	o := EngineOptions(s.o.Config, s.facts)
	s.usual.set(usual(s.o.Config))
	o.Usual, o.MayAct, o.Seed = s.usual.contains, s.feeds.mayAct, s.seed
	return o
}

// openActions builds guardrails, enforcers, auto mode and the dispatcher.
func (s *Station) openActions(ctx context.Context) error {
	guard, err := Guardrails(s.o.Config)
	if err != nil {
		return &ConfigError{err}
	}
	enforcers, err := s.enforcers()
	if err != nil {
		return &ConfigError{err}
	}
	if s.peers, err = openPeers(s); err != nil {
		return &ConfigError{err}
	}
	auto := AutoOptions(s.o.Config)
	s.pilot = actions.NewAutopilot(auto)
	s.dispatcher, err = actions.NewDispatcher(ctx, actions.Options{
		Ledger: s.ledger, Enforcers: enforcers, Guardrails: guard, Traffic: traffic{s.judge}, Auto: s.pilot,
		Facts: s.facts.Facts, Operators: s.operators, Known: s.known.addresses, Now: s.o.Now,
		DryRun: s.o.Config.Actions.DryRun, AutoTTL: auto.TTL, MaxTTL: auto.MaxTTL, Budget: auto.Budget, AutoOn: s.o.AutoOn, Peers: s.peers.forDispatcher(), Host: s.peers.host(),
	})
	return err
}

// Run works until ctx ends or something without which nothing may go on
// fails. On the way out, what was read is judged, then positions and baseline
// are saved and the ledger is closed.
func (s *Station) Run(ctx context.Context) error {
	defer s.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var readers, workers sync.WaitGroup
	start := func(g *sync.WaitGroup, f func(context.Context) error) {
		g.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	readers.Go(func() { s.feeds.run(ctx, s.read) })
	start(&workers, func(ctx context.Context) error { s.facts.Run(ctx); return nil })
	start(&workers, s.dispatcher.Run)
	start(&workers, s.automate)
	start(&workers, s.keepBaseline)
	start(&workers, s.prune)
	start(&workers, s.watchLedger)
	start(&workers, s.watchHost)
	start(&workers, s.heartbeat)
	start(&workers, s.lookout.run)
	start(&workers, s.peers.run)
	if s.notifier != nil {
		start(&workers, s.notifier.Run)
	}

	published := s.chronicle.start(ctx)
	// The judge outlives the readers, so that whatever they handed over is
	// judged and its position moves on.
	judging, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); s.judge.run(judging) }()
	<-ctx.Done()
	readers.Wait()
	stop()
	<-done
	workers.Wait()
	published()

	err := s.positions.Save()
	if berr := saveBaseline(s.judge.save(), s.baselinePath()); err == nil {
		err = berr
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = cause
	}
	return err
}

// read runs one input. That it fails or ends is no reason to stop the others:
// its status says so.
func (s *Station) read(ctx context.Context, in source.Input) {
	err := in.Run(ctx, func(b *source.Batch) error { return s.judge.take(ctx, b) })
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("an input stopped", "input", in.Status().Name, "error", err)
	}
}

// Close releases what Open took. Run does so by itself.
func (s *Station) Close() {
	for _, c := range s.closers {
		if err := c.Close(); err != nil {
			s.o.Log.Error("close enforcer", "error", err)
		}
	}
	if s.ledger != nil {
		if err := s.ledger.Close(); err != nil {
			s.o.Log.Error("close ledger", "error", err)
		}
	}
	if s.lock != nil {
		_ = s.lock.Close() // closing releases the lock, whatever else it says
	}
}
