package command

import (
	"os"
	"runtime/debug"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/config"
	"levee/internal/station"
)

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

// judge feeds recorded requests to the detector second by second, rehearses what
// auto mode does about it, and hands both on, each at the log's own time.
type judge struct {
	engine    *detect.Engine
	rehearsal *actions.Rehearsal
	meet      func([]detect.Request)    // hears of requests before they are judged, at most a second's at a time; may be nil
	tell      func(*detect.Event) error // hears each verdict
	did       func(*actions.Row) error  // hears each act

	events []detect.Event
	acts   []actions.Row
	now    time.Time
}

// newJudge returns a judge of what auto mode with these options does behind the
// guardrails of c.
func newJudge(c config.Config, auto actions.AutoOptions) (*judge, error) {
	facts, err := station.Facts(c)
	if err != nil {
		return nil, Wrong(err)
	}
	guard, err := station.Guardrails(c)
	if err != nil {
		return nil, Wrong(err)
	}
	return &judge{engine: detect.New(station.EngineOptions(c, facts)), rehearsal: actions.NewRehearsal(auto, guard, facts.Facts)}, nil
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
		if j.meet != nil {
			j.meet(batch[:n])
		}
		j.engine.Add(batch[:n])
		batch = batch[n:]
		if err := j.drain(); err != nil {
			return err
		}
	}
	return nil
}

// drain hands on what fell since the last call.
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

// act lets auto mode act on what fell at now.
func (j *judge) act(now time.Time, events []detect.Event) error {
	if now.After(j.now) {
		j.now = now
	}
	j.acts = j.rehearsal.Step(j.acts[:0], now, events)
	for i := range j.acts {
		if err := j.did(&j.acts[i]); err != nil {
			return err
		}
	}
	return nil
}
