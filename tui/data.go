package tui

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// data is what one tick loaded. Screens read it and never write it.
type data struct {
	*digest
	status Status
	me     actions.Actor
	acts   bool      // whether the session may act at all
	waits  []Waiting // plans of others that this operator could approve
}

// emptyData is what a console shows before the first snapshot.
func emptyData() *data {
	return &data{digest: newDigest(&detect.Snapshot{}, &actions.Board{}, nil, false, time.Time{}), status: Status{DataAge: -1}}
}

// load reads feed; what old or shared worked out of the same state is kept.
func load(feed Feed, old *data, shared *Shared, staleAfter time.Duration) *data {
	snap, board := feed.Snapshot(), feed.Board()
	if snap == nil {
		snap = &detect.Snapshot{}
	}
	if board == nil {
		board = &actions.Board{}
	}
	d := &data{status: feed.Status()}
	if d.status.Now.IsZero() {
		d.status.Now = snap.Now
	}
	stale := d.status.DataAge > staleAfter
	if shared != nil {
		d.digest = shared.digest(snap, board, stale, d.now())
	} else {
		d.digest = newDigest(snap, board, old.digest, stale, d.now())
	}
	return d
}

// graver reports whether a belongs in the banner before b: an attack that goes
// on, then a surge that is none, then an attack that has fallen silent but is
// not closed yet.
func graver(a, b *detect.Incident, now time.Time) bool {
	rank := func(in *detect.Incident) int {
		switch {
		case in.Attack.Hostile() && in.Rate >= 1:
			return 2
		case !in.Attack.Hostile():
			return 1
		}
		return 0
	}
	if ra, rb := rank(a), rank(b); ra != rb {
		return ra > rb
	}
	return loudness(a, now) > loudness(b, now)
}

// lately is how long the peak of a new incident counts for its rank: blocks
// quieten the worst attack first, and it is still the one to tell of.
const lately = 10 * time.Minute

// loudness is how far in goes, or lately went, above what is usual: requests/s.
func loudness(in *detect.Incident, now time.Time) float64 {
	n := in.Rate - in.Baseline
	if now.Sub(in.Opened) < lately {
		n = max(n, (in.Peak-in.Baseline)/2)
	}
	return n
}

// others names what else goes on beside the incident of the banner, where w
// columns have room for it and it is something else.
func (d *data) others(w int) string {
	if w < 110 {
		return ""
	}
	var names []string
	for i := range d.snap.Incidents {
		in := &d.snap.Incidents[i]
		if name := attackName(in.Attack); in.Closed.IsZero() && in.Attack != d.top.Attack && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// drops is the worst of what the kernel drops on this host before any log
// sees it, "" when nothing is.
func (d *data) drops() string {
	if len(d.status.Host.Signs) == 0 {
		return ""
	}
	return d.status.Host.Signs[0]
}

// failures is the share of answers with an error and that of what was turned
// away, in the last ten whole seconds. A block that works is no error.
func (d *data) failures() (errors, away float64) {
	hist, n := d.snap.History, 0.0
	for i := max(len(hist)-11, 0); i < len(hist)-1; i++ {
		p := &hist[i]
		n += float64(p.Requests)
		away += float64(p.Refused)
	}
	if n == 0 {
		return d.snap.Total.ErrorShare, 0
	}
	away /= n
	return max(d.snap.Total.ErrorShare-away, 0), away
}

// hostile reports whether an attack goes on.
func (d *data) hostile() bool { return d.top != nil && d.top.Attack.Hostile() }

// standing is how s stands now.
func (d *data) standing(s *detect.Suspect) standing { return d.standingAt(s, d.now()) }

// now is the wall clock that TTLs count down against.
func (d *data) now() time.Time { return d.status.Now }

// suspect finds the verdict on p, or nil.
func (d *data) suspect(p netip.Prefix) *detect.Suspect { return suspectIn(d.snap, p) }

func suspectIn(s *detect.Snapshot, p netip.Prefix) *detect.Suspect {
	if s == nil {
		return nil
	}
	for i := range s.Suspects {
		if s.Suspects[i].Key == p {
			return &s.Suspects[i]
		}
	}
	return nil
}

// prefixText writes p as people do: an address without its /32, an IPv6
// client with its /64.
func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return "?"
	}
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// targetText names what a decision is aimed at.
func targetText(t actions.Target) string {
	switch {
	case t.Prefix.IsValid():
		return prefixText(t.Prefix)
	case t.Signature != nil:
		if t.Service != "" {
			return t.Service + " " + signatureText(*t.Signature)
		}
		return signatureText(*t.Signature)
	case t.Service != "":
		return t.Service
	}
	return "all services"
}

// signatureText writes the terms that constrain.
func signatureText(s detect.Signature) string {
	var out []string
	for _, t := range [...][2]string{
		{"", s.Method}, {"", s.Path}, {"query ", s.Query}, {"ua ", s.UserAgent}, {"referer ", s.Referer}, {"HTTP/", strings.TrimPrefix(s.HTTPVersion, "HTTP/")},
		{"headers ", s.Headers}, {"status ", s.Status}, {"from ", s.Prefix}, {"AS", strings.TrimPrefix(s.ASN, "AS")}, {"country ", s.Country},
	} {
		if t[1] != "" {
			out = append(out, t[0]+t[1])
		}
	}
	if len(out) == 0 {
		return "any request"
	}
	return strings.Join(out, " · ")
}

// rules is what speaks against a source, in w columns; of one that is quiet
// since it was dealt with, what it was dealt with for.
func rules(r *row, w int) string {
	if s := signals(r.s, w); s != "" {
		return s
	}
	attack := r.s.Attack
	if d := r.st.decision; attack == "" && d != nil {
		attack = d.Attack
	}
	if attack == "" {
		return ""
	}
	return "was " + attackName(attack)
}

// tags are the evidence's names as the RULES column has room for them. What is
// not listed stands by its own name, with - for _.
var tags = map[string]string{
	"incident": "botnet", "signature": "botnet", "nothing_else": "logins-only", "login_failures": "logins", "missing_paths": "404s", "tool_agent": "tool",
	"agent_churn": "many-ua", "random_query": "random", "odd_method": "method", "many_people": "shared", "verified_crawler": "crawler",
	"machine_route": "api", "one_path": "one-path", "false_crawler": "fake-bot", "attack_tool": "scanner",
}

// signals lists the tags of the evidence against s, strongest first. Those that
// w columns have no room for are counted.
func signals(s *detect.Suspect, w int) string {
	var names []string
	for _, e := range s.Evidence {
		if e.Points < 0 {
			continue
		}
		name, ok := tags[e.Signal]
		if !ok {
			name = strings.ReplaceAll(e.Signal, "_", "-")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var out strings.Builder
	for i, n := range names {
		more := 0
		if left := len(names) - i - 1; left > 0 {
			more = len(" +") + len(strconv.Itoa(left))
		}
		if i > 0 && measure(out.String())+len(",")+measure(n)+more > w {
			return out.String() + " +" + strconv.Itoa(len(names)-i)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(n)
	}
	return out.String()
}

// signalWords is what the filter finds evidence by: its names and their tags.
func signalWords(s *detect.Suspect) string {
	var out []string
	for _, e := range s.Evidence {
		if e.Points >= 0 {
			out = append(out, e.Signal, strings.ReplaceAll(e.Signal, "_", "-"), tags[e.Signal])
		}
	}
	return strings.Join(out, " ")
}
