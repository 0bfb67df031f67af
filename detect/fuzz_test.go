package detect_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"levee/detect"
)

// FuzzAdd throws arbitrary requests at an engine that is in the middle of an
// attack: nothing may panic, and memory stays where it was.
func FuzzAdd(f *testing.F) {
	f.Add([]byte("GET /a?b=c HTTP/1.1 curl/8"), int64(1777910000), uint16(200))
	f.Add([]byte("\x16\x03\x01\x02"), int64(-1), uint16(0))
	f.Add([]byte("//%2e%2e/..;/?&&&==&a=&=b&%"), int64(1<<62), uint16(65535))
	w := newWorld(40, 90)
	w.shop(20)
	w.busting(60, 2, 40, 45)
	base := w.sorted()
	f.Fuzz(func(t *testing.T, data []byte, at int64, status uint16) {
		e := detect.New(detect.Options{MaxMemory: 4 << 20})
		feed(e, base[:min(600, len(base))])
		held := e.Snapshot().Memory.Bytes
		for i := range 40 {
			part := func(n int) []byte {
				if len(data) == 0 {
					return nil
				}
				j := (i*7 + n*13) % len(data)
				return data[j:]
			}
			var a [16]byte
			copy(a[:], part(0))
			src := netip.AddrFrom16(a).Unmap()
			if i%2 == 0 {
				src = netip.AddrFrom4([4]byte(a[:4]))
			}
			tm := at * int64(time.Second)
			if len(data) >= 8 && i%3 == 0 {
				tm = int64(binary.LittleEndian.Uint64(data)) + int64(i)
			}
			e.Add([]detect.Request{{
				Time: tm, Source: src, Peer: src, Method: part(1), Target: part(2), Proto: part(3), Agent: part(4), Referer: part(5), Host: part(6), User: part(7),
				Headers: uint64(i), Bytes: at, Duration: at, Status: status + uint16(i), Kind: detect.Kind(i % 6), Origin: uint16(i * 1999),
			}})
			e.Source(netip.PrefixFrom(src, src.BitLen()))
		}
		e.Advance(time.Unix(at%(1<<33), 0))
		s := e.Snapshot()
		e.Events(nil)
		if s.Memory.Bytes > held+1<<20 {
			t.Errorf("grew from %d to %d bytes", held, s.Memory.Bytes)
		}
		if err := detect.New(detect.Options{MaxMemory: 4 << 20}).Load(e.Save(nil)); err != nil {
			t.Errorf("what was saved can't be loaded: %v", err)
		}
	})
}

// FuzzLoad: whatever is in the file, Load says so and does not panic.
func FuzzLoad(f *testing.F) {
	e := detect.New(detect.Options{MaxMemory: 4 << 20})
	feed(e, newTraffic(20, 60).batch(1000))
	f.Add(e.Save(nil))
	f.Add([]byte("levee-baseline-1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := detect.New(detect.Options{MaxMemory: 4 << 20}).Load(data); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
