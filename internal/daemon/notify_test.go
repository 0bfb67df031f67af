package daemon

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServiceManager listens as systemd does and hears all it needs: that
// levee is ready, lives, reloads and stops.
func TestServiceManager(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	check(t, err)
	defer func() { _ = manager.Close() }()
	env := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "200000"}
	l := start(t, func(o *Options) { o.Notify = NewNotifier(func(name string) string { return env[name] }) })
	next := func() string {
		t.Helper()
		b := make([]byte, 4096)
		check(t, manager.SetReadDeadline(time.Now().Add(20*time.Second)))
		n, err := manager.Read(b)
		check(t, err)
		return string(b[:n])
	}
	hears := func(want string) {
		t.Helper()
		for said := next(); !strings.HasPrefix(said, want); said = next() {
			if said != "WATCHDOG=1" {
				t.Fatalf("it said %q before %q", said, want)
			}
		}
	}
	hears("READY=1")
	for range 3 {
		hears("WATCHDOG=1")
	}
	l.reload <- struct{}{}
	hears("RELOADING=1\nMONOTONIC_USEC=")
	hears("READY=1")
	check(t, l.stop())
	hears("STOPPING=1")
}

// TestWithoutAServiceManager: nobody is told, and what the environment holds
// that is no number is no watchdog.
func TestWithoutAServiceManager(t *testing.T) {
	n := NewNotifier(func(name string) string { return map[string]string{"WATCHDOG_USEC": "soon"}[name] })
	if n.Watchdog != 0 || n.every() != time.Minute {
		t.Errorf("%+v every %s", n, n.every())
	}
	n.tell("READY=1")
	Notifier{Socket: filepath.Join(t.TempDir(), "gone")}.tell("READY=1")
}
