package command

import (
	"context"
	"slices"

	"levee/internal/config"
	"levee/internal/source"
	"levee/internal/station"
)

// Policy is a levee.yaml that Backtest tries.
type Policy struct {
	Name   string // what the report calls it: its path
	Config config.Config
}

// BacktestOptions tunes Backtest.
type BacktestOptions struct {
	LogOptions
	Output   Format
	Policies []Policy // one, or two to compare
}

// Backtest reads recorded logs once a policy and prints what each would have
// done to them, at the levels, budgets and guardrails written in it: who would
// have been blocked, how much of the traffic that stops, and what it costs usual
// traffic. Every act counts as taken by its enforcer.
func Backtest(ctx context.Context, s Streams, files []string, o BacktestOptions) error {
	defer collectEarly()()
	if len(o.Policies) > 1 && slices.Contains(files, "-") {
		return Usagef("backtest: standard input can be read only once; give a file, or leave out --against")
	}
	var trials []*Trial
	var failed []error
	var last *meter
	for _, p := range o.Policies {
		t, m, errs, err := try(ctx, s, files, o.LogOptions, p)
		if err != nil {
			return err
		}
		trials = append(trials, t)
		last, failed = m, errs // the same for each
	}
	compare(trials)
	if err := writeTrials(s.Out, o.Output, trials); err != nil {
		return err
	}
	return unread(s, failed, len(files), last)
}

// try rehearses one policy on the files.
func try(ctx context.Context, s Streams, files []string, o LogOptions, p Policy) (*Trial, *meter, []error, error) {
	options, err := o.scan(s, p.Config)
	if err != nil {
		return nil, nil, nil, err
	}
	auto := station.AutoOptions(p.Config)
	j, err := newJudge(p.Config, auto)
	if err != nil {
		return nil, nil, nil, err
	}
	t := newTrial(p.Name, auto)
	j.meet, j.tell, j.did = t.meet, t.tell, t.did
	m := newMeter(s, false)
	options.Progress = m.read
	stats, err := source.Scan(ctx, files, options, func(b *source.Batch) error {
		defer b.Release()
		m.count(b.Lines, b.Malformed)
		return j.judge(b.Requests)
	})
	if err == nil {
		err = j.drain()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	m.finish()
	t.end()
	return t, m, stats.Failed, nil
}
