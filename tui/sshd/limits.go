package sshd

import (
	"cmp"
	"net/netip"
	"sync"
	"time"
)

// Limits bounds what strangers and people can take. Zero fields have the
// defaults that stand beside them.
type Limits struct {
	Handshake    time.Duration // from connecting to the first session; 10 s
	Write        time.Duration // a client that reads nothing for so long is dropped; 15 s
	Idle         time.Duration // without a key a console ends; 1 h
	Strangers    int           // connections that are not signed in, in all; 64
	StrangersPer int           // the same from one address (an IPv6 /64); 16
	Rate         float64       // connections a second from one address; 10
	Burst        int           // connections at once from one address; 60
	Sessions     int           // in all; 128
	SessionsPer  int           // of one user; 16
	Connections  int           // that signed in, in all; 256
	ConnsPer     int           // the same of one user; 32
}

func (l Limits) withDefaults() Limits {
	l.Handshake = cmp.Or(l.Handshake, 10*time.Second)
	l.Write = cmp.Or(l.Write, 15*time.Second)
	l.Idle = cmp.Or(l.Idle, time.Hour)
	l.Strangers = cmp.Or(l.Strangers, 64)
	l.StrangersPer = cmp.Or(l.StrangersPer, 16)
	l.Rate = cmp.Or(l.Rate, 10)
	l.Burst = cmp.Or(l.Burst, 60)
	l.Sessions = cmp.Or(l.Sessions, 128)
	l.SessionsPer = cmp.Or(l.SessionsPer, 16)
	l.Connections = cmp.Or(l.Connections, 256)
	l.ConnsPer = cmp.Or(l.ConnsPer, 32)
	return l
}

// door counts who stands at it. Its tables are bounded whatever comes.
type door struct {
	limits Limits
	now    func() time.Time

	mu        sync.Mutex
	buckets   map[netip.Prefix]*bucket
	strangers int
	friends   map[netip.Prefix]time.Time // where people signed in from, and when
	sessions  int
	conns     int // that signed in
	users     map[string]*guest
}

// guest is what one user takes.
type guest struct {
	sessions, conns int
	pace            pace
}

// bucket is one address's tokens.
type bucket struct {
	tokens    float64
	at        time.Time
	strangers int
}

// Tables hold at most so many addresses.
const (
	mostBuckets = 8192
	mostFriends = 1024
)

func newDoor(l Limits, now func() time.Time) *door {
	return &door{limits: l, now: now, buckets: map[netip.Prefix]*bucket{}, friends: map[netip.Prefix]time.Time{}, users: map[string]*guest{}}
}

// place is what counts as one address: an IPv6 client has a /64.
func place(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // what has no address shares one bucket
	}
	return p
}

// knock lets a stranger in or returns why not. Whoever is let in must be
// handed to leave or welcome once.
func (d *door) knock(a netip.Addr) (why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, now := place(a), d.now()
	b := d.buckets[p]
	if b == nil {
		if len(d.buckets) >= mostBuckets {
			d.forget(now)
		}
		if len(d.buckets) >= mostBuckets {
			return "too many addresses connect at once"
		}
		b = &bucket{tokens: float64(d.limits.Burst), at: now}
		d.buckets[p] = b
	}
	b.tokens = min(float64(d.limits.Burst), b.tokens+now.Sub(b.at).Seconds()*d.limits.Rate)
	b.at = now
	_, friend := d.friends[p]
	switch {
	case b.tokens < 1:
		return "too many connections a second from one address"
	case b.strangers >= d.limits.StrangersPer:
		return "too many connections from one address that never signed in"
	case d.strangers >= d.limits.Strangers && !friend:
		return "too many connections that never signed in"
	}
	b.tokens--
	b.strangers++
	d.strangers++
	return ""
}

// leave takes back one knock.
func (d *door) leave(a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone(a)
}

func (d *door) gone(a netip.Addr) {
	d.strangers--
	if b := d.buckets[place(a)]; b != nil {
		b.strangers--
	}
}

// welcome notes that whoever knocked has signed in, or says why they can't
// stay. An attacker who fills the door from elsewhere does not keep this address
// out any more. Whoever is welcome must be handed to part once.
func (d *door) welcome(a netip.Addr, user string) (p *pace, why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch g := d.users[user]; {
	case g != nil && g.conns >= d.limits.ConnsPer:
		return nil, "you have too many connections here already; end one"
	case d.conns >= d.limits.Connections:
		return nil, "there are too many connections here; try again later"
	}
	d.gone(a)
	if len(d.friends) >= mostFriends {
		oldest := netip.Prefix{}
		for p, t := range d.friends {
			if !oldest.IsValid() || t.Before(d.friends[oldest]) {
				oldest = p
			}
		}
		delete(d.friends, oldest)
	}
	d.friends[place(a)] = d.now()
	g := d.guest(user)
	g.conns++
	d.conns++
	return &g.pace, ""
}

// part takes back one welcome.
func (d *door) part(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns--
	d.users[user].conns--
	d.tidy(user)
}

// guest is what user takes. The caller holds mu, and calls tidy when it is less.
func (d *door) guest(user string) *guest {
	g := d.users[user]
	if g == nil {
		g = &guest{}
		d.users[user] = g
	}
	return g
}

// tidy forgets who takes nothing any more. Their pace is as new with the next
// connection: signing in costs more than it gives.
func (d *door) tidy(user string) {
	if g := d.users[user]; g.sessions == 0 && g.conns == 0 {
		delete(d.users, user)
	}
}

// forget drops addresses whose bucket is full again.
func (d *door) forget(now time.Time) {
	for p, b := range d.buckets {
		if b.strangers == 0 && b.tokens+now.Sub(b.at).Seconds()*d.limits.Rate >= float64(d.limits.Burst) {
			delete(d.buckets, p)
		}
	}
}

// enter takes a session's place, or says why there is none.
func (d *door) enter(user string) (why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guest(user)
	switch {
	case g.sessions >= d.limits.SessionsPer:
		return "you have too many sessions here already; end one"
	case d.sessions >= d.limits.Sessions:
		d.tidy(user)
		return "there are too many sessions here; try again later"
	}
	g.sessions++
	d.sessions++
	return ""
}

func (d *door) exit(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions--
	d.users[user].sessions--
	d.tidy(user)
}
