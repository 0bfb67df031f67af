package source

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBeatsWithFilebeat has a real Filebeat follow a log with the configuration
// of deploy/filebeat, through an outage: each line comes once, and none from a
// Filebeat without a certificate. deploy/filebeat/README.md says how to get one.
func TestBeatsWithFilebeat(t *testing.T) {
	bin := os.Getenv("LEVEE_FILEBEAT")
	if bin == "" {
		t.Skip("LEVEE_FILEBEAT names no Filebeat; to build one is minutes long (deploy/filebeat/README.md)")
	}
	dir := t.TempDir()
	server, _ := pair(t, dir, "server")
	_, clients := pair(t, dir, "client")
	conf := &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	listen := func() *following {
		t.Helper()
		in, err := Beats(BeatsOptions{Address: addr, TLS: conf})
		if err != nil {
			t.Fatal(err)
		}
		f := run(t, in, false)
		<-in.(*beats).ready
		return f
	}
	shipped, err := os.ReadFile("../../deploy/filebeat/filebeat.yml")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "access.log")
	text := strings.NewReplacer("/var/log/nginx/access.log", log, "levee.example.com:5044", addr, "/etc/filebeat/levee-ca.pem", filepath.Join(dir, "server.pem"),
		"/etc/filebeat/client", filepath.Join(dir, "client")).Replace(string(shipped))
	start := func(name, text string) (*exec.Cmd, *bytes.Buffer) {
		t.Helper()
		path := filepath.Join(dir, name+".yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		data := filepath.Join(dir, name)
		if out, err := exec.Command(bin, "test", "config", "-c", path, "--path.data", data).CombinedOutput(); err != nil {
			t.Fatalf("filebeat test config: %s", out)
		}
		cmd, said := exec.Command(bin, "-e", "-c", path, "--path.data", data), &bytes.Buffer{}
		cmd.Stderr = said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		return cmd, said
	}
	grow := func(from, to int) {
		t.Helper()
		f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err == nil {
			_, err = f.Write(logLines(from, to))
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	comes := func(f *following, from, to int) {
		t.Helper()
		deadline := time.Now().Add(2 * time.Minute)
		for len(f.numbers()) < to-from && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		got := map[string]int{}
		for _, target := range f.numbers() {
			got[target]++
		}
		for n := from; n < to; n++ {
			if k := got[fmt.Sprintf("/n/%d", n)]; k != 1 {
				t.Fatalf("line %d came %d times; %d of %d came", n, k, len(got), to-from)
			}
		}
		if len(got) != to-from {
			t.Fatalf("%d lines, want %d", len(got), to-from)
		}
	}

	grow(0, 5000)
	first := listen()
	cmd, _ := start("filebeat", text)
	comes(first, 0, 5000)
	time.Sleep(time.Second) // so that the last acknowledgement is not cut off: it would come again
	first.stop()
	grow(5000, 9000) // nobody listens; they wait with Filebeat
	time.Sleep(2 * time.Second)
	second := listen()
	comes(second, 5000, 9000)
	_ = cmd.Process.Kill() // only one follows the log
	_ = cmd.Wait()
	second.stop()

	third := listen()
	var bare []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.Contains(line, "client.pem") && !strings.Contains(line, "client.key") {
			bare = append(bare, line)
		}
	}
	cmd, said := start("without", strings.Join(bare, "\n"))
	time.Sleep(8 * time.Second) // it tries again and again
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if n := third.in.Status().Lines; n != 0 || !strings.Contains(said.String(), "certificate") {
		t.Errorf("without a client certificate %d lines came; Filebeat says %s", n, said)
	}
}
