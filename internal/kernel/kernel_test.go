package kernel

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// proc is a /proc in memory.
type proc map[string]string

func (p proc) read(path string) ([]byte, error) {
	if text, ok := p[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func ext(listen, drop, cookies int) string {
	return fmt.Sprintf("TcpExt: SyncookiesSent ListenDrops TCPReqQFullDrop TCPReqQFullDoCookies\nTcpExt: 0 %d %d %d\nIpExt: InNoRoutes\nIpExt: 9\n", listen, drop, cookies)
}

// TestSigns: what rises is said with its rate, what stands still is not,
// however high, and figures that are cut short or fall say nothing.
func TestSigns(t *testing.T) {
	const tracked = "/proc/sys/net/netfilter/nf_conntrack_count"
	most := proc{"/proc/sys/net/netfilter/nf_conntrack_max": "1000\n"}
	stat := "entries clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop\n"
	for _, c := range []struct {
		name        string
		first, last proc
		want        string
	}{
		{"nothing can be read", nil, nil, ""},
		{"all stands still", proc{"/proc/net/netstat": ext(9e8, 9e8, 9e8)}, proc{"/proc/net/netstat": ext(9e8, 9e8, 9e8)}, ""},
		{"listeners drop", proc{"/proc/net/netstat": ext(5, 0, 0)}, proc{"/proc/net/netstat": ext(205, 0, 0)}, "listen queue full: 20/s"},
		{"a SYN flood", proc{"/proc/net/netstat": ext(5, 1, 2)}, proc{"/proc/net/netstat": ext(5, 1, 31202)}, "SYN backlog full: 3120/s"},
		{"a SYN flood without cookies", proc{"/proc/net/netstat": ext(0, 1, 0)}, proc{"/proc/net/netstat": ext(50, 51, 0)},
			"SYN backlog full, no cookies: 5/s; listen queue full: 5/s"},
		{"now and then one", proc{"/proc/net/netstat": ext(0, 0, 0)}, proc{"/proc/net/netstat": ext(9, 0, 0)}, ""},
		{"counters began anew", proc{"/proc/net/netstat": ext(900, 900, 900)}, proc{"/proc/net/netstat": ext(1, 1, 1)}, ""},
		{"cut short", proc{"/proc/net/netstat": ext(0, 0, 0)}, proc{"/proc/net/netstat": "TcpExt: ListenDrops\nTcpExt:"}, ""},
		{"no numbers", proc{"/proc/net/netstat": ext(0, 0, 0)}, proc{"/proc/net/netstat": "TcpExt: ListenDrops\nTcpExt: many\n", "/proc/net/softnet_stat": "x y\n"}, ""},
		{"tracking is full", most, proc{"/proc/sys/net/netfilter/nf_conntrack_max": "1000\n", tracked: "950\n"}, "conntrack full: 950 of 1000"},
		{"tracking has room", most, proc{"/proc/sys/net/netfilter/nf_conntrack_max": "1000\n", tracked: "50\n"}, ""},
		{"tracking drops on two processors", proc{"/proc/net/stat/nf_conntrack": stat + "0 0 0 0 0 0 0 0 0 1 0 0\n0 0 0 0 0 0 0 0 0 0 1 0\n"},
			proc{"/proc/net/stat/nf_conntrack": stat + "0 0 0 0 0 0 0 0 0 33 0 0\n0 0 0 0 0 0 0 0 0 0 1f 2\n"}, "conntrack drops: 8/s"},
		{"packets are lost", proc{"/proc/net/softnet_stat": "00ff 0000 0001\n00ff 0000\n"}, proc{"/proc/net/softnet_stat": "00ff 1000 0001\n00ff 0010\n"}, "packets lost: 411/s"},
	} {
		var w Watch
		at := time.Unix(1_800_000_000, 0)
		w.Add(at, Read(c.first.read))
		w.Add(at.Add(window), Read(c.last.read))
		if got := strings.Join(w.Signs(), "; "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSignsEnd: what rose a while ago is no sign any more.
func TestSignsEnd(t *testing.T) {
	var w Watch
	at, n := time.Unix(1_800_000_000, 0), 0
	step := func(seconds, rise int) []string {
		for range seconds {
			n += rise
			at = at.Add(time.Second)
			w.Add(at, Read(proc{"/proc/net/netstat": ext(n, 0, 0)}.read))
		}
		return w.Signs()
	}
	if got := step(20, 0); len(got) != 0 {
		t.Errorf("in calm: %v", got)
	}
	if got := step(3, 50); len(got) != 1 {
		t.Errorf("three seconds into it: %v", got)
	}
	if got := step(11, 0); len(got) != 0 {
		t.Errorf("eleven seconds after: %v", got)
	}
	if len(w.seen) > 12 {
		t.Errorf("it keeps %d samples", len(w.seen))
	}
}

// TestTheRealKernel fills a listener's queue on loopback and reads the drops
// from the kernel itself.
func TestTheRealKernel(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	if Read(os.ReadFile) == (Counts{}) && len(netstat(os.ReadFile)) == 0 {
		t.Skip("this kernel has no /proc/net/netstat")
	}
	var w Watch
	at := time.Unix(1_800_000_000, 0)
	w.Add(at, Read(os.ReadFile))
	for range 40 { // nobody accepts: from the third on the kernel drops
		d := net.Dialer{Timeout: 20 * time.Millisecond}
		if c, err := d.Dial("tcp4", to); err == nil {
			defer func() { _ = c.Close() }()
		}
	}
	w.Add(at.Add(10*time.Second), Read(os.ReadFile))
	if got := strings.Join(w.Signs(), "; "); !strings.Contains(got, "listen queue full") {
		t.Errorf("the kernel dropped and it says %q", got)
	}
}
