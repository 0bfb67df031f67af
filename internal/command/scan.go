package command

import (
	"context"
	"fmt"
	"net/netip"

	"levee/actions"
	"levee/detect"
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
	options, err := o.scan(s, o.Config)
	if err != nil {
		return err
	}
	auto := station.AutoOptions(o.Config)
	auto.Level, auto.Services = actions.LevelBlock, nil
	j, err := newJudge(o.Config, auto)
	if err != nil {
		return err
	}
	t := &printer{rows: newRowWriter(s.Out, o.Output), told: map[netip.Prefix]verdict{}}
	j.tell, j.did = t.tell, t.did
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
	if err := j.drain(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := t.rows.close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	m.finish()
	if o.Output == Table && m.lines > 0 {
		fmt.Fprintf(s.Err, "%d lines, %d malformed, %d rows\n", m.lines, m.malformed, t.rows.n)
	}
	if err := unread(s, stats.Failed, len(files), m); err != nil {
		return err
	}
	if n := j.engine.Snapshot().Anonymous; n > 0 {
		return Partialf("done, but %d of %d requests name no client address and could not be blamed on anybody; let the server log addresses, not host names", n, stats.Requests)
	}
	return nil
}

// printer prints what falls as rows.
type printer struct {
	rows *rowWriter
	told map[netip.Prefix]verdict // the last suspect row of each source
}

// verdict is what a suspect row says that is worth another row when it changes.
type verdict struct {
	measure detect.Measure
	attack  detect.Attack
}

func (t *printer) tell(e *detect.Event) error {
	if e.Kind != detect.SuspectSeen {
		return t.rows.write(incidentRow(*e))
	}
	v := verdict{e.Suspect.Measure, e.Suspect.Attack}
	if t.told[e.Suspect.Key] == v {
		return nil
	}
	t.told[e.Suspect.Key] = v
	return t.rows.write(suspectRow(e.Time, e.Suspect))
}

// did prints what auto mode does.
func (t *printer) did(a *actions.Row) error {
	if r, ok := actRow(a); ok {
		return t.rows.write(r)
	}
	return nil
}
