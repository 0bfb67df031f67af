package nft

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"pgregory.net/rapid"

	"levee/actions"
	"levee/detect"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestHandles(t *testing.T) {
	f, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		d    actions.Decision
		want bool
	}{
		{actions.Decision{Verb: actions.Block, Target: actions.Target{Prefix: prefix("192.0.2.1/32")}}, true},
		{actions.Decision{Verb: actions.Throttle, Target: actions.Target{Prefix: prefix("192.0.2.1/32")}}, false},
		{actions.Decision{Verb: actions.Block, Target: actions.Target{Signature: &detect.Signature{Path: "/"}}}, false},
		{actions.Decision{Verb: actions.ScaleUp, Target: actions.Target{Service: "shop"}}, false},
	} {
		if got := f.Handles(c.d); got != c.want {
			t.Errorf("Handles(%+v) = %v", c.d, got)
		}
	}
}

func TestASourceBehindAProxyIsRefused(t *testing.T) {
	behind := prefix("192.0.2.1/32")
	f, err := New(Options{Proxied: func(p netip.Prefix) bool { return p == behind }})
	if err != nil {
		t.Fatal(err)
	}
	d := actions.Decision{ID: "d", Verb: actions.Block, Target: actions.Target{Prefix: behind}}
	if f.Handles(d) {
		t.Error("it is taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing may reach the kernel from here
	rs, err := f.Apply(ctx, []actions.Decision{d})
	if err != nil || rs[0].OK || !strings.Contains(rs[0].Note, "through a trusted proxy") {
		t.Errorf("%+v %v", rs, err)
	}
}

func TestBadTargetsAndOptions(t *testing.T) {
	for _, p := range []netip.Prefix{{}, prefix("0.0.0.0/0"), prefix("::/0"), prefix("::ffff:192.0.2.0/120")} {
		if _, err := target(actions.Decision{Target: actions.Target{Prefix: p}}); err == nil {
			t.Errorf("%s was taken", p)
		}
	}
	for _, o := range []Options{{Batch: -1}, {Batch: 1 << 20}, {Table: "a name that is far too long for any table"}, {Operators: []netip.Prefix{{}}}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) took it", o)
		}
	}
}

func TestPast(t *testing.T) {
	for p, want := range map[string]string{
		"192.0.2.0/24": "192.0.3.0", "10.0.0.0/8": "11.0.0.0", "192.0.2.128/25": "192.0.3.0", "2001:db8::/64": "2001:db8:0:1::", "255.255.255.0/24": "invalid IP", "ff00::/8": "invalid IP",
	} {
		if got := past(prefix(p)); got.String() != want {
			t.Errorf("past(%s) = %s, want %s", p, got, want)
		}
	}
}

// TestElementsAndBack holds that whatever prefixes are put into a set, reading
// its elements gives them back, in any order of the kernel's.
func TestElementsAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v6 := rapid.Bool().Draw(t, "v6")
		var ps []netip.Prefix
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
			a, bits := netip.AddrFrom4([4]byte(raw[:4])), rapid.IntRange(4, 31).Draw(t, "bits")
			if v6 {
				a, bits = netip.AddrFrom16([16]byte(raw)), 4*bits
			}
			if a.Is4In6() {
				continue
			}
			ps = append(ps, netip.PrefixFrom(a, bits).Masked())
		}
		ps = outermost(ps)
		want := map[netip.Prefix]bool{}
		var es []nftables.SetElement
		for _, p := range ps {
			want[p] = true
			es = append(es, elements(p, time.Minute)...)
		}
		es = rapid.Permutation(es).Draw(t, "order")
		name := networks4
		if v6 {
			name = networks6
		}
		got, err := decode(name, es)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%v became %v, %v", ps, got, err)
		}
		for _, h := range got {
			if !want[h.prefix] {
				t.Fatalf("%s appeared", h.prefix)
			}
		}
	})
}

func TestDecodeRefusesRangesThatAreNoPrefix(t *testing.T) {
	es := []nftables.SetElement{{Key: []byte{192, 0, 2, 1}}, {Key: []byte{192, 0, 2, 7}, IntervalEnd: true}}
	if got, err := decode(networks4, es); err == nil {
		t.Errorf("became %v", got)
	}
	if got, err := decode(addresses4, []nftables.SetElement{{Key: []byte{1}}}); err == nil {
		t.Errorf("became %v", got)
	}
}

func TestACancelledContextSaysSo(t *testing.T) {
	f, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	rs, err := f.Apply(ctx, []actions.Decision{{ID: "d", Verb: actions.Block, Target: actions.Target{Prefix: prefix("192.0.2.1/32")}}})
	if err != nil || rs[0].OK {
		t.Errorf("%+v %v", rs, err)
	}
}
