package daemon

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// lives reports that the connection still serves: a command on a new channel is
// answered.
func (w *wire) lives() error {
	const id = 4321
	if err := w.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	if err := w.send(openMsg("session", id, 1<<20, 1<<15)); err != nil {
		return err
	}
	for {
		p, err := w.next()
		switch {
		case err != nil:
			return err
		case p[0] == msgOpenFailed && binary.BigEndian.Uint32(p[1:]) == id:
			return errors.New("no session was opened any more")
		case p[0] == msgOpened && binary.BigEndian.Uint32(p[1:]) == id:
			if err := w.send(requestMsg(binary.BigEndian.Uint32(p[5:]), "exec", true, gossh.Marshal(struct{ C string }{"auto"}))); err != nil {
				return err
			}
		case p[0] == msgData && binary.BigEndian.Uint32(p[1:]) == id && bytes.Contains(p, []byte("on;")):
			return nil
		}
	}
}

// ends reports that the server ended the connection.
func (w *wire) ends() error {
	if err := w.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, w.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("it was left open")
	}
	return nil
}

// malformed are packets that break the protocol after somebody signed in
// properly, on a session channel without a command. What ends a connection ends
// that one alone.
var malformed = []struct {
	name string
	ends bool
	send func(w *wire, ch uint32) error
}{
	{"data for a channel that never was", true, func(w *wire, _ uint32) error { return w.send(dataMsg(4242, []byte("x"))) }},
	{"a channel number of all ones", true, func(w *wire, _ uint32) error { return w.send(numbered(msgClose, 1<<32-1)) }},
	{"a request on a channel that never was", false, func(w *wire, _ uint32) error { return w.send(requestMsg(4242, "shell", true, nil)) }},
	{"a window that overflows", true, func(w *wire, ch uint32) error { return w.send(numbered(msgWindow, ch, 255, 255, 255, 255)) }},
	{"the largest window, and one more", true, func(w *wire, _ uint32) error {
		return w.send(numbered(msgWindow, w.openSession(1<<32-1, 1<<15), 0, 0, 0, 1))
	}},
	{"a window adjusted by half a number", true, func(w *wire, ch uint32) error { return w.send(numbered(msgWindow, ch, 0, 0)) }},
	{"a channel for packets of nothing", false, func(w *wire, _ uint32) error { return w.send(openMsg("session", 8, 1<<20, 0)) }},
	{"a channel for packets of 4 GiB", false, func(w *wire, _ uint32) error { return w.send(openMsg("session", 8, 1<<20, 1<<32-1)) }},
	{"a channel opened by half", true, func(w *wire, _ uint32) error { return w.send([]byte{msgOpen, 0, 0, 0, 7, 's', 'e'}) }},
	{"a channel kind of 4 GiB", true, func(w *wire, _ uint32) error { return w.send([]byte{msgOpen, 255, 255, 255, 255, 's'}) }},
	{"a request without a name", true, func(w *wire, ch uint32) error { return w.send(numbered(msgRequest, ch)) }},
	{"a request's name of 4 GiB", true, func(w *wire, ch uint32) error { return w.send(numbered(msgRequest, ch, 255, 255, 255, 255, 'x')) }},
	{"a terminal without a size", false, func(w *wire, ch uint32) error { return w.send(requestMsg(ch, "pty-req", true, nil)) }},
	{"a TERM of 4 GiB", false, func(w *wire, ch uint32) error {
		return w.send(requestMsg(ch, "pty-req", true, []byte{255, 255, 255, 255}))
	}},
	{"a terminal twice", false, func(w *wire, ch uint32) error {
		return errors.Join(w.send(ptyMsg(ch, 80, 24)), w.send(ptyMsg(ch, 80, 24)))
	}},
	{"half a size", false, func(w *wire, ch uint32) error {
		return errors.Join(w.send(ptyMsg(ch, 80, 24)), w.send(requestMsg(ch, "window-change", true, []byte{0, 0, 0})))
	}},
	{"a size of nothing, then a console", false, func(w *wire, ch uint32) error {
		return errors.Join(w.send(ptyMsg(ch, 0, 0)), w.send(requestMsg(ch, "shell", true, nil)), w.send(dataMsg(ch, []byte("q"))))
	}},
	{"exec without a command", false, func(w *wire, ch uint32) error { return w.send(requestMsg(ch, "exec", true, nil)) }},
	{"a command of 4 GiB", false, func(w *wire, ch uint32) error {
		return w.send(requestMsg(ch, "exec", true, []byte{255, 255, 255, 255, 'a'}))
	}},
	{"three commands on one channel", false, func(w *wire, ch uint32) error {
		c := gossh.Marshal(struct{ C string }{"auto"})
		return errors.Join(w.send(requestMsg(ch, "exec", true, c)), w.send(requestMsg(ch, "exec", true, c)), w.send(requestMsg(ch, "shell", true, nil)))
	}},
	{"an environment without a value", false, func(w *wire, ch uint32) error { return w.send(requestMsg(ch, "env", true, []byte{0, 0, 0, 4, 'L'})) }},
	{"more data than the window holds", true, func(w *wire, ch uint32) error {
		for range 65 {
			if err := w.send(dataMsg(ch, make([]byte, 1<<15))); err != nil {
				return nil // it hung up already
			}
		}
		return nil
	}},
	{"more data than a packet may hold", true, func(w *wire, ch uint32) error { return w.send(dataMsg(ch, make([]byte, 1<<15+1))) }},
	{"data whose length is another", true, func(w *wire, ch uint32) error { return w.send(numbered(msgData, ch, 0, 0, 1, 0, 'x')) }},
	{"data of a kind nobody knows", false, func(w *wire, ch uint32) error { return w.send(numbered(msgExtended, ch, 0, 0, 0, 77, 0, 0, 0, 1, 'x')) }},
	{"answers to what was never asked", false, func(w *wire, ch uint32) error {
		for range 500 {
			if err := errors.Join(w.send([]byte{msgSuccess}), w.send([]byte{msgFailure}), w.send(numbered(msgReqSuccess, ch)), w.send(numbered(msgReqFailure, ch))); err != nil {
				return err
			}
		}
		return nil
	}},
	{"a confirmation of the client's own channel", true, func(w *wire, ch uint32) error {
		return w.send(numbered(msgOpened, ch, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 128, 0))
	}},
	{"data after the end", true, func(w *wire, ch uint32) error {
		return errors.Join(w.send(numbered(msgEOF, ch)), w.send(numbered(msgClose, ch)), w.send(dataMsg(ch, []byte("x"))))
	}},
	{"closed twice", true, func(w *wire, ch uint32) error {
		return errors.Join(w.send(numbered(msgClose, ch)), w.send(numbered(msgClose, ch)))
	}},
	{"a message nobody knows", true, func(w *wire, _ uint32) error { return w.send([]byte{213}) }},
	{"a packet without a payload", true, func(w *wire, _ uint32) error { return w.sendBody(append([]byte{15}, make([]byte, 15)...)) }},
	{"padding that is longer than the packet", true, func(w *wire, _ uint32) error { return w.sendBody(append([]byte{255, msgIgnore}, make([]byte, 30)...)) }},
	{"a packet of nothing", true, func(w *wire, _ uint32) error { return w.sendBody(nil) }},
	{"a packet of 1 MiB", true, func(w *wire, _ uint32) error { return w.send(append([]byte{msgIgnore}, make([]byte, 1<<20)...)) }},
	{"a packet that claims 4 GiB", true, func(w *wire, _ uint32) error {
		_, err := w.conn.Write([]byte{255, 255, 255, 255, 1, 2, 3, 4})
		return err
	}},
	{"what is not encrypted", true, func(w *wire, _ uint32) error {
		b := make([]byte, 4096)
		_, _ = rand.Read(b) // never fails
		binary.BigEndian.PutUint32(b, 64)
		_, err := w.conn.Write(b)
		return err
	}},
	{"signing in again", true, func(w *wire, _ uint32) error { return w.send(w.authRequest("carol", w.l.carol)) }},
	{"another service", true, func(w *wire, _ uint32) error {
		return w.send(gossh.Marshal(struct {
			S string `sshtype:"5"`
		}{"ssh-userauth"}))
	}},
	{"new keys out of turn", true, func(w *wire, _ uint32) error { return w.send([]byte{msgNewKeys}) }},
	{"a key exchange of rubbish", true, func(w *wire, _ uint32) error { return w.send([]byte{msgKexInit, 1, 2, 3}) }},
	{"a key exchange broken off by data", true, func(w *wire, ch uint32) error {
		return errors.Join(w.send(w.kexInit()), w.send(dataMsg(ch, []byte("x"))))
	}},
	{"three key exchanges", false, func(w *wire, _ uint32) error {
		return errors.Join(w.exchange(w.kexInit()), w.exchange(w.kexInit()), w.exchange(w.kexInit()))
	}},
	{"global requests that mean nothing here", false, func(w *wire, _ uint32) error {
		for _, name := range []string{"keepalive@openssh.com", "tcpip-forward", "cancel-tcpip-forward", "hostkeys-prove-00@openssh.com", "\x1b[2J", ""} {
			err := w.send(gossh.Marshal(struct {
				Name  string `sshtype:"80"`
				Reply bool
				Rest  []byte `ssh:"rest"`
			}{name, true, make([]byte, 100_000)}))
			if err != nil {
				return err
			}
			if _, err := w.await(msgFailure); err != nil {
				return err
			}
		}
		return nil
	}},
	{"a global request by half", true, func(w *wire, _ uint32) error { return w.send([]byte{msgGlobal, 0, 0, 0, 9, 'k'}) }},
	{"noise", false, func(w *wire, _ uint32) error {
		for range 500 {
			err := errors.Join(w.send([]byte{msgIgnore, 0, 0, 0, 1, 'x'}), w.send([]byte{msgIgnore}), w.send([]byte{msgDebug, 1}),
				w.send([]byte{msgPing, 0, 0, 0, 1, 'x'}))
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"goodbye", true, func(w *wire, _ uint32) error {
		return w.send([]byte{msgDisconnect, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0})
	}},
}

// TestMalformedPackets: nothing that a client sends after it signed in ends more
// than its own connection, and nothing of it stays behind.
func TestMalformedPackets(t *testing.T) {
	l := start(t, nil)
	ana := l.as("ana", l.ana)
	_, seen, keys := console(t, ana)
	for _, c := range malformed {
		t.Run(c.name, func(t *testing.T) {
			w := l.wired("bo", l.bo)
			w.t = t
			err := c.send(w, w.openSession(1<<20, 1<<15))
			cut := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
			switch {
			case cut && c.ends: // the end came while the rest was being written
			case err != nil:
				t.Fatal(err)
			case c.ends:
				err = w.ends()
			default:
				err = w.lives()
			}
			if err != nil && !cut {
				t.Errorf("afterwards (it should end: %v): %v", c.ends, err)
			}
			_ = w.conn.Close()
			run(t, ana, "", "auto").want(t, 0, "on;")
		})
	}
	_, err := keys.Write([]byte("?"))
	check(t, err)
	eventually(t, "the console of somebody else goes on", func() bool { return seen.has("cheat") || seen.has("Keys") || seen.has("Help") })
	eventually(t, "nothing of it stays behind", func() bool { return served() == 1 })
}

// TestNothingStaysOfWhatWasNotRead: a packet that ends a connection, with more
// packets behind it than the library's queue holds, leaves nothing waiting for
// somebody to take them; neither a stranger's nor one of somebody who signed in.
func TestNothingStaysOfWhatWasNotRead(t *testing.T) {
	l := start(t, nil)
	var behind bytes.Buffer
	for name, w := range map[string]func() *wire{
		"before a service was asked for": l.met,
		"before signing in": func() *wire {
			w := l.met()
			w.askService()
			return w
		},
		"after signing in": func() *wire { return l.wired("bo", l.bo) },
	} {
		for range 10 {
			w := w()
			conn := w.conn
			behind.Reset()
			w.conn = &kept{conn, &behind} // all of it in one write
			check(t, w.send([]byte{213}))
			for range 60 {
				check(t, w.send([]byte{msgPing, 0, 0, 0, 1, 'x'}))
			}
			w.conn = conn
			_, err := conn.Write(behind.Bytes())
			check(t, err)
			check(t, w.ends())
			_ = conn.Close()
		}
		eventually(t, "nothing stays "+name, func() bool { return served() == 0 })
	}
}

// served is how many connections the SSH library still has something running
// for: two goroutines are started for each.
func served() int {
	b := make([]byte, 4<<20)
	return (strings.Count(string(b[:runtime.Stack(b, true)]), "ssh.newServerTransport") + 1) / 2
}

// kept is a connection that keeps what is written.
type kept struct {
	net.Conn
	b *bytes.Buffer
}

func (k *kept) Write(p []byte) (int, error) { return k.b.Write(p) }
