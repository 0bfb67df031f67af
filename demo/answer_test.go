package demo

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flooder returns the only hostile source of the single-source drill.
func flooder(t *testing.T, s *Simulator) Truth {
	t.Helper()
	for _, truth := range s.Truth() {
		if truth.Hostile {
			return truth
		}
	}
	t.Fatal("nobody is hostile")
	return Truth{}
}

func linesOf(text []byte, addr netip.Addr) (all, forbidden int) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, addr.String()+" ") {
			all++
			if strings.Contains(line, `" 403 153 "`) {
				forbidden++
			}
		}
	}
	return all, forbidden
}

func TestADeniedSourceFallsSilent(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rule    string // ADDR is replaced
		refusal Refusal
	}{
		{"deny address", "# by levee\ndeny ADDR;\n", Vanish},
		{"deny prefix", "deny 203.0.113.0/24;\ndeny 198.51.100.0/24; # both ranges\n", Vanish},
		{"geo block", "ADDR/32 block;\n192.0.2.1/32 throttle;\n", Vanish},
		{"nginx alone", "deny ADDR;\n", Forbid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "deny.conf")
			s := newSim(t, Options{Seed: 2, Drills: []string{"single_source_flood"}, History: time.Second, DenyFile: file, Refusal: tt.refusal})
			at := s.Live().Add(firstAfter)
			before := s.Lines(at, at.Add(10*time.Second))
			addr := flooder(t, s).Addr
			if n, refused := linesOf(before, addr); n < 3000 || refused != 0 {
				t.Fatalf("before the block: %d lines, %d of them 403", n, refused)
			}
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(tt.rule, "ADDR", addr.String())), 0o644); err != nil {
				t.Fatal(err)
			}
			if !s.deny.Reload() || s.deny.Reload() {
				t.Error("Reload reports a change once")
			}
			during := s.Lines(at.Add(10*time.Second), at.Add(20*time.Second))
			n, refused := linesOf(during, addr)
			if refused != n {
				t.Errorf("during the block %d of %d lines were answered", n-refused, n)
			}
			if tt.refusal == Vanish && (n < 2 || n > 150) || tt.refusal == Forbid && n < 3000 {
				t.Errorf("during the block: %d lines", n)
			}
			if truth := flooder(t, s); truth.Refused < 3000 || truth.Refused != s.Status().Refused {
				t.Errorf("truth says %d refused, status %d", truth.Refused, s.Status().Refused)
			}
			if err := os.WriteFile(file, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			s.deny.Reload()
			after := s.Lines(at.Add(20*time.Second), at.Add(30*time.Second))
			if n, refused := linesOf(after, addr); n < 3000 || refused != 0 {
				t.Errorf("after the block: %d lines, %d of them 403", n, refused)
			}
		})
	}
}

func TestDenyRulesThatAreNone(t *testing.T) {
	r := parseDeny([]byte("deny 192.0.2.1\nallow 192.0.2.2;\n192.0.2.3/32 throttle;\ndeny nobody;\n#deny 192.0.2.4;\ndeny ::ffff:192.0.2.9;\n"))
	if len(r.prefixes) != 0 || len(r.addrs) != 1 {
		t.Errorf("%+v", r)
	}
	l := &DenyList{}
	l.rules.Store(r)
	if !l.Denied(netip.MustParseAddr("192.0.2.9")) || l.Denied(netip.MustParseAddr("192.0.2.1")) {
		t.Error("the one valid rule does not hold")
	}
}

// TestScalingHelpsACrowd holds what the demo shows: a flash crowd overloads
// the site, and servers added while it is there take the 503s away.
func TestScalingHelpsACrowd(t *testing.T) {
	failed := func(scale bool) float64 {
		s := newSim(t, Options{Seed: 4, Drills: []string{"flash_crowd"}, History: time.Second})
		at := s.Live().Add(firstAfter)
		s.Lines(at, at.Add(60*time.Second))
		if st := s.Status(); st.Load < st.Capacity {
			t.Fatalf("the crowd is no load: %.0f of %.0f", st.Load, st.Capacity)
		}
		if scale {
			if n := s.Scale(4); n != 8 {
				t.Fatalf("%d servers", n)
			}
		}
		text := s.Lines(at.Add(70*time.Second), at.Add(100*time.Second))
		return float64(bytes.Count(text, []byte(`" 503 `))) / float64(bytes.Count(text, []byte("\n")))
	}
	alone, scaled := failed(false), failed(true)
	t.Logf("503 without scaling %.1f%%, with %.1f%%", 100*alone, 100*scaled)
	if alone < 0.05 || scaled > 0.01 {
		t.Errorf("503 without scaling %.1f%%, with %.1f%%; want over 5%% and under 1%%", 100*alone, 100*scaled)
	}
}

func TestScaleKeepsItsBounds(t *testing.T) {
	s := newSim(t, Options{Drills: []string{}})
	if n := s.Scale(-100); n != 1 {
		t.Errorf("%d servers at least", n)
	}
	if n := s.Scale(1 << 30); n != maxServers {
		t.Errorf("%d servers at most", n)
	}
}

func TestAnOutageMakesPeopleTryAgain(t *testing.T) {
	s := newSim(t, Options{Seed: 6, Drills: []string{"retry_storm"}, History: time.Second})
	d, _ := Find("retry_storm")
	from := s.Live().Add(firstAfter + d.Outage.From)
	during := s.Lines(from, from.Add(d.Outage.For))
	after := s.Lines(from.Add(d.Outage.For), from.Add(d.Outage.For+10*time.Second))
	if n := bytes.Count(during, []byte(`" 502 157 "`)); n < 1000 {
		t.Errorf("%d answers 502 during the outage", n)
	}
	if n := bytes.Count(after, []byte(`" 502 157 "`)); n != 0 {
		t.Errorf("%d answers 502 after it", n)
	}
}
