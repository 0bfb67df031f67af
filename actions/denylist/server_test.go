package denylist

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// server is a real nginx or HAProxy of this test's own, on loopback.
type server struct {
	dir, url, config string
	argv             []string
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// start runs argv until the test ends and waits until url answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen: %s", s.argv[0], out.b)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// deployed returns a file of deploy/ with its fixed paths replaced.
func deployed(t *testing.T, name string, replace ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(replace...).Replace(string(raw))
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// get makes one request from a loopback address of its own and returns the
// status.
func (s *server) get(t *testing.T, from, path, agent string) int {
	t.Helper()
	return s.getFrom(t, from, path, agent, "")
}

func (s *server) getFrom(t *testing.T, from, path, agent, referer string) int {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	req, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", agent)
	if referer != "" {
		req.Header.Set("Referer", referer)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// eventually waits for a worker that still serves with the old configuration.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func startNginx(t *testing.T) *server {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/nginx"); err != nil {
			t.Skip("nginx is not installed (Debian: nginx-light)")
		}
		binary = "/usr/sbin/nginx"
	}
	dir, address := t.TempDir(), freePort(t)
	s := &server{dir: dir, url: "http://" + address, config: filepath.Join(dir, "nginx.conf")}
	for _, f := range []string{"deny.conf", "geo.conf", "signatures.conf"} {
		write(t, filepath.Join(dir, f), "")
	}
	write(t, filepath.Join(dir, "levee-http.conf"), deployed(t, "nginx/levee-http.conf", "/etc/nginx/levee", dir))
	write(t, filepath.Join(dir, "levee-server.conf"), deployed(t, "nginx/levee-server.conf", "/etc/nginx/levee", dir))
	write(t, s.config, fmt.Sprintf(`
daemon off; master_process on; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
user %[3]s;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
  include %[1]s/levee-http.conf;
  server { listen %[2]s; include %[1]s/levee-server.conf; location / { root %[1]s/www; try_files /index.html =404; } }
}`, dir, address, account(t)))
	if err := os.MkdirAll(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "www", "index.html"), "hello")
	s.argv = []string{binary, "-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", s.config}
	s.start(t)
	return s
}

// account names who nginx's workers run as: the tester, who can read the
// test's directory.
func account(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Skipf("id -un: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func (s *server) nginx(arguments ...string) []string {
	return append(append([]string{}, s.argv...), arguments...)
}

func TestRealNginxDeniesAndThrottles(t *testing.T) {
	s := startNginx(t)
	const curl = "curl/8.5.0"
	if got := s.get(t, "127.0.0.2", "/", curl); got != 200 {
		t.Fatalf("before anything: %d", got)
	}
	list := func(file string, style Style) *List {
		return open(t, Options{Path: filepath.Join(s.dir, file), Style: style, Test: s.nginx("-t"), Reload: s.nginx("-s", "reload")})
	}
	deny, geo, sigs := list("deny.conf", Nginx), list("geo.conf", NginxGeo), list("signatures.conf", NginxMap)
	for _, l := range []*List{deny, geo, sigs} {
		if err := l.Check(context.Background()); err != nil {
			t.Error(err)
		}
	}

	if rs := apply(t, deny, block("a", "127.0.0.2/32")); !rs[0].OK {
		t.Fatalf("receipt %+v", rs[0])
	}
	eventually(t, "127.0.0.2 denied", func() bool { return s.get(t, "127.0.0.2", "/", curl) == 403 })
	if got := s.get(t, "127.0.0.3", "/", curl); got != 200 {
		t.Errorf("a neighbour got %d", got)
	}
	if _, err := deny.Revoke(context.Background(), []actions.Decision{block("a", "127.0.0.2/32")}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "127.0.0.2 let in again", func() bool { return s.get(t, "127.0.0.2", "/", curl) == 200 })

	slow := actions.Decision{ID: "slow", Verb: actions.Throttle, Target: block("", "127.0.0.5/32").Target}
	if rs := apply(t, geo, block("b", "127.0.0.4/32"), slow); !rs[0].OK || !rs[1].OK {
		t.Fatalf("receipts %+v", rs)
	}
	eventually(t, "127.0.0.4 refused", func() bool { return s.get(t, "127.0.0.4", "/", curl) == 403 })
	eventually(t, "127.0.0.5 slowed", func() bool { return s.get(t, "127.0.0.5", "/", curl) == 429 })

	hostile := `x"; } http { $uri \x00 {1,9}` + "`id`'#"
	decisions := []actions.Decision{
		{ID: "t", Verb: actions.Throttle, Target: actions.Target{Signature: &detect.Signature{Path: "/search", Query: "random"}}},
		{ID: "r", Verb: actions.Block, Target: actions.Target{Signature: &detect.Signature{Path: "/login", Method: "GET", UserAgent: "python-requests/*", HTTPVersion: "HTTP/1.1", Referer: "absent"}}},
		{ID: "p", Verb: actions.Block, Target: actions.Target{Service: "127.0.0.1", Signature: &detect.Signature{Path: "/prefix", Prefix: "127.0.6.0/23"}}},
		{ID: "h", Verb: actions.Harden, Target: actions.Target{Signature: &detect.Signature{UserAgent: hostile}}},
	}
	for _, r := range apply(t, sigs, decisions...) {
		if !r.OK {
			t.Fatalf("receipt %+v", r)
		}
	}
	eventually(t, "the signature refused", func() bool { return s.get(t, "127.0.0.9", "/login", "python-requests/2.31") == 403 })
	for _, c := range []struct {
		from, path, agent string
		want              int
	}{
		{"127.0.0.9", "/login", "Mozilla/5.0", 200},
		{"127.0.0.9", "/login/x", "python-requests/2.31", 200},
		{"127.0.6.200", "/prefix", "a", 403},
		{"127.0.7.1", "/prefix", "a", 403},
		{"127.0.8.1", "/prefix", "a", 200},
	} {
		// A worker of the old configuration may still take a connection or two.
		eventually(t, fmt.Sprintf("%+v", c), func() bool { return s.get(t, c.from, c.path, c.agent) == c.want })
	}
	eventually(t, "random queries slowed whoever asks", func() bool {
		n := 0
		for i := range 60 {
			if s.get(t, fmt.Sprintf("127.0.9.%d", i+1), fmt.Sprintf("/search?q=%d", i), "a") == 429 {
				n++
			}
		}
		return n > 0
	})
	eventually(t, "the hostile agent hardened", func() bool { return s.get(t, "127.0.0.9", "/", hostile) == 429 })

	// A referer that names the very site asked for, whatever its name is.
	for _, r := range apply(t, sigs, actions.Decision{ID: "own", Verb: actions.Block, Target: actions.Target{Signature: &detect.Signature{Path: "/own", Referer: "own site"}}}) {
		if !r.OK {
			t.Fatalf("receipt %+v", r)
		}
	}
	eventually(t, "the own site's referer refused", func() bool { return s.getFrom(t, "127.0.0.9", "/own", "a", s.url+"/from") == 403 })
	if got := s.getFrom(t, "127.0.0.9", "/own", "a", "http://127.0.0.11/from"); got != 200 {
		t.Errorf("a foreign referer got %d", got)
	}

	// A configuration that somebody else broke: the list stays, the change is refused.
	before := content(t, deny)
	raw, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.config, string(raw)+"nonsense;\n")
	if rs := apply(t, deny, block("z", "127.0.0.8/32")); rs[0].OK || !strings.Contains(rs[0].Note, "nonsense") {
		t.Errorf("receipt %+v", rs[0])
	}
	if got := content(t, deny); got != before {
		t.Errorf("the file changed:\n%s", got)
	}
}

func TestRealHAProxyFollowsItsSocket(t *testing.T) {
	binary, err := exec.LookPath("haproxy")
	if err != nil {
		if _, err = os.Stat("/usr/sbin/haproxy"); err != nil {
			t.Skip("haproxy is not installed (Debian: haproxy)")
		}
		binary = "/usr/sbin/haproxy"
	}
	dir, err := os.MkdirTemp("", "levee-ha") // short: a socket path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := freePort(t)
	s := &server{dir: dir, url: "http://" + address, config: filepath.Join(dir, "haproxy.cfg")}
	sources := write(t, filepath.Join(dir, "sources.map"), "")
	signatures := write(t, filepath.Join(dir, "signatures.map"), "")
	socket := filepath.Join(dir, "admin.sock")
	write(t, s.config, deployed(t, "haproxy/levee.cfg", "/run/haproxy/admin.sock", socket, "bind :80", "bind "+address,
		"/etc/haproxy/levee-sources.map", sources, "/etc/haproxy/levee-signatures.map", signatures)+
		"    http-request return status 200\n\ndefaults\n    mode http\n")
	raw, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.config, "defaults\n    mode http\n    timeout client 5s\n    timeout server 5s\n    timeout connect 5s\n\n"+strings.Replace(string(raw), "\ndefaults\n    mode http\n", "", 1))
	s.argv = []string{binary, "-db", "-f", s.config}
	s.start(t)

	addresses := open(t, Options{Path: sources, Style: HAProxy, Socket: socket})
	sigs := open(t, Options{Path: signatures, Style: HAProxyMap, Socket: socket})
	many := []actions.Decision{block("a", "127.0.0.2/32"), {ID: "slow", Verb: actions.Throttle, Target: block("", "127.0.0.5/32").Target}}
	for i := range 3000 { // several payloads
		many = append(many, block(fmt.Sprint("m", i), fmt.Sprintf("198.18.%d.%d/32", i/256, i%256)))
	}
	for _, r := range apply(t, addresses, many...) {
		if !r.OK {
			t.Fatalf("receipt %+v", r)
		}
	}
	if got := s.get(t, "127.0.0.2", "/", "a"); got != 403 {
		t.Errorf("blocked address got %d", got)
	}
	if got := s.get(t, "127.0.0.3", "/", "a"); got != 200 {
		t.Errorf("its neighbour got %d", got)
	}
	eventually(t, "127.0.0.5 slowed", func() bool { return s.get(t, "127.0.0.5", "/", "a") == 429 })
	answer, err := addresses.ask(context.Background(), "show map\n")
	if err != nil || !strings.Contains(answer, "entry_cnt=3002") {
		t.Errorf("HAProxy holds %s, %v", answer, err)
	}
	if _, err := addresses.Revoke(context.Background(), many[:1]); err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "127.0.0.2", "/", "a"); got != 200 {
		t.Errorf("after the undo: %d", got)
	}

	hostile := `x"; del map \ <<` + "; quit `id`'#"
	for _, r := range apply(t, sigs,
		actions.Decision{ID: "r", Verb: actions.Block, Target: actions.Target{Signature: &detect.Signature{Path: "/login", Query: "absent", UserAgent: "python-requests/*", HTTPVersion: "1.1"}}},
		actions.Decision{ID: "p", Verb: actions.Block, Target: actions.Target{Service: "127.0.0.1", Signature: &detect.Signature{Path: "/prefix", Prefix: "127.0.6.0/23"}}},
		actions.Decision{ID: "h", Verb: actions.Harden, Target: actions.Target{Signature: &detect.Signature{UserAgent: hostile}}},
		actions.Decision{ID: "c", Verb: actions.Throttle, Target: actions.Target{Signature: &detect.Signature{Path: "/x", Country: "NL"}}},
	) {
		if r.OK != (r.Decision != "c") {
			t.Fatalf("receipt %+v", r)
		}
	}
	for _, c := range []struct {
		from, path, agent string
		want              int
	}{
		{"127.0.0.9", "/login", "python-requests/2.31", 403},
		{"127.0.0.9", "/login?a", "python-requests/2.31", 200},
		{"127.0.0.9", "/login", "Mozilla/5.0", 200},
		{"127.0.6.200", "/prefix", "a", 403},
		{"127.0.7.1", "/prefix", "a", 403},
		{"127.0.8.1", "/prefix", "a", 200},
	} {
		if got := s.get(t, c.from, c.path, c.agent); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	eventually(t, "the hostile agent hardened", func() bool { return s.get(t, "127.0.0.9", "/", hostile) == 429 })
	// A referer that names the very site asked for, whatever its name is.
	for _, r := range apply(t, sigs, actions.Decision{ID: "own", Verb: actions.Block, Target: actions.Target{Signature: &detect.Signature{Path: "/own", Referer: "own site"}}}) {
		if !r.OK {
			t.Fatalf("receipt %+v", r)
		}
	}
	eventually(t, "the own site's referer refused", func() bool { return s.getFrom(t, "127.0.0.9", "/own", "a", s.url+"/from") == 403 })
	if got := s.getFrom(t, "127.0.0.9", "/own", "a", "http://127.0.0.11/from"); got != 200 {
		t.Errorf("a foreign referer got %d", got)
	}
}
