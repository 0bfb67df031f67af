package detect

import (
	"net/netip"
	"time"
)

const (
	recentSeconds = 64
	sampleText    = 128
)

// sample is one request kept for a minute: its feature for attribution and
// its text for people.
type sample struct {
	feature
	time     int64
	duration int64
	bytes    int64
	source   netip.Addr
	key      sourceKey
	target   [sampleText]byte
	agentTxt [sampleText]byte
	referTxt [64]byte
	nt, na   uint8
	nr, nm   uint8
	methodTx [12]byte
}

// slot is one second of samples: a uniform sample of the second's requests
// (reservoir sampling, Vitter's algorithm R, 1985).
type slot struct {
	sec   int64
	total uint32
	n     int
	kept  []sample
}

// weight is how many requests one sample of the slot stands for.
func (s *slot) weight() float64 {
	if s.n == 0 {
		return 0
	}
	return float64(s.total) / float64(s.n)
}

// chosen is a request that the sample has taken and not copied yet.
type chosen struct {
	r       *Request // nil: none
	feature feature
	key     sourceKey
}

// keep offers a request to the slot of second sec. What is taken is copied by
// copyChosen: most of it gives way to other requests of the same second.
func (e *Engine) keep(r *Request, f *feature, k sourceKey, sec int64) {
	s := &e.slots[sec%recentSeconds]
	s.total++
	i := s.n
	if i < len(s.kept) {
		s.n++
	} else if i = int(e.random() % uint64(s.total)); i >= len(s.kept) {
		return
	}
	c := &e.chosen[i]
	if c.r == nil {
		e.toCopy = append(e.toCopy, uint16(i))
	}
	c.r, c.feature, c.key = r, *f, k
}

// copyChosen copies what keep took of the open second, before the second ends or
// its requests do.
func (e *Engine) copyChosen() {
	s := &e.slots[e.sec%recentSeconds]
	for _, i := range e.toCopy {
		c := &e.chosen[i]
		s.kept[i].set(c.r, &c.feature, c.key)
		c.r = nil
	}
	e.toCopy = e.toCopy[:0]
}

// set copies a request.
func (d *sample) set(r *Request, f *feature, k sourceKey) {
	d.feature = *f
	d.time, d.duration, d.bytes, d.source, d.key = r.Time, r.Duration, r.Bytes, r.Source, k
	d.nt = uint8(copy(d.target[:], r.Target))
	d.na = uint8(copy(d.agentTxt[:], r.Agent))
	d.nr = uint8(copy(d.referTxt[:], r.Referer))
	d.nm = uint8(copy(d.methodTx[:], r.Method))
}

// random is splitmix64 (Steele, Lea, Flood 2014), from a fixed seed.
func (e *Engine) random() uint64 {
	e.rng += 0x9e3779b97f4a7c15
	z := e.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// view makes a sample readable.
func (d *sample) view(host string) Sample {
	dur := time.Duration(-1)
	if d.duration >= 0 {
		dur = time.Duration(d.duration)
	}
	return Sample{
		Time: time.Unix(0, d.time).UTC(), Source: d.source, Method: string(d.methodTx[:d.nm]), Target: string(d.target[:d.nt]),
		Agent: string(d.agentTxt[:d.na]), Referer: string(d.referTxt[:d.nr]), Host: host, Status: d.status, Bytes: d.bytes, Duration: dur,
	}
}

// baseSample is one request of the usual traffic.
type baseSample struct {
	feature
	key     sourceKey
	conduct uint8
}

// learn moves the samples of second sec, by now old enough that their sources'
// conduct is known, into what counts as usual.
func (e *Engine) learn(sec int64) {
	s := &e.slots[sec%recentSeconds]
	if s.sec != sec || s.n == 0 {
		return
	}
	e.fetchSamples(s.kept[:s.n])
	for i := range s.kept[:s.n] {
		d := &s.kept[i]
		j := e.sources.find(d.key, d.key.hash())
		if j < 0 {
			continue
		}
		src := &e.sources.entries[j]
		if e.explained(&d.feature, src) || e.undecided(&d.feature, src) {
			continue
		}
		c := e.conduct(src)
		e.learnConduct(d, src, c)
		if c != conductYoung && c != conductBare {
			e.meet(d.key, sec)
		}
		e.remember(d, c)
	}
}

// remember puts a sample into the reservoir of the baseline; once full it is
// renewed about every 15 minutes.
func (e *Engine) remember(d *sample, c uint8) {
	b := baseSample{feature: d.feature, key: d.key, conduct: c}
	if len(e.base) < cap(e.base) {
		e.base = append(e.base, b)
		return
	}
	if e.random()%32 == 0 {
		e.base[e.random()%uint64(len(e.base))] = b
	}
}

// learnConduct teaches a route and its service how their clients behave.
func (e *Engine) learnConduct(d *sample, src *source, c uint8) {
	if d.route != 0 { // queries and failures are told by one request: an app that asks once teaches them too
		r := &e.routes[d.route]
		r.fresh.add(b2f(d.query&queryFresh != 0), 500)
		r.random.add(b2f(d.query&queryRandom != 0), 500)
		r.odd.add(b2f(d.odd()), 500)
		r.failing.add(b2f(d.status >= 500), 500)
	}
	if c == conductYoung || c == conductBare && int(src.cur.pages)+int(src.prev.pages) >= 60 {
		return // a source that asks that much says nothing of the others
	}
	v := float32(0)
	if c == conductPerson {
		v = 1
	}
	e.services[d.service].person.add(v, 4000)
	e.services[d.service].assets.add(b2f(d.marks&routeAsset != 0), 4000)
	if t := src.total(); t.pages >= 8 && t.nav >= 3 && e.sec-src.first >= habitLeast { // bots must not teach it before they are known
		e.services[d.service].walks.add(b2f(t.assets == 0), 2000)
	}
	if d.route == 0 {
		return
	}
	r := &e.routes[d.route]
	r.person.add(v, 500)
	if r.rate.n > 120 && float64(r.rate.ten) > 3*r.rate.usual()+3 {
		return // how often a crowd comes back is not what is usual here
	}
	if src.top == d.route {
		r.repeat.add(float32(src.topHits), 500)
	} else {
		r.repeat.add(1, 500)
	}
}

func b2f(b bool) float32 {
	if b {
		return 1
	}
	return 0
}
