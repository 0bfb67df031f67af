package daemon

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"levee/internal/config"
	"levee/tui/sshd"
)

// echoLog keeps what was logged.
type echoLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *echoLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since the last time.
func (l *echoLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func TestCertificates(t *testing.T) {
	authority, other := newKey(t), newKey(t)
	var log echoLog
	l := start(t, func(o *Options) {
		o.Station.Config.SSH.Authorities = []config.AuthorizedKey{authority.line()}
		o.Station.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	now := time.Now()
	sign := func(ca key, change func(*gossh.Certificate)) gossh.Signer {
		k := newKey(t)
		c := &gossh.Certificate{Key: k.PublicKey(), CertType: gossh.UserCert, KeyId: "ana@laptop", Serial: 7, ValidPrincipals: []string{"ana"},
			ValidAfter: uint64(now.Add(-time.Minute).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix())}
		if change != nil {
			change(c)
		}
		check(t, c.SignCert(zeroReader{}, ca.Signer))
		s, err := gossh.NewCertSigner(c, k.Signer)
		check(t, err)
		return s
	}
	for name, c := range map[string]struct {
		user   string
		signer gossh.Signer
		ok     bool
		logged string // why it was refused, where that is nobody else's doing
	}{
		"good":             {"ana", sign(authority, nil), true, ""},
		"another CA":       {"ana", sign(other, nil), false, ""},
		"another person":   {"carol", sign(authority, nil), false, "principal"},
		"nobody known":     {"zoe", sign(authority, func(c *gossh.Certificate) { c.ValidPrincipals = []string{"zoe"} }), false, ""},
		"no principal":     {"ana", sign(authority, func(c *gossh.Certificate) { c.ValidPrincipals = nil }), false, "names no principal"},
		"over":             {"ana", sign(authority, func(c *gossh.Certificate) { c.ValidBefore = uint64(now.Add(-time.Second).Unix()) }), false, "expired"},
		"of a host":        {"ana", sign(authority, func(c *gossh.Certificate) { c.CertType = gossh.HostCert }), false, ""},
		"elsewhere":        {"ana", sign(authority, func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "192.0.2.0/24"} }), false, "not valid from this address"},
		"from here":        {"ana", sign(authority, func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "127.0.0.0/8"} }), true, ""},
		"forced something": {"ana", sign(authority, func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "auto"} }), false, "force-command"},
	} {
		log.take()
		conn, err := l.dial(c.user, c.signer)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if got := log.take(); strings.Contains(got, "certificate refused") != (c.logged != "") || !strings.Contains(got, c.logged) {
			t.Errorf("%s: the log should say %q of it: %s", name, c.logged, got)
		}
		if err == nil {
			run(t, conn, "", "block 203.0.113.7").want(t, 0, "")
			run(t, conn, "", "unblock 203.0.113.7").want(t, 0, "")
			_ = conn.Close()
		}
	}
	run(t, l.as("bo", l.bo), "", "decisions -o jsonl").want(t, 0, "serial 7, CA "+sshd.Fingerprint(authority.PublicKey()))
}

// TestACertificateRunsOut: it is asked for again at each act, and who shows no
// key for the time after it is sent away.
func TestACertificateRunsOut(t *testing.T) {
	authority, laptop := newKey(t), newKey(t)
	var later atomic.Bool
	l := start(t, func(o *Options) {
		o.Station.Config.SSH.Authorities = []config.AuthorizedKey{authority.line()}
		o.Station.Now = func() time.Time {
			if later.Load() {
				return time.Now().Add(2 * time.Hour)
			}
			return time.Now()
		}
		o.Notify.Watchdog = 200 * time.Millisecond
	})
	c := &gossh.Certificate{Key: laptop.PublicKey(), CertType: gossh.UserCert, KeyId: "ana@laptop", Serial: 8, ValidPrincipals: []string{"ana"},
		ValidAfter: uint64(time.Now().Add(-time.Minute).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	check(t, c.SignCert(zeroReader{}, authority.Signer))
	signer, err := gossh.NewCertSigner(c, laptop.Signer)
	check(t, err)
	ana, err := l.dial("ana", signer)
	check(t, err)
	defer func() { _ = ana.Close() }()
	run(t, ana, "", "block 203.0.113.7").want(t, 0, "")
	_, seen, _ := console(t, ana)
	later.Store(true)
	run(t, ana, "", "block 203.0.113.8").want(t, 1, "may not sign in any more")
	eventually(t, "the console of the certificate that ran out was closed", func() bool { return seen.has("may not sign in any more") })
}

// zeroReader makes certificates without an entropy source.
type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }
