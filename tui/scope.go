package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"levee/detect"
)

// scope narrows the chart and the top lists to the suspects that pass the
// filter. A snapshot holds no past of single suspects, so a scope's past begins
// when it is set.
type scope struct {
	of   *filter          // what it counts; another filter begins a new past
	hist []detect.Point   // a point a second, at most scopeKept
	view *detect.Snapshot // what charts and tops show instead of the snapshot; nil: not scoped
	n    int              // suspects that pass
	seq  uint64
}

// scopeKept is how many seconds a scope remembers.
const scopeKept = 3600

// load counts what passes the filter in the newest snapshot. Without a filter
// the scope ends.
func (sc *scope) load(m *Model) {
	f := m.table.filter
	if sc.of == nil {
		return
	}
	if f == nil || f.text == "" {
		*sc = scope{}
		return
	}
	if f != sc.of {
		*sc = scope{of: f}
	}
	s := m.d.snap
	if sc.view != nil && sc.seq == s.Seq {
		return
	}
	sc.seq = s.Seq
	v := *s
	v.Total = detect.Traffic{P50: -1, P95: -1}
	var paths, agents, networks tally
	var p detect.Point
	sc.n = 0
	for i := range s.Suspects {
		x := &s.Suspects[i]
		if !f.match(subject{x, m.d.standing(x), m.d.now()}) {
			continue
		}
		sc.n++
		v.Total.Rate += x.Rate
		v.Total.ErrorShare += x.Rate * x.ErrorShare
		p.Incident = p.Incident || x.Incident != ""
		paths.add(x.TopPath, x.Rate)
		agents.add(orNone(x.TopAgent), x.Rate)
		networks.add(networkName(x), x.Rate)
	}
	if v.Total.Rate > 0 {
		v.Total.ErrorShare /= v.Total.Rate
	}
	v.Total.Sources = sc.n
	v.Paths, v.Agents, v.Networks = paths.shares(v.Total.Rate), agents.shares(v.Total.Rate), networks.shares(v.Total.Rate)
	p.Time, p.P95 = s.Now.Unix(), -1
	p.Requests, p.Errors = uint32(v.Total.Rate+.5), uint32(v.Total.Rate*v.Total.ErrorShare+.5)
	if n := len(sc.hist); n > 0 && sc.hist[n-1].Time >= p.Time {
		sc.hist[n-1] = p
	} else {
		sc.hist = append(sc.hist, p)
	}
	if len(sc.hist) > 2*scopeKept {
		sc.hist = slices.Clone(sc.hist[len(sc.hist)-scopeKept:])
	}
	v.History = sc.hist[max(0, len(sc.hist)-scopeKept):]
	sc.view = &v
}

// shown is what charts and tops are drawn from.
func (m *Model) shown() *detect.Snapshot {
	if m.scope.view != nil {
		return m.scope.view
	}
	return m.d.snap
}

// scoped reports whether charts and tops count a part of the traffic only.
func (m *Model) scoped() bool { return m.scope.view != nil }

// title says what is counted and since when.
func (sc *scope) title() string {
	t := " of " + plural(sc.n, "suspect") + " /" + sc.of.text
	if len(sc.hist) > 0 {
		t += " since " + clockOf(sc.hist[0].Time)
	}
	return t
}

// toggleScope scopes charts and tops to the filter, or lets them show all again.
func (m *Model) toggleScope() {
	switch f := m.table.filter; {
	case m.scope.of != nil:
		m.scope = scope{}
		m.say("info", "charts and tops count all traffic again")
	case f == nil || f.text == "":
		m.say("info", "there is no filter to scope charts and tops to: "+m.keyOf("filter")+" sets one, then "+m.keyOf("scope"))
		return
	default:
		m.scope = scope{of: f}
		m.say("info", "charts and tops count only what passes /"+f.text+"; "+m.keyOf("scope")+" counts all again")
	}
	m.rescope()
}

// rescope counts anew after the filter or the scope changed.
func (m *Model) rescope() {
	m.scope.load(m)
	m.chart.lines, m.chart.part = nil, m.scoped()
	m.recall()
}

// cmdScope is :scope TERMS, or the name of a saved filter; without terms all
// traffic counts again.
func (m *Model) cmdScope(args []string) (tea.Cmd, error) {
	if len(args) == 0 {
		if m.scope.of != nil {
			m.toggleScope()
		}
		return nil, nil
	}
	if _, err := m.cmdFilter(args); err != nil {
		return nil, err
	}
	if m.scope.of == nil {
		m.toggleScope()
	}
	if m.at != scrOverview {
		m.goTo(scrOverview)
	}
	return nil, nil
}

// networkName is the network of a suspect as top lists name it.
func networkName(s *detect.Suspect) string {
	if s.ASN != 0 {
		return "AS" + strconv.FormatUint(uint64(s.ASN), 10)
	}
	return networkOf(s.Key).String()
}

// tally adds requests/s up by name.
type tally map[string]float64

func (t *tally) add(name string, n float64) {
	if *t == nil {
		*t = tally{}
	}
	(*t)[name] += n
}

// shares lists the names with most, at most 20.
func (t tally) shares(all float64) []detect.Share {
	out := make([]detect.Share, 0, len(t))
	for name, n := range t {
		s := detect.Share{Name: name, Count: uint64(n)}
		if all > 0 {
			s.Share = n / all
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b detect.Share) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), 20)]
}
