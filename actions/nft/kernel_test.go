package nft

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"levee/actions"
)

// lab is two network namespaces joined by a cable: a server, and clients with
// several addresses.
type lab struct {
	server, clients string
	fd              int // of the server's namespace
}

// newLab skips where the kernel or the rights do not allow it.
func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_NET_ADMIN) for network namespaces: sudo go test ./actions/nft")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip (Debian: iproute2) for network namespaces")
	}
	tag := fmt.Sprintf("lv%d", os.Getpid())
	l := &lab{server: tag + "s", clients: tag + "c"}
	for _, ns := range []string{l.server, l.clients} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			t.Skipf("this machine allows no network namespaces: %s", out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns).Run() })
	}
	ip(t, "link", "add", tag+"a", "netns", l.server, "type", "veth", "peer", "name", tag+"b", "netns", l.clients)
	ip(t, "-n", l.server, "addr", "add", "198.18.0.1/16", "dev", tag+"a")
	ip(t, "-n", l.server, "addr", "add", "fd00:18::1/48", "dev", tag+"a", "nodad")
	ip(t, "-n", l.clients, "addr", "add", "fd00:18::2/48", "dev", tag+"b", "nodad")
	ip(t, "-n", l.clients, "addr", "add", "fd00:18:0:5::2/128", "dev", tag+"b", "nodad")
	for _, a := range []string{"198.18.0.2/16", "198.18.0.3/16", "198.18.7.1/16", "198.18.7.200/16"} {
		ip(t, "-n", l.clients, "addr", "add", a, "dev", tag+"b")
	}
	for ns, dev := range map[string]string{l.server: tag + "a", l.clients: tag + "b"} {
		ip(t, "-n", ns, "link", "set", dev, "up")
		ip(t, "-n", ns, "link", "set", "lo", "up")
	}
	fd, err := unix.Open("/run/netns/"+l.server, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.fd = fd
	t.Cleanup(func() { _ = unix.Close(fd) })
	return l
}

func ip(t testing.TB, arguments ...string) {
	t.Helper()
	if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(arguments, " "), err, out)
	}
}

// inside runs f on a thread of its own in a namespace; the thread ends with it.
func inside(t testing.TB, ns string, f func() error) error {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is in another world and must die
		fd, err := unix.Open("/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			_ = unix.Close(fd)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func (l *lab) serve(t testing.TB, address string) {
	t.Helper()
	err := inside(t, l.server, func() error {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		ended := make(chan struct{})
		t.Cleanup(func() { _ = listener.Close(); <-ended })
		go func() {
			defer close(ended)
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte("hello"))
				_ = c.Close()
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// connects reports whether a client of that address gets an answer.
func (l *lab) connects(t testing.TB, from, to string) bool {
	t.Helper()
	err := inside(t, l.clients, func() error {
		d := net.Dialer{Timeout: 400 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", to)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if err := c.SetDeadline(time.Now().Add(400 * time.Millisecond)); err != nil {
			return err
		}
		_, err = c.Read(make([]byte, 5))
		return err
	})
	var late net.Error
	if err != nil && (!errors.As(err, &late) || !late.Timeout()) {
		t.Fatalf("%s to %s: %v", from, to, err)
	}
	return err == nil
}

func (l *lab) filter(t testing.TB, o Options) *Filter {
	t.Helper()
	o.NetNS = l.fd
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(context.Background()); err != nil {
		if errors.Is(err, syscall.EPROTONOSUPPORT) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return f
}

func (l *lab) nft(t testing.TB, arguments ...string) string {
	t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", l.server, "nft"}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Skipf("nft (Debian: nftables) is not here to look with: %s", out)
	}
	return string(out)
}

func block(p string, ttl time.Duration) actions.Decision {
	return actions.Decision{ID: p, Verb: actions.Block, Target: actions.Target{Prefix: prefix(p)}, Expires: time.Now().Add(ttl)}
}

func all(t testing.TB, rs []actions.Receipt, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if !r.OK {
			t.Fatalf("receipt %+v", r)
		}
	}
}

func TestRealPackets(t *testing.T) {
	l := newLab(t)
	l.serve(t, "198.18.0.1:80")
	l.serve(t, "198.18.0.1:22")
	l.serve(t, "[fd00:18::1]:80")
	ctx := context.Background()
	f := l.filter(t, Options{Operators: []netip.Prefix{prefix("198.18.0.2/32")}})
	const web, ssh, web6 = "198.18.0.1:80", "198.18.0.1:22", "[fd00:18::1]:80"
	expect := func(what string, want map[string]bool) {
		t.Helper()
		for from, ok := range want {
			to := web
			if strings.Contains(from, ":") {
				to = web6
			}
			if got := l.connects(t, from, to); got != ok {
				t.Errorf("%s: %s connects: %v", what, from, got)
			}
		}
	}
	for _, a := range []string{"fd00:18::2", "fd00:18:0:5::2"} { // neighbour discovery takes a moment
		for end := time.Now().Add(10 * time.Second); !l.connects(t, a, web6) && time.Now().Before(end); {
		}
	}
	expect("before", map[string]bool{"198.18.0.2": true, "198.18.0.3": true, "198.18.7.1": true, "fd00:18::2": true, "fd00:18:0:5::2": true})

	rs, err := f.Apply(ctx, []actions.Decision{block("198.18.0.2/32", time.Hour), block("198.18.7.0/25", time.Hour), block("fd00:18:0:5::/64", time.Hour)})
	all(t, rs, err)
	expect("blocked", map[string]bool{"198.18.0.2": false, "198.18.0.3": true, "198.18.7.1": false, "198.18.7.200": true, "fd00:18::2": true, "fd00:18:0:5::2": false})
	if !l.connects(t, "198.18.0.2", ssh) {
		t.Error("a blocked operator lost SSH")
	}
	if l.connects(t, "198.18.7.1", ssh) {
		t.Error("a blocked stranger has SSH")
	}
	held, err := f.List(ctx)
	if err != nil || len(held) != 3 {
		t.Fatalf("held %+v, %v", held, err)
	}
	for _, h := range held {
		if h.Dropped == 0 || time.Until(h.Expires).Round(time.Minute) != time.Hour {
			t.Errorf("held %+v", h)
		}
	}

	// An outer prefix swallows an inner one, and gives it back.
	rs, err = f.Apply(ctx, []actions.Decision{block("198.18.6.0/23", time.Hour)})
	all(t, rs, err)
	expect("outer", map[string]bool{"198.18.7.1": false, "198.18.7.200": false})
	if held, err := f.List(ctx); err != nil || len(held) != 4 {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = f.Revoke(ctx, []actions.Decision{block("198.18.6.0/23", 0)})
	all(t, rs, err)
	expect("inner again", map[string]bool{"198.18.7.1": false, "198.18.7.200": true})

	// Another process finds what stands, and a renewal moves the end.
	g := l.filter(t, Options{})
	rs, err = g.Apply(ctx, []actions.Decision{block("198.18.0.2/32", 3*time.Hour)})
	all(t, rs, err)
	held, err = g.List(ctx)
	if err != nil || len(held) != 3 || time.Until(held[0].Expires).Round(time.Minute) != 3*time.Hour {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = g.Revoke(ctx, []actions.Decision{block("198.18.0.2/32", 0), block("198.18.7.0/25", 0), block("fd00:18:0:5::/64", 0), block("203.0.113.1/32", 0)})
	all(t, rs, err)
	expect("lifted", map[string]bool{"198.18.0.2": true, "198.18.7.1": true, "fd00:18:0:5::2": true})
}

func TestTheKernelLetsBlocksLapse(t *testing.T) {
	l := newLab(t)
	l.serve(t, "198.18.0.1:80")
	f := l.filter(t, Options{})
	rs, err := f.Apply(context.Background(), []actions.Decision{block("198.18.0.2/32", 1500*time.Millisecond), block("198.18.7.0/24", 1500*time.Millisecond)})
	all(t, rs, err)
	if l.connects(t, "198.18.0.2", "198.18.0.1:80") || l.connects(t, "198.18.7.1", "198.18.0.1:80") {
		t.Error("not blocked")
	}
	for end := time.Now().Add(10 * time.Second); !l.connects(t, "198.18.0.2", "198.18.0.1:80") || !l.connects(t, "198.18.7.1", "198.18.0.1:80"); {
		if time.Now().After(end) {
			t.Fatal("the blocks never lapsed")
		}
	}
	// What lapsed can be blocked and lifted again.
	rs, err = f.Apply(context.Background(), []actions.Decision{block("198.18.0.2/32", time.Hour), block("198.18.7.0/24", time.Hour)})
	all(t, rs, err)
	if l.connects(t, "198.18.7.1", "198.18.0.1:80") {
		t.Error("not blocked again")
	}
	rs, err = f.Revoke(context.Background(), []actions.Decision{block("198.18.0.2/32", 0), block("198.18.7.0/24", 0)})
	all(t, rs, err)
	if !l.connects(t, "198.18.7.1", "198.18.0.1:80") {
		t.Error("not lifted")
	}
}

func TestOnlyItsOwnTableIsTouched(t *testing.T) {
	l := newLab(t)
	l.nft(t, "add", "table", "inet", "mine")
	l.nft(t, "add", "set", "inet", "mine", "addresses4", "{ type ipv4_addr; elements = { 192.0.2.77 } }")
	before := l.nft(t, "list", "ruleset")
	f := l.filter(t, Options{})
	rs, err := f.Apply(context.Background(), []actions.Decision{block("192.0.2.1/32", time.Hour), block("255.255.255.0/24", time.Hour)})
	all(t, rs, err)
	if got := l.nft(t, "list", "table", "inet", "mine"); got != before {
		t.Errorf("another table changed:\n%s", got)
	}

	// Somebody flushes everything: Check says so, and the next change rebuilds.
	l.nft(t, "flush", "ruleset")
	if err := f.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "somebody removed") {
		t.Errorf("Check = %v", err)
	}
	if held, err := f.List(context.Background()); err != nil || len(held) != 0 {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = f.Apply(context.Background(), []actions.Decision{block("192.0.2.1/32", time.Hour)})
	all(t, rs, err)
	if held, err := f.List(context.Background()); err != nil || len(held) != 1 {
		t.Errorf("held %+v, %v", held, err)
	}
	// Somebody takes one element out behind its back.
	l.nft(t, "delete", "element", "inet", "levee", "addresses4", "{ 192.0.2.1 }")
	rs, err = f.Revoke(context.Background(), []actions.Decision{block("192.0.2.1/32", 0)})
	all(t, rs, err)

	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := l.nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}

func TestWithoutTheRight(t *testing.T) {
	if os.Geteuid() != 0 {
		f, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			t.Errorf("Check = %v", err)
		}
		return
	}
	if os.Getenv("LEVEE_NFT_NOBODY") != "" {
		t.Skip("this is the process without rights")
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestWithoutTheRight$", "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("the test binary stands where nobody else may read it")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutTheRight") {
		t.Errorf("%v\n%s", err, out)
	}
}

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
