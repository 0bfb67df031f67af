package detect_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"sort"
	"testing"
	"time"

	"levee/detect"
)

// feed adds requests in small batches and returns every event.
func feed(e *detect.Engine, reqs []detect.Request) (events []detect.Event) {
	for i := 0; i < len(reqs); i += 50 {
		e.Add(reqs[i:min(i+50, len(reqs))])
		events = e.Events(events)
	}
	return events
}

func blocks(events []detect.Event) map[netip.Prefix][]time.Time {
	m := map[netip.Prefix][]time.Time{}
	for _, ev := range events {
		if s := ev.Suspect; s != nil && (s.Measure == detect.BlockSource || s.Measure == detect.BlockPrefix) {
			m[s.Key] = append(m[s.Key], ev.Time)
		}
	}
	return m
}

// flooded is a shop with one loud source from second 60 on.
func flooded(seed uint64) *world {
	w := newWorld(seed, 130)
	w.host = "www.shop.test"
	w.shop(30)
	w.bots(1, 120, 60, 70, 0, w.anywhere, func(i int, o *one) { o.target, o.agent = "/", "curl/8.5.0" })
	return w
}

// TestSameRequestsGiveSameVerdicts: again, and however they are cut into batches.
func TestSameRequestsGiveSameVerdicts(t *testing.T) {
	w := newWorld(4, 200)
	w.shop(40)
	w.busting(200, 1, 100, 80)
	reqs := w.sorted()
	want := feed(detect.New(detect.Options{}), reqs)
	for _, size := range []int{50, 1, 17, len(reqs)} {
		e := detect.New(detect.Options{})
		var got []detect.Event
		for i := 0; i < len(reqs); i += size {
			e.Add(reqs[i:min(i+size, len(reqs))])
			got = e.Events(got)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("other verdicts in batches of %d", size)
		}
	}
	for name, seeds := range map[string][2]uint64{"prepared": {0, 0}, "prepared with another seed": {9, 0}, "with a seed of its own": {9, 9}} {
		for i := range reqs {
			reqs[i].Prepare(seeds[0])
		}
		got := feed(detect.New(detect.Options{Seed: seeds[1]}), reqs)
		if seeds[1] == 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: other verdicts", name)
		}
		if !reflect.DeepEqual(blocks(got), blocks(want)) {
			t.Errorf("%s: others are blocked", name)
		}
	}
	if len(blocks(want)) < 190 {
		t.Fatalf("%d blocks: the comparison shows nothing", len(blocks(want)))
	}
}

func TestBlockIsRenewed(t *testing.T) {
	w := newWorld(5, 300)
	w.shop(30)
	w.bots(1, 120, 60, 230, 0, w.anywhere, func(i int, o *one) { o.target, o.agent = "/", "curl/8.5.0" })
	for key, times := range blocks(feed(detect.New(detect.Options{}), w.sorted())) {
		if len(times) < 4 {
			t.Fatalf("%v was named %d times in 230 s", key, len(times))
		}
		for i := 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap > 61*time.Second {
				t.Errorf("%v between two reports of %v", gap, key)
			}
		}
		return
	}
	t.Fatal("nobody was blocked")
}

// TestAddressChangesHands: who uses the address after the flood is not blamed
// for it.
func TestAddressChangesHands(t *testing.T) {
	w := newWorld(51, 500)
	w.shop(30)
	a := w.addr()
	w.bots(1, 120, 60, 60, 0, func(int) netip.Addr { return a }, func(i int, o *one) { o.target, o.agent = "/", "curl/8.5.0" })
	for t := 250.0; t < 480; t += 40 {
		w.visit(a, w.agent(), t, 4, "", "")
	}
	var last detect.Event
	blamed := 0
	for _, ev := range feed(detect.New(detect.Options{}), w.sorted()) {
		if s := ev.Suspect; s != nil && s.Addr == a {
			last = ev
			if s.Measure == detect.BlockSource && ev.Time.Sub(w.began) > 300*time.Second {
				blamed++
			}
		}
	}
	if last.Suspect == nil || last.Suspect.Measure != detect.Observe || blamed > 0 {
		t.Errorf("blamed %d times after the flood; last event %+v", blamed, last.Suspect)
	}
}

func TestOptionsThatProtect(t *testing.T) {
	for name, o := range map[string]detect.Options{
		"usual":    {Usual: func(netip.Addr) bool { return true }},
		"verified": {Facts: func(netip.Addr) detect.Facts { return detect.Facts{Crawler: detect.CrawlerVerified} }},
	} {
		w := flooded(6)
		if b := blocks(feed(detect.New(o), w.sorted())); len(b) != 0 {
			t.Errorf("%s: %v was blocked", name, b)
		}
	}
	w := flooded(6)
	for _, ev := range feed(detect.New(detect.Options{MayAct: func(uint16) bool { return false }}), w.sorted()) {
		if ev.Suspect != nil && ev.Suspect.MayAct {
			t.Fatal("MayAct although no input may")
		}
	}
}

func TestFactsReachVerdicts(t *testing.T) {
	w := newWorld(9, 200)
	w.shop(40)
	ordinary := map[netip.Addr]bool{}
	for _, r := range w.reqs {
		ordinary[r.Source] = true
	}
	w.onePage(100, 2, 100, 80, "/")
	e := detect.New(detect.Options{Facts: func(a netip.Addr) detect.Facts {
		if ordinary[a] {
			return detect.Facts{ASN: 64500 + uint32(a.As4()[0]%20), Country: "DE"}
		}
		return detect.Facts{ASN: 64666, ASName: "Rented", Country: "ZZ"}
	}})
	for _, ev := range feed(e, w.sorted()) {
		if ev.Kind == detect.IncidentOpen && ev.Incident.Attack.Hostile() {
			if sig := ev.Incident.Signature; sig.ASN != "AS64666" && sig.Country != "ZZ" {
				t.Errorf("the signature %+v does not name the network", sig)
			}
		}
		if s := ev.Suspect; s != nil && s.ASN != 64666 {
			t.Errorf("suspect %v of AS%d", s.Key, s.ASN)
		}
	}
	if n := e.Snapshot().Networks; len(n) == 0 || n[0].Name[:2] != "AS" {
		t.Errorf("networks %v", n)
	}
}

func TestSnapshotTellsEverything(t *testing.T) {
	w := flooded(7)
	reqs := w.sorted()
	e := detect.New(detect.Options{})
	feed(e, reqs)
	s := e.Snapshot()
	if len(s.Suspects) == 0 || s.Suspects[0].Measure != detect.BlockSource {
		t.Fatalf("suspects %+v", s.Suspects)
	}
	top := s.Suspects[0]
	if top.Score < 80 || len(top.Evidence) < 3 || top.TopPath != "/" || top.TopAgent != "curl/8.5.0" || top.TopMethod != "GET" || top.Rate < 60 || top.Service != "www.shop.test" || top.Incident == "" {
		t.Errorf("the suspect is not told in full: %+v", top)
	}
	if !sort.SliceIsSorted(s.Suspects, func(i, j int) bool { return s.Suspects[i].Score > s.Suspects[j].Score }) {
		t.Error("suspects are not sorted by score")
	}
	if len(s.Incidents) == 0 || s.Incidents[0].Measures == nil || s.Incidents[0].Evidence == nil {
		t.Errorf("incidents %+v", s.Incidents)
	}
	sum := uint32(0)
	for _, p := range s.History {
		sum += p.Requests
	}
	if int(sum) != len(reqs) || int(s.Total.Requests) != len(reqs) {
		t.Errorf("history holds %d and the total %d of %d requests", sum, s.Total.Requests, len(reqs))
	}
	if len(s.Inputs) != 1 || s.Inputs[0].Requests != uint64(len(reqs)) || len(s.Paths) == 0 || len(s.Agents) == 0 || len(s.Networks) == 0 {
		t.Errorf("inputs %v, %d paths, %d agents, %d networks", s.Inputs, len(s.Paths), len(s.Agents), len(s.Networks))
	}
	v := e.Source(top.Key)
	if !v.Known || len(v.Recent) == 0 || v.Recent[0].Agent != "curl/8.5.0" || len(v.History) != 60 || len(v.Statuses) == 0 {
		t.Errorf("source view %+v", v)
	}
	if v := e.Source(netip.MustParsePrefix("192.0.2.1/32")); v.Known || v.Score != 0 {
		t.Errorf("a source nobody saw is known: %+v", v)
	}
	before := fmt.Sprint(s.Suspects[0], s.Incidents[0], s.History)
	feed(e, newTraffic(50, 60).batch(2000))
	e.Advance(s.Now.Add(time.Minute))
	if fmt.Sprint(s.Suspects[0], s.Incidents[0], s.History) != before {
		t.Error("a snapshot changed after it was returned")
	}
}

func TestSilenceEndsAnIncident(t *testing.T) {
	e := detect.New(detect.Options{})
	feed(e, flooded(8).sorted())
	if in := e.Snapshot().Incidents; len(in) == 0 || !in[0].Closed.IsZero() {
		t.Fatalf("no open incident: %+v", in)
	}
	e.Advance(e.Snapshot().Now.Add(10 * time.Minute))
	closed := false
	for _, ev := range e.Events(nil) {
		closed = closed || ev.Kind == detect.IncidentClose
	}
	if in := e.Snapshot().Incidents; !closed || len(in) == 0 || in[0].Closed.IsZero() {
		t.Errorf("ten silent minutes left it open: %+v", in)
	}
}

func TestMadeUpHostsAreNoServices(t *testing.T) {
	w := newWorld(10, 60)
	w.host = "www.shop.test"
	w.shop(40)
	for i := range 3000 {
		w.host = fmt.Sprintf("made-up-%d.test", i)
		w.put(one{at: 20 + float64(i)/100, from: w.addr(), target: "/"})
	}
	e := detect.New(detect.Options{})
	feed(e, w.sorted())
	names := map[string]uint64{}
	for _, s := range e.Snapshot().Services {
		names[s.Name] = s.Requests
	}
	if len(names) != 2 || names["_other"] < 3000 || names["www.shop.test"] < 2000 {
		t.Errorf("services %v", names)
	}
	e = detect.New(detect.Options{Services: []string{"api.shop.test"}})
	feed(e, w.sorted())
	for _, s := range e.Snapshot().Services {
		if s.Name != "_other" && s.Name != "api.shop.test" {
			t.Errorf("%s counts although it is not configured", s.Name)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 24 << 20
	e := detect.New(detect.Options{MaxMemory: limit})
	r := newTraffic(100, 30).batch(100)
	now := r[0].Time
	before := e.Snapshot().Memory.Bytes
	requests := uint32(400_000)
	if raceEnabled {
		requests = 150_000
	}
	for i := range requests / 100 {
		for j := range r {
			n := (i*100 + uint32(j)) * 2654435761
			now += 2_000_000
			r[j].Time = now
			r[j].Source = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			r[j].Target = fmt.Appendf(nil, "/%x/%x?%x", n, n>>3, n)
			r[j].Agent = fmt.Appendf(nil, "agent-%x", n)
			r[j].Host = fmt.Appendf(nil, "host-%x", n)
		}
		e.Add(r)
		e.Events(nil)
	}
	m := e.Snapshot().Memory
	if m.Bytes > limit || m.Bytes > before+1<<20 || m.Limit != limit {
		t.Errorf("holds %d bytes, held %d at first, limit %d", m.Bytes, before, limit)
	}
	if m.Shed == 0 {
		t.Errorf("%d sources in a small table and none was shed", requests)
	}
}

func TestExpectedCrowdIsNoSurprise(t *testing.T) {
	crowd := func(expect bool) (n int) {
		w := newWorld(11, 320)
		w.host = "www.shop.test"
		w.shop(40)
		w.link(1500, 130, 60)
		e := detect.New(detect.Options{Services: []string{w.host}})
		if expect {
			e.Expect(w.host, w.began.Add(100*time.Second), w.began.Add(400*time.Second), 8)
		}
		for _, ev := range feed(e, w.sorted()) {
			if ev.Kind == detect.IncidentOpen && ev.Incident.Signature.Referer == "" {
				n++
			}
		}
		return n
	}
	if n := crowd(true); n != 0 {
		t.Errorf("%d incidents although the crowd was announced", n)
	}
}

func TestKindsThatAreNotJudged(t *testing.T) {
	w := flooded(12)
	reqs := w.sorted()
	for i := range reqs {
		reqs[i].Kind = detect.Other
	}
	e := detect.New(detect.Options{})
	if ev := feed(e, reqs); len(ev) != 0 || e.Snapshot().Total.Requests != 0 {
		t.Errorf("%d events from lines that are no requests", len(ev))
	}
}
