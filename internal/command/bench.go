package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/station"
)

// Play is made-up traffic with a known truth that stops for whoever is denied.
type Play interface {
	// Advance writes the log lines of all requests before to.
	Advance(w io.Writer, to time.Time) (int, error)
	Live() time.Time // when the ordinary traffic before the drill ends
	Grade() Grade    // how its sources were treated so far
}

// Grade is how well the sources of a drill were treated. Usual people count
// among the harmless.
type Grade struct {
	Hostile, Caught  int // hostile sources, and those refused at least once
	Harmless, Harmed int
	Half             time.Duration // until half of the hostile ones were refused; negative: never
	Attack, Stopped  uint64        // hostile requests, and those refused
}

// Rehearsed is a drill that Bench runs.
type Rehearsed struct {
	Name    string
	Hostile bool
	Fits    []string // names an incident may have; for harmless drills those that are no attack
	Length  time.Duration
	Start   func(seed uint64, denied func(netip.Addr) bool) (Play, error)
}

// BenchOptions tunes Bench.
type BenchOptions struct {
	Output Format
	Config config.Config
	Seeds  []uint64
}

// BenchRow is one drill of the report.
type BenchRow struct {
	Drill     string   `json:"drill"`
	Seed      uint64   `json:"seed"`
	Requests  int      `json:"requests"`
	Hostile   int      `json:"hostile"`
	Caught    int      `json:"caught"`
	Harmed    int      `json:"harmed"`            // harmless sources blocked
	Precision float64  `json:"precision"`         // 0 to 1; 1 where nobody was blocked
	Recall    float64  `json:"recall"`            // 0 to 1, of the hostile sources; 1 where there are none
	Opened    *float64 `json:"opened_s"`          // from the first hostile request to the incident; null: none
	Half      *float64 `json:"half_s"`            // until half of the hostile sources were blocked; null: never
	Stopped   float64  `json:"stopped"`           // 0 to 1, of the hostile requests
	Limited   bool     `json:"signature_limited"` // a signature was throttled or hardened
	Incidents []string `json:"incidents"`
	Verdict   string   `json:"verdict"` // ok, or what is wrong
}

// Bench rehearses drills in event time, as fast as the machine goes: each with
// an engine, guardrails and auto mode of its own at level block, whose blocks
// the simulated platform honours. It prints precision, recall, time to detect
// and traffic stopped per drill, and how fast it went.
func Bench(ctx context.Context, s Streams, drills []Rehearsed, o BenchOptions) error {
	var rows []BenchRow
	lines, began := 0, time.Now()
	var at time.Duration // processor-bound time of parsing and judging
	for _, d := range drills {
		for _, seed := range o.Seeds {
			if s.Progress {
				fmt.Fprintf(s.Err, "\r\x1b[K%s, seed %d", d.Name, seed)
			}
			r, spent, err := rehearse(ctx, d, seed, o.Config)
			if err != nil {
				return err
			}
			rows = append(rows, r)
			lines += r.Requests
			at += spent
		}
	}
	if s.Progress {
		fmt.Fprint(s.Err, "\r\x1b[K")
	}
	if err := writeBench(s.Out, o.Output, rows); err != nil {
		return err
	}
	wrong := 0
	for _, r := range rows {
		if r.Verdict != "ok" {
			wrong++
		}
	}
	fmt.Fprintf(s.Err, "%d of %d drills as they should be; %d requests parsed and judged in %.1f s, %.0f/s (%s, %d cores; %.0f s with simulating them)\n",
		len(rows)-wrong, len(rows), lines, at.Seconds(), float64(lines)/max(at.Seconds(), 1e-9), runtime.GOARCH, runtime.NumCPU(), time.Since(began).Seconds())
	if wrong > 0 {
		return fmt.Errorf("bench: %d of %d drills were not judged as they should be; the last column says why", wrong, len(rows))
	}
	return nil
}

// benchStep is how often the deny list follows the verdicts, and how often
// event time moves on without requests.
const benchStep = 250 * time.Millisecond

// rehearse runs one drill and grades it.
func rehearse(ctx context.Context, d Rehearsed, seed uint64, c config.Config) (row BenchRow, spent time.Duration, err error) {
	denied := denials{}
	play, err := d.Start(seed, denied.deny)
	if err != nil {
		return row, 0, fmt.Errorf("drill %s: %w", d.Name, err)
	}
	parser, err := logline.New(logline.Options{})
	if err != nil {
		return row, 0, err
	}
	guard, err := station.Guardrails(c)
	if err != nil {
		return row, 0, Wrong(err)
	}
	auto := station.AutoOptions(c)
	auto.Level, auto.Services = actions.LevelBlock, nil
	engine := detect.New(station.EngineOptions(c, nil))
	rehearsal := actions.NewRehearsal(auto, guard, nil)
	row = BenchRow{Drill: d.Name, Seed: seed}
	var text bytes.Buffer
	var batch []detect.Request
	var events []detect.Event
	var acts []actions.Row
	hostileAt := time.Time{}
	for now := play.Live().Add(-detectWarm); now.Before(play.Live().Add(d.Length)); now = now.Add(benchStep) {
		if err := ctx.Err(); err != nil {
			return row, spent, err
		}
		text.Reset()
		n, err := play.Advance(&text, now)
		if err != nil {
			return row, spent, fmt.Errorf("drill %s: %w", d.Name, err)
		}
		row.Requests += n
		if d.Hostile && hostileAt.IsZero() && now.After(play.Live()) && play.Grade().Attack > 0 {
			hostileAt = now
		}
		start := time.Now()
		parser.Reset()
		batch = parseLines(parser, text.Bytes(), batch[:0])
		engine.Add(batch)
		engine.Advance(now)
		events = engine.Events(events[:0])
		spent += time.Since(start)
		acts = rehearsal.Step(acts[:0], now, events)
		denied.follow(acts, now)
		row.note(events, acts, hostileAt)
	}
	row.grade(d, play.Grade())
	return row, spent, nil
}

// detectWarm is how much of the ordinary traffic is read in steps; what lies
// before is one.
const detectWarm = 10 * time.Minute

func parseLines(p *logline.Parser, text []byte, batch []detect.Request) []detect.Request {
	for line := range bytes.Lines(text) {
		var r detect.Request
		if k, _ := p.Parse(bytes.TrimSuffix(line, []byte("\n")), &r); k <= detect.NoRequest {
			batch = append(batch, r)
		}
	}
	return batch
}

// note takes over what fell in one step.
func (r *BenchRow) note(events []detect.Event, acts []actions.Row, hostileAt time.Time) {
	for _, e := range events {
		if e.Incident == nil || e.Kind == detect.IncidentClose {
			continue
		}
		for _, a := range append([]detect.Attack{e.Incident.Attack}, e.Incident.Traits...) {
			name := string(a)
			if a != e.Incident.Attack {
				name = "+" + name
			}
			if !slices.Contains(r.Incidents, name) {
				r.Incidents = append(r.Incidents, name)
			}
		}
		if r.Opened == nil && e.Incident.Attack.Hostile() && !hostileAt.IsZero() {
			s := max(0, e.Time.Sub(hostileAt).Seconds())
			r.Opened = &s
		}
	}
	for _, a := range acts {
		r.Limited = r.Limited || a.Verb == actions.Throttle || a.Verb == actions.Harden
	}
}

// grade holds what happened against the truth.
func (r *BenchRow) grade(d Rehearsed, g Grade) {
	r.Hostile, r.Caught, r.Harmed, r.Precision, r.Recall = g.Hostile, g.Caught, g.Harmed, 1, 1
	if g.Caught+g.Harmed > 0 {
		r.Precision = float64(g.Caught) / float64(g.Caught+g.Harmed)
	}
	if g.Hostile > 0 {
		r.Recall = float64(g.Caught) / float64(g.Hostile)
		r.Stopped = float64(g.Stopped) / float64(max(g.Attack, 1))
	}
	if g.Half >= 0 && g.Hostile > 0 {
		s := g.Half.Seconds()
		r.Half = &s
	}
	r.Verdict = r.judge(d)
}

func (r *BenchRow) judge(d Rehearsed) string {
	attack, fits := false, len(d.Fits) == 0
	for _, name := range r.Incidents {
		bare, trait := cutPlus(name)
		attack = attack || !trait && detect.Attack(bare).Hostile()
		fits = fits || slices.Contains(d.Fits, bare)
	}
	switch {
	case r.Harmed > 0:
		return fmt.Sprintf("%d harmless sources blocked", r.Harmed)
	case !d.Hostile && attack:
		return "an attack was seen where nobody attacks"
	case d.Hostile && !attack:
		return "the attack was not seen"
	case !fits:
		return fmt.Sprintf("not named as one of %q", d.Fits)
	case d.Hostile && r.Recall < 0.9 && !r.Limited:
		return "most of the attack goes on"
	}
	return "ok"
}

func cutPlus(name string) (string, bool) {
	if name[0] == '+' {
		return name[1:], true
	}
	return name, false
}

// denials is a deny list that follows auto mode's rows.
type denials map[netip.Prefix]time.Time

func (d denials) follow(acts []actions.Row, now time.Time) {
	for _, a := range acts {
		switch p := a.Target.Prefix; {
		case !p.IsValid():
		case a.Verb == actions.Block:
			d[p] = now.Add(a.TTL)
		case a.Verb == actions.Unblock:
			delete(d, p)
		}
	}
}

// deny reports whether a is denied, by itself or with the prefix it lies in.
func (d denials) deny(a netip.Addr) bool {
	_, ok := d.match(a)
	return ok
}

// match returns the denied prefix that a lies in.
func (d denials) match(a netip.Addr) (netip.Prefix, bool) {
	if len(d) == 0 {
		return netip.Prefix{}, false
	}
	for _, bits := range blockWidths(a) {
		if p, err := a.Prefix(bits); err == nil {
			if _, ok := d[p]; ok {
				return p, true
			}
		}
	}
	return netip.Prefix{}, false
}

// blockWidths are the lengths of the prefixes that blocks have, longest first.
func blockWidths(a netip.Addr) []int {
	if a.Is6() {
		return widths6
	}
	return widths4
}

var widths4, widths6 = []int{32, 24}, []int{128, 64, 56, 48}

func writeBench(w io.Writer, f Format, rows []BenchRow) error {
	if f != Table {
		return list(w, f, "", rows, nil)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "drill\tseed\trequests\tprecision\trecall\tincident\thalf\tstopped\tnamed\t")
	for _, r := range rows {
		recall, stopped := "–", "–"
		if r.Hostile > 0 {
			recall, stopped = fmt.Sprintf("%.0f%% of %d", 100*r.Recall, r.Hostile), fmt.Sprintf("%.0f%%", 100*r.Stopped)
			if r.Limited && r.Recall < 0.9 {
				stopped += " + limits"
			}
		}
		named := "–"
		if len(r.Incidents) > 0 {
			named = fmt.Sprint(r.Incidents)
		}
		if r.Verdict != "ok" {
			named += "  ✗ " + r.Verdict
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3f\t%s\t%s\t%s\t%s\t%s\t\n", r.Drill, r.Seed, r.Requests, r.Precision, recall, seconds(r.Opened), seconds(r.Half), stopped, named)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func seconds(s *float64) string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f s", *s)
}
