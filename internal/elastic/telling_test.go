package elastic_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/elastic"
)

// mailbox is where the hosts of a fleet tell people, each at its own path.
type mailbox struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string][]string // by host
}

func newMailbox(t *testing.T) *mailbox {
	m := &mailbox{got: map[string][]string{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body) // what is missing in it the test misses
		m.mu.Lock()
		defer m.mu.Unlock()
		m.got[r.URL.Path[1:]] = append(m.got[r.URL.Path[1:]], string(b))
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mailbox) of(host string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got[host]
}

// TestTheLeaderAloneTells has two hosts of one fleet see the same attack: people
// hear of it from the leader, and somebody who takes and mutes it on the other
// host has taken and muted it there.
func TestTheLeaderAloneTells(t *testing.T) {
	admin := elastic.Superuser(t)
	if err := admin.Setup(t.Context(), elastic.SetupOptions{Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	key, fleet, box := elastic.NewKey(t, admin, "fleet"), fmt.Sprintf("telling %d", time.Now().UnixNano()), newMailbox(t)
	host := func(name string) *edge {
		return newEdge(t, fleet, name, key, func(c *config.Config) {
			c.Notify = []config.Notify{{URL: config.NewSecret("generic://" + strings.TrimPrefix(box.URL, "http://") + "/" + name + "?disabletls=yes")}}
		})
	}
	a, b := host("edge-a"), host("edge-b")
	both := []*edge{a, b}
	for _, e := range both {
		e.append(crowd(time.Now(), 300, 0, ""))
	}
	eventually(t, "one leads and both know", func() bool {
		x, y := a.s.Status().Peers, b.s.Status().Peers
		return x.Leader != "" && x.Leader == y.Leader && x.Leads != y.Leads
	})
	sent := time.Now().Add(-time.Minute)
	incident := func(e *edge) string {
		if in := e.s.Snapshot().Incidents; len(in) > 0 {
			return in[0].ID
		}
		return ""
	}
	flood := func(what string, ok func() bool) {
		t.Helper()
		eventually(t, what, func() bool {
			if now := time.Now(); now.Sub(sent) >= 2*time.Second {
				for _, e := range both {
					e.append(crowd(now, 2, 2, "198.51.100.7"))
				}
				sent = now
			}
			return ok()
		})
	}
	flood("both see an attack", func() bool { return incident(a) != "" && incident(b) != "" })
	seen := time.Now() // what a host tells it tells within five seconds
	flood("people are told", func() bool {
		return time.Since(seen) > 8*time.Second && len(box.of("edge-a"))+len(box.of("edge-b")) > 0
	})
	lead, other := a, b
	if b.s.Status().Peers.Leads {
		lead, other = b, a
	}
	unsure := func() bool {
		x, y := lead.s.Status().Peers, other.s.Status().Peers
		return a.stoodAlone() || b.stoodAlone() || !x.Leads || y.Leads || x.Term != 1
	}
	op, leave := other.s.Join(actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"})
	defer leave()
	mine := incident(other)
	owned, muted := op.Own(t.Context(), mine, "", "ana"), op.Mute(t.Context(), mine, time.Hour)
	said := func(e *edge, parts ...string) bool {
		for _, n := range e.s.Notices(0) {
			has := true
			for _, p := range parts {
				has = has && strings.Contains(n.Text, p)
			}
			if has {
				return true
			}
		}
		return false
	}
	flood("the leader hears who has it", func() bool {
		return unsure() || owned != nil || muted != nil || said(lead, "ana has taken incident "+mine, "seen by "+other.name) && said(lead, "ana mutes incident "+mine+" for 1h0m0s")
	})
	if unsure() {
		t.Log("the cluster did not answer one of them in time, and it went on alone, as it must")
		return
	}
	if owned != nil || muted != nil {
		t.Errorf("taken: %v, muted: %v", owned, muted)
	}
	if !said(other, "ana has taken incident", "passed on to "+lead.name+", which tells people") {
		t.Error("the console does not say where it goes")
	}
	if got := box.of(other.name); len(got) != 0 {
		t.Errorf("the host that follows told people too: %q", got)
	}
}
