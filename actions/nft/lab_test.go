package nft

import (
	"context"
	"errors"
	"fmt"
	"net"
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
		d := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", to)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
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
