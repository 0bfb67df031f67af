package command

import (
	"strings"
	"testing"
	"time"

	"levee/detect"
	"levee/internal/status"
)

// TestWhyTellsTheHistory words what Elasticsearch remembers, and what it does
// not.
func TestWhyTellsTheHistory(t *testing.T) {
	at := time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)
	day := status.Day{Time: at, Requests: 20}
	base := status.Past{Configured: true, At: at, Over: 7 * 24 * time.Hour, Requests: 40, First: at.AddDate(0, 0, -3), Last: at, Days: []status.Day{day}}
	with := func(change func(*status.Past)) status.Past { p := base; change(&p); return p }
	for name, c := range map[string]struct {
		past status.Past
		say  []string
	}{
		"none": {status.Past{}, []string{"Elasticsearch is not configured"}},
		"down": {status.Past{Configured: true, Problem: "Elasticsearch at x refuses connections"}, []string{"history: Elasticsearch at x refuses connections"}},
		"customer": {with(func(p *status.Past) {
			p.Named, p.Days, p.Accounts = 9, []status.Day{day, day}, []detect.Share{{Name: "ana"}}
		}), []string{"LOOKS LIKE A CUSTOMER: seen on 2 of 7 days, named an account in 9 requests", "accounts: ana", "as of 2026-03-12T09:00:00", "40 requests, first 2026-03-09"}},
		"new":      {with(func(p *status.Past) { p.Named = 1 }), []string{"on one day only"}},
		"regular":  {with(func(p *status.Past) { p.Days = []status.Day{day, day, day} }), []string{"a regular visitor"}},
		"stranger": {base, []string{"not known as a customer"}},
		"guesser":  {with(func(p *status.Past) { p.Named, p.Accounts = 40, make([]detect.Share, 10) }), []string{"somebody who guesses"}},
		"nothing":  {with(func(p *status.Past) { p.Requests, p.Days, p.First = 0, nil, time.Time{} }), []string{"not seen before"}},
		"old":      {with(func(p *status.Past) { p.Problem = "Elasticsearch is too busy" }), []string{"history: Elasticsearch is too busy", "not known as a customer"}},
	} {
		got := strings.Join(newPastRow(c.past).lines(), "\n")
		for _, say := range c.say {
			if !strings.Contains(got, say) {
				t.Errorf("%s: %q does not say %q", name, got, say)
			}
		}
	}
}
