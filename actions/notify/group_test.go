package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

var begin = time.Date(2031, 1, 2, 3, 0, 0, 0, time.UTC)

func rules() Options {
	return Options{Wait: 5 * time.Second, Interval: 5 * time.Minute, Repeat: 4 * time.Hour, Escalate: 10 * time.Minute}
}

func at(d time.Duration) time.Time { return begin.Add(d) }

func news(text string, d time.Duration) Event {
	return Event{Incident: "i1", Service: "shop", Title: "distributed_flood on shop", Text: text, Severity: Warning, At: at(d)}
}

// told lists the titles due at each moment.
func told(g *groups, moments ...time.Duration) []string {
	var all []string
	for _, d := range moments {
		for _, m := range g.due(at(d)) {
			all = append(all, fmt.Sprintf("%s %s | %s", d, m.title, strings.ReplaceAll(m.body, "\n", " / ")))
		}
	}
	return all
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("told\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

func TestNewsIsGrouped(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	g.add(news("blocked 3", time.Second))
	g.add(news("blocked 3", 2*time.Second))
	expect(t, told(g, 4*time.Second, 5*time.Second, 6*time.Second),
		"5s [levee] warning: distributed_flood on shop (open) | opened / blocked 3 (2 times)")
	// Said before: not said again. New: at a distance.
	g.add(news("opened", time.Minute))
	g.add(news("blocked 7", time.Minute))
	expect(t, told(g, time.Minute, 5*time.Minute, 5*time.Minute+5*time.Second),
		"5m5s [levee] warning: distributed_flood on shop (open) | blocked 7")
	over := news("over", 6*time.Minute)
	over.Resolved = true
	g.add(over)
	expect(t, told(g, 6*time.Minute, 7*time.Minute), "6m0s [levee] warning: distributed_flood on shop (resolved) | over")
	if len(g.all) != 0 {
		t.Errorf("%d groups remain", len(g.all))
	}
}

func TestCriticalDoesNotWait(t *testing.T) {
	g := newGroups(rules())
	e := news("opened", 0)
	e.Severity = Critical
	g.add(e)
	expect(t, told(g, 0), "0s [levee] critical: distributed_flood on shop (open) | opened")
}

func TestWhatNobodyAcknowledgesIsEscalatedAndRepeated(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	expect(t, told(g, 5*time.Second, 10*time.Minute, 10*time.Minute+5*time.Second, 20*time.Minute, 4*time.Hour+5*time.Second),
		"5s [levee] warning: distributed_flood on shop (open) | opened",
		"10m5s [levee] warning: distributed_flood on shop (nobody acknowledged it for 10m0s) | Open since 03:00:00 UTC. Take it: levee ack i1, or o in levee's console.",
		"4h0m5s [levee] warning: distributed_flood on shop (still open) | Open since 2031-01-02 03:00 UTC.")
}

func TestAcknowledgedIsNeitherEscalatedNorRepeatedUntilItGetsWorse(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	told(g, 5*time.Second)
	g.all["i1"].acked = "ana"
	expect(t, told(g, 20*time.Minute, 5*time.Hour))
	worse := news("10 times as much", 5*time.Hour)
	worse.Severity = Critical
	g.add(worse)
	expect(t, told(g, 5*time.Hour),
		"5h0m0s [levee] critical: distributed_flood on shop (open) | 10 times as much",
		"5h0m0s [levee] critical: distributed_flood on shop (nobody acknowledged it for 10m0s) | Open since 03:00:00 UTC. Take it: levee ack i1, or o in levee's console.")
}

// TestHowItGoesOnWakesNobody: figures that move are told with the next message
// and make none, until the attack is graver than what was told.
func TestHowItGoesOnWakesNobody(t *testing.T) {
	g := newGroups(rules())
	update := func(text string, s Severity, d time.Duration) {
		e := news(text, d)
		e.Update, e.Severity = true, s
		g.add(e)
	}
	g.add(news("opened", 0))
	update("now 30 requests/s", Warning, time.Second)
	update("now 32 requests/s", Warning, 2*time.Second)
	expect(t, told(g, 5*time.Second), "5s [levee] warning: distributed_flood on shop (open) | opened / now 32 requests/s")
	update("now 31 requests/s", Warning, time.Minute)
	expect(t, told(g, 6*time.Minute))
	update("now 900 requests/s", Critical, 7*time.Minute)
	expect(t, told(g, 7*time.Minute), "7m0s [levee] critical: distributed_flood on shop (open) | now 900 requests/s")
	update("now 800 requests/s", Critical, 8*time.Minute)
	expect(t, told(g, 11*time.Minute), "11m0s [levee] critical: distributed_flood on shop (nobody acknowledged it for 10m0s) | "+
		"Open since 03:00:00 UTC. Take it: levee ack i1, or o in levee's console. / now 800 requests/s")
}

func TestUrgentNewsKeepsNoDistance(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	told(g, 5*time.Second)
	g.add(news("blocked 7", 6*time.Second))
	expect(t, told(g, 7*time.Second))
	back := news("auto mode took its own act back", 8*time.Second)
	back.Urgent = true
	g.add(back)
	expect(t, told(g, 8*time.Second), "8s [levee] warning: distributed_flood on shop (open) | blocked 7 / auto mode took its own act back")
	g.add(news("blocked 9", 9*time.Second))
	expect(t, told(g, 10*time.Second))
}

func TestMuted(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	g.all["i1"].muted = at(time.Hour)
	g.add(news("worse", time.Minute))
	expect(t, told(g, 10*time.Minute, time.Hour), "1h0m0s [levee] warning: distributed_flood on shop (open) | opened / worse")
}

func TestTwoIncidentsAreTwoMessages(t *testing.T) {
	g := newGroups(rules())
	g.add(news("opened", 0))
	other := news("opened", 0)
	other.Incident, other.Title = "i2", "scan on api"
	g.add(other)
	if got := told(g, 5*time.Second); len(got) != 2 {
		t.Errorf("told %q", got)
	}
}

func TestBounds(t *testing.T) {
	g := newGroups(rules())
	for i := range 5 * groupsMost {
		g.add(Event{Incident: fmt.Sprint("i", i), Title: "x", Text: fmt.Sprint("t", i), At: begin})
	}
	for i := range 500 {
		g.add(Event{Incident: "i1", Text: fmt.Sprint("more ", i), At: begin})
	}
	if len(g.all) > groupsMost+1 || len(g.all["i1"].news) != newsMost || g.all["i1"].news[0].text != "t1" || g.all["i1"].news[newsMost-1].text != "more 499" {
		t.Errorf("%d groups, %+v", len(g.all), g.all["i1"].news)
	}
	g.due(at(48 * time.Hour))
	if len(g.all) != 0 {
		t.Errorf("%d groups are never forgotten", len(g.all))
	}
}

func TestHostileNews(t *testing.T) {
	g := newGroups(rules())
	g.add(Event{Incident: "i\x1b[2J", Title: "scan on \u202eevil\r\nBcc: all@example.com", Text: "GET /\x00\x1b]0;x\x07", At: begin})
	for _, m := range g.due(at(time.Minute)) {
		if strings.ContainsAny(m.title+m.body+m.key, "\x00\x1b\x07\r\n\u202e") {
			t.Errorf("%+v", m)
		}
	}
}

func TestOfIncident(t *testing.T) {
	i := &detect.Incident{ID: "i1", Service: "shop", Attack: detect.DistributedFlood, Rate: 900, Baseline: 100, Peak: 1200, Sources: 40, Enrolled: 12, Opened: begin, Closed: at(90 * time.Second)}
	for kind, want := range map[detect.EventKind]Event{
		detect.IncidentOpen:   {Severity: Critical, Text: "opened: 900 requests/s, usual 100, 40 sources"},
		detect.IncidentChange: {Severity: Critical, Text: "now 900 requests/s, usual 100, 40 sources, 12 enrolled"},
		detect.IncidentClose:  {Severity: Critical, Text: "over after 1m30s, peak 1200 requests/s", Resolved: true},
	} {
		got := OfIncident(kind, i, begin)
		if got.Text != want.Text || got.Severity != want.Severity || got.Resolved != want.Resolved || got.Title != "distributed_flood on shop" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	for _, c := range []struct {
		rate, usual, errors float64
		want                Severity
	}{{224, 0, 0, Critical}, {30, 0, 1, Warning}, {300, 100, 0, Warning}, {300, 100, 0.3, Critical}} {
		x := &detect.Incident{ID: "i2", Service: "shop", Attack: detect.Scan, Rate: c.rate, Baseline: c.usual, ErrorShare: c.errors}
		if got := OfIncident(detect.IncidentOpen, x, begin); got.Severity != c.want {
			t.Errorf("%.0f requests/s where %.0f are usual, %.0f%% of them failing: %s, want %s", c.rate, c.usual, 100*c.errors, got.Severity, c.want)
		}
	}
	i.Attack = detect.FlashCrowd
	if got := OfIncident(detect.IncidentOpen, i, begin); got.Severity != Info {
		t.Errorf("a flash crowd is %s", got.Severity)
	}
}
