//go:build linux

package station

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"levee/detect"
	"levee/detect/logline"
	"levee/internal/source"
)

// attackersMost is how many sources begin to flood, one after the other.
const attackersMost = 40

func attacker(i int) string { return fmt.Sprintf("198.18.9.%d", 1+i) }

// BenchmarkLineToDrop runs a whole levee in a network namespace: a log that
// grows, the tail, the default detector, auto mode, the ledger and nftables.
// Sources begin to flood one after the other; each also sends a real packet
// every millisecond. Reported is the time from the writing of the line with
// which a source crosses the detector's threshold to its last packet that
// arrived. Which line that is, the same detector says when it is given the same
// log a line at a time.
func BenchmarkLineToDrop(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root (CAP_NET_ADMIN) for network namespaces")
	}
	tag := fmt.Sprintf("lvd%d", os.Getpid())
	server, clients := tag+"s", tag+"c"
	run := func(args ...string) {
		b.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			b.Skipf("this kernel or machine allows no network namespaces: ip %v: %s", args, out)
		}
	}
	for _, ns := range []string{server, clients} {
		run("netns", "add", ns)
		b.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
		run("-n", ns, "link", "set", "lo", "up")
	}
	run("link", "add", tag+"a", "netns", server, "type", "veth", "peer", "name", tag+"b", "netns", clients)
	run("-n", server, "addr", "add", "198.18.0.1/16", "dev", tag+"a")
	for i := range attackersMost {
		run("-n", clients, "addr", "add", attacker(i)+"/16", "dev", tag+"b")
	}
	run("-n", server, "link", "set", tag+"a", "up")
	run("-n", clients, "link", "set", tag+"b", "up")
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var all []time.Duration
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		sending := make(chan error, 1)
		go func() { sending <- flood(ctx, clients) }()
		child := exec.Command("ip", "netns", "exec", server, self)
		child.Env = append(os.Environ(), "LEVEE_DROP_DIR="+b.TempDir())
		child.Stderr = os.Stderr
		out, err := child.Output()
		cancel()
		if err := errors.Join(err, <-sending); err != nil {
			b.Fatal(err)
		}
		var took []time.Duration
		if err := json.Unmarshal(out, &took); err != nil {
			b.Fatal(err)
		}
		all = append(all, took...)
	}
	slices.Sort(all)
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(0.5), "ms-p50")
	b.ReportMetric(at(0.99), "ms-p99")
	b.ReportMetric(float64(len(all)), "sources")
}

// flood sends a packet a millisecond from every attacker's address in ns.
func flood(ctx context.Context, ns string) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is in another world and must die
		done <- func() error {
			fd, err := unix.Open("/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
			if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
				return err
			}
			var from []*net.UDPConn
			for i := range attackersMost {
				c, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(attacker(i))}, &net.UDPAddr{IP: net.IPv4(198, 18, 0, 1), Port: 9})
				if err != nil {
					return err
				}
				from = append(from, c)
			}
			for ctx.Err() == nil {
				for _, c := range from {
					_, _ = c.Write([]byte("x")) // refused until the other side listens
				}
				time.Sleep(time.Millisecond)
			}
			for _, c := range from {
				_ = c.Close()
			}
			return nil
		}()
	}()
	return <-done
}

// dropChild is the levee under attack. It prints how long each source's packets
// went on, as JSON.
func dropChild(dir string) {
	took, err := dropped(dir)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(took)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func dropped(dir string) ([]time.Duration, error) {
	in, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(198, 18, 0, 1), Port: 9})
	if err != nil {
		return nil, err
	}
	var last [256]atomic.Int64 // by the address's last byte: its newest packet
	go func() {
		buf := make([]byte, 8)
		for {
			_, from, err := in.ReadFromUDPAddrPort(buf)
			if err == nil {
				last[from.Addr().Unmap().As4()[3]].Store(time.Now().UnixNano())
			}
		}
	}()
	p := place{dir}
	o := p.options()
	o.Config.Actions.Denylist, o.Config.Actions.Nft.Enabled = nil, true
	if err := os.WriteFile(p.log(), nil, 0o600); err != nil {
		return nil, err
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for s.Status().Inputs[0].State != "following" {
		time.Sleep(time.Millisecond)
	}
	written, err := writeFlood(p.log())
	if err != nil {
		return nil, err
	}
	cancel()
	if err := <-done; err != nil {
		return nil, err
	}
	crossed, err := crossings(p.log(), o, written)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range attackersMost {
		at, ok := crossed[netip.MustParsePrefix(attacker(i)+"/32")]
		end := time.Unix(0, last[1+i].Load())
		if !ok || time.Since(end) < time.Second {
			return nil, fmt.Errorf("%s crossed: %v, last packet %s ago", attacker(i), ok, time.Since(end))
		}
		took = append(took, end.Sub(at))
	}
	return took, nil
}

// writeFlood writes ordinary traffic with ever more attackers in it, and when
// each line was written.
func writeFlood(path string) ([]time.Time, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	const step, everySteps, perStep = 10 * time.Millisecond, 20, 2 // a new one each 200 ms, 200 requests/s each
	history := visitors(time.Now(), 3, 0, 0)
	if _, err := f.Write(history); err != nil {
		return nil, err
	}
	written := make([]time.Time, bytes.Count(history, []byte("\n")))
	begin := time.Now()
	for i := range attackersMost*everySteps + int(3*time.Second/step) {
		var lines bytes.Buffer
		now := time.Now()
		at := now.UTC().Format("02/Jan/2006:15:04:05 -0700")
		if i%6 == 0 {
			fmt.Fprintf(&lines, "192.0.2.%d - - [%s] \"GET /news/%d HTTP/1.1\" 200 5120 \"https://play.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n",
				1+i%240, at, i%90)
		}
		for a := range min(attackersMost, i/everySteps) {
			for range perStep {
				fmt.Fprintf(&lines, "%s - - [%s] \"GET /search HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", attacker(a), at)
			}
		}
		if _, err := f.Write(lines.Bytes()); err != nil {
			return nil, err
		}
		now = time.Now()
		for range bytes.Count(lines.Bytes(), []byte("\n")) {
			written = append(written, now)
		}
		time.Sleep(time.Until(begin.Add(time.Duration(i+1) * step)))
	}
	return written, nil
}

// crossings returns when the line was written with which the detector, given
// one line at a time, first asks for the block of each source.
func crossings(path string, o Options, written []time.Time) (map[netip.Prefix]time.Time, error) {
	e := detect.New(EngineOptions(o.Config, nil))
	at := map[netip.Prefix]time.Time{}
	var events []detect.Event
	n := 0
	_, err := source.Scan(context.Background(), []string{filepath.Clean(path)}, source.ScanOptions{Parse: logline.Options{Service: "play.example.com"}}, func(b *source.Batch) error {
		for i := range b.Requests {
			e.Add(b.Requests[i : i+1])
			for _, ev := range e.Events(events[:0]) {
				if ev.Suspect == nil || ev.Suspect.Measure != detect.BlockSource && ev.Suspect.Measure != detect.BlockPrefix {
					continue
				}
				for a := range attackersMost {
					if p := netip.MustParsePrefix(attacker(a) + "/32"); ev.Suspect.Key.Contains(p.Addr()) && at[p].IsZero() {
						at[p] = written[n]
					}
				}
			}
			n++
		}
		b.Release()
		return nil
	})
	if err == nil && n != len(written) {
		err = fmt.Errorf("%d lines were written and %d read", len(written), n)
	}
	return at, err
}

// benchChild runs what BenchmarkLineToDrop asks of a process of its own.
func benchChild() bool {
	dir := os.Getenv("LEVEE_DROP_DIR")
	if dir != "" {
		dropChild(dir)
	}
	return dir != ""
}
