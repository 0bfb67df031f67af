package elastic_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/actions/ledger"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/station"
)

// edge is one host of the fleet: a station with a log and a deny list of its
// own, and a way to the cluster that can be cut.
type edge struct {
	t    testing.TB
	name string
	dir  string
	way  elastic.Way
	s    *station.Station
	stop func()
}

func newEdge(t testing.TB, fleet, name, key string, change ...func(*config.Config)) *edge {
	e := &edge{t: t, name: name, dir: t.TempDir(), way: elastic.NewWay(t)}
	c := config.Default()
	c.Sources = []config.Source{{File: e.log(), Service: "play.example.com"}}
	c.Auto.Level = "block"
	c.Actions.Denylist = []config.Denylist{{Path: filepath.Join(e.dir, "deny"), Style: "plain"}}
	c.Elasticsearch.URLs, c.Elasticsearch.APIKey = []config.URL{config.URL(e.way.URL())}, config.NewSecret(key)
	c.Fleet.Name, c.Fleet.Key, c.Fleet.Canary = fleet, config.NewSecret("0123456789abcdef0123456789abcdef"), 2*time.Second
	for _, f := range change {
		f(&c)
	}
	e.append(nil)
	var err error
	e.s, err = station.Open(t.Context(), station.Options{Config: c, StateDir: filepath.Join(e.dir, "state"), Name: name, AutoOn: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.s.Run(ctx) }()
	e.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	t.Cleanup(e.stop)
	eventually(t, name+" follows its log", func() bool { return e.s.Status().Inputs[0].State == "following" })
	return e
}

func (e *edge) log() string { return filepath.Join(e.dir, "access.log") }

func (e *edge) append(lines []byte) {
	e.t.Helper()
	f, err := os.OpenFile(e.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(lines)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *edge) denies(target string) bool {
	b, err := os.ReadFile(filepath.Join(e.dir, "deny"))
	return err == nil && strings.Contains("\n"+string(b), "\n"+target)
}

func (e *edge) act(who string, v actions.Verb, target string) error {
	op, leave := e.s.Join(actions.Actor{Name: who, Role: actions.Operator, Via: "console"})
	defer leave()
	p, err := actions.ParsePrefix(target)
	if err != nil {
		return err
	}
	plan, err := op.Plan(e.t.Context(), actions.Request{Verb: v, Targets: []actions.Target{{Prefix: p}}, Reason: "story"})
	if err == nil && plan.Token == "" {
		err = &actions.RefusedError{Refusals: plan.Refusals}
	}
	if err == nil {
		_, err = op.Commit(e.t.Context(), plan.Token, actions.Answer{Typed: plan.Type})
	}
	return err
}

// decision is what the ledger of this host knows of a block of target.
func (e *edge) decision(target string) actions.Decision {
	e.t.Helper()
	p, err := actions.ParsePrefix(target)
	if err != nil {
		e.t.Fatal(err)
	}
	ds, err := e.s.Decisions(e.t.Context(), ledger.Query{Target: p, Verb: actions.Block})
	if err != nil || len(ds) == 0 {
		e.t.Fatalf("%s knows no block of %s: %v", e.name, target, err)
	}
	return ds[0]
}

// crowd is ordinary visitors for a while, and an attacker who floods at its
// end, in the seconds before end.
func crowd(end time.Time, seconds, flood int, attacker string) []byte {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	var b bytes.Buffer
	for s := range seconds {
		at := end.Add(time.Duration(s-seconds) * time.Second).UTC().Format("02/Jan/2006:15:04:05 -0700")
		for v := range 8 {
			ip, page := fmt.Sprintf("192.0.2.%d", 1+(s/15*8+v)%240), fmt.Sprintf("/news/%d", (s*7+v*13)%90)
			fmt.Fprintf(&b, "%s - - [%s] \"GET %s HTTP/1.1\" 200 5120 \"https://play.example.com/\" %q\n", ip, at, page, browser)
			fmt.Fprintf(&b, "%s - - [%s] \"GET /assets/%d.css HTTP/1.1\" 200 900 \"https://play.example.com%s\" %q\n", ip, at, v, page, browser)
		}
		for range 60 {
			if s >= seconds-flood {
				fmt.Fprintf(&b, "%s - - [%s] \"GET /search HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", attacker, at)
			}
		}
	}
	return b.Bytes()
}

// under has every host of list see attacker flood until all of them deny it:
// however slow the machine is, the attack goes on and its lines are fresh.
func under(t *testing.T, list []*edge, attacker string) {
	t.Helper()
	sent := time.Now()
	for _, e := range list {
		eventually(t, e.name+": denies "+attacker, func() bool {
			if now := time.Now(); now.Sub(sent) >= 2*time.Second {
				for _, x := range list {
					x.append(crowd(now, 2, 2, attacker))
				}
				sent = now
			}
			return e.denies(attacker)
		})
	}
}

// stoodAlone reports whether the cluster did not answer e in time: then it
// decides alone, as it must.
func (e *edge) stoodAlone() bool {
	for _, n := range e.s.Notices(0) {
		if strings.Contains(n.Text, "this host stands alone") {
			return true
		}
	}
	return false
}

// TestFleetDecidesAsOne has three stations decide as one through a real node:
// all follow, of two operators one wins, another leads when the leader dies,
// and a host that was cut off loses nothing and revives nothing.
func TestFleetDecidesAsOne(t *testing.T) {
	admin := elastic.Superuser(t)
	if err := admin.Setup(t.Context(), elastic.SetupOptions{Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	key := elastic.NewKey(t, admin, "fleet")
	fleet := fmt.Sprintf("story %d", time.Now().UnixNano()) // the node may know an earlier one
	all := []*edge{newEdge(t, fleet, "edge-a", key), newEdge(t, fleet, "edge-b", key), newEdge(t, fleet, "edge-c", key)}
	every := func(what string, list []*edge, ok func(*edge) bool) {
		t.Helper()
		for _, e := range list {
			eventually(t, e.name+": "+what, func() bool { return ok(e) })
		}
	}
	every("is at one with the others", all, func(e *edge) bool {
		p := e.s.Status().Peers
		return len(p.Hosts) == 3 && !p.Alone
	})
	for _, e := range all {
		e.append(crowd(time.Now(), 312, 12, "198.51.100.7"))
	}
	defer func() {
		if t.Failed() {
			for _, e := range all {
				t.Logf("%s: %+v", e.name, e.s.Status().Peers)
				for _, n := range e.s.Notices(0) {
					t.Logf("%s: %s", e.name, n.Text)
				}
				t.Logf("%s: %+v", e.name, e.s.Board().Auto)
			}
		}
	}()
	under(t, all, "198.51.100.7")
	first := all[0].decision("198.51.100.7")
	for _, e := range all[1:] {
		if d := e.decision("198.51.100.7"); !e.stoodAlone() && !all[0].stoodAlone() && (d.ID != first.ID || d.Host == "" || d.Term == 0 || !strings.Contains(d.Reason, "canary: "+d.Host+" alone for 2s")) {
			t.Errorf("%s has a decision of its own: %+v, the first is %+v", e.name, d, first)
		}
	}

	// Two operators on two hosts.
	var both sync.WaitGroup
	var errs [2]error
	both.Go(func() { errs[0] = all[0].act("ana", actions.Block, "203.0.113.1") })
	both.Go(func() { errs[1] = all[1].act("bo", actions.Block, "203.0.113.1") })
	both.Wait()
	if lost := errs[0]; all[0].stoodAlone() || all[1].stoodAlone() {
		t.Logf("one did not hear of the other: %v", errs)
	} else if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("one must win: %v", errs)
	} else {
		winner := "bo on edge-b"
		if lost == nil {
			winner, lost = "ana on edge-a", errs[1]
		}
		if !strings.Contains(lost.Error(), winner) {
			t.Errorf("the loser does not see who: %v", lost)
		}
	}
	every("follows", all, func(e *edge) bool { return e.denies("203.0.113.1") })
	var d actions.Decision
	eventually(t, "the ledger has its receipt", func() bool {
		d = all[2].decision("203.0.113.1")
		return len(d.Receipts) > 0
	})
	t.Logf("the third host wrote it down %s after it was decided", d.Receipts[0].At.Sub(d.Created).Round(time.Millisecond))
	if err := all[2].act("cy", actions.Unblock, "203.0.113.1"); err != nil {
		t.Error(err)
	}
	every("lifts it", all, func(e *edge) bool { return !e.denies("203.0.113.1") })

	// The leader dies under attack.
	leads := func(e *edge) bool { return e.s.Status().Peers.Leads }
	eventually(t, "one leads", func() bool { return slices.ContainsFunc(all, leads) })
	var lead *edge
	var rest []*edge
	for _, e := range all {
		if lead == nil && leads(e) {
			lead = e
		} else {
			rest = append(rest, e)
		}
	}
	if lead == nil {
		t.Fatal("nobody leads any more")
	}
	term := lead.s.Status().Peers.Term
	lead.way.Cut() // what it says from here on nobody hears
	died := time.Now()
	lead.stop()
	for _, e := range rest {
		e.append(crowd(time.Now(), 12, 12, "198.51.100.8"))
	}
	under(t, rest, "198.51.100.8")
	next := rest[0].decision("198.51.100.8")
	t.Logf("%s acted %s after the leader died, in term %d", next.Host, next.Created.Sub(died).Round(time.Millisecond), next.Term)
	if alone := rest[0].stoodAlone() || rest[1].stoodAlone(); next.Host == lead.name || next.Term <= term && !alone {
		t.Errorf("after the leader of term %d: %+v", term, next)
	}

	// One is cut off, and both sides go on.
	cut, other := rest[0], rest[1]
	if err := other.act("bo", actions.Block, "203.0.113.2"); err != nil {
		t.Error(err)
	}
	every("follows", rest, func(e *edge) bool { return e.denies("203.0.113.2") })
	cut.way.Cut()
	severed := time.Now()
	eventually(t, "it says that it stands alone", func() bool { p := cut.s.Status().Peers; return p.Alone && p.Note != "" })
	t.Logf("it says so %s after it was cut off", time.Since(severed).Round(time.Millisecond))
	for _, x := range []struct {
		e      *edge
		v      actions.Verb
		target string
	}{{cut, actions.Block, "203.0.113.3"}, {cut, actions.Unblock, "203.0.113.2"}, {other, actions.Block, "203.0.113.4"}} {
		if err := x.e.act("ana", x.v, x.target); err != nil {
			t.Error(err)
		}
	}
	cut.way.Mend()
	mended := time.Now()
	every("holds what either blocked", rest, func(e *edge) bool { return e.denies("203.0.113.3") && e.denies("203.0.113.4") })
	every("holds nothing that was lifted", rest, func(e *edge) bool { return !e.denies("203.0.113.2") })
	every("is at one with the other", rest, func(e *edge) bool { return !e.s.Status().Peers.Alone })
	t.Logf("both at one %s after the way was mended", time.Since(mended).Round(time.Millisecond))
}
