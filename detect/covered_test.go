package detect_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

// TestCoveredClients: who counts as a usual client in a block, and what is heard
// of them.
func TestCoveredClients(t *testing.T) {
	e := detect.New(detect.Options{MaxMemory: 16 << 20})
	start := time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)
	now := start
	var batch []detect.Request
	put := func(a, target, refer string, status uint16) {
		q := detect.Request{Time: now.UnixNano(), Source: netip.MustParseAddr(a), Method: []byte("GET"), Target: []byte(target), Proto: []byte("HTTP/1.1"),
			Agent: []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"), Host: []byte("shop"), Status: status, Bytes: -1, Duration: -1}
		if refer != "" {
			q.Referer = []byte("https://shop" + refer)
		}
		batch = append(batch, q)
	}
	browse := func(a string, n int, status uint16) {
		page := fmt.Sprintf("/item/lamp-%d", n%50)
		put(a, page, "/item/lamp-1", status)
		put(a, fmt.Sprintf("/img/lamp-%d.jpg", n%50), page, status)
		put(a, "/static/shop.css", page, status)
	}
	const flood = 420
	run := func(from, to int, status uint16) {
		for n := from; n < to; n++ {
			for i := range 60 {
				if (n+i)%5 == 0 {
					browse(fmt.Sprintf("82.%d.3.9", i), n+i, 200)
				}
			}
			for i := range 4 {
				if (n+i)%5 == 0 {
					browse(fmt.Sprintf("198.51.100.%d", 10+i), n+i, status)
					browse(fmt.Sprintf("2001:db8:7:%d::1", i), n+i, status)
				}
			}
			if n >= flood-30 && n%5 == 0 {
				browse("198.51.100.200", n, 200) // came lately
			}
			if n < flood-200 && n%5 == 0 {
				browse("198.51.100.201", n, 200) // left
			}
			for i := 0; n >= flood && i < 150; i++ {
				put(fmt.Sprintf("45.%d.7.9", i), "/search?q=lamp", "/item/lamp-1", 200)
				for j := 0; i < 20 && j < 4; j++ { // seen before, and now they attack
					put(fmt.Sprintf("198.51.100.%d", 220+i), "/search?q=lamp", "/item/lamp-1", 200)
				}
			}
			for i := range 20 {
				if n < flood && (n+i)%5 == 0 {
					browse(fmt.Sprintf("198.51.100.%d", 220+i), n+i, 200)
				}
			}
			e.Add(batch)
			batch = batch[:0]
			now = now.Add(time.Second)
			e.Advance(now)
		}
	}
	run(0, flood+20, 200)
	list := e.Snapshot().Incidents
	if len(list) != 1 || !list[0].Attack.Hostile() {
		t.Fatalf("incidents: %+v", list)
	}
	id := list[0].ID
	blocks := []detect.Cover{
		{netip.MustParsePrefix("198.51.100.12/32"), id},
		{netip.MustParsePrefix("2001:db8:7:2::/64"), id},
		{netip.MustParsePrefix("2001:db8:7::/48"), id},
		{netip.MustParsePrefix("198.51.100.0/28"), id},
		{netip.MustParsePrefix("198.51.100.12/32"), "another"},
		{netip.MustParsePrefix("198.51.100.200/32"), id},
		{netip.MustParsePrefix("198.51.100.201/32"), id},
		{netip.MustParsePrefix("198.51.100.220/32"), id},
		{netip.MustParsePrefix("45.3.7.9/32"), id},
		{netip.MustParsePrefix("203.0.113.0/24"), id},
	}
	found := e.Covered(blocks)
	for i, want := range []int{1, 1, 4, 4, 0, 0, 0, 0, 0, 0} {
		c := found[i]
		if (c == nil) != (want == 0) || c != nil && c.Known != want {
			t.Errorf("%s: %+v, want %d", blocks[i].Prefix, c, want)
			continue
		}
		if each := 0.6 * float64(want); c != nil && (c.Usual < 0.85*each || c.Usual > 1.15*each || c.Rate < 0.7*each || c.Rate > 1.3*each) {
			t.Errorf("%s: %.2f requests/s usually, %.2f now, want %.2f", blocks[i].Prefix, c.Usual, c.Rate, each)
		}
	}
	// A prefix is all its clients.
	for p, want := range map[string]int{"198.51.100.0/28": 4, "198.51.100.0/24": 4, "2001:db8:7::/48": 4, "45.3.7.0/24": 0} {
		v := e.Source(netip.MustParsePrefix(p))
		if v.UsualClients < want || want == 0 && v.UsualClients > 0 || !v.Known || v.Score != 0 {
			t.Errorf("%s: %+v", p, v.Suspect)
		}
		if share := 0.6 * 4 / (0.6 * 90); want > 0 && (v.UsualShare < 0.7*share || v.Rate < 2) {
			t.Errorf("%s carries %.3f of usual traffic and makes %.1f requests/s, want %.3f", p, v.UsualShare, v.Rate, share)
		}
	}
	if s := e.Snapshot(); s.UsualOf < 1000 || s.Incidents[0].UsualOf < 1000 {
		t.Errorf("counted from %d samples, the signature from %d", s.UsualOf, s.Incidents[0].UsualOf)
	}
	before := e.Heard(found[:4])
	run(flood+20, flood+40, 403)
	for i, h := range e.Heard(found[:4]) {
		if n := uint64(12 * found[i].Known); h.Held != found[i].Known || h.Turned-before[i].Turned != n || h.Passed != before[i].Passed {
			t.Errorf("%s: heard %+v, before %+v", blocks[i].Prefix, h, before[i])
		}
	}
}

func TestAtMost(t *testing.T) {
	for _, c := range []struct {
		share float64
		n     int
		want  string
	}{{0, 0, "0.0000"}, {0.3, 0, "0.3000"}, {0, 300, "0.0126"}, {0, 4096, "0.0009"}, {0.01, 4096, "0.0135"}, {0.5, 100, "0.5962"}, {1, 20, "1.0000"}} {
		if got := fmt.Sprintf("%.4f", detect.AtMost(c.share, c.n)); got != c.want {
			t.Errorf("%g of %d: at most %s, want %s", c.share, c.n, got, c.want)
		}
	}
}
