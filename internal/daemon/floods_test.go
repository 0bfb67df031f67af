package daemon

import (
	"bytes"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// flood sends what packet makes until the connection ends or the time is over.
// It returns how many goroutines there were at most, how many bytes were sent,
// and whether the server ended it.
func (w *wire) flood(patience time.Duration, packet func(i int) []byte) (most, sent int, ended bool) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for i := 0; ; i++ {
			p := packet(i)
			if w.send(p) != nil {
				return
			}
			sent += len(p)
		}
	}()
	for range patience / (5 * time.Millisecond) {
		select {
		case <-gone:
			return most, sent, true
		case <-time.After(5 * time.Millisecond):
			most = max(most, runtime.NumGoroutine())
		}
	}
	_ = w.conn.Close()
	<-gone
	return most, sent, false
}

// TestFloodsThatReadNoAnswer: a client that signed in, asks without end and
// reads no answer is dropped or held to its pace, and what it asked does not
// pile up.
func TestFloodsThatReadNoAnswer(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Write = 500 * time.Millisecond })
	ana := l.as("ana", l.ana)
	_, seen, _ := console(t, ana)
	before := runtime.NumGoroutine()
	global := gossh.Marshal(struct {
		Name  string `sshtype:"80"`
		Reply bool
	}{"keepalive@openssh.com", true})
	for name, packet := range map[string]func(ch uint32) func(i int) []byte{
		"sessions": func(uint32) func(int) []byte {
			return func(i int) []byte { return openMsg("session", uint32(i), 1<<20, 1<<15) }
		},
		"forwarding": func(uint32) func(int) []byte {
			return func(i int) []byte { return openMsg("direct-tcpip", uint32(i), 1<<20, 1<<15) }
		},
		"global requests": func(uint32) func(int) []byte { return func(int) []byte { return bytes.Clone(global) } },
		"pings":           func(uint32) func(int) []byte { return func(int) []byte { return []byte{msgPing, 0, 0, 0, 1, 'x'} } },
		"requests": func(ch uint32) func(int) []byte {
			return func(int) []byte { return requestMsg(ch, "x11-req", true, nil) }
		},
		"requests on no channel": func(uint32) func(int) []byte {
			return func(int) []byte { return requestMsg(999, "shell", true, nil) }
		},
	} {
		w := l.wired("bo", l.bo)
		_ = w.conn.(*net.TCPConn).SetReadBuffer(4096) // a hint
		most, sent, ended := w.flood(1500*time.Millisecond, packet(w.openSession(1<<20, 1<<15)))
		t.Logf("%s: %d KiB sent, ended: %v, %d goroutines", name, sent>>10, ended, most)
		if most > before+400 { // what its sessions have, and what waits for being turned away
			t.Errorf("%s: %d goroutines, %d before", name, most, before)
		}
		if !ended && sent > 48<<20 { // the burst, some seconds, and what the kernel's buffers hold
			t.Errorf("%s: %d MiB were taken", name, sent>>20)
		}
		run(t, ana, "", "auto").want(t, 0, "on;")
		eventually(t, "nothing of "+name+" stays behind", func() bool { return served() == 1 })
	}
	if seen.has("stopping") {
		t.Error("another console ended")
	}
}

// TestAKeyExchangeThatNeverEnds: frames can't be sent meanwhile; they don't pile
// up either.
func TestAKeyExchangeThatNeverEnds(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Write = 500 * time.Millisecond })
	w := l.wired("bo", l.bo)
	ch := w.openSession(1<<32-1, 1<<31)
	check(t, errors.Join(w.send(ptyMsg(ch, 200, 60)), w.send(requestMsg(ch, "shell", true, nil))))
	_, err := w.await(msgData)
	check(t, err)
	check(t, w.send(w.kexInit()))
	ana := l.as("ana", l.ana)
	run(t, ana, "", "auto").want(t, 0, "on;")
	check(t, errors.Join(ana.Close(), w.conn.Close()))

	w = l.wired("bo", l.bo) // what a command says can't be sent, nor that it ended
	ch = w.openSession(1<<20, 1<<15)
	check(t, errors.Join(w.send(requestMsg(ch, "exec", true, gossh.Marshal(struct{ C string }{"auto"}))), w.send(w.kexInit())))
	check(t, w.ends())
	eventually(t, "nothing of it stays behind", func() bool { return served() == 0 })
}

// TestKeysChangeUnderAConsole: a client that agrees on new keys after every few
// kilobytes, as the protocol lets it, sees the same console.
func TestKeysChangeUnderAConsole(t *testing.T) {
	l := start(t, nil)
	conf := l.config("ana", l.ana.Signer)
	conf.RekeyThreshold = 256 // bytes, the least the library takes
	c, err := gossh.Dial("tcp", l.ssh, conf)
	check(t, err)
	defer func() { _ = c.Close() }()
	_, seen, keys := console(t, c)
	for range 20 { // each is drawn before the next one comes
		_, err := keys.Write([]byte("?"))
		check(t, err)
		time.Sleep(20 * time.Millisecond)
		_, err = keys.Write([]byte("\x1b"))
		check(t, err)
		time.Sleep(20 * time.Millisecond)
	}
	_, err = keys.Write([]byte("?"))
	check(t, err)
	eventually(t, "the console answers", func() bool { return seen.has("cheat") || seen.has("Keys") || seen.has("Help") })
	run(t, c, "", "block 203.0.113.7").want(t, 0, "203.0.113.7")
}

// TestTheLargestWindow: a client that gives the largest window there is, so that
// SSH never holds the server back, and reads nothing.
func TestTheLargestWindow(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Write = 500 * time.Millisecond })
	ana := l.as("ana", l.ana)
	run(t, ana, "", "auto").want(t, 0, "on;")
	var all []*wire
	for range 3 {
		w := l.wired("bo", l.bo)
		_ = w.conn.(*net.TCPConn).SetReadBuffer(4096) // a hint
		ch := w.openSession(1<<32-1, 1<<31)
		check(t, errors.Join(w.send(ptyMsg(ch, 600, 200)), w.send(requestMsg(ch, "shell", true, nil))))
		all = append(all, w)
	}
	var m runtime.MemStats
	most := uint64(0)
	for _, w := range all {
		i := 0
		_, _, ended := w.flood(time.Minute, func(int) []byte { // one picture of another size after the other, none of which is read
			time.Sleep(2 * time.Millisecond)
			i++
			return requestMsg(0, "window-change", false, gossh.Marshal(struct{ W, H, PW, PH uint32 }{uint32(500 + i%90), 200, 0, 0}))
		})
		if !ended {
			t.Error("it was never dropped")
		}
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		run(t, ana, "", "auto").want(t, 0, "on;")
	}
	if most > 256<<20 {
		t.Errorf("%d MiB in use", most>>20)
	}
}

// TestStrangersSendNoMoreThanItTakes: a client that agreed on keys and never
// signs in can't have megabytes decrypted.
func TestStrangersSendNoMoreThanItTakes(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Handshake = time.Minute })
	w := l.met()
	w.askService()
	_, sent, ended := w.flood(time.Minute, func(int) []byte {
		return append([]byte{msgIgnore}, gossh.Marshal(struct{ D []byte }{make([]byte, 1<<14)})...)
	})
	if !ended || sent > 32<<20 { // what the kernel's buffers hold was sent as well
		t.Errorf("it sent %d MiB; dropped: %v", sent>>20, ended)
	}
}

// TestASessionThatAsksForNothing holds no place for longer than signing in may
// take.
func TestASessionThatAsksForNothing(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.Handshake = time.Second })
	w := l.wired("bo", l.bo)
	w.openSession(1<<20, 1<<15)
	check(t, w.ends())
}

// TestConnectionsAreBounded: a person has a bounded number of connections that
// are kept open, and others still get theirs.
func TestConnectionsAreBounded(t *testing.T) {
	l := start(t, func(o *Options) { o.Limits.ConnsPer = 3 })
	for range 3 {
		run(t, l.as("bo", l.bo), "", "auto").want(t, 0, "on;") // and it stays open
	}
	c := l.as("bo", l.bo)
	if s, err := c.NewSession(); err == nil {
		_ = s.Close()
		t.Error("a fourth connection has a session")
	} else if !strings.Contains(err.Error(), "too many connections") {
		t.Error(err)
	}
	run(t, l.as("ana", l.ana), "", "auto").want(t, 0, "on;")
}
