package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"levee/internal/durable"
)

// host is another host, or this one, as it was seen last.
type host struct {
	last    time.Time     // by this host's clock
	ahead   time.Duration // how far its clock is ahead of this one's, at most
	leaving bool
}

const (
	// latelyIs how long a host that is silent keeps its share of the budgets: it
	// may be alone and spend it.
	latelyIs = 10 * time.Minute
	// askewMost is how far two clocks may be apart before it is said.
	askewMost = 5 * time.Second
)

// sawHost hears from a host. The caller holds mu.
func (n *Node) sawHost(r *Record, now time.Time) {
	h := n.hosts[r.By]
	if h == nil {
		h = &host{}
		n.hosts[r.By] = h
	}
	// What was written long before it is read says nothing of now.
	age := now.Sub(r.At)
	if h.last.IsZero() && age > n.seenFor() {
		h.last = now.Add(-age)
	} else {
		h.last, h.ahead = now, -age
	}
	h.leaving = r.Leaving
	if r.By == n.o.Host && r.Run != n.run && !n.began.IsZero() && r.At.After(n.began) {
		n.bad.twin = now
	}
}

// seenFor is how long a host counts as there after it was heard of.
func (n *Node) seenFor() time.Duration { return 3 * n.o.Lease }

// seen names the hosts that are there, this one included. The caller holds mu.
func (n *Node) seen(now time.Time) []string {
	out := []string{n.o.Host}
	for name, h := range n.hosts {
		if name != n.o.Host && !h.leaving && now.Sub(h.last) < n.seenFor() {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// lately counts the hosts that are there, or may be without being heard.
func (n *Node) lately() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.countLately(n.now())
}

// countLately is lately. The caller holds mu. While this host is alone the
// others stay: it can't hear them.
func (n *Node) countLately(now time.Time) int {
	if !n.alone.since.IsZero() {
		now = n.alone.since
	}
	count := 1
	for name, h := range n.hosts {
		if name != n.o.Host && !h.leaving && now.Sub(h.last) < latelyIs {
			count++
		}
	}
	return count
}

// share gives the dispatcher its part of the budgets: all that are at one spend
// theirs together, and leave theirs to those that may be alone.
func (n *Node) share() {
	n.mu.Lock()
	now := n.now()
	part, of := len(n.seen(now)), n.countLately(now)
	if !n.alone.since.IsZero() {
		part = 1
	}
	part = min(part, of)
	same := n.part == part && n.of == of
	n.part, n.of = part, of
	local := n.local
	n.mu.Unlock()
	if !same && local != nil {
		local.Share(part, of)
	}
}

// present says now and then that this host is there.
func (n *Node) present(ctx context.Context) error {
	now := n.now()
	if now.Sub(n.beat) < n.o.Lease*2/5 {
		return nil
	}
	if err := n.sayHost(ctx, false); err != nil {
		return err
	}
	n.beat = now
	n.share()
	return n.remember()
}

func (n *Node) sayHost(ctx context.Context, leaving bool) error {
	x := n.next(OfHost, n.o.Host)
	x.rec.Leaving, x.rec.Run = leaving, n.run
	stored, err := n.put(ctx, x)
	if err == nil && stored.Conflict {
		err = n.look(ctx, map[string]bool{x.rec.ID: true})
	}
	return err
}

// leaves is how long a host that stops tells the others what they don't know.
const leaves = 10 * time.Second

// leave tells the others that this host stops in good order: nobody waits for
// its lease, nobody keeps its share.
func (n *Node) leave(ctx context.Context) {
	n.mu.Lock()
	joined, l := n.joined, n.lease
	mine := l.rec != nil && l.rec.Host == n.o.Host && l.rec.Term == l.term
	n.mu.Unlock()
	if !joined {
		return
	}
	n.mu.Lock()
	for _, w := range n.out {
		if !w.show.IsZero() {
			w.show = w.show.Add(-showAfter) // it can't wait any more
		}
	}
	n.mu.Unlock()
	began := n.now()
	err := n.flush(ctx, leaves)
	for err == nil && n.waits() && n.now().Sub(began) < leaves {
		err = n.flush(ctx, leaves)
	}
	if err == nil && mine {
		err = n.grant(ctx, &Lease{Term: l.rec.Term, Since: l.rec.Since}, n.now())
	}
	if err == nil {
		err = n.sayHost(ctx, true)
	}
	if err != nil {
		n.o.Log.Warn("the fleet was not told that this host stops", "error", err)
	}
}

// waits reports whether the index has anything to learn.
func (n *Node) waits() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.out) > 0
}

// memory is what a node keeps over a restart.
type memory struct {
	Term  uint64   `json:"term"`
	Hosts []string `json:"hosts"`
}

// recall reads what remember wrote.
func (n *Node) recall() error {
	if n.o.Path == "" {
		return nil
	}
	b, err := os.ReadFile(n.o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m memory
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return fmt.Errorf("read what is known of the fleet in %s: %w; remove the file, and this host believes the next leader it hears of", n.o.Path, err)
	}
	n.lease.most = m.Term
	for _, name := range m.Hosts {
		n.hosts[name] = &host{last: n.now()}
	}
	n.kept = m
	return nil
}

// remember keeps the term and the hosts when they changed.
func (n *Node) remember() error {
	n.mu.Lock()
	now := n.now()
	m := memory{Term: n.lease.most}
	for _, name := range slices.Sorted(maps.Keys(n.hosts)) {
		if h := n.hosts[name]; !h.leaving && now.Sub(h.last) < latelyIs {
			m.Hosts = append(m.Hosts, name)
		}
	}
	same := m.Term == n.kept.Term && slices.Equal(m.Hosts, n.kept.Hosts)
	n.kept = m
	n.mu.Unlock()
	if same || n.o.Path == "" {
		return nil
	}
	b, err := json.Marshal(m)
	if err == nil {
		err = durable.Replace(n.o.Path, b)
	}
	if err != nil {
		n.o.Log.Warn("what is known of the fleet was not kept", "error", err)
	}
	return nil
}
