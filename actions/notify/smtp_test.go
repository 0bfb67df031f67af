package notify

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEMailThroughAnIndependentServer has aiosmtpd, a server that others wrote,
// take the messages and keep them as it understood them.
func TestEMailThroughAnIndependentServer(t *testing.T) {
	if os.Getenv("LEVEE_INTEGRATION") == "" {
		t.Skip("set LEVEE_INTEGRATION=1 to install aiosmtpd 1.4.6 into a temporary venv and run it")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	venv := os.Getenv("LEVEE_SMTP_VENV") // one that has it already; default: a new one
	if venv == "" {
		venv = filepath.Join(t.TempDir(), "venv")
		if out, err := exec.Command(python, "-m", "venv", venv).CombinedOutput(); err != nil {
			t.Skipf("python3 can't make a venv (Debian: python3-venv): %v\n%s", err, out)
		}
		if out, err := exec.Command(filepath.Join(venv, "bin", "pip"), "install", "-q", "aiosmtpd==1.4.6").CombinedOutput(); err != nil {
			t.Skipf("no package index to install aiosmtpd from: %v\n%s", err, out)
		}
	}
	mail := filepath.Join(t.TempDir(), "mail")
	address := startSMTP(t, filepath.Join(venv, "bin", "python"), mail)
	n, err := New(Options{Targets: []Target{{URL: "smtp://" + address + "/?from=levee@example.com&to=soc@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	if errs := n.Test(context.Background()); errs[0] != nil {
		t.Fatal(errs)
	}
	g := newGroups(rules())
	g.add(Event{Incident: "i1", Title: "scan on shop\r\nBcc: evil@example.com", Text: "GET /a\r\n.\r\nMAIL FROM:<evil@example.com>", Severity: Critical, At: begin})
	for _, m := range g.due(begin) {
		if err := n.targets[0].deliver(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(mail, "new", "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d messages arrived, want 2: %v", len(files), err)
	}
	all := ""
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if head, _, _ := strings.Cut(string(b), "\n\n"); strings.Contains(head, "\nBcc:") || !strings.Contains(head, "X-MailFrom: levee@example.com") || !strings.Contains(head, "X-RcptTo: soc@example.com") {
			t.Errorf("it was understood as\n%s", head)
		}
		all += string(b)
	}
	for _, want := range []string{"Subject: [levee] info: test of the alert chain (test)", "levee can reach you here.", "scan on shop"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

// startSMTP runs the server until the test ends; it keeps what it takes under mail.
func startSMTP(t *testing.T, python, mail string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(python, "-m", "aiosmtpd", "-n", "-l", address, "-c", "aiosmtpd.handlers.Mailbox", mail)
	var said strings.Builder
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_, err = io.ReadFull(c, make([]byte, 3)) // 220
			_, _ = fmt.Fprint(c, "QUIT\r\n")
			_ = c.Close()
		}
		if err == nil {
			return address
		}
		if time.Now().After(end) {
			_ = server.Process.Kill()
			_ = server.Wait()
			t.Fatalf("the server does not answer: %v\n%s", err, &said)
		}
	}
}
