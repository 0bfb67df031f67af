package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"levee/actions"
	"levee/actions/ledger"
	"levee/detect"
)

// account is everything known of an address.
type account struct {
	Target    string             `json:"source"`
	Standing  *decisionRow       `json:"levee.standing,omitempty"` // what is in force on it now
	Score     float64            `json:"levee.score"`
	Attack    detect.Attack      `json:"levee.attack,omitempty"`
	Evidence  []string           `json:"levee.evidence,omitempty"`
	Known     bool               `json:"levee.seen"` // whether the detector holds it now
	First     string             `json:"event.start,omitempty"`
	Last      string             `json:"event.end,omitempty"`
	Rate      float64            `json:"levee.rate"`
	Requests  uint64             `json:"levee.requests"`
	Service   string             `json:"url.domain,omitempty"`
	ASN       uint32             `json:"source.as.number,omitempty"`
	ASName    string             `json:"source.as.organization.name,omitempty"`
	Country   string             `json:"source.geo.country_iso_code,omitempty"`
	Usual     float64            `json:"levee.usual_share"`
	Requested []string           `json:"levee.recent,omitempty"`
	History   *pastRow           `json:"levee.history,omitempty"` // of the last days, from Elasticsearch
	Decisions []decisionRow      `json:"levee.decisions"`
	decisions []actions.Decision // the same
}

func whyVerb(run Runner) *cobra.Command {
	var format string
	c := verb(run, "why TARGET", "everything known of an address: what support answers a customer with",
		"Says everything known of an address or prefix: whether something stands against it, why, since when, who did\nit, and how to lift it.", oneArgument("TARGET"),
		func(ctx context.Context, h Host, s Streams, args []string) error {
			f, err := ParseFormat(format)
			if err != nil {
				return err
			}
			p, err := actions.ParsePrefix(args[0])
			if err != nil {
				return Usagef("%v", err)
			}
			ds, err := h.Station.Decisions(ctx, ledger.Query{Target: p, Limit: 20})
			if err != nil {
				return err
			}
			a := newAccount(target(p), h.Station.Source(p), ds)
			if d, ok := h.Station.Board().Find(p); ok {
				row := newDecisionRow(&d)
				a.Standing = &row
			}
			a.History = askPast(ctx, h, p)
			if f != Table {
				b, err := json.MarshalIndent(a, "", "  ")
				if f == JSONL {
					b, err = json.Marshal(a)
				}
				return report(s, err, "%s", b)
			}
			return report(s, nil, "%s", a.text(h.Station.Status().Now))
		})
	output(c, &format)
	return c
}

func newAccount(name string, v detect.SourceView, ds []actions.Decision) *account {
	a := &account{Target: name, Score: v.Score, Attack: v.Attack, Evidence: words(v.Evidence), Known: v.Known, Rate: v.Rate,
		Requests: v.Hits, Service: v.Service, ASN: v.ASN, ASName: v.ASName, Country: v.Country, Usual: v.UsualShare,
		Decisions: []decisionRow{}, decisions: ds}
	if v.Known {
		a.First, a.Last = stamp(v.First), stamp(v.Last)
	}
	for i, r := range v.Recent {
		if i == 5 {
			break
		}
		a.Requested = append(a.Requested, fmt.Sprintf("%s %s %s %d", stamp(r.Time), r.Method, r.Target, r.Status))
	}
	for i := range ds {
		a.Decisions = append(a.Decisions, newDecisionRow(&ds[i]))
	}
	return a
}

// text is the account in sentences.
func (a *account) text(now time.Time) string {
	var b strings.Builder
	line := func(format string, x ...any) { b.WriteString(oneLine(fmt.Sprintf(format, x...)) + "\n") }
	switch d := a.Standing; {
	case d == nil:
		line("%s: nothing stands against it.", a.Target)
	case d.Action == string(actions.Allow):
		line("%s: allowed by %s (%s): no block touches it.", a.Target, d.User, d.Reason)
	default:
		line("%s: %s by %s since %s, %s%s.", a.Target, d.Action, d.User, d.Time, d.State, left(d.Expires, now))
		line("  why: %s", because(d.Reason, d.Evidence))
		line("  lift it: levee unblock %s", d.SourceIP+d.Prefix)
	}
	if !a.Known {
		line("traffic: none held now")
	} else {
		line("traffic: %.2f requests/s now, %d since %s, last %s, mostly to %s; %.2f%% of usual traffic", a.Rate, a.Requests, a.First, a.Last, a.Service, 100*a.Usual)
	}
	if a.ASN != 0 || a.Country != "" {
		line("network: AS%d %s %s", a.ASN, a.ASName, a.Country)
	}
	if a.Score > 0 {
		line("verdict: score %.0f %s", a.Score, a.Attack)
		for _, e := range a.Evidence {
			line("  %s", e)
		}
	}
	for _, r := range a.Requested {
		line("request: %s", r)
	}
	for _, l := range a.History.lines() {
		line("%s", l)
	}
	for _, d := range a.Decisions {
		line("decision: %s %s %s %s by %s: %s%s", d.Time, d.ID, d.Action, d.State, d.User, because(d.Reason, d.Evidence), ended(d.EndedBy))
	}
	return strings.TrimRight(b.String(), "\n")
}

func left(expires string, now time.Time) string {
	t, err := time.Parse("2006-01-02T15:04:05.000Z", expires)
	if err != nil {
		return ", without end"
	}
	return ", " + max(0, t.Sub(now)).Round(time.Second).String() + " left"
}

func because(reason string, evidence []string) string {
	return strings.Join(append([]string{reason}, evidence[:min(3, len(evidence))]...), "; ")
}

func ended(by string) string {
	if by == "" {
		return ""
	}
	return " (ended by " + by + ")"
}
