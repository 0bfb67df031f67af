package demo

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// Pool says where the addresses of a wave lie.
type Pool uint8

// Pools.
const (
	Homes      Pool = iota // spread over access networks, one in five IPv6
	Hosting                // packed into the /24s of a few hosting companies
	Documented             // the documentation ranges of RFC 5737 and RFC 3849
	Rotating               // fresh addresses of one IPv6 /48, any of its /64s
	Players                // people who have been here before
	OneSubnet              // one IPv4 /24 of an access network
	Crawlers               // a published range of a search engine
)

// isps are first octets and IPv6 /32s that belong to access networks; what is
// drawn from them is made up and belongs to nobody in particular.
var (
	isps4   = []byte{24, 31, 37, 46, 62, 67, 71, 73, 77, 78, 79, 80, 81, 82, 84, 85, 86, 87, 88, 89, 90, 91, 93, 94, 95, 98, 109, 176, 178, 188, 189, 190, 200, 201, 213, 217}
	isps6   = []uint32{0x2a0023c4, 0x26001700, 0x26010240, 0x2a028108, 0x200300e1, 0x24094042, 0x2804014c, 0x2a01e0a1}
	hosters = [][2]byte{{51, 158}, {139, 99}, {146, 70}, {152, 32}, {159, 203}, {167, 99}, {185, 220}, {192, 241}}
)

// addresses draws addresses of a pool, never the same twice unless the pool
// runs dry or is meant to repeat.
type addresses struct {
	pool    Pool
	rng     *rand.Rand
	subnets [][3]byte // of Hosting and OneSubnet
	six     uint64    // upper half of Rotating's /48
	people  *population
	drawn   map[netip.Addr]bool
}

func newAddresses(pool Pool, subnets int, rng *rand.Rand, people *population) *addresses {
	a := &addresses{pool: pool, rng: rng, people: people, drawn: make(map[netip.Addr]bool)}
	switch pool {
	case Hosting:
		for range max(subnets, 1) {
			h := pick(rng, hosters)
			a.subnets = append(a.subnets, [3]byte{h[0], h[1], byte(rng.IntN(256))})
		}
	case OneSubnet:
		a.subnets = [][3]byte{{pick(rng, isps4), byte(rng.IntN(256)), byte(rng.IntN(256))}}
	case Rotating:
		a.six = 0x20010db8<<32 | uint64(rng.IntN(0x10000))<<16
	}
	return a
}

// fresh draws an address that was not drawn before, if it can be had.
func (a *addresses) fresh() netip.Addr {
	for range 64 {
		if ip := a.draw(); !a.drawn[ip] {
			a.drawn[ip] = true
			return ip
		}
	}
	return a.draw()
}

func (a *addresses) draw() netip.Addr {
	r := a.rng
	switch a.pool {
	case Hosting, OneSubnet:
		n := pick(r, a.subnets)
		return netip.AddrFrom4([4]byte{n[0], n[1], n[2], byte(1 + r.IntN(254))})
	case Documented:
		n := pick(r, [][3]byte{{198, 51, 100}, {203, 0, 113}})
		return netip.AddrFrom4([4]byte{n[0], n[1], n[2], byte(1 + r.IntN(254))})
	case Rotating:
		return six(a.six|uint64(r.IntN(0x10000)), r.Uint64())
	case Players:
		return a.people.someone(r).addr
	case Crawlers:
		return netip.AddrFrom4([4]byte{66, 249, 66, byte(1 + r.IntN(90))})
	}
	return home(r)
}

// home draws an address of an access network.
func home(r *rand.Rand) netip.Addr {
	if r.IntN(5) == 0 {
		return six(uint64(pick(r, isps6))<<32|uint64(r.Uint32()), r.Uint64())
	}
	v := r.Uint32()
	return netip.AddrFrom4([4]byte{pick(r, isps4), byte(v >> 16), byte(v >> 8), byte(1 + v%254)})
}

func six(network, host uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], network)
	binary.BigEndian.PutUint64(b[8:], host)
	return netip.AddrFrom16(b)
}
