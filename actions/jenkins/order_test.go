package jenkins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/demo/standin"
)

// log notes what builds did, in the order in which they ended.
type log struct {
	mu   sync.Mutex
	done []string
}

func (l *log) of(what string, lasts time.Duration) func(context.Context, map[string]string, io.Writer) standin.Result {
	return func(ctx context.Context, p map[string]string, _ io.Writer) standin.Result {
		if pause(ctx, lasts) != nil {
			return standin.Aborted
		}
		l.mu.Lock()
		l.done = append(l.done, strings.TrimSpace(what+" "+p["ADD"]+p["REMOVE"]))
		l.mu.Unlock()
		return standin.Success
	}
}

func (l *log) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.done)
}

// away is a network on which nobody can be reached.
func away(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

// TestNoUndoOvertakesItsBlock: the jobs are two, and Jenkins builds them in any
// order it likes; a block that is built after its undo would stand till its end.
func TestNoUndoOvertakesItsBlock(t *testing.T) {
	for name, c := range map[string]struct{ away, build time.Duration }{
		"a slow build":             {0, time.Minute},
		"a controller that's away": {45 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			var l log
			in(t, func(o *Options, so *standin.Options) {
				so.Executors = 4
				so.Jobs[0].Run = l.of("block", c.build)
				so.Jobs = append(so.Jobs, standin.Job{Name: "ops/unblock-ip", Parameters: []standin.Parameter{{Name: "REMOVE"}, {Name: "REQUEST_ID"}}, Run: l.of("unblock", 0)})
				o.Jobs[actions.Unblock] = Job{"ops/unblock-ip", map[string]string{"REMOVE": "{{removed}}", "REQUEST_ID": "{{id}}"}}
			}, func(w *world) {
				d, other, again := block("d1", "192.0.2.1"), block("d2", "192.0.2.2"), block("d3", "192.0.2.1")
				w.apply(other)
				time.Sleep(2 * time.Minute)
				if c.away > 0 {
					w.wire.set(away)
				}
				w.apply(d)
				rs := w.revoke(d, other)
				if rs[0].OK || !rs[0].Unknown || !strings.Contains(rs[0].Note, "waits for job ops/block-ip to end") {
					t.Errorf("the undo's receipt says %+v", rs[0])
				}
				w.apply(again)
				time.Sleep(c.away)
				w.wire.set(nil)
				time.Sleep(5 * time.Minute)
				want := []string{"block 192.0.2.2", "block 192.0.2.1", "unblock 192.0.2.1,192.0.2.2", "block 192.0.2.1"}
				if got := l.all(); !slices.Equal(got, want) {
					t.Errorf("built were %q, want %q", got, want)
				}
				if rs := w.revoke(d); !rs[0].OK || len(l.all()) != len(want) {
					t.Errorf("asked once more: %+v, %q", rs[0], l.all())
				}
			})
		})
	}
}

// TestDoneAndTakenBackAtOnce: both come before the next build, and in the end
// the address is free.
func TestDoneAndTakenBackAtOnce(t *testing.T) {
	var l log
	in(t, func(_ *Options, so *standin.Options) { so.Jobs[0].Run = l.of("build", time.Second) }, func(w *world) {
		w.apply(block("d0", "192.0.2.9"))
		var both sync.WaitGroup
		both.Go(func() { w.apply(block("d1", "192.0.2.1")) })
		time.Sleep(time.Millisecond)
		both.Go(func() { w.revoke(block("d1", "192.0.2.1")) })
		both.Wait()
		time.Sleep(time.Minute)
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 3 || got[1]["ADD"] != "192.0.2.1" || got[1]["REMOVE"] != "" || got[2]["REMOVE"] != "192.0.2.1" || got[2]["ADD"] != "" {
			t.Errorf("builds %v", got)
		}
	})
}

// TestABuildSaysTheTruthOfAllThatIsInIt: what its parameters name concerns each
// of its addresses, those that are taken out too.
func TestABuildSaysTheTruthOfAllThatIsInIt(t *testing.T) {
	e := &Enforcer{o: Options{MaxTargets: 500, Now: time.Now, Jobs: map[actions.Verb]Job{
		actions.Block:  {"block", map[string]string{"ADD": "{{added}}", "REMOVE": "{{removed}}", "SERVICE": "{{service}}", "TTL": "{{ttl_s}}"}},
		actions.Harden: {"harden", map[string]string{"ADD": "{{added}}", "SERVICE": "{{service}}"}},
	}}}
	on := func(v actions.Verb, address, service string) actions.Decision {
		d := actions.Decision{ID: address + service, Verb: v, TTL: time.Hour, Target: actions.Target{Service: service}}
		if address != "" {
			d.Target.Prefix = netip.MustParsePrefix(address + "/32")
		}
		return d
	}
	got := []string{}
	for _, g := range e.group([]*ticket{
		{d: on(actions.Block, "192.0.2.1", "shop")},
		{d: on(actions.Block, "192.0.2.2", "mail"), lift: true},
		{d: on(actions.Block, "192.0.2.3", "shop"), lift: true},
		{d: on(actions.Harden, "", "shop")},
		{d: on(actions.Harden, "192.0.2.4", "shop")},
	}) {
		form := g.job.fill(g.facts)
		got = append(got, fmt.Sprintf("%s +%s -%s %s", g.job.Job, form.Get("ADD"), form.Get("REMOVE"), form.Get("SERVICE")))
	}
	slices.Sort(got)
	want := []string{"block + -192.0.2.2 mail", "block +192.0.2.1 -192.0.2.3 shop", "harden + - shop", "harden +192.0.2.4 - shop"}
	if !slices.Equal(got, want) {
		t.Errorf("builds %q, want %q", got, want)
	}
}

// TestABacklogIsNotSentLate: of what gathered while the controller was away each
// has a deadline of its own, and nothing is sent whose time is over.
func TestABacklogIsNotSentLate(t *testing.T) {
	in(t, nil, func(w *world) {
		w.wire.set(away)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() { w.apply(block(fmt.Sprint("d", i), fmt.Sprintf("192.0.2.%d", i))) })
			time.Sleep(3 * time.Second)
		}
		all.Wait()
		time.Sleep(2*time.Minute + 30*time.Second)
		for _, j := range w.e.Jobs() {
			if j.State != errored {
				t.Errorf("three minutes after %s: %+v", j.Triggered, j)
			}
		}
		short := block("short", "192.0.2.99")
		short.TTL, short.Expires = time.Minute, time.Now().Add(time.Minute)
		w.apply(short)
		time.Sleep(time.Minute)
		w.wire.set(nil)
		time.Sleep(6 * time.Minute)
		if j := w.e.Jobs()[0]; j.State != errored || !strings.Contains(j.Why, "its time was over") {
			t.Errorf("the short one: %+v", j)
		}
		if got := w.j.Triggered("ops/block-ip"); len(got) != 0 {
			t.Errorf("built were %v", got)
		}
	})
}
