package source

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	wire "encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	lumber "github.com/elastic/go-lumber/client/v2"
)

func beating(t *testing.T, hold bool, conf *tls.Config) (*following, string) {
	t.Helper()
	in, err := Beats(BeatsOptions{Address: "127.0.0.1:0", TLS: conf})
	if err != nil {
		t.Fatal(err)
	}
	f := run(t, in, hold)
	b := in.(*beats)
	<-b.ready
	return f, b.addr.String()
}

func events(from, n int) (out []any) {
	for i := range n {
		out = append(out, map[string]any{"@timestamp": "2026-03-12T09:15:02Z", "message": strings.TrimSpace(logLine(from + i))})
	}
	return out
}

// TestBeatsAcknowledgesWhatWasJudged sends and looks for the acknowledgement
// before and after the events are released.
func TestBeatsAcknowledgesWhatWasJudged(t *testing.T) {
	f, addr := beating(t, true, nil)
	c, err := lumber.SyncDial(addr, lumber.CompressionLevel(3), lumber.Timeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	acked := make(chan int, 1)
	go func() {
		n, err := c.Send(events(0, 2000))
		if err != nil {
			n = -1
		}
		acked <- n
	}()
	f.wants(2000)
	select {
	case n := <-acked:
		t.Fatalf("%d events were acknowledged before they were judged", n)
	default:
	}
	f.mu.Lock()
	for _, b := range f.held {
		b.Release()
	}
	f.held = nil
	f.mu.Unlock()
	if n := <-acked; n != 2000 {
		t.Errorf("%d of 2000 events acknowledged", n)
	}
}

func TestBeatsTakesWhatComes(t *testing.T) {
	f, addr := beating(t, false, nil)
	c, err := lumber.SyncDial(addr, lumber.Timeout(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Send([]any{
		map[string]any{"message": strings.TrimSpace(logLine(0))},
		map[string]any{"event": map[string]any{"original": strings.TrimSpace(logLine(1))}},
		map[string]any{"message": "one event\nof two lines"},
		map[string]any{"message": strings.Repeat("x", 1<<20)},
		"no object",
		map[string]any{},
	}); err != nil {
		t.Fatal(err)
	}
	f.wants(2)
	if st := f.in.Status(); st.Lines != 6 || st.Malformed < 2 {
		t.Errorf("%+v", st)
	}
}

// TestBeatsRefusesClaims sends frames that claim more memory than there is.
func TestBeatsRefusesClaims(t *testing.T) {
	_, addr := beating(t, false, nil)
	for _, x := range []string{"2W\xff\xff\xff\xff", "2W\x00\x00\x00\x01" + "2J\x00\x00\x00\x01\xff\xff\xff\xff", "2W\x00\x00\x00\x012C\xff\xff\xff\xff",
		"1W\xff\xff\xff\xff", "1W\x00\x00\x00\x011D\x00\x00\x00\x01\xff\xff\xff\xff", "1W\x00\x00\x00\x011D\x00\x00\x00\x01\x00\x00\x00\x01\xff\xff\xff\xff", "1W\x00\x00\x00\x011C\xff\xff\xff\xff", "1W\x00\x00\x00\x012J", "GET / HTTP/1.1\r\n\r\n", "2Z"} {
		c := dial(t, "tcp", addr)
		send1(t, c, x)
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, c); n != 0 || err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%q: %d bytes answered, %v; want the connection closed", x, n, err)
		}
	}
}

// TestBeatsRefusesPackedClaims hides frames in a compressed one: an event that
// claims 4 GiB, one that unpacks to more than a window may hold, more events
// than the window said, and a window within the window.
func TestBeatsRefusesPackedClaims(t *testing.T) {
	event := func(n uint32, body []byte) []byte {
		return append(wire.BigEndian.AppendUint32([]byte("2J\x00\x00\x00\x01"), n), body...)
	}
	const most = 100_000
	for name, x := range map[string][]byte{
		"4 GiB":           packedWindow(t, 1, event(1<<32-1, nil)),
		"a bomb":          packedWindow(t, 5, bytes.Repeat(event(most/4, make([]byte, most/4)), 5)),
		"too many events": packedWindow(t, 1, bytes.Repeat(event(2, []byte("{}")), 2)),
		"a window":        packedWindow(t, 1, []byte("2W\x00\x00\x00\x01")),
		"packed twice":    packedWindow(t, 1, packedWindow(t, 1, event(2, []byte("{}")))[6:]),
		"torn":            packedWindow(t, 2, event(2, []byte("{}"))[:9]),
	} {
		in := &framed{Conn: conn{bytes.NewReader(x)}, most: most}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := io.Copy(io.Discard, in)
		runtime.ReadMemStats(&after)
		if err == nil || n > most+1000 {
			t.Errorf("%s: %d bytes let through, %v", name, n, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were set aside", name, used)
		}
	}
}

// packedWindow is a window of n events in one compressed frame.
func packedWindow(t testing.TB, n uint32, frames []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(frames); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out := wire.BigEndian.AppendUint32([]byte("2W"), n)
	return append(wire.BigEndian.AppendUint32(append(out, "2C"...), uint32(z.Len())), z.Bytes()...)
}

// conn is a connection that only reads.
type conn struct{ io.Reader }

func (conn) Write(p []byte) (int, error)      { return len(p), nil }
func (conn) Close() error                     { return nil }
func (conn) LocalAddr() net.Addr              { return nil }
func (conn) RemoteAddr() net.Addr             { return nil }
func (conn) SetDeadline(time.Time) error      { return nil }
func (conn) SetReadDeadline(time.Time) error  { return nil }
func (conn) SetWriteDeadline(time.Time) error { return nil }

// FuzzBeatsFrames reads the same bytes at once and one by one.
func FuzzBeatsFrames(f *testing.F) {
	frame := []byte("2J\x00\x00\x00\x01\x00\x00\x00\x02{}")
	f.Add(append([]byte("2W\x00\x00\x00\x01"), frame...))
	f.Add(packedWindow(f, 2, append(frame, frame...)))
	f.Fuzz(func(t *testing.T, p []byte) {
		whole, err := io.ReadAll(&framed{Conn: conn{bytes.NewReader(p)}, most: beatsRoom})
		parts, perr := io.ReadAll(iotest.OneByteReader(&framed{Conn: conn{iotest.OneByteReader(bytes.NewReader(p))}, most: beatsRoom}))
		if (err == nil) != (perr == nil) || !bytes.Equal(whole, parts) {
			t.Errorf("%q at once: %q %v, byte by byte: %q %v", p, whole, err, parts, perr)
		}
	})
}

// pair makes a certificate for 127.0.0.1 that signs itself, and its PEM files.
func pair(t *testing.T, dir, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

const pylogbeat = `
import json, sys
from pylogbeat import PyLogBeatClient
port, mode, dir, lines = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.stdin.read().splitlines()
tls = {} if mode == "plain" else dict(ssl_enable=True, ssl_verify=True, ca_certs=dir + "/server.pem")
if mode == "mutual":
    tls.update(keyfile=dir + "/client.key", certfile=dir + "/client.pem")
c = PyLogBeatClient("127.0.0.1", port, timeout=20, **tls)
c.connect()
c.send([json.dumps({"message": l}) for l in lines])
c.close()
print("acknowledged")
`

// TestBeatsWithPylogbeat is what a client says that shares no code with the
// server: plain, over TLS, with a client certificate, and without one where
// it is asked for.
func TestBeatsWithPylogbeat(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is missing")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, "pylogbeat==2.0.1").CombinedOutput(); err != nil {
		t.Skipf("pylogbeat is missing and PyPI does not give it: %s", bytes.TrimSpace(out))
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		t.Fatal(wheels, err)
	}
	server, _ := pair(t, dir, "server")
	_, clients := pair(t, dir, "client")
	oneWay := &tls.Config{Certificates: []tls.Certificate{server}}
	mutual := &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	for _, c := range []struct {
		name, mode string
		conf       *tls.Config
		ok         bool
	}{
		{"plain", "plain", nil, true},
		{"TLS", "tls", oneWay, true},
		{"client certificate", "mutual", mutual, true},
		{"no client certificate", "tls", mutual, false},
		{"plain to TLS", "plain", oneWay, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, addr := beating(t, false, c.conf)
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(python, "-c", pylogbeat, port, c.mode, dir)
			cmd.Env = append(os.Environ(), "PYTHONPATH="+wheels[0])
			cmd.Stdin = strings.NewReader(logLine(0) + logLine(1) + logLine(2))
			out, err := cmd.CombinedOutput()
			if ok := err == nil && strings.Contains(string(out), "acknowledged"); ok != c.ok {
				t.Fatalf("acknowledged: %v, want %v\n%s", ok, c.ok, out)
			}
			if c.ok {
				f.wants(3)
			} else if st := f.in.Status(); st.Lines != 0 {
				t.Errorf("%d lines were taken", st.Lines)
			}
		})
	}
}
