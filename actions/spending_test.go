package actions

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestSpendingIsASlidingWindow compares spending with a list of all that was
// spent: it may differ by what the edge of a slot hides, never by more.
func TestSpendingIsASlidingWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSpending(time.Minute)
		type one struct {
			at time.Time
			n  int
		}
		var all []one
		now := time.Unix(1_772_334_000, 0)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 90_000).Draw(rt, "ms")) * time.Millisecond)
			n := rapid.IntRange(0, 50).Draw(rt, "n")
			s.spend(now, n)
			all = append(all, one{now, n})
			least, most := 0, 0
			for _, o := range all {
				if age := now.Sub(o.at); age < 59*time.Second {
					least += o.n
					most += o.n
				} else if age < 61*time.Second {
					most += o.n
				}
			}
			if got := s.spent(now); got < least || got > most {
				rt.Fatalf("spent %d, want %d to %d", got, least, most)
			}
			if s.spent(now.Add(-time.Hour)) != s.spent(now) {
				rt.Fatal("a clock that jumps back gives budget")
			}
		}
		if got := s.spent(now.Add(2 * time.Minute)); got != 0 {
			rt.Fatalf("two minutes later %d are still spent", got)
		}
	})
}

func TestExemptionsReachAroundAndInside(t *testing.T) {
	now := time.Unix(1_772_334_000, 0)
	e := newExemptions()
	e.add("198.51.100.7/32", now.Add(time.Hour))
	e.add("2001:db8::/48", now.Add(time.Hour))
	e.add("sig:0123", now.Add(time.Hour))
	e.add("203.0.113.0/24", now)
	for _, c := range []struct {
		target string
		want   bool
	}{
		{"198.51.100.7/32", true},
		{"198.51.100.0/24", true},
		{"198.51.100.8/32", false},
		{"2001:db8:0:7::/64", true},
		{"2001:db8:1::/64", false},
		{"203.0.113.9/32", false}, // over
	} {
		if _, got := e.until(Target{Prefix: netip.MustParsePrefix(c.target)}, now); got != c.want {
			t.Errorf("%s: exempt %v", c.target, got)
		}
	}
	e.forget(now.Add(2 * time.Hour))
	if e.prefixes.Size() != 0 || len(e.others) != 0 {
		t.Errorf("%d prefixes and %d others are remembered for good", e.prefixes.Size(), len(e.others))
	}
}

func TestTargetKeys(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{"198.51.100.7/32", "198.51.100.0/24", "2001:db8::/64"} {
		k := Target{Prefix: netip.MustParsePrefix(s)}.Key()
		if k != s || seen[k] != "" {
			t.Errorf("%s has the key %s", s, k)
		}
		seen[k] = s
	}
	if a, b := (Target{Prefix: netip.MustParsePrefix("198.51.100.7/24")}), (Target{Prefix: netip.MustParsePrefix("198.51.100.0/24")}); a.Key() != b.Key() {
		t.Error("one network has two keys")
	}
}
