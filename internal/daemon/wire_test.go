package daemon

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// wire is an SSH client that signs in as it should and then sends whatever
// packet it is told to: what libraries refuse to send is what has to be tried.
// It knows curve25519-sha256, ssh-ed25519 and aes128-gcm@openssh.com (RFC 4253,
// RFC 5647), and answers nothing by itself.
type wire struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	l    *levee

	theirVersion string
	session      []byte // the session identifier

	mu  sync.Mutex // of sending
	out *gcm       // nil: not encrypted yet
	in  *gcm
}

const wireVersion = "SSH-2.0-wire"

// Numbers of messages (RFC 4250, section 4.1.2).
const (
	msgDisconnect  = 1
	msgIgnore      = 2
	msgDebug       = 4
	msgKexInit     = 20
	msgNewKeys     = 21
	msgAuthSuccess = 52
	msgGlobal      = 80
	msgSuccess     = 81
	msgFailure     = 82
	msgOpen        = 90
	msgOpened      = 91
	msgOpenFailed  = 92
	msgWindow      = 93
	msgData        = 94
	msgExtended    = 95
	msgEOF         = 96
	msgClose       = 97
	msgRequest     = 98
	msgReqSuccess  = 99
	msgReqFailure  = 100
	msgPing        = 192
)

// met agrees on keys over a connection of its own, and does not sign in.
func (l *levee) met() *wire {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.ssh)
	check(l.t, err)
	w := &wire{t: l.t, conn: conn, r: bufio.NewReader(conn), l: l}
	l.t.Cleanup(func() { _ = conn.Close() })
	check(l.t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, wireVersion+"\r\n")
	check(l.t, err)
	w.theirVersion, err = w.r.ReadString('\n')
	check(l.t, err)
	w.theirVersion = strings.TrimRight(w.theirVersion, "\r\n")
	check(l.t, w.exchange(w.kexInit()))
	return w
}

// wired signs in over a connection of its own.
func (l *levee) wired(user string, k key) *wire {
	l.t.Helper()
	w := l.met()
	w.askService()
	check(l.t, w.send(w.authRequest(user, k)))
	_, err := w.await(msgAuthSuccess)
	check(l.t, err)
	check(l.t, w.conn.SetDeadline(time.Time{}))
	return w
}

// askService asks to be let sign in.
func (w *wire) askService() {
	w.t.Helper()
	check(w.t, w.send(gossh.Marshal(struct {
		Service string `sshtype:"5"`
	}{"ssh-userauth"})))
	_, err := w.await(6)
	check(w.t, err)
}

func (w *wire) kexInit() []byte {
	type init struct {
		Cookie                                                          [16]byte `sshtype:"20"`
		Kex, HostKey, CipherOut, CipherIn, MACOut, MACIn, ZipOut, ZipIn []string
		LangOut, LangIn                                                 []string
		Follows                                                         bool
		Reserved                                                        uint32
	}
	gcm, mac, none := []string{"aes128-gcm@openssh.com"}, []string{"hmac-sha2-256-etm@openssh.com"}, []string{"none"}
	return gossh.Marshal(init{Kex: []string{"curve25519-sha256"}, HostKey: []string{"ssh-ed25519"}, CipherOut: gcm, CipherIn: gcm,
		MACOut: mac, MACIn: mac, ZipOut: none, ZipIn: none})
}

// exchange agrees on keys, for the first time or anew.
func (w *wire) exchange(mine []byte) error {
	if err := w.send(mine); err != nil {
		return err
	}
	theirs, err := w.await(msgKexInit)
	if err != nil {
		return err
	}
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	q := private.PublicKey().Bytes()
	if err := w.send(gossh.Marshal(struct {
		Q []byte `sshtype:"30"`
	}{q})); err != nil {
		return err
	}
	answer, err := w.await(31)
	if err != nil {
		return err
	}
	var reply struct {
		HostKey []byte `sshtype:"31"`
		Q, Sig  []byte
	}
	if err := gossh.Unmarshal(answer, &reply); err != nil {
		return err
	}
	public, err := ecdh.X25519().NewPublicKey(reply.Q)
	if err != nil {
		return err
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return err
	}
	k := gossh.Marshal(struct{ K *big.Int }{new(big.Int).SetBytes(shared)})
	h := sha256.Sum256(append(gossh.Marshal(struct {
		MyVersion, TheirVersion     string
		Mine, Theirs, HostKey, Q, S []byte
	}{wireVersion, w.theirVersion, mine, theirs, reply.HostKey, q, reply.Q}), k...))
	var sig gossh.Signature
	if err := gossh.Unmarshal(reply.Sig, &sig); err != nil {
		return err
	}
	if err := w.l.hostKey.Verify(h[:], &sig); err != nil {
		return fmt.Errorf("the host key: %w", err)
	}
	if w.session == nil {
		w.session = h[:]
	}
	derive := func(letter byte, n int) []byte {
		x := sha256.Sum256(bytes.Join([][]byte{k, h[:], {letter}, w.session}, nil))
		return x[:n]
	}
	if err := w.send([]byte{msgNewKeys}); err != nil {
		return err
	}
	out, err := newGCM(derive('C', 16), derive('A', 12))
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.out = out
	w.mu.Unlock()
	if _, err := w.await(msgNewKeys); err != nil {
		return err
	}
	w.in, err = newGCM(derive('D', 16), derive('B', 12))
	return err
}

func (w *wire) authRequest(user string, k key) []byte {
	type request struct {
		User            string `sshtype:"50"`
		Service, Method string
		Signed          bool
		Algorithm       string
		Key             []byte
	}
	r := gossh.Marshal(request{user, "ssh-connection", "publickey", true, "ssh-ed25519", k.PublicKey().Marshal()})
	sig, err := k.Sign(rand.Reader, append(gossh.Marshal(struct{ S []byte }{w.session}), r...))
	check(w.t, err)
	return append(r, gossh.Marshal(struct{ Sig []byte }{gossh.Marshal(sig)})...)
}

// gcm is one direction of aes128-gcm@openssh.com.
type gcm struct {
	aead cipher.AEAD
	iv   []byte
}

func newGCM(key, iv []byte) (*gcm, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &gcm{aead, iv}, err
}

func (g *gcm) next() {
	binary.BigEndian.PutUint64(g.iv[4:], binary.BigEndian.Uint64(g.iv[4:])+1)
}

// frame pads a payload to a packet, without encryption and its length field.
func frame(payload []byte, block, head int) []byte {
	pad := block - (head+1+len(payload))%block
	if pad < 4 {
		pad += block
	}
	return append(append([]byte{byte(pad)}, payload...), make([]byte, pad)...)
}

// send sends one packet as the protocol wants it.
func (w *wire) send(payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.out == nil {
		return w.raw(frame(payload, 8, 4))
	}
	return w.raw(frame(payload, 16, 0))
}

// sendBody encrypts a packet whose padding is the caller's affair.
func (w *wire) sendBody(body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.raw(body)
}

// raw sends a packet's length and body. The caller holds mu.
func (w *wire) raw(body []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	if w.out != nil {
		body = w.out.aead.Seal(nil, w.out.iv, body, head)
		w.out.next()
	}
	_, err := w.conn.Write(append(head, body...))
	return err
}

// next reads one packet.
func (w *wire) next() ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(w.r, head); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if w.in != nil {
		n += w.in.aead.Overhead()
	}
	if n > 1<<20 || n < 2 {
		return nil, fmt.Errorf("a packet of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(w.r, body); err != nil {
		return nil, err
	}
	if w.in != nil {
		var err error
		if body, err = w.in.aead.Open(nil, w.in.iv, body, head); err != nil {
			return nil, err
		}
		w.in.next()
	}
	if int(body[0])+1 > len(body) {
		return nil, errors.New("a packet that is padding alone")
	}
	return body[1 : len(body)-int(body[0])], nil
}

// await reads until a message of that number comes.
func (w *wire) await(number byte) ([]byte, error) {
	for {
		p, err := w.next()
		if err != nil {
			return nil, fmt.Errorf("while message %d is awaited: %w", number, err)
		}
		if p[0] == number {
			return p, nil
		}
		if p[0] == msgDisconnect {
			return nil, fmt.Errorf("it ended while message %d was awaited: %q", number, p)
		}
	}
}

// openSession opens a session channel with a window of that size and returns
// the server's number of it.
func (w *wire) openSession(window, packet uint32) uint32 {
	w.t.Helper()
	check(w.t, w.send(openMsg("session", 7, window, packet)))
	p, err := w.await(msgOpened)
	check(w.t, err)
	return binary.BigEndian.Uint32(p[5:])
}

func openMsg(kind string, id, window, packet uint32) []byte {
	return gossh.Marshal(struct {
		Type               string `sshtype:"90"`
		ID, Window, Packet uint32
	}{kind, id, window, packet})
}

func requestMsg(channel uint32, name string, reply bool, payload []byte) []byte {
	return gossh.Marshal(struct {
		Channel uint32 `sshtype:"98"`
		Name    string
		Reply   bool
		Rest    []byte `ssh:"rest"`
	}{channel, name, reply, payload})
}

func numbered(msg byte, channel uint32, rest ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{msg}, channel), rest...)
}

func dataMsg(channel uint32, data []byte) []byte {
	return append(numbered(msgData, channel), gossh.Marshal(struct{ D []byte }{data})...)
}

// ptyMsg asks for a pseudo-terminal of that size.
func ptyMsg(channel, cols, rows uint32) []byte {
	return requestMsg(channel, "pty-req", true, gossh.Marshal(struct {
		Term         string
		C, R, PW, PH uint32
		Modes        string
	}{"xterm-256color", cols, rows, 0, 0, ""}))
}
