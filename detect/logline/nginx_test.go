package logline

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// TestNginxWritesWhatIsRead starts a real nginx that logs in both formats of
// deploy/nginx and asks it with each judged header in turn: what comes back out
// of its logs is what was sent, and no two sets of headers look the same.
func TestNginxWritesWhatIsRead(t *testing.T) {
	bin, err := exec.LookPath("nginx")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed (Debian: nginx-light)")
		}
	}
	dir := t.TempDir()
	deploy, err := filepath.Abs("../../deploy/nginx")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  include %[2]s/log_format.conf;
  include %[2]s/log_format_combined.conf;
  server { listen %[3]s; access_log %[1]s/json.log levee; access_log %[1]s/combined.log levee_combined; location / { return 204; } }
}
`, dir, deploy, addr)
	if os.Getuid() == 0 {
		text = "user root;\n" + text
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bin, "-t", "-c", conf, "-p", dir).CombinedOutput(); err != nil {
		t.Fatalf("nginx -t: %s", out)
	}
	cmd := exec.Command(bin, "-c", conf, "-p", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt) // its exit code says nothing here
		_ = cmd.Wait()
	}()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("nginx does not listen")
		}
	}

	// One request more than there are headers: the last has none of them.
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	const target = `/a%22b?q=x"y\z&t=%C3%A9`
	for i := range len(judgedHeaders) + 1 {
		req, err := http.NewRequest(http.MethodPost, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = target // as it is
		req.Host = "shop.example.com"
		req.Header.Set("User-Agent", `a "quoted" agent`)
		req.Header.Set("Referer", "https://shop.example.com/é")
		if i < len(judgedHeaders) {
			req.Header.Set(strings.ReplaceAll(judgedHeaders[i], "_", "-"), "value")
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	for _, file := range []string{"json.log", "combined.log"} {
		var log []byte
		for end := time.Now().Add(30 * time.Second); bytes.Count(log, []byte("\n")) < len(judgedHeaders)+1; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s has %d lines", file, bytes.Count(log, []byte("\n")))
			}
			if log, err = os.ReadFile(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		p, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		hashes := map[uint64]string{}
		for i, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
			header := "none"
			if i < len(judgedHeaders) {
				header = judgedHeaders[i]
			}
			var r detect.Request
			kind, err := p.Parse(bytes.Clone(line), &r)
			if err != nil || kind != detect.Access {
				t.Fatalf("%s: %s: %v %v", file, line, kind, err)
			}
			if r.Source.String() != "127.0.0.1" || string(r.Method) != "POST" || string(r.Target) != target || string(r.Proto) != "HTTP/1.1" || r.Status != 204 ||
				string(r.Agent) != `a "quoted" agent` || string(r.Referer) != "https://shop.example.com/é" || string(r.Host) != "shop.example.com" || r.Duration < 0 || r.Bytes != 0 ||
				time.Since(time.Unix(0, r.Time)).Abs() > time.Hour {
				t.Fatalf("%s: %s became %+v", file, line, r)
			}
			if file == "combined.log" {
				if r.Headers != 0 {
					t.Errorf("%s has headers: %s", file, line)
				}
				continue
			}
			if other, twice := hashes[r.Headers]; twice || r.Headers == 0 {
				t.Errorf("%s and %s look the same: %s", header, other, line)
			}
			hashes[r.Headers] = header
		}
	}
}
