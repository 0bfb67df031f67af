package source

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"levee/detect/logline"
)

// listening starts a syslog Input on a free port.
func listening(t *testing.T, o SyslogOptions) (*following, string) {
	t.Helper()
	in, err := Syslog(o)
	if err != nil {
		t.Fatal(err)
	}
	f := run(t, in, false)
	s := in.(*syslog)
	<-s.ready
	return f, s.addr.String()
}

func send1(t *testing.T, c io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestSyslogOverUDP(t *testing.T) {
	f, addr := listening(t, SyslogOptions{URL: "udp://127.0.0.1:0"})
	c := dial(t, "udp", addr)
	send1(t, c, "<190>Mar 12 09:15:02 web1 nginx: "+strings.TrimSpace(logLine(0)))
	f.wants(1)
	send1(t, c, "<134>1 2026-03-12T09:15:02.003Z lb1 haproxy 19312 - - "+logLine(1))
	f.wants(2)
	send1(t, c, "<190>Mar 12 09:15:02 web1 cron[7]: job done")
	send1(t, c, "noise\nof two lines")
	until(t, "both are counted", func() bool { st := f.in.Status(); return st.Lines == 4 && st.Malformed == 1 })
}

func TestSyslogOverTCP(t *testing.T) {
	f, addr := listening(t, SyslogOptions{URL: "tcp://127.0.0.1:0"})
	c := dial(t, "tcp", addr)
	const head = "<190>Mar 12 09:15:02 web1 nginx: "
	send1(t, c, head+logLine(0)+head+logLine(1)[:10])
	f.wants(1)
	send1(t, c, logLine(1)[10:])
	f.wants(2)
	counted := dial(t, "tcp", addr)
	m := head + strings.TrimSpace(logLine(2))
	send1(t, counted, fmt.Sprintf("%d %s", len(m), m))
	f.wants(3)
	send1(t, counted, fmt.Sprintf("%d %s", 3*logline.MaxLine, strings.Repeat("x", 3*logline.MaxLine)))
	send1(t, c, strings.Repeat("y", 3*logline.MaxLine)+"\n"+head+logLine(3))
	f.wants(4)
	m = head + strings.TrimSpace(logLine(4))
	send1(t, counted, fmt.Sprintf("%d %s", len(m), m))
	f.wants(5)
	if st := f.in.Status(); st.Malformed != 2 || st.Lines != 7 {
		t.Errorf("%+v", st)
	}
}

func TestSyslogOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	f, addr := listening(t, SyslogOptions{URL: "tls://127.0.0.1:0", TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	send1(t, c, "<190>Mar 12 09:15:02 web1 nginx: "+logLine(0))
	f.wants(1)
}

func TestSyslogShedsWhatItCannotHold(t *testing.T) {
	in, err := Syslog(SyslogOptions{URL: "udp://127.0.0.1:0", Queue: 1000})
	if err != nil {
		t.Fatal(err)
	}
	s := in.(*syslog)
	for n := range 100 {
		s.put([]byte(logLine(n)))
	}
	if st := in.Status(); st.Shed == 0 || len(s.queue) > 1000 {
		t.Errorf("%d bytes wait, %d shed", len(s.queue), st.Shed)
	}
}

func TestSyslogAddressesAreChecked(t *testing.T) {
	for _, u := range []string{"", "udp://", "127.0.0.1:514", "http://127.0.0.1:514", "tls://127.0.0.1:6514", "udp://127.0.0.1"} {
		if _, err := Syslog(SyslogOptions{URL: u}); err == nil || !strings.Contains(err.Error(), "syslog") {
			t.Errorf("%q: %v", u, err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	in, err := Syslog(SyslogOptions{URL: "tcp://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Run(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "free port") {
		t.Errorf("%v", err)
	}
}

func FuzzSyslogFrames(f *testing.F) {
	f.Add([]byte("<1>Mar 12 09:15:02 a b: c\n5 <1>xy\n"))
	f.Add([]byte("99999999 x"))
	f.Add([]byte("12345678901234 x"))
	f.Add([]byte("\n\n1 "))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReaderSize(strings.NewReader(string(data)), 64)
		for range len(data) + 2 {
			m, err := frame(r)
			if len(m) > syslogMessage+1 {
				t.Fatalf("a message of %d bytes", len(m))
			}
			if err != nil {
				return
			}
		}
		t.Fatal("more messages than bytes")
	})
}
