package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// message is what a target is given.
type message struct {
	key       string
	title     string
	body      string
	severity  Severity
	escalated bool // for those who are only told what nobody acknowledged
	resolved  bool
}

// group is the news of one incident.
type group struct {
	key       string
	service   string
	title     string
	open      map[string]bool // the incidents it is of that are not over
	peers     bool            // some of them are other hosts'
	severity  Severity        // the worst so far
	first     time.Time
	latest    time.Time
	firstSent time.Time
	lastSent  time.Time
	news      []piece // since the last message
	now       string  // how it goes on, for the next message
	urgent    bool    // some of the news must not wait
	said      map[string]bool
	resolved  bool
	escalated bool
	acked     string // who acknowledged it, "" nobody
	muted     time.Time
}

type piece struct {
	text  string
	times int
}

const (
	groupsMost = 1000
	newsMost   = 10
	saidMost   = 200
	openMost   = 256
	forgetting = 24 * time.Hour
)

// groups is the state of grouping: no I/O, no clock but the time it is given.
type groups struct {
	o      Options
	all    map[string]*group
	joined map[string]string // incidents that belong to a group under another key
}

func newGroups(o Options) *groups {
	return &groups{o: o, all: map[string]*group{}, joined: map[string]string{}}
}

// of returns the group an incident belongs to, or nil.
func (g *groups) of(incident string) *group {
	if key, ok := g.joined[incident]; ok {
		incident = key
	}
	return g.all[incident]
}

// forget drops a group with everything that belongs to it.
func (g *groups) forget(key string) {
	delete(g.all, key)
	maps.DeleteFunc(g.joined, func(_, to string) bool { return to == key })
}

// join finds the group of the same attack on the same service where hosts of a
// fleet see it each in its own log: to people it is one.
func (g *groups) join(e Event) *group {
	for _, key := range slices.Sorted(maps.Keys(g.all)) {
		if x := g.all[key]; !x.resolved && x.service == e.Service && x.title == e.Title && (x.peers || e.Peer) {
			if len(g.joined) < groupsMost {
				g.joined[e.key()] = key
			}
			return x
		}
	}
	return nil
}

// add takes one piece of news.
func (g *groups) add(e Event) {
	e = e.clean()
	key := e.key()
	x := g.of(key)
	if x == nil {
		x = g.join(e)
	}
	if x == nil {
		if len(g.all) >= groupsMost {
			key, e.Title, e.Resolved = "overflow", "many incidents at once", false
			x = g.all[key]
		}
		if x == nil {
			x = &group{key: key, service: e.Service, title: e.Title, first: e.At, said: map[string]bool{}, open: map[string]bool{}}
			g.all[key] = x
		}
	}
	x.latest, x.peers = e.At, x.peers || e.Peer
	if e.Resolved {
		delete(x.open, key)
	} else if len(x.open) < openMost {
		x.open[key] = true
	}
	if x.resolved && !e.Resolved { // it came back before its end was told
		x.resolved = false
	}
	worse := e.Severity > x.severity && !x.firstSent.IsZero()
	if e.Severity > x.severity {
		x.severity = e.Severity
		if !x.firstSent.IsZero() {
			x.acked = "" // it got worse than what was acknowledged
		}
	}
	x.resolved = x.resolved || e.Resolved && len(x.open) == 0
	if e.Update && !worse {
		x.now = e.Text
		return
	}
	if e.Update {
		x.now = "" // what it says is older
	}
	x.urgent = x.urgent || e.Urgent
	if e.Text == "" || x.said[e.Text] && !e.Resolved {
		return
	}
	if i := slices.IndexFunc(x.news, func(p piece) bool { return p.text == e.Text }); i >= 0 {
		x.news[i].times++
		return
	}
	if len(x.news) >= newsMost { // the first says what began, the last what is now
		x.news = slices.Delete(x.news, 1, 2)
	}
	x.news = append(x.news, piece{e.Text, 1})
}

// due returns the messages whose time has come.
func (g *groups) due(now time.Time) []message {
	var out []message
	for key, x := range g.all {
		switch {
		case now.Before(x.muted):
			if x.resolved {
				g.forget(key)
			}
			continue
		case now.Sub(x.latest) > forgetting:
			g.forget(key)
			continue
		}
		if m, ok := g.message(x, now); ok {
			out = append(out, m)
		}
		if m, ok := g.escalation(x, now); ok {
			out = append(out, m)
		}
		if x.resolved && len(x.news) == 0 {
			g.forget(key)
		}
	}
	slices.SortStableFunc(out, func(a, b message) int { return strings.Compare(a.key, b.key) })
	return out
}

func (g *groups) message(x *group, now time.Time) (message, bool) {
	state := "open"
	switch {
	case len(x.news) > 0 && x.firstSent.IsZero():
		if now.Before(x.first.Add(g.o.Wait)) && x.severity < Critical && !x.urgent {
			return message{}, false
		}
	case len(x.news) > 0:
		if !x.resolved && !x.urgent && now.Before(x.lastSent.Add(g.o.Interval)) {
			return message{}, false
		}
	default:
		if x.firstSent.IsZero() || x.acked != "" || x.resolved || now.Before(x.lastSent.Add(g.o.Repeat)) {
			return message{}, false
		}
		state = "still open"
	}
	if x.resolved {
		state = "resolved"
	} else if x.acked != "" {
		state = "acknowledged by " + x.acked
	}
	m := message{key: x.key, title: fmt.Sprintf("[levee] %s: %s (%s)", x.severity, x.title, state), severity: x.severity, resolved: x.resolved, body: x.text()}
	for _, p := range x.news {
		if len(x.said) < saidMost {
			x.said[p.text] = true
		}
	}
	x.news, x.now, x.urgent = nil, "", false
	x.lastSent = now
	if x.firstSent.IsZero() {
		x.firstSent = now
	}
	return m, true
}

// escalation tells more people what nobody acknowledged.
func (g *groups) escalation(x *group, now time.Time) (message, bool) {
	if x.escalated || x.acked != "" || x.resolved || x.severity < Warning || x.firstSent.IsZero() || now.Before(x.firstSent.Add(g.o.Escalate)) {
		return message{}, false
	}
	x.escalated = true
	return message{
		key: x.key, severity: x.severity, escalated: true,
		title: fmt.Sprintf("[levee] %s: %s (nobody acknowledged it for %s)", x.severity, x.title, g.o.Escalate),
		body:  strings.TrimSpace(fmt.Sprintf("Open since %s. Take it: levee ack %s, or o in levee's console.\n%s", x.first.UTC().Format("15:04:05 UTC"), x.key, x.now)),
	}, true
}

func (x *group) text() string {
	var b strings.Builder
	for _, p := range x.news {
		b.WriteString(p.text)
		if p.times > 1 {
			fmt.Fprintf(&b, " (%d times)", p.times)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		fmt.Fprintf(&b, "Open since %s.\n", x.first.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if x.now != "" && !x.resolved {
		b.WriteString(x.now + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}
