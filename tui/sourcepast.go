package tui

import (
	"strings"
	"time"
)

// customer says in one line what Elasticsearch remembers of the source: who
// blocks a customer at night wants to know it first.
func (s *sourceScreen) customer(m *Model, t *writer) {
	p := &s.past
	name := "last " + span(p.Over)
	switch {
	case !p.Configured:
		return
	case p.At.IsZero() && p.Problem == "":
		t.pairIn(m.th.dim, name, "asking Elasticsearch …")
		return
	case p.At.IsZero():
		t.pairIn(m.th.warn, name, "not known: "+p.Problem)
		return
	}
	words, likely := p.Customer()
	pn := m.th.text
	if likely {
		pn = m.th.warn
	}
	words += " (" + age(max(m.d.now().Sub(p.At), 0)) + " old)"
	if p.Problem != "" {
		words += "; nothing newer: " + p.Problem
	}
	t.pairIn(pn, name, words)
}

// days tells what the source did in the last days.
func (s *sourceScreen) days(m *Model, t *writer) {
	p := &s.past
	switch {
	case !p.Configured:
		t.head("Last days")
		t.add(m.th.dim, " Elasticsearch is not configured: what it did before is not known")
		return
	case p.At.IsZero():
		return
	}
	t.head("Last " + span(p.Over) + ", as Elasticsearch counted at " + clock(p.At) + "Z")
	if p.Requests == 0 {
		t.add(m.th.dim, " nothing")
		return
	}
	t.pair("requests", number(float64(p.Requests))+", first "+day(p.First)+" "+clock(p.First)+"Z, last "+day(p.Last)+" "+clock(p.Last)+"Z")
	var days []string
	for _, d := range p.Days {
		days = append(days, day(d.Time)+" "+number(float64(d.Requests)))
	}
	t.pair("by day", strings.Join(days, ", "))
	accounts := "none named"
	if len(p.Accounts) > 0 {
		accounts = shareText(p.Accounts)
	}
	t.pair("accounts", accounts)
	t.pair("statuses", shareText(p.Statuses))
	t.pair("paths", shareText(p.Paths))
	t.pair("ua", shareText(p.Agents))
}

// day writes a date: 22 Nov.
func day(t time.Time) string { return t.UTC().Format("2 Jan") }
