package story

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What the tests need of PyPI.
var packages = []string{"elastalert2==2.31.0", "aiosmtpd==1.4.6"}

// python finds Python 3.12 or newer: on the path, or among pyenv's versions. A
// pyenv shim may be there and yet have nothing behind it, so each is run.
func python() (string, bool) {
	candidates := []string{"python3.14", "python3.13", "python3.12", "python3"}
	root := os.Getenv("PYENV_ROOT")
	if home, err := os.UserHomeDir(); root == "" && err == nil {
		root = filepath.Join(home, ".pyenv")
	}
	versions, err := filepath.Glob(filepath.Join(root, "versions", "3.*", "bin", "python3"))
	if err == nil {
		slices.Sort(versions)
		candidates = append(candidates, versions...)
	}
	for _, name := range candidates {
		const check = "import sys, venv, ensurepip; assert sys.version_info >= (3, 12); print(sys.executable)"
		if out, err := exec.Command(name, "-c", check).Output(); err == nil {
			return strings.TrimSpace(string(out)), true
		}
	}
	return "", false
}

// environment returns the bin directory of a virtual environment with
// packages, or what is missing for one. It is made once, takes 540 MB of the
// user's cache and serves all later runs.
func environment(t *testing.T) (bin, missing string) {
	t.Helper()
	program, ok := python()
	if !ok {
		return "", "no Python 3.12 or newer with venv is here, which ElastAlert 2 needs"
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256([]byte(program + strings.Join(packages, " ")))
	dir := filepath.Join(cache, "levee", "elastalert-"+hex.EncodeToString(sum[:6]))
	must(t, os.MkdirAll(dir, 0o755))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	must(t, err)
	defer func() { _ = lock.Close() }() // which gives the lock back
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	env, ready := filepath.Join(dir, "env"), filepath.Join(dir, "ready")
	bin = filepath.Join(env, "bin")
	if _, err := os.Stat(ready); err == nil {
		return bin, ""
	}
	began := time.Now()
	if out, err := exec.Command(program, "-m", "venv", "--clear", env).CombinedOutput(); err != nil {
		t.Fatalf("make a virtual environment: %v: %s", err, out)
	}
	install := append([]string{"install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"}, packages...)
	if out, err := exec.Command(filepath.Join(bin, "pip"), install...).CombinedOutput(); err != nil {
		return "", fmt.Sprintf("PyPI does not give %v: %s", packages, out)
	}
	must(t, os.WriteFile(ready, nil, 0o644))
	t.Logf("installed %v in %s", packages, time.Since(began).Round(time.Second))
	return bin, ""
}

// mailbox is a real SMTP server on loopback that keeps what it is given.
type mailbox struct {
	port int
	dir  string
}

func startMailbox(t *testing.T, bin string) *mailbox {
	t.Helper()
	m := &mailbox{port: freePort(t), dir: filepath.Join(t.TempDir(), "mail")}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "python"), "-m", "aiosmtpd", "-n", "-l", fmt.Sprintf("127.0.0.1:%d", m.port), "-c", "aiosmtpd.handlers.Mailbox", m.dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was told to end
	})
	eventually(t, "the SMTP server listens: "+said.String(), func() bool { return listens(m.port) })
	return m
}

// mail is a message as it arrived.
type mail struct{ to, subject, body string }

// read returns the bodies of all mail to an address, by subject.
func (m *mailbox) read(t *testing.T, to string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "new", "*"))
	must(t, err)
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		x, err := parseMail(b)
		must(t, err)
		if x.to == to {
			all[x.subject] += x.body
		}
	}
	return all
}
