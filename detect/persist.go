package detect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// The saved form: a magic word with the version, then services, routes and
// regulars, each list led by its length, and a CRC-32 over all of it. Numbers
// are little-endian; strings are led by their length. Version 1 had a hash beside
// each name, which differs from run to run now.
const (
	savedMagic  = "levee-baseline-2"
	savedMagic1 = "levee-baseline-1"
)

var errDamaged = errors.New("the saved baseline is cut short or damaged")

// Save appends the learnt baseline and long-term memory to dst.
func (e *Engine) Save(dst []byte) []byte {
	w := packer{b: append(dst, savedMagic...)}
	w.u32(uint32(len(e.services)))
	for i := range e.services {
		s := &e.services[i]
		w.text(s.name)
		w.series(&s.rate, &s.fails, &s.missing, &s.bare, &s.broken, &s.failing, &s.slowFails, &s.slowBare)
		w.shares(&s.person, &s.assets)
		for h := range s.week {
			w.shares(&s.week[h])
		}
	}
	n := 0
	for i := 1; i < len(e.routeWords.words); i++ {
		if e.routes[i].rate.n > 0 {
			n++
		}
	}
	w.u32(uint32(n))
	for i := 1; i < len(e.routeWords.words); i++ {
		r := &e.routes[i]
		if r.rate.n == 0 {
			continue
		}
		w.text(e.routeWords.words[i].name)
		w.u32(uint32(r.service) | uint32(r.marks)<<8)
		w.series(&r.rate)
		w.shares(&r.person, &r.repeat, &r.fresh, &r.random, &r.failing)
	}
	n = 0
	for i := range e.regulars {
		if e.regulars[i].days > 0 {
			n++
		}
	}
	w.u32(uint32(n))
	for i := range e.regulars {
		if r := &e.regulars[i]; r.days > 0 {
			w.u64(r.key.hi)
			w.u64(r.key.lo)
			w.u32(uint32(r.day))
			w.u32(uint32(r.days))
		}
	}
	w.u32(crc32.ChecksumIEEE(w.b[len(dst):]))
	return w.b
}

// Load restores what Save returned. An error leaves the engine as it was.
func (e *Engine) Load(src []byte) error {
	first := bytes.HasPrefix(src, []byte(savedMagic1))
	if len(src) < len(savedMagic)+4 || !first && !bytes.HasPrefix(src, []byte(savedMagic)) {
		return fmt.Errorf("load baseline: not a baseline of this version (it begins anew without it)")
	}
	body, sum := src[:len(src)-4], binary.LittleEndian.Uint32(src[len(src)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return fmt.Errorf("load baseline: %w", errDamaged)
	}
	r := unpacker{b: body[len(savedMagic):]}
	services := make([]service, min(r.u32(), maxServices))
	for i := range services {
		s := &services[i]
		s.name = r.text()
		if first {
			r.u64()
		}
		r.series(&s.rate, &s.fails, &s.missing, &s.bare, &s.broken, &s.failing, &s.slowFails, &s.slowBare)
		r.shares(&s.person, &s.assets)
		for h := range s.week {
			r.shares(&s.week[h])
		}
	}
	type saved struct {
		name string
		route
	}
	routes := make([]saved, min(int(r.u32()), len(r.b)/8))
	for i := range routes {
		v := &routes[i]
		if first {
			r.u64()
		}
		v.name = r.text()
		m := r.u32()
		v.service, v.marks = uint8(m), uint8(m>>8)
		r.series(&v.rate)
		r.shares(&v.person, &v.repeat, &v.fresh, &v.random, &v.failing)
	}
	regulars := make([]regular, min(int(r.u32()), len(r.b)/24))
	for i := range regulars {
		g := &regulars[i]
		g.key.hi, g.key.lo, g.day, g.days = r.u64(), r.u64(), int32(r.u32()), uint16(r.u32())
	}
	if r.bad || len(r.b) != 0 || len(services) == 0 {
		return fmt.Errorf("load baseline: %w", errDamaged)
	}
	// Everything was read: only now is the engine touched.
	at := make([]uint8, len(services))
	for i := range services {
		s := &services[i]
		at[i] = otherService
		if s.name != otherName {
			if at[i] = e.serviceNamed(s.name); at[i] == otherService {
				continue
			}
		}
		o := &e.services[at[i]]
		o.rate, o.fails, o.missing, o.bare, o.broken, o.failing, o.slowFails, o.slowBare = s.rate, s.fails, s.missing, s.bare, s.broken, s.failing, s.slowFails, s.slowBare
		o.person, o.assets, o.week = s.person, s.assets, s.week
	}
	for i := range routes {
		v := &routes[i]
		if int(v.service) >= len(at) {
			continue
		}
		v.service = at[v.service]
		h := e.routeHash(v.service, []byte(v.name))
		if e.routeWords.find(h) != 0 {
			continue
		}
		if id := e.routeWords.add(h, v.name, ""); id != 0 {
			e.routes[id] = v.route
		}
	}
	for _, g := range regulars {
		e.regulars[g.key.hash()%uint64(len(e.regulars))] = g
	}
	e.warm = true
	return nil
}

// serviceNamed returns the service of that name, making it when there is none.
func (e *Engine) serviceNamed(name string) uint8 {
	for i := 1; i < len(e.services); i++ {
		if e.services[i].name == name {
			return uint8(i)
		}
	}
	if name == plainName {
		return e.plainService()
	}
	return e.addService(name)
}

// packer writes the saved form.
type packer struct{ b []byte }

func (w *packer) u32(v uint32)  { w.b = binary.LittleEndian.AppendUint32(w.b, v) }
func (w *packer) u64(v uint64)  { w.b = binary.LittleEndian.AppendUint64(w.b, v) }
func (w *packer) f32(v float32) { w.u32(math.Float32bits(v)) }
func (w *packer) text(s string) { w.u32(uint32(len(s))); w.b = append(w.b, s...) }

func (w *packer) series(list ...*series) {
	for _, s := range list {
		w.f32(s.mean)
		w.f32(s.slow)
		w.f32(s.dev)
		w.u32(s.n)
	}
}

func (w *packer) shares(list ...*share) {
	for _, s := range list {
		w.f32(s.mean)
		w.f32(s.n)
	}
}

// unpacker reads it; bad says that it ran out or met nonsense.
type unpacker struct {
	b   []byte
	bad bool
}

func (r *unpacker) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad = true
		r.b = nil
		return make([]byte, min(max(n, 0), 16))
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *unpacker) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *unpacker) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func (r *unpacker) f32() float32 {
	v := math.Float32frombits(r.u32())
	if v != v || v < 0 || v > 1e12 {
		r.bad = true
		return 0
	}
	return v
}

func (r *unpacker) text() string {
	n := r.u32()
	if n > 1024 {
		r.bad = true
		return ""
	}
	return string(r.take(int(n)))
}

func (r *unpacker) series(list ...*series) {
	for _, s := range list {
		s.mean, s.slow, s.dev, s.n = r.f32(), r.f32(), r.f32(), r.u32()
		s.fast, s.ten = s.mean, s.mean
	}
}

func (r *unpacker) shares(list ...*share) {
	for _, s := range list {
		s.mean, s.n = r.f32(), r.f32()
	}
}
