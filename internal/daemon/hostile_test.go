package daemon

import (
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"levee/internal/control"
	"levee/tui/sshd"
)

// TestJunkConnections opens thousands of connections that are no SSH, and
// some that say nothing at all; people still get in.
func TestJunkConnections(t *testing.T) {
	l := start(t, func(o *Options) {
		o.Limits = sshd.Limits{Handshake: 3 * time.Second, Rate: 200, Burst: 100, Strangers: 40, StrangersPer: 30}
	})
	ana := l.as("ana", l.ana)
	run(t, ana, "", "auto").want(t, 0, "on;") // until then she is a stranger too
	before := runtime.NumGoroutine()
	for range 20 { // slow-loris: one byte and silence
		c, err := net.Dial("tcp", l.ssh)
		check(t, err)
		defer func() { _ = c.Close() }()
		_, _ = c.Write([]byte("S")) // it may be closed already
	}
	for i := range 10_000 {
		c, err := net.Dial("tcp", l.ssh)
		check(t, err)
		if i%8 != 0 {
			check(t, c.(*net.TCPConn).SetLinger(0)) // or their ports are taken for a minute
		}
		_, _ = c.Write([]byte([]string{"GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n\xff\xff\xff\xff\xff", "\x00\x00", strings.Repeat("A", 400)}[i%4])) // the same
		_ = c.Close()
	}
	run(t, ana, "", "auto").want(t, 0, "on;")
	eventually(t, "somebody new gets in", func() bool {
		c, err := l.dial("bo", l.bo.Signer)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	eventually(t, "the junk is gone", func() bool { return runtime.NumGoroutine() < before+10 })
}

// TestSessionsAreBounded: a person has a bounded number of sessions, and others
// still get theirs.
func TestSessionsAreBounded(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.SessionsPer = 4 })
	ana := l.as("ana", l.ana)
	var open []*gossh.Session
	refused := 0
	for range 12 {
		s, err := ana.NewSession()
		if err != nil {
			refused++
			continue
		}
		open = append(open, s)
	}
	if len(open) != 4 || refused != 8 {
		t.Errorf("%d sessions of one person, %d refused", len(open), refused)
	}
	run(t, l.as("bo", l.bo), "", "auto").want(t, 0, "on;")
	for _, s := range open {
		_ = s.Close()
	}
	eventually(t, "the places are free again", func() bool {
		s, err := ana.NewSession()
		if err == nil {
			_ = s.Close()
		}
		return err == nil
	})
}

// TestFloodsOfRequests sends what a hostile client that signed in can send:
// resizes without end, environments, huge arguments.
func TestFloodsOfRequests(t *testing.T) {
	l := start(t, nil)
	c := l.as("bo", l.bo)
	s, seen, keys := console(t, c)
	size := gossh.Marshal(struct{ W, H, PW, PH uint32 }{1 << 31, 1 << 31, 0, 0})
	for range 5000 {
		_, err := s.SendRequest("window-change", false, size)
		check(t, err)
	}
	_, err := s.SendRequest("window-change", false, gossh.Marshal(struct{ W, H, PW, PH uint32 }{100, 30, 0, 0}))
	check(t, err)
	for range 2000 {
		_, err := keys.Write([]byte("jjkk"))
		check(t, err)
	}
	_, err = keys.Write([]byte("?"))
	check(t, err)
	eventually(t, "the console still answers", func() bool { return seen.has("?") })

	long, err := c.NewSession()
	check(t, err)
	if err := long.Run("why " + strings.Repeat("a ", 90_000)); err == nil {
		t.Error("a command line of 180 kB was taken")
	}
	_ = long.Close()
	resized, err := l.as("bo", l.bo).NewSession() // resizes before and during a command
	check(t, err)
	check(t, resized.RequestPty("xterm", 24, 80, nil))
	for range 500 {
		_, err := resized.SendRequest("window-change", false, size)
		check(t, err)
	}
	out, err := resized.CombinedOutput("auto")
	if err != nil || !strings.Contains(string(out), "on;") {
		t.Errorf("a command after resizes: %v %s", err, out)
	}
	_ = s.Close()
}

// TestClientsThatNeverRead are dropped after a deadline, and hold nobody up.
func TestClientsThatNeverRead(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Write = 300 * time.Millisecond })
	ana := l.as("ana", l.ana)
	conn, err := net.Dial("tcp", l.ssh)
	check(t, err)
	sc, chans, reqs, err := gossh.NewClientConn(conn, l.ssh, l.config("bo", l.bo.Signer))
	check(t, err)
	c := gossh.NewClient(sc, chans, reqs)
	s, err := c.NewSession()
	check(t, err)
	check(t, s.RequestPty("xterm-256color", 300, 900, nil))
	_, err = s.StdoutPipe() // nobody reads it: its window is never opened again
	check(t, err)
	check(t, s.Shell())
	// It asks for one large screen after the other and reads none of them.
	sizes := []uint32{900, 901}
	gone := make(chan struct{})
	go func() { _ = sc.Wait(); close(gone) }()
	for i := 0; ; i++ {
		select {
		case <-gone:
			run(t, ana, "", "auto").want(t, 0, "on;")
			return
		case <-time.After(20 * time.Millisecond):
		}
		if i > 1000 {
			t.Fatal("it was never dropped")
		}
		_, _ = s.SendRequest("window-change", false, gossh.Marshal(struct{ W, H, PW, PH uint32 }{sizes[i%2], 300, 0, 0})) // it may be dropped
	}
}

// TestIdleConsolesClose: repainting does not count as life, keys do.
func TestIdleConsolesClose(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Idle = 400 * time.Millisecond })
	s, seen, _ := console(t, l.as("bo", l.bo))
	if err := s.Wait(); err == nil {
		t.Error("an idle console ended as if it had been left")
	}
	if !seen.has("nobody pressed a key") {
		t.Error("it does not say why")
	}
}

// TestStopTellsSessions: whoever is connected when levee stops is told, and a
// decision made before is there after a restart.
func TestStopTellsSessions(t *testing.T) {
	l := start(t, nil)
	run(t, l.as("ana", l.ana), "", "block 203.0.113.7").want(t, 0, "")
	_, seen, _ := console(t, l.as("bo", l.bo))
	check(t, l.stop())
	eventually(t, "the session was told", func() bool { return seen.has("levee is stopping") })
	if _, err := control.Do(t.Context(), control.SocketPath(filepath.Join(l.dir, "s")), control.Request{Args: []string{"auto"}, Out: io.Discard, Err: io.Discard}); err == nil {
		t.Error("the socket still answers")
	}
}
