package nft

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"levee/actions"
)

func BenchmarkHundredThousand(b *testing.B) {
	l := newLab(b)
	ds := make([]actions.Decision, 100000)
	for i := range ds {
		a := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		ds[i] = actions.Decision{ID: fmt.Sprint(i), Verb: actions.Block, Target: actions.Target{Prefix: netip.PrefixFrom(a, 32)}, Expires: time.Now().Add(time.Hour)}
	}
	ctx := context.Background()
	for b.Loop() {
		f := l.filter(b, Options{})
		begin := time.Now()
		rs, err := f.Apply(ctx, ds)
		all(b, rs, err)
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "apply-ms")
		begin = time.Now()
		held, err := f.List(ctx)
		if err != nil || len(held) != len(ds) {
			b.Fatal(len(held), err)
		}
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "list-ms")
		if err := f.Remove(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOneMore(b *testing.B) {
	l := newLab(b)
	f := l.filter(b, Options{})
	ctx := context.Background()
	i := 0
	for b.Loop() {
		i++
		a := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		rs, err := f.Apply(ctx, []actions.Decision{{ID: "d", Verb: actions.Block, Target: actions.Target{Prefix: netip.PrefixFrom(a, 32)}, Expires: time.Now().Add(time.Hour)}})
		all(b, rs, err)
	}
}

// BenchmarkDecisionToDrop sends a packet each 100 µs and reports how long after
// the decision the last one still arrived.
func BenchmarkDecisionToDrop(b *testing.B) {
	l := newLab(b)
	f := l.filter(b, Options{})
	ctx := context.Background()
	var in *net.UDPConn
	if err := inside(b, l.server, func() (err error) {
		in, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP("198.18.0.1"), Port: 9})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var out *net.UDPConn
	if err := inside(b, l.clients, func() (err error) {
		out, err = net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP("198.18.0.2")}, &net.UDPAddr{IP: net.ParseIP("198.18.0.1"), Port: 9})
		return err
	}); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = out.Write([]byte("x"))
				time.Sleep(100 * time.Microsecond)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	var worst time.Duration
	buf := make([]byte, 8)
	for b.Loop() {
		if err := in.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			b.Fatal(err)
		}
		if _, err := in.Read(buf); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		rs, err := f.Apply(ctx, []actions.Decision{block("198.18.0.2/32", time.Hour)})
		all(b, rs, err)
		last := begin
		for {
			if err := in.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				b.Fatal(err)
			}
			if _, err := in.Read(buf); err != nil {
				break
			}
			last = time.Now()
		}
		worst = max(worst, last.Sub(begin))
		rs, err = f.Revoke(ctx, []actions.Decision{block("198.18.0.2/32", 0)})
		all(b, rs, err)
	}
	b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
}
