package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server until the test ends.
func serve(t *testing.T, handle func(context.Context, *Call) int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := Listen(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, Options{Handle: handle}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return path
}

func TestCallCarriesEverything(t *testing.T) {
	path := serve(t, func(_ context.Context, c *Call) int {
		if !c.Peer.Self || c.Peer.UID != uint32(os.Geteuid()) {
			t.Errorf("the caller is %+v", c.Peer)
		}
		if c.From.String() != "192.0.2.9" {
			t.Errorf("the caller came from %s", c.From)
		}
		in, err := io.ReadAll(c.In)
		if err != nil {
			t.Error(err)
		}
		_, _ = c.Out.Write(bytes.ToUpper(in)) // what arrived is compared below
		_, _ = io.WriteString(c.Err, strings.Join(c.Args, "|"))
		return 3
	})
	long := strings.Repeat("a list of addresses\n", 50_000)
	var out, errs bytes.Buffer
	from := SSHFrom(func(string) string { return "::ffff:192.0.2.9 50022 192.0.2.1 22" })
	code, err := Do(t.Context(), path, Request{Args: []string{"block", "a b", ""}, In: strings.NewReader(long), Out: &out, Err: &errs, From: from})
	if err != nil || code != 3 || out.String() != strings.ToUpper(long) || errs.String() != "block|a b|" {
		t.Errorf("code %d, %v, %d bytes, %q", code, err, out.Len(), errs.String())
	}
}

func TestTheSocketIsForItsGroup(t *testing.T) {
	path := serve(t, func(context.Context, *Call) int { return 0 })
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestAClientThatLeavesEndsItsCall: nobody waits for an answer any more.
func TestAClientThatLeavesEndsItsCall(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	path := serve(t, func(ctx context.Context, _ *Call) int {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return 0
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if _, err := Do(ctx, path, Request{Args: []string{"x"}, Out: io.Discard, Err: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v", err)
	}
}

// TestJunk: what is no call is turned away and the server goes on.
func TestJunk(t *testing.T) {
	path := serve(t, func(context.Context, *Call) int { return 0 })
	for name, junk := range map[string][]byte{
		"text":        []byte("GET / HTTP/1.1\r\n\r\n"),
		"huge":        {frameCall, 0xff, 0xff, 0xff, 0xff},
		"no JSON":     {frameCall, 0, 0, 0, 2, '[', '{'},
		"other frame": {frameInput, 0, 0, 0, 1, 'x'},
		"nothing":     nil,
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(junk) // it may be refused already
		if err := c.(*net.UnixConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(c)
		if !bytes.Contains(answer, []byte("does not speak levee's protocol")) {
			t.Errorf("%s: it answered %q", name, answer)
		}
		_ = c.Close()
	}
	if code, err := Do(t.Context(), path, Request{Args: []string{"x"}, Out: io.Discard, Err: io.Discard}); code != 0 || err != nil {
		t.Errorf("afterwards: %d %v", code, err)
	}
}

func TestNobodyThere(t *testing.T) {
	_, err := Do(t.Context(), filepath.Join(t.TempDir(), "none"), Request{Out: io.Discard, Err: io.Discard})
	if !errors.Is(err, ErrNoDaemon) || !strings.Contains(err.Error(), "start levee serve") {
		t.Errorf("%v", err)
	}
	if _, err := Listen(t.Context(), "/"+strings.Repeat("x", 200), 0); err == nil || !strings.Contains(err.Error(), "--state") {
		t.Errorf("a long path: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), file, 0); err == nil {
		t.Error("a file was taken for a socket that was left behind")
	}
}

func TestEnvironmentIsFiltered(t *testing.T) {
	got := cleanEnv([]string{"TERM=xterm", "PATH=/x", "LANG=\x1b[31m", "LC_ALL=" + strings.Repeat("x", 100), "NO_COLOR=1", "LD_PRELOAD=x"})
	if strings.Join(got, " ") != "TERM=xterm NO_COLOR=1" {
		t.Errorf("%q", got)
	}
}

// FuzzReadFrame: junk never costs more memory than it is long.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{frameCall, 0, 0, 0, 1, 'x'})
	f.Add([]byte{frameInput, 0, 4, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, payload, err := readFrame(bytes.NewReader(b))
		if err == nil && (kind != b[0] || len(payload) > len(b)-5) {
			t.Errorf("%q from %q", payload, b)
		}
	})
}
