package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// Row is one line of `levee scan`: a decision or an incident's change, at the
// log's own time, in ECS names.
type Row struct {
	Time       string            `json:"@timestamp"` // RFC 3339 UTC, to the millisecond
	Action     string            `json:"event.action"`
	SourceIP   string            `json:"source.ip,omitempty"`
	Prefix     string            `json:"source.prefix,omitempty"`
	Attack     detect.Attack     `json:"levee.attack,omitempty"`
	Traits     []detect.Attack   `json:"levee.traits,omitempty"`
	Score      *float64          `json:"levee.score,omitempty"`
	TTL        *float64          `json:"levee.ttl_s,omitempty"`
	Evidence   []string          `json:"levee.evidence,omitempty"`
	Incident   string            `json:"levee.incident,omitempty"`
	Signature  *detect.Signature `json:"levee.signature,omitempty"`
	Excess     *float64          `json:"levee.excess_share,omitempty"`
	Collateral *float64          `json:"levee.collateral_share,omitempty"`
	Service    string            `json:"url.domain,omitempty"`
}

// stamp formats event time as every row and every console shows it to scripts.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// setSource names p as source.ip when it is one address, else as source.prefix:
// an IPv6 client is its /64.
func (r *Row) setSource(p netip.Prefix) {
	if p.IsSingleIP() {
		r.SourceIP = p.Addr().String()
		return
	}
	r.Prefix = p.String()
}

func suspectRow(t time.Time, s *detect.Suspect) Row {
	r := Row{Time: stamp(t), Action: string(detect.SuspectSeen), Attack: s.Attack, Traits: s.Traits,
		Score: &s.Score, Evidence: words(s.Evidence), Incident: s.Incident, Service: s.Service}
	r.setSource(s.Key)
	return r
}

func incidentRow(e detect.Event) Row {
	i := e.Incident
	return Row{Time: stamp(e.Time), Action: string(e.Kind), Attack: i.Attack, Traits: i.Traits, Evidence: words(i.Evidence),
		Incident: i.ID, Signature: &i.Signature, Excess: &i.Excess, Collateral: &i.Collateral, Service: i.Service}
}

// actRow turns what auto mode would have done into a row; ok is false for
// messages to people, which are no act.
func actRow(a *actions.Row) (r Row, ok bool) {
	action := string(a.Verb)
	switch a.Verb {
	case actions.Notify:
		return Row{}, false
	case actions.ScaleUp, actions.ScaleDown:
		action = "scale"
	}
	r = Row{Time: stamp(a.Time), Action: action, Attack: a.Attack, Evidence: a.Evidence, Incident: a.Incident, Service: a.Service}
	if r.Evidence == nil {
		r.Evidence = []string{a.Reason}
	}
	if a.Verb == actions.Block {
		r.Score = &a.Score
	}
	if a.TTL > 0 {
		s := a.TTL.Seconds()
		r.TTL = &s
	}
	switch {
	case a.Target.Prefix.IsValid():
		r.setSource(a.Target.Prefix)
	case a.Target.Signature != nil:
		r.Signature = a.Target.Signature
	}
	return r, true
}

func words(ev []detect.Evidence) []string {
	out := make([]string, len(ev))
	for i, e := range ev {
		out[i] = e.Text
	}
	return out
}

// rowWriter prints rows as they come, in one of the formats of -o.
type rowWriter struct {
	w      *bufio.Writer
	format Format
	n      int
}

func newRowWriter(w io.Writer, f Format) *rowWriter {
	return &rowWriter{w: bufio.NewWriterSize(w, 64<<10), format: f}
}

func (w *rowWriter) write(r Row) error {
	w.n++
	if w.format == Table {
		_, err := fmt.Fprintf(w.w, "%s  %-15s %-22s %-19s %s\n", r.Time, r.Action, r.subject(), r.Attack, r.because())
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	switch {
	case w.format == JSONL:
		b = append(b, '\n')
	case w.n == 1:
		b = append([]byte("[\n"), b...)
	default:
		b = append([]byte(",\n"), b...)
	}
	_, err = w.w.Write(b)
	return err
}

func (w *rowWriter) close() error {
	if w.format == JSON {
		end := "\n]\n"
		if w.n == 0 {
			end = "[]\n"
		}
		if _, err := w.w.WriteString(end); err != nil {
			return err
		}
	}
	return w.w.Flush()
}

func (r *Row) subject() string {
	switch {
	case r.SourceIP != "":
		return r.SourceIP
	case r.Prefix != "":
		return r.Prefix
	case r.Service != "":
		return r.Service
	}
	return "-"
}

// because is the reason in one line: the strongest evidence, and for a
// signature what it matches.
func (r *Row) because() string {
	var b strings.Builder
	if r.TTL != nil {
		fmt.Fprintf(&b, "%s ", time.Duration(*r.TTL*float64(time.Second)))
	}
	if r.Score != nil {
		fmt.Fprintf(&b, "score %.0f ", *r.Score)
	}
	if r.Excess != nil && *r.Excess > 0 {
		fmt.Fprintf(&b, "%.0f%% of the excess, %.2f%% of usual traffic; ", 100**r.Excess, 100**r.Collateral)
	}
	if r.Signature != nil {
		if s, err := json.Marshal(r.Signature); err == nil && len(s) > 2 {
			b.Write(s)
			b.WriteByte(' ')
		}
	}
	for i, e := range r.Evidence {
		if i == 3 {
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e)
	}
	return strings.TrimSpace(b.String())
}

// target names a prefix as people write it: one address without its length.
func target(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
