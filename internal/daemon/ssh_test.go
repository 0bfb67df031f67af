package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	gossh "golang.org/x/crypto/ssh"

	"levee/internal/config"
)

// TestOpenSSHCommands has the real client do what scripts do.
func TestOpenSSHCommands(t *testing.T) {
	l := start(t, nil)
	for _, c := range []struct {
		user  string
		k     key
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"ana", l.ana, "", []string{"block", "203.0.113.7", "--for", "30m", "--reason", "'it floods us'"}, 0, "it floods us"},
		{"ana", l.ana, "", []string{"block", "203.0.113.9", "--reason", "it floods us"}, 2, "one pair of quotes away"},
		{"ana", l.ana, "", []string{"decisions", "-o", "json"}, 0, `"levee.ssh_key":"` + gossh.FingerprintSHA256(l.ana.PublicKey())},
		{"bo", l.bo, "", []string{"why", "203.0.113.7"}, 0, "block by ana"},
		{"bo", l.bo, "", []string{"block", "203.0.113.8"}, 1, "role: bo is a viewer"},
		{"ana", l.ana, "198.51.100.1\n# none\n198.51.100.2 # two\nnonsense\n", []string{"block", "-f", "-"}, 3, "1 line of the list"},
		{"ana", l.ana, "", []string{"block", "-f", "/etc/passwd"}, 2, "only -f - is taken here"},
		{"ana", l.ana, "", []string{"frobnicate"}, 2, "no command"},
		{"ana", l.ana, "", []string{"say 'open"}, 2, "quote"},
		{"ana", l.ana, "", nil, 2, "needs a terminal"},
		{"ana", l.eve, "", []string{"decisions"}, 255, "Permission denied"},
		{"nobody", l.ana, "", []string{"decisions"}, 255, "Permission denied"},
		{"ana", l.bo, "", []string{"decisions"}, 255, "Permission denied"},
		{"carol", l.carol, "", []string{"audit", "verify"}, 0, "ok: "},
	} {
		cmd := l.openSSH(c.user, c.k, c.args...)
		cmd.Stdin = strings.NewReader(c.stdin)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v: code %d, want %d with %q:\n%s", c.user, c.args, code, c.code, c.want, out)
		}
	}
}

// TestOpenSSHConsole opens the console in a pseudo-terminal, asks for help and
// leaves.
func TestOpenSSHConsole(t *testing.T) {
	l := start(t, nil)
	cmd := l.openSSH("ana", l.ana)
	cmd.Env = append(cmd.Environ(), "TERM=xterm-256color")
	began := time.Now()
	term, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	check(t, err)
	defer func() { _ = term.Close() }()
	var seen screen
	read := make(chan struct{})
	go func() { defer close(read); _, _ = io.Copy(&seen, term) }() // ends with the terminal
	eventually(t, "the console showed who looks", func() bool { return seen.has("ana") })
	t.Logf("first frame after %s", time.Since(began).Round(time.Millisecond))
	check(t, pty.Setsize(term, &pty.Winsize{Rows: 36, Cols: 120}))
	_, err = term.Write([]byte("?"))
	check(t, err)
	eventually(t, "help showed", func() bool { return seen.has("cheat") || seen.has("Keys") || seen.has("Help") })
	_, err = term.Write([]byte{3}) // ctrl-c leaves from everywhere
	check(t, err)
	if err := cmd.Wait(); err != nil {
		t.Errorf("leaving the console: %v", err)
	}
	_ = term.Close()
	<-read
}

// TestIdentityIsTheKeyThatWasProved offers a key of the same person first that
// the server accepts and the client then can't prove, as a laptop does whose
// token is not plugged in.
func TestIdentityIsTheKeyThatWasProved(t *testing.T) {
	l := start(t, nil)
	second := newKey(t)
	l.change(func(c *config.Config) { c.SSH.Users[0].Keys = append(c.SSH.Users[0].Keys[:1:1], second.line()) })
	run(t, l.as("carol", l.carol), "", "reload").want(t, 0, "reloaded")
	absent := filepath.Join(t.TempDir(), "absent")
	check(t, os.WriteFile(absent+".pub", gossh.MarshalAuthorizedKey(l.ana.PublicKey()), 0o600))
	check(t, os.WriteFile(absent, []byte("on the token in the drawer\n"), 0o600))
	cmd := l.openSSH("ana", second, "block", "203.0.113.9")
	// The keys are offered in this order: an admin's, ana's without its private
	// half, and the one that is proved.
	cmd.Args = append([]string{cmd.Args[0], "-v", "-i", l.carol.file, "-i", absent}, cmd.Args[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Server accepts key: "+absent) {
		t.Fatalf("%v:\n%s", err, out)
	}
	r := run(t, l.as("bo", l.bo), "", "decisions -o jsonl")
	r.want(t, 0, gossh.FingerprintSHA256(second.PublicKey()))
	if strings.Contains(r.out, gossh.FingerprintSHA256(l.ana.PublicKey())) || strings.Contains(r.out, gossh.FingerprintSHA256(l.carol.PublicKey())) {
		t.Errorf("the audit names a key that was only offered:\n%s", r.out)
	}
	if strings.Contains(r.out, `"user.roles":"admin"`) {
		t.Errorf("offering an admin's key gave an admin's role:\n%s", r.out)
	}
}

// TestViewersCannotAct tries every verb that changes something.
func TestViewersCannotAct(t *testing.T) {
	l := start(t, nil)
	run(t, l.as("ana", l.ana), "", "block 203.0.113.7").want(t, 0, "203.0.113.7")
	bo := l.as("bo", l.bo)
	for _, command := range []string{
		"block 203.0.113.8", "block 203.0.113.8 --break-glass --confirm 'block 1'", "unblock 203.0.113.7", "unblock --by ana", "unblock --since 1h",
		"allow 203.0.113.7", "allow 0.0.0.0/0", "scale shop.example.com", "scale --down shop.example.com", "harden shop.example.com",
		"stop", "disarm", "arm", "auto on", "auto off", "approve ABCDEF", "expect --to 1h --rate 5x", "reload",
		"block 203.0.113.8 --id ana", "decisions --by ana; block 203.0.113.8",
	} {
		if r := run(t, bo, "", command); r.code == 0 {
			t.Errorf("a viewer may %q:\n%s%s", command, r.out, r.err)
		}
	}
	r := run(t, bo, "", "decisions -o jsonl")
	if strings.Count(r.out, "\n") != 1 || strings.Contains(r.out, `"bo"`) || strings.Contains(r.out, `"undone"`) {
		t.Errorf("something changed:\n%s", r.out)
	}
	run(t, bo, "", "auto").want(t, 0, "on;")
	run(t, l.as("ana", l.ana), "", "reload").want(t, 1, "only an admin")
}

// TestRightsFollowTheConfiguration: a role that is lowered holds in sessions
// that are open, and a key that is removed ends them.
func TestRightsFollowTheConfiguration(t *testing.T) {
	l := start(t, nil)
	ana, admin := l.as("ana", l.ana), l.as("carol", l.carol)
	_, seen, keys := console(t, ana)
	l.change(func(c *config.Config) { c.SSH.Users[0].Role = "viewer" })
	run(t, admin, "", "reload").want(t, 0, "reloaded")
	run(t, ana, "", "block 203.0.113.7").want(t, 1, "ana is a viewer")
	_, err := keys.Write([]byte("!"))
	check(t, err)
	eventually(t, "the open console was refused", func() bool { return seen.has("viewer") })

	l.change(func(c *config.Config) { c.SSH.Users = c.SSH.Users[1:] })
	l.reload <- struct{}{} // as SIGHUP does
	eventually(t, "the session of the removed key was told", func() bool { return seen.has("may not sign in any more") })
	if s, err := ana.NewSession(); err == nil {
		if out, err := s.CombinedOutput("decisions"); err == nil {
			t.Errorf("a removed key still reads decisions:\n%s", out)
		}
	}
	if _, err := l.dial("ana", l.ana.Signer); err == nil {
		t.Error("a removed key still signs in")
	}
	run(t, admin, "", "auto").want(t, 0, "on;") // others are not dropped, and nothing was stopped
}

func TestReloadIsAllOrNothing(t *testing.T) {
	l := start(t, nil)
	admin := l.as("carol", l.carol)
	l.change(func(c *config.Config) { c.SSH.Users = c.SSH.Users[:0:0] })
	l.mu.Lock()
	l.loadErr = errors.New("levee.yaml:12: alow: unknown key")
	l.mu.Unlock()
	run(t, admin, "", "reload").want(t, 1, "levee.yaml:12")
	run(t, l.as("ana", l.ana), "", "auto").want(t, 0, "on;")
	l.mu.Lock()
	l.loadErr = nil
	l.conf.SSH.Users = []config.User{{Name: "carol", Role: "admin", Keys: []config.AuthorizedKey{l.carol.line()}}}
	l.conf.Detect.SourceRate = 99
	l.conf.Detect.MaxMemory = 99 << 20
	l.conf.Auto.Level = "block"
	l.conf.Metrics.Listen = "127.0.0.1:1"
	l.mu.Unlock()
	const said = "levee.yaml is reloaded: detect.source_rate, auto.level, ssh.users; changes of detect.max_memory, metrics.listen wait for a restart"
	run(t, admin, "", "reload").want(t, 0, said)
	run(t, admin, "", "auto").want(t, 0, "level block")
	run(t, admin, "", "reload").want(t, 0, "nothing that holds at once differs; changes of detect.max_memory, metrics.listen wait")
	run(t, admin, "", "audit -o jsonl").want(t, 0, "wait for a restart")
	l.change(func(c *config.Config) { c.Console.Theme = "neon" })
	run(t, admin, "", "reload").want(t, 1, "nothing changed: console: ")
}

// TestSecondPerson: a large block waits for another operator; nobody approves
// their own, and nobody but an operator another's.
func TestSecondPerson(t *testing.T) {
	l := start(t, nil)
	var list strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&list, "198.18.%d.%d\n", i/250, i%250+1)
	}
	ana, carol, bo := l.as("ana", l.ana), l.as("carol", l.carol), l.as("bo", l.bo)
	run(t, ana, list.String(), "block -f - --confirm 'block 1001'").want(t, 1, "needs a second person")
	done := make(chan result, 1)
	go func() { done <- run(t, ana, list.String(), "block -f - --ask --reason bots") }()
	var code string
	eventually(t, "it waits for approval", func() bool {
		f := strings.Fields(run(t, carol, "", "approve -o table").out)
		if len(f) > 7 {
			code = f[6]
		}
		return code != ""
	})
	run(t, l.as("ana", l.ana), "", "approve "+code).want(t, 1, "you asked for it yourself")
	run(t, bo, "", "approve "+code).want(t, 1, "may look, not act")
	run(t, carol, "", "approve "+code).want(t, 0, "approved: block 1001 targets, asked by ana (bots)")
	(<-done).want(t, 0, "198.18.0.1")
	run(t, carol, "", "audit --after 0 --limit 1 -o jsonl").want(t, 0, `"second":{"name":"carol"`)

	_, seen, _ := console(t, bo)
	run(t, ana, strings.ReplaceAll(list.String(), "198.18.", "198.19."), "block -f - --break-glass").want(t, 0, "198.19.0.1")
	eventually(t, "everybody sees it", func() bool { return seen.has("BREAK GLASS: ana did block on 1001") })
	run(t, bo, "", "audit --after 0 --limit 10000 -o jsonl").want(t, 0, `"break_glass":true`)
}

// TestFirstCommitWins: of two who block the same, one does it.
func TestFirstCommitWins(t *testing.T) {
	l := start(t, nil)
	var said [8]result
	done := make(chan int)
	for i := range said {
		c := l.as("ana", l.ana)
		go func() { said[i] = run(t, c, "", "block 203.0.113.50"); done <- i }()
	}
	for range said {
		<-done
	}
	r := run(t, l.as("bo", l.bo), "", "decisions -o jsonl")
	if n := strings.Count(r.out, "\n"); n != 1 {
		t.Errorf("%d decisions of one target:\n%s", n, r.out)
	}
}

func TestPeopleSeeAndHearEachOther(t *testing.T) {
	l := start(t, nil)
	_, seen, _ := console(t, l.as("bo", l.bo))
	ana := l.as("ana", l.ana)
	run(t, ana, "", `say "look at /login"`).want(t, 0, "")
	eventually(t, "the message arrived", func() bool { return seen.has("ana says: look at /login") })
	run(t, ana, "", `say "a`+"\x1b]0;owned\x07"+`b"`).want(t, 0, "")
	eventually(t, "the harmless message arrived", func() bool { return seen.has("ana says: a ]0;owned b") })
	run(t, ana, "", "sessions").want(t, 0, "bo               viewer    ssh      127.0.0.1")
	eventually(t, "they see what bo looks at", func() bool { return strings.Contains(run(t, ana, "", "sessions").out, "Overview") })
}

// TestNothingElseIsServed asks for all that SSH can do and levee does not.
func TestNothingElseIsServed(t *testing.T) {
	l := start(t, nil)
	c := l.as("carol", l.carol)
	if _, err := c.Dial("tcp", l.ssh); err == nil {
		t.Error("it forwards connections")
	}
	if x, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = x.Close()
		t.Error("it forwards ports back")
	}
	if _, _, err := c.OpenChannel("auth-agent@openssh.com", nil); err == nil {
		t.Error("it takes agent channels")
	}
	s, err := c.NewSession()
	check(t, err)
	defer func() { _ = s.Close() }()
	for _, r := range []string{"auth-agent-req@openssh.com", "x11-req", "subsystem", "break", "signal"} {
		payload := gossh.Marshal(struct{ S string }{"sftp"})
		if ok, err := s.SendRequest(r, true, payload); err == nil && ok {
			t.Errorf("it takes %s", r)
		}
	}
	for name, ok := range map[string]bool{"LANG": true, "NO_COLOR": true, "LD_PRELOAD": false, "PATH": false, "LEVEE_CONFIG": false} {
		if err := s.Setenv(name, "x"); (err == nil) != ok {
			t.Errorf("the environment %s: %v", name, err)
		}
	}
	if _, err := gossh.Dial("tcp", l.ssh, &gossh.ClientConfig{User: "carol", HostKeyCallback: gossh.FixedHostKey(l.hostKey),
		Auth: []gossh.AuthMethod{gossh.Password(""), gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) { return nil, nil })}}); err == nil {
		t.Error("it takes passwords")
	}
	weak := l.config("carol", l.carol.Signer)
	for _, w := range []gossh.Config{
		{KeyExchanges: []string{gossh.InsecureKeyExchangeDH14SHA1}}, {Ciphers: []string{"aes128-ctr"}}, {KeyExchanges: []string{"ecdh-sha2-nistp256"}},
	} {
		weak.Config = w
		if c, err := gossh.Dial("tcp", l.ssh, weak); err == nil {
			_ = c.Close()
			t.Errorf("it takes %v %v", w.KeyExchanges, w.Ciphers)
		}
	}
}

// TestHostileArguments: quoting, control characters and lengths of what is
// asked for lead to nothing but an answer.
func TestHostileArguments(t *testing.T) {
	l := start(t, nil)
	ana, bo := l.as("ana", l.ana), l.as("bo", l.bo)
	for _, c := range []struct {
		command string
		code    int
		says    string
	}{
		{"block 203.0.113.7; reboot", 2, "unknown shorthand|no address"},
		{"block $(id)", 2, "no address"},
		{"why `id`", 2, "no address"},
		{"why '203.0.113.7\n'", 2, "no address"},
		{"why \x1b]0;owned\x07", 2, "no address"},
		{"decisions | sh", 2, "takes no arguments"},
		{"decisions --by \x1b[2J", 0, "BEGUN"},
		{"decisions --incident '../../etc/passwd'", 0, "BEGUN"},
		{"block -f /etc/shadow", 2, "only -f - is taken"},
		{"block --reason '\x1b]52;c;aGk=\x07\u202e' 203.0.113.9 --config /etc/passwd", 2, "unknown flag"},
		{"serve", 2, "no command"}, {"demo", 2, "no command"}, {"init --yes --force", 2, "unknown flag"}, {"enforcer", 2, "no command"},
		{"attach", 2, "no command"}, {"console", 2, "no command"}, {"completion bash", 2, "no command"},
		{"block 203.0.113.9 --id '\x1b[31m'", 0, "203.0.113.9"},
	} {
		r := run(t, ana, "", c.command)
		ok := false
		for _, text := range strings.Split(c.says, "|") {
			ok = ok || strings.Contains(r.out+r.err, text)
		}
		if r.code != c.code || !ok {
			t.Errorf("%q: code %d, want %d with %q:\n%s%s", c.command, r.code, c.code, c.says, r.out, r.err)
		}
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\u202e") {
			t.Errorf("%q: control characters come back: %q", c.command, r.out+r.err)
		}
	}
	for _, size := range []int{200_000, 1 << 20} { // the second is longer than an SSH packet may be
		c, err := l.dial("bo", l.bo.Signer)
		check(t, err)
		s, err := c.NewSession()
		check(t, err)
		if err := s.Run("why " + strings.Repeat("a", size)); err == nil {
			t.Errorf("a command line of %d bytes was taken", size)
		}
		_ = c.Close() // it may be closed already
	}
	s, err := bo.NewSession() // an act inside a pseudo-terminal is an act
	check(t, err)
	check(t, s.RequestPty("xterm", 24, 80, nil))
	if out, err := s.CombinedOutput("block 203.0.113.10"); err == nil || !strings.Contains(string(out), "bo is a viewer") {
		t.Errorf("a viewer in a terminal: %v %s", err, out)
	}
	run(t, ana, "", "decisions --target 203.0.113.10 -o jsonl").want(t, 0, "")
}
