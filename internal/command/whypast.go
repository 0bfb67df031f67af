package command

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"levee/detect"
	"levee/internal/status"
)

// pastFor is how long `why` waits for Elasticsearch: somebody is on the phone.
const pastFor = 5 * time.Second

// pastRow is what Elasticsearch remembers of an address.
type pastRow struct {
	Says     string   `json:"levee.customer,omitempty"`
	Problem  string   `json:"error.message,omitempty"`
	Asked    string   `json:"@timestamp,omitempty"`
	Days     int      `json:"levee.days"`
	Requests uint64   `json:"levee.requests"`
	Named    uint64   `json:"levee.requests_with_account"`
	First    string   `json:"event.start,omitempty"`
	Last     string   `json:"event.end,omitempty"`
	Accounts []string `json:"user.name,omitempty"`
	Paths    []string `json:"url.path,omitempty"`
	Agents   []string `json:"user_agent.original,omitempty"`
}

// askPast returns nil without Elasticsearch.
func askPast(ctx context.Context, h Host, p netip.Prefix) *pastRow {
	ctx, cancel := context.WithTimeout(ctx, pastFor)
	defer cancel()
	return newPastRow(h.Station.AskPast(ctx, p))
}

func newPastRow(p status.Past) *pastRow {
	if !p.Configured {
		return nil
	}
	r := &pastRow{Problem: p.Problem, Days: len(p.Days), Requests: p.Requests, Named: p.Named,
		Accounts: names(p.Accounts), Paths: names(p.Paths), Agents: names(p.Agents)}
	if !p.At.IsZero() {
		r.Says, _ = p.Customer()
		r.Asked = stamp(p.At)
	}
	if !p.First.IsZero() {
		r.First, r.Last = stamp(p.First), stamp(p.Last)
	}
	return r
}

func names(list []detect.Share) []string {
	var out []string
	for _, s := range list[:min(len(list), 5)] {
		out = append(out, s.Name)
	}
	return out
}

// lines is the history in sentences.
func (r *pastRow) lines() []string {
	if r == nil {
		return []string{"history: Elasticsearch is not configured; what it did before levee saw it is not known"}
	}
	var out []string
	if r.Problem != "" {
		out = append(out, "history: "+r.Problem)
	}
	if r.Asked == "" {
		return out
	}
	out = append(out, fmt.Sprintf("history: %s (as of %s)", r.Says, r.Asked))
	if r.Requests == 0 {
		return out
	}
	out = append(out, fmt.Sprintf("  %d requests, first %s, last %s", r.Requests, r.First, r.Last))
	for _, x := range []struct {
		name string
		list []string
	}{{"accounts", r.Accounts}, {"paths", r.Paths}, {"user agents", r.Agents}} {
		if len(x.list) > 0 {
			out = append(out, "  "+x.name+": "+strings.Join(x.list, ", "))
		}
	}
	return out
}
