package ledger

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"levee/actions"
)

func TestWordsOfTheAudit(t *testing.T) {
	ana := actions.Actor{Name: "ana", Role: actions.Operator, Via: "ssh", Key: "SHA256:abc"}
	end := time.Date(2026, 3, 12, 20, 30, 0, 0, time.UTC)
	d := actions.Decision{ID: "d-1", Verb: actions.Block, Target: actions.Target{Prefix: netip.MustParsePrefix("203.0.113.7/32")}, State: actions.Intent,
		Actor: ana, Reason: "scan", TTL: 30 * time.Minute, Expires: end}
	applied, ended := d, d
	applied.State, applied.Receipts = actions.Applied, []actions.Receipt{{Enforcer: "nft", OK: true}, {Enforcer: "jenkins", Note: "job ops/block-ip #3 failed"}}
	applied.Effect = &actions.Effect{Predicted: 51, Measured: 50}
	ended.State, ended.EndedBy = actions.Undone, "bo"
	for _, c := range []struct {
		e    actions.Entry
		want string
	}{
		{actions.Entry{Kind: actions.Committed, Actor: ana, Commitment: &actions.Commitment{Verb: actions.Block, Targets: 1200, Reason: "botnet", Refused: 2,
			Refusals: []string{"192.0.2.1 is on the allow list"}, Second: &actions.Actor{Name: "bo"}, BreakGlass: true}},
			"block of 1200 targets: botnet; 2 refused: 192.0.2.1 is on the allow list; approved by bo; BREAK GLASS: no second person was asked; via ssh, key SHA256:abc"},
		{actions.Entry{Kind: actions.Opened, Actor: ana, Decision: d}, "block 203.0.113.7 for 30m0s: scan; via ssh, key SHA256:abc"},
		{actions.Entry{Kind: actions.Changed, Actor: actions.Auto, Decision: applied},
			"until 2026-03-12 20:30:00 UTC; nft ok; jenkins FAILED: job ops/block-ip #3 failed; removed 50 requests/s of 51 predicted"},
		{actions.Entry{Kind: actions.Changed, Actor: actions.Auto, Decision: ended}, "ended by bo"},
		{actions.Entry{Kind: actions.Set, Actor: ana, Key: "automation", Value: "off"}, "automation is now off; via ssh, key SHA256:abc"},
		{actions.Entry{Kind: actions.Set, Actor: ana, Key: "automation", Value: `{"auto_on":true,"armed":false,"by":"ana"}`}, "all automation is stopped; via ssh, key SHA256:abc"},
		{actions.Entry{Kind: actions.Set, Actor: ana, Key: "automation", Value: `{"auto_on":true,"armed":true}`}, "automation is armed, auto mode on; via ssh, key SHA256:abc"},
	} {
		r, err := encode(&c.e)
		if err != nil {
			t.Fatal(err)
		}
		row := AuditRow{Kind: r.Kind, Body: r.Body}
		if got := row.Words(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", r.Kind, got, c.want)
		}
	}
	odd := AuditRow{Kind: "applied", Body: json.RawMessage(`[1]`)}
	if got := odd.Words(); !strings.Contains(got, "[1]") {
		t.Errorf("what can't be read is shown as %q", got)
	}
}
