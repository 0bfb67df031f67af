package daemon

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	gossh "golang.org/x/crypto/ssh"

	"levee/internal/config"
	"levee/internal/station"
	"levee/tui/sshd"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(benchChild); dir != "" {
		if err := benchDaemon(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// key is somebody's key pair.
type key struct {
	gossh.Signer
	file string // the private key, as OpenSSH reads it
}

func newKey(t testing.TB) key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	s, err := gossh.NewSignerFromKey(private)
	check(t, err)
	block, err := gossh.MarshalPrivateKey(private, "")
	check(t, err)
	file := filepath.Join(t.TempDir(), "id")
	check(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	return key{s, file}
}

func (k key) line() config.AuthorizedKey {
	return config.AuthorizedKey(strings.TrimSpace(string(gossh.MarshalAuthorizedKey(k.PublicKey()))))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// levee is a daemon under test with three people.
type levee struct {
	t              *testing.T
	dir            string
	ssh, metrics   string
	ana, bo, carol key // operator, viewer, admin
	eve            key // nobody
	hostKey        gossh.PublicKey
	mu             sync.Mutex
	conf           config.Config
	loadErr        error
	reload         chan struct{}
	stop           func() error
	running        *Daemon
}

// daemon is the station of the daemon under test.
func (l *levee) daemon() *station.Station { return l.running.st }

// start runs a daemon until the test ends.
func start(t *testing.T, change func(*Options)) *levee {
	t.Helper()
	l := &levee{t: t, dir: t.TempDir(), ana: newKey(t), bo: newKey(t), carol: newKey(t), eve: newKey(t), reload: make(chan struct{})}
	log := filepath.Join(l.dir, "access.log")
	check(t, os.WriteFile(log, nil, 0o600))
	l.conf = config.Default()
	l.conf.Sources = []config.Source{{File: log, Service: "shop.example.com"}}
	l.conf.Actions.Denylist = []config.Denylist{{Path: filepath.Join(l.dir, "deny.conf"), Style: "nginx"}}
	l.conf.SSH = config.SSH{Listen: "127.0.0.1:0", Users: []config.User{
		{Name: "ana", Role: "operator", Keys: []config.AuthorizedKey{l.ana.line()}},
		{Name: "bo", Role: "viewer", Keys: []config.AuthorizedKey{l.bo.line()}},
		{Name: "carol", Role: "admin", Keys: []config.AuthorizedKey{l.carol.line()}},
	}}
	o := Options{Station: station.Options{Config: l.conf, StateDir: filepath.Join(l.dir, "s"), Name: "test", AutoOn: true}, Load: l.load, Reload: l.reload,
		Limits: sshd.Limits{Rate: 1000, Burst: 1000, Strangers: 500, StrangersPer: 500}}
	if change != nil {
		change(&o)
		l.conf = o.Station.Config
	}
	ready := make(chan Addresses, 1)
	o.Ready = func(a Addresses) { ready <- a }
	o.opened = func(d *Daemon) { l.running = d }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o) }()
	var once sync.Once
	var stopped error
	l.stop = func() error {
		once.Do(func() { cancel(); stopped = <-ended })
		return stopped
	}
	t.Cleanup(func() {
		if err := l.stop(); err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	select {
	case a := <-ready:
		l.ssh, l.metrics = a.SSH, a.Metrics
	case err := <-ended:
		ended <- err
		t.Fatalf("the daemon did not start: %v", err)
	}
	signer, err := sshd.HostKey(HostKeyPath(o.Station.StateDir))
	check(t, err)
	l.hostKey = signer.PublicKey()
	return l
}

func (l *levee) load() (config.Config, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conf, l.loadErr
}

// change edits what the next reload reads.
func (l *levee) change(f func(c *config.Config)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	users := append([]config.User(nil), l.conf.SSH.Users...)
	l.conf.SSH.Users = users
	f(&l.conf)
}

// dial signs in with the Go client.
func (l *levee) dial(user string, keys ...gossh.Signer) (*gossh.Client, error) {
	return gossh.Dial("tcp", l.ssh, l.config(user, keys...))
}

func (l *levee) config(user string, keys ...gossh.Signer) *gossh.ClientConfig {
	return &gossh.ClientConfig{User: user, Auth: []gossh.AuthMethod{gossh.PublicKeys(keys...)},
		HostKeyCallback: gossh.FixedHostKey(l.hostKey), Timeout: 10 * time.Second}
}

// as signs in and fails the test when that fails.
func (l *levee) as(user string, k key) *gossh.Client {
	l.t.Helper()
	c, err := l.dial(user, k.Signer)
	check(l.t, err)
	l.t.Cleanup(func() { _ = c.Close() })
	return c
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

// run runs one command over a connection.
func run(t *testing.T, c *gossh.Client, stdin, command string) result {
	t.Helper()
	s, err := c.NewSession()
	check(t, err)
	defer func() { _ = s.Close() }()
	var out, errs bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(stdin), &out, &errs
	err = s.Run(command)
	var exit *gossh.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", command, err)
	}
	r := result{out: out.String(), err: errs.String()}
	if exit != nil {
		r.code = exit.ExitStatus()
	}
	return r
}

func (r result) want(t *testing.T, code int, text string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out+r.err, text) {
		t.Fatalf("code %d, want %d with %q; it said:\n%s%s", r.code, code, text, r.out, r.err)
	}
}

// openSSH returns the command line of the real client.
func (l *levee) openSSH(user string, k key, args ...string) *exec.Cmd {
	l.t.Helper()
	program, err := exec.LookPath("ssh")
	if err != nil {
		l.t.Skip("the OpenSSH client is not installed: apt-get install openssh-client")
	}
	host, port, err := net.SplitHostPort(l.ssh)
	check(l.t, err)
	known := filepath.Join(l.t.TempDir(), "known_hosts")
	check(l.t, os.WriteFile(known, fmt.Appendf(nil, "[%s]:%s %s", host, port, gossh.MarshalAuthorizedKey(l.hostKey)), 0o600))
	return exec.Command(program, append([]string{"-F", "/dev/null", "-p", port, "-i", k.file, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", user + "@" + host}, args...)...)
}

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 1000 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it never came to be that %s", what)
}

// screen collects what a terminal was sent.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.b.Bytes(), []byte(text))
}

// console opens a console and returns its screen and keyboard.
func console(t *testing.T, c *gossh.Client) (*gossh.Session, *screen, io.WriteCloser) {
	t.Helper()
	s, err := c.NewSession()
	check(t, err)
	var seen screen
	s.Stdout, s.Stderr = &seen, &seen
	keys, err := s.StdinPipe()
	check(t, err)
	check(t, s.RequestPty("xterm-256color", 36, 120, gossh.TerminalModes{}))
	check(t, s.Shell())
	eventually(t, "the console showed", func() bool { return seen.has("levee") })
	return s, &seen, keys
}
