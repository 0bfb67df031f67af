package detect

import (
	"fmt"
	"math"
	"net/netip"
	"sort"
	"strconv"
	"time"
)

const historySeconds = 900

func statusText(s uint16) string { return strconv.Itoa(int(s)) }

func sortShares(l []Share) {
	sort.SliceStable(l, func(i, j int) bool { return l[i].Count > l[j].Count })
}

// Snapshot returns the state now.
func (e *Engine) Snapshot() *Snapshot {
	e.seq++
	s := &Snapshot{Seq: e.seq, Now: e.time(), Learning: e.learning(), Sources: e.sources.held, Anonymous: e.nobody, NSuspects: len(e.suspects), Memory: e.memory()}
	if !e.began {
		return s
	}
	if len(e.base) >= usualOfLeast {
		s.UsualOf = len(e.base)
	}
	s.Total = e.total.traffic(e.sec, e.usualTotal())
	s.Total.Requests = e.requests
	for i := range e.services {
		v := &e.services[i]
		if v.requests > 0 || i > 0 && len(e.opt.Services) > 0 {
			s.Services = append(s.Services, Service{Name: v.name, Traffic: v.traffic(e.sec, v.rate.usual())})
		}
	}
	sort.SliceStable(s.Services, func(i, j int) bool { return s.Services[i].Rate > s.Services[j].Rate })
	first := max(e.start, e.sec-historySeconds+1)
	s.History = make([]Point, 0, e.sec-first+1)
	for t := first; t <= e.sec; t++ {
		if p := e.history[t%historySeconds]; p.Time == t {
			s.History = append(s.History, p)
		} else {
			s.History = append(s.History, Point{Time: t, P95: -1})
		}
	}
	e.publishTops(s)
	e.publishSuspects(s)
	for i := len(e.incidents) - 1; i >= 0; i-- {
		e.incidents[i].Evidence = e.incidentEvidence(e.incidents[i])
		s.Incidents = append(s.Incidents, e.incidents[i].Incident)
	}
	for _, c := range e.closed {
		if s.Now.Sub(c.Closed) < time.Hour {
			s.Incidents = append(s.Incidents, c)
		}
	}
	for i := range e.inputs {
		if in := &e.inputs[i]; in.Requests > 0 {
			if in.last != math.MinInt64 {
				in.Last = time.Unix(0, in.last)
			}
			in.Lateness = max(in.worst[0], in.worst[1])
			s.Inputs = append(s.Inputs, in.Input)
		}
	}
	return s
}

func (e *Engine) usualTotal() (u float64) {
	for i := range e.services {
		u += e.services[i].rate.usual()
	}
	return u
}

// traffic sums the last ten seconds.
func (s *service) traffic(sec int64, usual float64) Traffic {
	t := Traffic{Baseline: usual, Requests: s.requests, P50: -1, P95: -1}
	var sum second
	for i := range s.ring {
		if int64(i) == sec%10 {
			continue // the open second is not whole yet
		}
		w := &s.ring[i]
		sum.requests += w.requests
		sum.fresh += w.fresh
		for c := range w.status {
			sum.status[c] += w.status[c]
		}
	}
	t.Rate = float64(sum.requests) / 9
	t.NewSources = float64(sum.fresh) / 9
	if sum.requests > 0 {
		for c := range sum.status {
			t.Status[c] = float64(sum.status[c]) / float64(sum.requests)
		}
		t.ErrorShare = t.Status[4] + t.Status[5]
	}
	if s.took.Weight() >= 1 {
		t.P50 = time.Duration(s.took.At(0.5)) * time.Microsecond
		t.P95 = time.Duration(s.took.At(0.95)) * time.Microsecond
	}
	d := s.distinct[0]
	for i := 1; i < len(s.distinct); i++ {
		d.Merge(&s.distinct[i])
	}
	t.Sources = d.Count()
	return t
}

// publishTops lists what the last minute's samples ask, with which agents and
// from which networks.
func (e *Engine) publishTops(s *Snapshot) {
	total := 0.0
	asns, someone := map[uint32]float64{}, map[uint32]netip.Addr{}
	paths, agents, nets := map[uint16]float64{}, map[uint16]float64{}, map[sourceKey]float64{}
	for i := range e.slots {
		sl := &e.slots[i]
		if sl.sec < e.sec-60 || sl.n == 0 {
			continue
		}
		step := max(1, sl.n/16)
		w := sl.weight() * float64(step)
		for j := 0; j < sl.n; j += step {
			d := &sl.kept[j]
			total += w
			paths[d.route] += w
			agents[d.agent] += w
			if e.opt.Facts != nil {
				asns[d.asn] += w
				someone[d.asn] = d.source
			}
			nets[d.key.net()] += w
		}
	}
	s.Paths = topShares(paths, total, func(k uint16) string { return e.routeWords.name(k) })
	s.Agents = topShares(agents, total, func(k uint16) string {
		if int(k) < len(e.agents.words) {
			return trim(e.agents.words[k].full, 128)
		}
		return ""
	})
	if len(asns) == 0 || len(asns) == 1 && asns[0] > 0 { // no database, or none that knows anybody
		s.Networks = topShares(nets, total, func(k sourceKey) string { return k.netPrefix().String() })
		return
	}
	s.Networks = topShares(asns, total, func(n uint32) string {
		if n == 0 {
			return ""
		}
		if who := e.opt.Facts(someone[n]); who.ASName != "" {
			return fmt.Sprintf("AS%d %s", n, who.ASName)
		}
		return fmt.Sprintf("AS%d", n)
	})
}

func topShares[K comparable](m map[K]float64, total float64, name func(K) string) []Share {
	type row struct {
		k K
		v float64
	}
	rows := make([]row, 0, len(m))
	for k, v := range m {
		rows = append(rows, row{k, v})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].v > rows[j].v })
	out := make([]Share, 0, 20)
	for _, r := range rows[:min(len(rows), 20)] {
		n := name(r.k)
		if n == "" {
			n = "(other)"
		}
		out = append(out, Share{Name: n, Count: uint64(r.v + 0.5), Share: r.v / max(total, 1)})
	}
	return out
}

// publishSuspects lists the thousand highest scores.
func (e *Engine) publishSuspects(s *Snapshot) {
	const most = 1000
	type row struct {
		at   int32
		rank float64
	}
	rows := make([]row, len(e.suspects))
	for i, at := range e.suspects {
		v := &e.sources.entries[at]
		rows[i] = row{at, float64(v.score) + min(float64(v.cur.hits), 60000)/1e6}
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].rank != rows[j].rank {
			return rows[i].rank > rows[j].rank
		}
		return rows[i].at < rows[j].at
	})
	s.Suspects = make([]Suspect, 0, min(len(rows)+len(e.netList), most))
	for _, k := range e.netList {
		if n := e.netOf(k); n != nil && n.until > e.sec {
			s.Suspects = append(s.Suspects, e.netSuspect(n))
		}
	}
	for _, r := range rows[:min(len(rows), most-len(s.Suspects))] {
		s.Suspects = append(s.Suspects, e.suspect(&e.sources.entries[r.at]))
	}
}
