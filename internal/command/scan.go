package command

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/source"
	"levee/internal/station"
)

// ScanOptions tunes Scan.
type ScanOptions struct {
	LogOptions
	Output Format
	Stats  bool
	Config config.Config
}

// Scan judges recorded logs at full speed and prints, in log time, each
// verdict and what auto mode at level block would have done within its
// budgets.
func Scan(ctx context.Context, s Streams, files []string, o ScanOptions) error {
	defer collectEarly()()
	facts, err := station.Facts(o.Config)
	if err != nil {
		return Wrong(err)
	}
	options := o.scan(s)
	options.Parse.TrustedProxies = append(options.Parse.TrustedProxies, o.Config.TrustedProxies...)
	if _, err := logline.New(options.Parse); err != nil {
		return Wrong(err)
	}
	guard, err := station.Guardrails(o.Config)
	if err != nil {
		return Wrong(err)
	}
	auto := station.AutoOptions(o.Config)
	auto.Level, auto.Services = actions.LevelBlock, nil
	j := &judge{
		engine:    detect.New(station.EngineOptions(o.Config, facts)),
		rehearsal: actions.NewRehearsal(auto, guard, facts.Facts),
		rows:      newRowWriter(s.Out, o.Output),
		told:      map[netip.Prefix]verdict{},
	}
	m := newMeter(s, o.Stats)
	options.Progress = m.read
	stats, err := source.Scan(ctx, files, options, func(b *source.Batch) error {
		defer b.Release()
		m.count(b.Lines, b.Malformed)
		return j.judge(b.Requests)
	})
	if err != nil {
		return err
	}
	if err := j.finish(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	m.finish()
	if o.Output == Table && m.lines > 0 {
		fmt.Fprintf(s.Err, "%d lines, %d malformed, %d rows\n", m.lines, m.malformed, j.rows.n)
	}
	if err := unread(s, stats.Failed, len(files), m); err != nil {
		return err
	}
	if n := j.engine.Snapshot().Anonymous; n > 0 {
		return Partialf("done, but %d of %d requests name no client address and could not be blamed on anybody; let the server log addresses, not host names", n, stats.Requests)
	}
	return nil
}

// collectEarly makes the garbage collector start when a fifth of what is in use
// is garbage, and returns what undoes it. Nearly all that is in use are the
// detector's tables, which hold no pointers: looking through them costs next to
// nothing, and waiting until as much again is garbage would double the memory.
// A GOGC of the user's own stands.
func collectEarly() (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	was := debug.SetGCPercent(20)
	return func() { debug.SetGCPercent(was) }
}

// judge feeds requests to the detector second by second and turns what falls
// into rows.
type judge struct {
	engine    *detect.Engine
	rehearsal *actions.Rehearsal
	rows      *rowWriter
	events    []detect.Event
	acts      []actions.Row
	told      map[netip.Prefix]verdict // the last suspect row of each source
	now       time.Time
}

// verdict is what a suspect row says that is worth another row when it changes.
type verdict struct {
	measure detect.Measure
	attack  detect.Attack
}

// judge hands the batch on in slices of one second, so that auto mode acts at
// the moment of each verdict however sparse the log is.
func (j *judge) judge(batch []detect.Request) error {
	for len(batch) > 0 {
		n := 1
		sec := batch[0].Time / int64(time.Second)
		for n < len(batch) && batch[n].Time/int64(time.Second) == sec {
			n++
		}
		j.engine.Add(batch[:n])
		batch = batch[n:]
		if err := j.drain(); err != nil {
			return err
		}
	}
	return nil
}

// drain turns what fell since the last call into rows, each at its own time.
func (j *judge) drain() error {
	j.events = j.engine.Events(j.events[:0])
	for i := range j.events {
		e := &j.events[i]
		if err := j.tell(e); err != nil {
			return err
		}
		if err := j.act(e.Time, j.events[i:i+1]); err != nil {
			return err
		}
	}
	if now := j.engine.Now(); now.Unix() > j.now.Unix() {
		return j.act(now, nil)
	}
	return nil
}

func (j *judge) tell(e *detect.Event) error {
	if e.Kind != detect.SuspectSeen {
		return j.rows.write(incidentRow(*e))
	}
	v := verdict{e.Suspect.Measure, e.Suspect.Attack}
	if j.told[e.Suspect.Key] == v {
		return nil
	}
	j.told[e.Suspect.Key] = v
	return j.rows.write(suspectRow(e.Time, e.Suspect))
}

// act prints what auto mode does at now.
func (j *judge) act(now time.Time, events []detect.Event) error {
	if now.After(j.now) {
		j.now = now
	}
	j.acts = j.rehearsal.Step(j.acts[:0], now, events)
	for i := range j.acts {
		if r, ok := actRow(&j.acts[i]); ok {
			if err := j.rows.write(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish prints what is left.
func (j *judge) finish() error {
	if err := j.drain(); err != nil {
		return err
	}
	return j.rows.close()
}
