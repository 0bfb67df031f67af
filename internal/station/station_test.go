package station

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"levee/actions"
	"levee/internal/config"
)

func TestMain(m *testing.M) {
	if os.Getenv("LEVEE_CRASH_DIR") != "" {
		crashChild(os.Getenv("LEVEE_CRASH_DIR"))
		return
	}
	if benchChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// place is a directory with a log, a deny list and a state.
type place struct{ dir string }

func (p place) log() string   { return filepath.Join(p.dir, "access.log") }
func (p place) deny() string  { return filepath.Join(p.dir, "deny.conf") }
func (p place) state() string { return filepath.Join(p.dir, "state") }

func (p place) options() Options {
	c := config.Default()
	c.Sources = []config.Source{{File: p.log(), Service: "play.example.com"}}
	c.Auto.Level = "block"
	c.Actions.Denylist = []config.Denylist{{Path: p.deny(), Style: "nginx"}}
	return Options{Config: c, StateDir: p.state(), Name: "test", AutoOn: true}
}

// write appends lines to the log.
func (p place) write(t testing.TB, lines []byte) {
	t.Helper()
	f, err := os.OpenFile(p.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(lines); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// denied reads the addresses on the deny list, in order.
func (p place) denied() []string {
	b, err := os.ReadFile(p.deny())
	if err != nil {
		return nil // not written yet
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if a, ok := strings.CutPrefix(strings.TrimSpace(line), "deny "); ok {
			out = append(out, strings.TrimSuffix(a, ";"))
		}
	}
	return out
}

// visitors is some minutes of ordinary visitors, then seconds in which each
// attacker also asks for one page n times a second; it ends now.
func visitors(end time.Time, minutes, floodSeconds, n int, attackers ...string) []byte {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	var b bytes.Buffer
	total := minutes*60 + floodSeconds
	for s := range total {
		at := end.Add(time.Duration(s-total) * time.Second).UTC().Format("02/Jan/2006:15:04:05 -0700")
		for v := range 8 {
			ip := fmt.Sprintf("192.0.2.%d", 1+(s/15*8+v)%240)
			page := fmt.Sprintf("/news/%d", (s*7+v*13)%90)
			fmt.Fprintf(&b, "%s - - [%s] \"GET %s HTTP/1.1\" 200 5120 \"https://play.example.com/\" %q\n", ip, at, page, browser)
			fmt.Fprintf(&b, "%s - - [%s] \"GET /assets/%d.css HTTP/1.1\" 200 900 \"https://play.example.com%s\" %q\n", ip, at, v, page, browser)
		}
		if s < minutes*60 {
			continue
		}
		for _, a := range attackers {
			for range n {
				fmt.Fprintf(&b, "%s - - [%s] \"GET /search HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", a, at)
			}
		}
	}
	return b.Bytes()
}

// start runs a station until the test ends or stop is called.
func start(t *testing.T, o Options) (*Station, func()) {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("station: %v", err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

// follows waits until the station follows its log: what is written before that
// on first sight is history.
func follows(t *testing.T, s *Station) {
	t.Helper()
	eventually(t, "the log is followed", func() bool { return s.Status().Inputs[0].State == "following" })
}

// eventually polls until ok, for what happens outside this process's clock.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}

// TestJourney follows one flood from its log lines to the deny list, to a
// person's undo, and over a restart.
func TestJourney(t *testing.T) {
	p := place{t.TempDir()}
	p.write(t, nil)
	s, stop := start(t, p.options())
	follows(t, s)
	p.write(t, visitors(time.Now(), 5, 12, 60, "203.0.113.7"))
	eventually(t, "203.0.113.7 is on the deny list", func() bool { return fmt.Sprint(p.denied()) == "[203.0.113.7]" })
	eventually(t, "the ledger says applied", func() bool { return len(activeBlocks(s)) == 1 && activeBlocks(s)[0].State != actions.Intent })

	d := activeBlocks(s)[0]
	if d.Actor.Name != "auto" || d.Attack != "single_source_flood" || len(d.Evidence) == 0 || d.TTL != 10*time.Minute {
		t.Errorf("decision lacks who, what, why or how long: %+v", d)
	}
	if v := s.Source(netip.MustParsePrefix("203.0.113.7/32")); !v.Known || v.Hits == 0 || len(v.Recent) == 0 {
		t.Errorf("nothing is known of the source: %+v", v)
	}

	// A restart forgets nothing and doubles nothing.
	stop()
	s, _ = start(t, p.options())
	if got := activeBlocks(s); len(got) != 1 || got[0].ID != d.ID {
		t.Fatalf("after a restart %d blocks stand, want the one there was", len(got))
	}

	// A person undoes it: the deny list follows.
	op, leave := s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
	defer leave()
	plan, err := op.Undo(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := op.Commit(t.Context(), plan.Token, actions.Answer{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deny list is empty", func() bool { return len(p.denied()) == 0 })

	// A viewer can do nothing of the kind.
	viewer, leave := s.Join(actions.Actor{Name: "bo", Role: actions.Viewer, Via: "console"})
	defer leave()
	plan, err = viewer.Plan(t.Context(), actions.Request{Verb: actions.Block, Targets: []actions.Target{{Prefix: netip.MustParsePrefix("203.0.113.9/32")}}})
	if err == nil && plan.Token != "" {
		_, err = viewer.Commit(t.Context(), plan.Token, actions.Answer{})
	} else {
		err = fmt.Errorf("refused at plan")
	}
	if err == nil {
		t.Error("a viewer blocked an address")
	}
	if got := s.Status().People; len(got) != 2 {
		t.Errorf("%d people are here, want 2", len(got))
	}
}

func activeBlocks(s *Station) []actions.Decision {
	var out []actions.Decision
	for _, d := range s.Board().Active {
		if d.Verb == actions.Block {
			out = append(out, d)
		}
	}
	return out
}

func TestOneStationAState(t *testing.T) {
	p := place{t.TempDir()}
	_, stop := start(t, p.options())
	if _, err := Open(t.Context(), p.options()); err == nil || !strings.Contains(err.Error(), "another levee") {
		t.Errorf("a second station opened the same state: %v", err)
	}
	stop()
	s, err := Open(t.Context(), p.options())
	if err != nil {
		t.Fatalf("the state is not free again: %v", err)
	}
	s.Close()
}

func TestUnreadableConfiguration(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no such format":   func(o *Options) { o.Config.Sources[0].Format = "nonsense" },
		"no such database": func(o *Options) { o.Config.Detect.GeoIP = []string{"/nowhere/asn.mmdb"} },
		"relative list":    func(o *Options) { o.Config.Actions.Denylist[0].Path = "deny.conf" },
	} {
		p := place{t.TempDir()}
		o := p.options()
		change(&o)
		if s, err := Open(t.Context(), o); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", name, err)
		}
	}
}
