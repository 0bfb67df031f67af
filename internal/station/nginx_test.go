package station

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/internal/config"
)

// server is a real nginx on loopback, with a deny list and a log of its own.
// It believes X-Forwarded-For from loopback, so that a test's clients have
// addresses that may be blocked.
type server struct {
	bin, conf, url string
}

func startNginx(t *testing.T, p place) *server {
	t.Helper()
	bin, err := exec.LookPath("nginx")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed (Debian: nginx-light)")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := &server{bin: bin, conf: filepath.Join(p.dir, "nginx.conf"), url: "http://" + addr}
	root := filepath.Join(p.dir, "www")
	for _, page := range []string{"index.html", "news/1", "news/2", "app.css", "search"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, page)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, page), []byte("levee "+page+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`worker_processes 1;
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  client_body_temp_path %[1]s/tmp1; proxy_temp_path %[1]s/tmp2; fastcgi_temp_path %[1]s/tmp3; uwsgi_temp_path %[1]s/tmp4; scgi_temp_path %[1]s/tmp5;
  access_log %[2]s;
  set_real_ip_from 127.0.0.1;
  real_ip_header X-Forwarded-For;
  server { listen %[3]s; root %[4]s; include %[5]s*; }
}
`, p.dir, p.log(), addr, root, p.deny())
	if os.Getuid() == 0 {
		text = "user root;\n" + text
	}
	if err := os.WriteFile(s.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-c", s.conf, "-p", p.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // its exit code says nothing here
		_ = cmd.Wait()
	})
	eventually(t, "nginx answers", func() bool { return s.get("198.51.100.1", "/", "Mozilla/5.0") == http.StatusOK })
	return s
}

// signal tells the running nginx: reload or reopen.
func (s *server) signal(t *testing.T, what string) {
	t.Helper()
	if out, err := exec.Command(s.bin, "-c", s.conf, "-p", filepath.Dir(s.conf), "-s", what).CombinedOutput(); err != nil {
		t.Fatalf("nginx -s %s: %v: %s", what, err, out)
	}
}

// get asks as from and returns the status, 0 when there was no answer.
func (s *server) get(from, path, agent string) int {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0
	}
	req.Header.Set("X-Forwarded-For", from)
	req.Header.Set("User-Agent", agent)
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close() // nothing of it is read
	return res.StatusCode
}

var client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// visit is what people do: a page, its style sheet, another page.
func (s *server) visit(round int) {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	from := fmt.Sprintf("192.0.2.%d", 1+round%200)
	for _, path := range []string{"/news/1", "/app.css", "/news/2"} {
		s.get(from, path, browser)
	}
}

// TestRealNginx watches the log of a real nginx while real requests arrive,
// over a rotation, and lets nginx itself refuse whom levee blocked.
func TestRealNginx(t *testing.T) {
	p := place{t.TempDir()}
	nginx := startNginx(t, p)
	o := p.options()
	o.Config.Actions.Denylist = []config.Denylist{{Path: p.deny(), Style: "nginx",
		Test:   []string{nginx.bin, "-t", "-q", "-c", nginx.conf, "-p", p.dir},
		Reload: []string{nginx.bin, "-c", nginx.conf, "-p", p.dir, "-s", "reload"}}}

	// What was usual before: the log's past, which nginx did not write.
	p.write(t, visitors(time.Now(), 5, 0, 0))
	o.Config.Sources[0].FromStart = true
	s, _ := start(t, o)
	follows(t, s)

	// Rotation as logrotate does it, in the middle of ordinary traffic.
	for i := range 20 {
		nginx.visit(i)
	}
	if err := os.Rename(p.log(), p.log()+".1"); err != nil {
		t.Fatal(err)
	}
	nginx.visit(20)
	nginx.signal(t, "reopen")
	eventually(t, "nginx writes a new log", func() bool { _, err := os.Stat(p.log()); return err == nil })
	for i := range 20 {
		nginx.visit(21 + i)
	}
	logged := func() int {
		n := 0
		for _, path := range []string{p.log(), p.log() + ".1"} {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(b), "\n")
		}
		return n
	}
	eventually(t, "every line of both logs is read", func() bool { return s.Status().Inputs[0].Lines == uint64(logged()) })

	// One address asks one page without pause.
	const attacker, tool = "203.0.113.7", "python-requests/2.32.0"
	if got := nginx.get(attacker, "/search", tool); got != http.StatusOK {
		t.Fatalf("status %d before any block", got)
	}
	blocked := false
	for until := time.Now().Add(60 * time.Second); !blocked && time.Now().Before(until); {
		for range 50 {
			blocked = nginx.get(attacker, "/search", tool) == http.StatusForbidden || blocked
		}
		nginx.visit(int(time.Now().UnixMilli()))
	}
	if !blocked {
		t.Fatalf("nginx never refused the attacker; suspects: %+v", s.Snapshot().Suspects)
	}
	if got := nginx.get("192.0.2.77", "/news/1", "Mozilla/5.0"); got != http.StatusOK {
		t.Errorf("a visitor gets status %d", got)
	}
}
