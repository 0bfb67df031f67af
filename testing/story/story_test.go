package story

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"levee/demo"
	"levee/deploy/kibana"
	"levee/internal/command"
)

// TestStory is docs/story.md. Its steps stand on each other.
func TestStory(t *testing.T) {
	bin, missing := environment(t)
	s := newStage(t)
	s.open()
	start := s.now()
	s.play(time.Now) // the demo's attack is in the last minutes before now
	s.rawLogs(start)
	s.play(time.Now)
	s.published()

	t.Run("levee blocks the attackers and nobody else", s.blocks)
	t.Run("Jenkins scales the service", s.scales)
	t.Run("Elasticsearch has it all", s.events)
	t.Run("Kibana has something to show", s.shows)
	t.Run("ElastAlert 2 tells people", func(t *testing.T) {
		if missing != "" {
			t.Skip(missing)
		}
		a := &alerting{s: s, bin: bin, mail: startMailbox(t, bin), chat: startSlack(t), key: s.key("alerts")}
		t.Run("of the attack", func(t *testing.T) { a.attack(t, start) })
		t.Run("of what is wrong with levee, and of a rehearsal", a.after)
	})
}

// published waits until Elasticsearch has what there is and can find it.
func (s *stage) published() {
	s.t.Helper()
	eventually(s.t, "all is published", func() bool { l := s.st.Status().Elastic; return l.OK && l.Note == "" })
	s.ask(http.MethodPost, "/levee-*,logs-*/_refresh", nil, nil)
}

// blocks compares the deny list with who really attacked.
func (s *stage) blocks(t *testing.T) {
	hostile, stopped := map[string]int{}, map[string]int{}
	for _, x := range s.sim.Truth() {
		denied := s.deny.Denied(x.Addr)
		if !x.Hostile {
			if denied {
				t.Errorf("%s is denied and did nothing", x.Addr)
			}
			continue
		}
		hostile[x.Drill]++
		if denied {
			stopped[x.Drill]++
		}
	}
	for drill, n := range hostile {
		if stopped[drill]*10 < n*9 {
			t.Errorf("%s: %d of %d sources are denied", drill, stopped[drill], n)
		}
	}
	if len(hostile) != 4 {
		t.Errorf("four drills attack, and %v did", hostile)
	}
}

// scales looks at what the stand-in's job was asked for.
func (s *stage) scales(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.scaled, func(p map[string]string) bool {
		return p["SERVICE"] == demo.Host && p["DELTA"] == "2" && p["REQUEST_ID"] != ""
	}) {
		t.Errorf("no build gave %s two servers more: %v", demo.Host, s.scaled)
	}
}

// events looks for each link of the chain.
func (s *stage) events(t *testing.T) {
	all := func(q ...any) map[string]any { return map[string]any{"bool": map[string]any{"filter": q}} }
	for _, attack := range []string{"single_source_flood", "cache_busting", "login_abuse", "scan"} {
		if n := s.count("levee-events", all(term("event.action", "incident-open"), term("levee.attack", attack))); n == 0 {
			t.Errorf("no incident %s", attack)
		}
		if n := s.count("levee-events", all(term("event.action", "block"), term("event.outcome", "success"), term("levee.attack", attack), term("user.name", "auto"))); n == 0 {
			t.Errorf("nothing was blocked for %s", attack)
		}
	}
	for what, q := range map[string]map[string]any{
		"a flash crowd":         all(term("event.action", "incident-open"), term("levee.attack", "flash_crowd")),
		"a scale-up":            all(term("event.action", "scale"), term("event.outcome", "success"), term("url.domain", demo.Host)),
		"the attack's evidence": all(term("event.action", "suspect"), map[string]any{"exists": map[string]any{"field": "levee.evidence"}}),
	} {
		if s.count("levee-events", q) == 0 {
			t.Errorf("no event tells of %s", what)
		}
	}
	standing := s.count("levee-decisions", all(map[string]any{"terms": map[string]any{"levee.decision.state": []string{"applied", "verified"}}}, term("event.action", "block")))
	if denied := s.denied(); standing < denied || denied == 0 {
		t.Errorf("%d blocks stand in levee-decisions, %d rules in the deny list", standing, denied)
	}
	if s.count("levee-requests", term("source.ip", "0.0.0.0/0")) == 0 {
		t.Error("no request was sampled")
	}
}

// shows asks for each panel what Kibana would: its documents, and each field
// it reads in at least one of them.
func (s *stage) shows(t *testing.T) {
	text, err := os.ReadFile("../../deploy/kibana/dashboards.yaml")
	must(t, err)
	d, err := kibana.Read(text)
	must(t, err)
	for id, p := range d.Panels {
		where := p.Query()
		if p.Quiet {
			where = map[string]any{"match_all": map[string]any{}}
		}
		for _, f := range p.Fields() {
			q := map[string]any{"bool": map[string]any{"filter": []any{where, map[string]any{"exists": map[string]any{"field": f}}}}}
			if s.count(p.View, q) == 0 {
				t.Errorf("panel %s: %s is in no document", id, f)
			}
		}
	}
	for _, b := range d.Dashboards {
		for _, f := range b.Narrow {
			if s.count(b.Through, map[string]any{"exists": map[string]any{"field": f}}) == 0 {
				t.Errorf("dashboard %s narrows by %s, which is in no document", b.ID, f)
			}
		}
	}
}

// attack expects one message for each incident that is an attack, one for the
// rest, and none about what is quiet.
func (a *alerting) attack(t *testing.T, start time.Time) {
	wanted := []string{
		"levee: single_source_flood on " + demo.Host, "levee: cache_busting on " + demo.Host, "levee: login_abuse on " + demo.Host, "levee: scan on " + demo.Host,
		"levee: login abuse, first by ", "levee: new scanners, first ", "Requests tripled within a minute",
	}
	mails := a.run(t, "attack", start, time.Now().Add(110*time.Second), wanted)
	for subject, body := range mails {
		if subject == "levee is silent" && time.Since(a.s.now()) > 100*time.Second {
			continue // the machine was so slow that it is: the story's figures ended with its clock
		}
		known := func(w string) bool { return strings.HasPrefix(subject, w) }
		if !slices.ContainsFunc(wanted, known) {
			t.Errorf("a mail that nobody expected: %s\n%s", subject, body)
		}
		if strings.Contains(body, "MISSING") || strings.Contains(body, "None") {
			t.Errorf("%s lacks something:\n%s", subject, body)
		}
	}
	if body := mails[wanted[0]]; strings.Count(body, "incident ") != 1 {
		t.Errorf("the flood was told of more than once, or not at all:\n%s", body)
	}
}

// after disarms levee, stops it, and rehearses the chain.
func (a *alerting) after(t *testing.T) {
	s := a.s
	from := s.now()
	must(t, s.operator().Disarm(t.Context()))
	s.play(time.Now)
	before := s.count("levee-stats", term("levee.auto.armed", false))
	eventually(t, "the figures say that it is disarmed", func() bool {
		s.clock.Add(int64(time.Second))
		s.advance(s.now())
		s.published()
		return s.count("levee-stats", term("levee.auto.armed", false)) > before
	})
	s.stop()

	var out bytes.Buffer
	must(t, command.ElastalertTest(t.Context(), command.Streams{Out: &out}, command.RehearsalOptions{Config: s.conf, By: "ana"}))
	id := regexp.MustCompile(`REHEARSAL-[a-z0-9]+`).FindString(out.String())
	wanted := []string{"levee: distributed_flood on " + id, "levee: login abuse, first by " + id, "levee: new scanners, first " + id, "levee on " + id + " is disarmed"}
	for _, w := range wanted {
		if id == "" || !strings.Contains(out.String(), w) {
			t.Errorf("levee elastalert test does not say %q:\n%s", w, &out)
		}
	}
	wanted = append(wanted, "levee on story is disarmed", "levee is silent")
	s.ask(http.MethodPost, "/levee-*/_refresh", nil, nil)
	mails := a.run(t, "after", from, time.Now().Add(150*time.Second), wanted)
	for _, w := range wanted[:4] {
		if !strings.Contains(mails[w], "REHEARSAL by ana") {
			t.Errorf("%s does not say that it is a rehearsal:\n%s", w, mails[w])
		}
	}
	a.chat.mu.Lock()
	defer a.chat.mu.Unlock()
	for _, w := range wanted {
		if !slices.Contains(a.chat.titles["/after"], w) {
			t.Errorf("Slack was not told %q, only %q", w, a.chat.titles["/after"])
		}
	}
	if n := s.count("levee-events,levee-stats,levee-decisions", map[string]any{"multi_match": map[string]any{"query": id, "fields": []string{"message", "source.address", "levee.incident", "observer.name"}, "lenient": true}}); n != 0 {
		t.Errorf("%d documents of the rehearsal are among the real ones", n)
	}
}
