package enforcer

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

func TestItsOwnGuardrails(t *testing.T) {
	m := &memory{held: map[netip.Prefix]actions.Decision{}}
	g, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: []actions.Rule{{Value: "192.0.2.0/24"}}, Own: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, Options{Enforcers: []actions.Enforcer{m}, Limits: Limits{Guardrails: g}})
	endless, late := block("endless", "203.0.113.1/32"), block("late", "203.0.113.2/32")
	endless.Expires, late.Expires = time.Time{}, time.Now().Add(400*24*time.Hour)
	scale := block("scale", "203.0.113.3/32")
	scale.Verb = actions.ScaleUp
	bad := []actions.Decision{
		block("allowed", "192.0.2.7/32"), block("around", "192.0.0.0/16"), block("wide", "203.0.112.0/23"), block("wide6", "2001:db8::/47"),
		block("loopback", "127.0.0.1/32"), block("own", "198.51.100.0/24"), block("", "203.0.113.4/32"), endless, late, scale,
	}
	rs, err := c.Apply(context.Background(), append(bad, block("good", "203.0.113.5/32")))
	if err != nil || len(rs) != len(bad)+1 {
		t.Fatalf("%+v, %v", rs, err)
	}
	for _, r := range rs {
		if r.OK != (r.Decision == "good") || !r.OK && !strings.HasPrefix(r.Note, "the enforcer refuses: ") {
			t.Errorf("receipt %+v", r)
		}
	}
	if len(m.held) != 1 {
		t.Errorf("held %v", m.held)
	}
}

// TestItsOwnBudget: no more than is allowed at a time, whoever asks, counted
// with what was held before; what is held may be renewed, what ended makes room.
func TestItsOwnBudget(t *testing.T) {
	m := &memory{held: map[netip.Prefix]actions.Decision{}}
	before := block("before", "203.0.113.200/32")
	m.held[before.Target.Prefix] = before
	var later atomic.Int64
	g, err := actions.NewGuardrails(actions.GuardrailOptions{Allow: []actions.Rule{{Value: "asn:64500"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, Options{Enforcers: []actions.Enforcer{m}, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
		Limits: Limits{Guardrails: g, Blocks: 4, Facts: func(a netip.Addr) detect.Facts {
			if a == netip.MustParseAddr("192.0.2.9") {
				return detect.Facts{ASN: 64500}
			}
			return detect.Facts{ASN: 64501}
		}}})
	ctx := context.Background()
	apply := func(ids ...string) (took int, notes string) {
		var ds []actions.Decision
		for _, id := range ids {
			ds = append(ds, block(id, id+"/32"))
		}
		rs, err := c.Apply(ctx, ds)
		if err != nil || len(rs) != len(ds) {
			t.Fatalf("%+v, %v", rs, err)
		}
		for _, r := range rs {
			if r.OK {
				took++
			}
			notes += r.Note
		}
		return took, notes
	}
	if n, notes := apply("203.0.113.1", "203.0.113.200", "203.0.113.2", "203.0.113.3", "203.0.113.4"); n != 4 ||
		notes != "the enforcer refuses: 4 blocks are the most here; undo some, or raise auto.budget.active_blocks" {
		t.Fatalf("%d were taken: %s", n, notes)
	}
	if n, notes := apply("203.0.113.1", "203.0.113.3"); n != 2 {
		t.Errorf("%d of 2 renewed: %s", n, notes)
	}
	if n, _ := apply("203.0.113.4"); n != 0 || len(m.held) != 4 {
		t.Errorf("%d were taken, %d are held", n, len(m.held))
	}
	if _, err := c.Revoke(ctx, []actions.Decision{block("203.0.113.1", "203.0.113.1/32")}); err != nil {
		t.Fatal(err)
	}
	if n, notes := apply("203.0.113.4"); n != 1 {
		t.Errorf("what was lifted left no room: %s", notes)
	}
	later.Store(int64(30 * time.Minute))
	if n, _ := apply("203.0.113.5"); n != 0 {
		t.Error("nothing has ended yet")
	}
	later.Store(int64(61 * time.Minute))
	if n, notes := apply("203.0.113.5"); n != 1 {
		t.Errorf("what ended left no room: %s", notes)
	}
	if n, notes := apply("192.0.2.9"); n != 0 || !strings.HasPrefix(notes, "the enforcer refuses: allow_list: asn:64500 is on the allow list") {
		t.Errorf("%d were taken: %s", n, notes)
	}
}
