package demo

import (
	"bytes"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// combined is nginx's combined format as nginx's own documentation gives it.
var combined = regexp.MustCompile(`^([0-9a-f.:]+) - - \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([A-Z]+ /\S* HTTP/(?:1\.1|2\.0))" (\d{3}) (\d+) "([^"]*)" "([^"]*)"$`)

func TestEveryLineIsCombinedAndInOrder(t *testing.T) {
	for _, d := range Drills() {
		t.Run(d.Name, func(t *testing.T) {
			s := newSim(t, Options{Seed: 1, Rate: 30, Drills: []string{d.Name}, History: time.Second})
			from := s.Live().Add(firstAfter)
			to := from.Add(12 * time.Second)
			last := from.Truncate(time.Second)
			lines := 0
			for line := range bytes.Lines(s.Lines(from, to)) {
				m := combined.FindSubmatch(bytes.TrimSuffix(line, []byte("\n")))
				if m == nil || bytes.ContainsAny(line, "{}") {
					t.Fatalf("not a combined line, or a placeholder was not filled: %s", line)
				}
				at, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(m[2]))
				if err != nil || at.Before(last) || !at.Before(to) {
					t.Fatalf("out of order or outside %s to %s: %s", from, to, line)
				}
				last = at
				lines++
			}
			if lines < 12*20 {
				t.Errorf("%d lines in 12 seconds", lines)
			}
		})
	}
}

// TestTruthOfEveryDrill holds that each drill has the sources its waves say,
// that they are hostile exactly where the wave is, and that nobody hostile comes before it begins.
func TestTruthOfEveryDrill(t *testing.T) {
	for _, d := range Drills() {
		t.Run(d.Name, func(t *testing.T) {
			s := newSim(t, Options{Seed: 5, Rate: 30, Drills: []string{d.Name}, Once: true, History: time.Second})
			begin := s.Live().Add(firstAfter)
			s.Lines(begin, begin.Add(min(d.Length, 90*time.Second))) // everyone has come by then

			requests := make(map[string]uint64)
			sources := make(map[string]int)
			hostile := make(map[string]bool)
			for _, truth := range s.Truth() {
				if truth.Drill == Ordinary {
					if truth.Hostile {
						t.Errorf("%s is ordinary and hostile", truth.Addr)
					}
					continue
				}
				if truth.Drill != d.Name || truth.Requests == 0 || truth.Last.Before(truth.First) {
					t.Errorf("wrong truth %+v", truth)
				}
				requests[truth.Wave] += truth.Requests
				sources[truth.Wave]++
				hostile[truth.Wave] = hostile[truth.Wave] || truth.Hostile
			}
			for _, w := range d.Waves {
				want := w.Sources
				if w.Shared > 0 {
					want = w.Shared
				}
				got := sources[w.Name]
				switch {
				case w.Fresh && got < 100*w.Sources:
					t.Errorf("%s: %d addresses, want a new one for each request", w.Name, got)
				case !w.Fresh && (got > want || got < want/6): // players may be drawn twice, hosting prefixes run dry
					t.Errorf("%s: %d sources of %d", w.Name, got, want)
				}
				if hostile[w.Name] != w.Hostile {
					t.Errorf("%s: hostile is %t, want %t", w.Name, hostile[w.Name], w.Hostile)
				}
				if requests[w.Name] == 0 {
					t.Errorf("%s: nobody asked for anything", w.Name)
				}
			}
			eps := s.Episodes()
			if len(eps) != 1 || !eps[0].Start.Equal(begin) || eps[0].End.Sub(eps[0].Start) != d.Length {
				t.Errorf("episodes %+v", eps)
			}
			for _, truth := range s.Truth() {
				if truth.Hostile && truth.First.Before(begin) {
					t.Errorf("%s attacks at %s, before the drill began", truth.Addr, truth.First)
				}
			}
		})
	}
}

func TestDrillsAreWellFormed(t *testing.T) {
	names := make(map[string]bool)
	for _, d := range Drills() {
		if names[d.Name] || d.Name == Ordinary {
			t.Errorf("%s: the name is taken", d.Name)
		}
		names[d.Name] = true
		if d.Hostile() && d.Attack == "" || d.About == "" || d.Length < time.Minute {
			t.Errorf("%s: %+v", d.Name, d)
		}
		for _, w := range d.Waves {
			if (w.Visits == nil) == (len(w.Asks) == 0) {
				t.Errorf("%s %s: either asks or visits", d.Name, w.Name)
			}
			if w.From+w.For > d.Length {
				t.Errorf("%s %s: ends after the drill", d.Name, w.Name)
			}
		}
	}
	for _, name := range []string{"single_source_flood", "distributed_flood", "login_abuse", "scan", "flash_crowd"} {
		if !names[name] {
			t.Errorf("the main drill %s is missing", name)
		}
	}
	for i, sc := range scenario {
		if i == 0 && sc.at > 20*time.Second {
			t.Errorf("the first drill starts only after %s", sc.at)
		}
	}
}

func TestUnknownDrillIsRefused(t *testing.T) {
	_, err := New(Options{Drills: []string{"tsunami"}})
	if err == nil || !strings.HasPrefix(err.Error(), `no drill is named "tsunami"; there are single_source_flood, distributed_flood, login_abuse, scan, flash_crowd, `) {
		t.Errorf("got %v", err)
	}
}

// TestOrdinaryTrafficDoesNotDependOnDrills holds that a drill is laid over the
// same people, so that figures with and without it compare.
func TestOrdinaryTrafficDoesNotDependOnDrills(t *testing.T) {
	ordinary := func(drills []string) map[netip.Addr]bool {
		// Enough servers that nobody is turned away and tries again.
		s := newSim(t, Options{Seed: 9, Drills: drills, History: time.Second, Servers: maxServers})
		s.Lines(testStart, testStart.Add(time.Minute))
		sources := make(map[netip.Addr]bool)
		for _, truth := range s.Truth() {
			if truth.Drill == Ordinary {
				sources[truth.Addr] = true
			}
		}
		return sources
	}
	without, with := ordinary([]string{}), ordinary([]string{"distributed_flood"})
	for addr := range without {
		if !with[addr] {
			t.Fatalf("%s came only without the drill", addr)
		}
	}
	if len(without) != len(with) {
		t.Errorf("%d sources without, %d with", len(without), len(with))
	}
}

// TestThePageNamesEveryDrill keeps docs/demo.md in step with the tables.
func TestThePageNamesEveryDrill(t *testing.T) {
	page, err := os.ReadFile("../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|.*\\| ([^|]+) \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) != len(Drills()) {
		t.Fatalf("the page has %d rows, there are %d drills", len(rows), len(Drills()))
	}
	for i, d := range Drills() {
		if rows[i][1] != d.Name {
			t.Errorf("row %d is %s, the drill is %s", i+1, rows[i][1], d.Name)
		}
		if d.Attack != "" && !strings.Contains(rows[i][2], d.Attack) {
			t.Errorf("%s: the page says %q, the drill %s", d.Name, rows[i][2], d.Attack)
		}
	}
}
