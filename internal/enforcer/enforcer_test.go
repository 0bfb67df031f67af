package enforcer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"levee/actions"
	"levee/actions/denylist"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is an enforcer that only remembers.
type memory struct {
	mu    sync.Mutex
	held  map[netip.Prefix]actions.Decision
	check error
}

func (m *memory) Name() string { return "memory" }
func (m *memory) Handles(d actions.Decision) bool {
	return d.Verb == actions.Block && d.Target.Prefix.IsValid()
}
func (m *memory) Check(context.Context) error { return m.check }
func (m *memory) List(context.Context) ([]actions.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var hs []actions.Held
	for p, d := range m.held {
		hs = append(hs, actions.Held{Prefix: p, Expires: d.Expires, Dropped: 7})
	}
	return hs, nil
}

func (m *memory) Apply(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rs []actions.Receipt
	for _, d := range ds {
		m.held[d.Target.Prefix] = d
		rs = append(rs, actions.Receipt{Decision: d.ID, Enforcer: "memory", OK: true})
	}
	return rs, nil
}

func (m *memory) Revoke(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rs []actions.Receipt
	for _, d := range ds {
		delete(m.held, d.Target.Prefix)
		rs = append(rs, actions.Receipt{Decision: d.ID, Enforcer: "memory", OK: true})
	}
	return rs, nil
}

func serve(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Guardrails == nil {
		g, err := actions.NewGuardrails(actions.GuardrailOptions{Own: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32")}})
		if err != nil {
			t.Fatal(err)
		}
		o.Guardrails = g
	}
	o.Socket = filepath.Join(t.TempDir(), "enforcer.sock")
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	c, err := NewClient(ClientOptions{Socket: o.Socket, Shape: o.Enforcers[0]})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func block(id, prefix string) actions.Decision {
	return actions.Decision{ID: id, Verb: actions.Block, Target: actions.Target{Prefix: netip.MustParsePrefix(prefix)}, Expires: time.Now().Add(time.Hour), Reason: "never sent", Evidence: []string{"\x1b[2J"}}
}

func TestApplyListRevoke(t *testing.T) {
	m := &memory{held: map[netip.Prefix]actions.Decision{}}
	c := serve(t, Options{Enforcers: []actions.Enforcer{m}})
	ctx := context.Background()
	if err := c.Check(ctx); err != nil {
		t.Fatal(err)
	}
	var many []actions.Decision
	for i := range 25000 { // more than one request
		many = append(many, block(fmt.Sprint("d", i), fmt.Sprintf("203.%d.%d.%d/32", i>>16, i>>8&255, i&255)))
	}
	rs, err := c.Apply(ctx, many)
	if err != nil || len(rs) != len(many) || slices.ContainsFunc(rs, func(r actions.Receipt) bool { return !r.OK }) {
		t.Fatalf("%d receipts, %v", len(rs), err)
	}
	if d := m.held[netip.MustParsePrefix("203.0.0.5/32")]; d.ID != "d5" || d.Reason != "" || d.Evidence != nil || !d.Expires.Equal(many[5].Expires) {
		t.Errorf("arrived as %+v", d)
	}
	held, err := c.List(ctx)
	if err != nil || len(held) != len(many) || held[0].Dropped != 7 {
		t.Errorf("%d held, %v", len(held), err)
	}
	if rs, err := c.Revoke(ctx, many); err != nil || len(rs) != len(many) || len(m.held) != 0 {
		t.Errorf("%d receipts, %v, %d left", len(rs), err, len(m.held))
	}
	m.check = errors.New("nft: lacks CAP_NET_ADMIN")
	if err := c.Check(ctx); err == nil || err.Error() != m.check.Error() {
		t.Errorf("Check = %v", err)
	}
	if c.Name() != "memory" || !c.Handles(many[0]) || c.Handles(actions.Decision{Verb: actions.ScaleUp}) {
		t.Error("the client does not stand for its enforcer")
	}
}

// doors is an enforcer that can keep SSH open.
type doors struct {
	memory
	from []netip.Addr
}

func (d *doors) KeepOpen(_ context.Context, from []netip.Addr) error {
	d.from = from
	return nil
}

func TestKeepOpenThroughTheSocket(t *testing.T) {
	d := &doors{memory: memory{held: map[netip.Prefix]actions.Decision{}}}
	c := serve(t, Options{Enforcers: []actions.Enforcer{d}})
	want := []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")}
	if err := c.KeepOpen(context.Background(), want); err != nil || !slices.Equal(d.from, want) {
		t.Errorf("arrived as %v, %v", d.from, err)
	}
	if a, err := c.ask(context.Background(), request{Verb: keep, From: make([]netip.Addr, actions.DoorsMost+1)}); err != nil || a.Error == "" {
		t.Errorf("too many were taken: %+v, %v", a, err)
	}
	// An enforcer without doors is not asked.
	c = serve(t, Options{Enforcers: []actions.Enforcer{&memory{}}})
	if err := c.KeepOpen(context.Background(), want); err != nil {
		t.Error(err)
	}
	if a, err := c.ask(context.Background(), request{Verb: keep, From: want}); err != nil || a.Error == "" {
		t.Errorf("it answered %+v, %v", a, err)
	}
}

func TestStrangersGetNothing(t *testing.T) {
	m := &memory{held: map[netip.Prefix]actions.Decision{}}
	c := serve(t, Options{Enforcers: []actions.Enforcer{m}, Users: []uint32{uint32(os.Geteuid()) + 1}})
	if rs, err := c.Apply(context.Background(), []actions.Decision{block("d", "203.0.113.1/32")}); err == nil || len(rs) != 0 || len(m.held) != 0 {
		t.Errorf("%+v, %v", rs, err)
	}
	info, err := os.Stat(c.o.Socket)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket %v, %v", info.Mode(), err)
	}
}

func TestBadRequests(t *testing.T) {
	m := &memory{held: map[netip.Prefix]actions.Decision{}}
	c := serve(t, Options{Enforcers: []actions.Enforcer{m}})
	raw := func(body string) string {
		conn, err := net.Dial("unix", c.o.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
			t.Fatal(err)
		}
		var a answer
		if err := receive(conn, frameMost, &a); err != nil {
			return "no answer"
		}
		return a.Error
	}
	for body, want := range map[string]string{
		"":   "can't be read",
		"{}": "version 0",
		`{"v":1,"verb":"exec","enforcer":"memory"}`:                                                       "no verb",
		`{"v":1,"verb":"list","enforcer":"shell"}`:                                                        "no enforcer",
		`{"v":1,"verb":"list","enforcer":"memory","command":["rm"]}`:                                      "unknown field",
		`{"v":1,"verb":"apply","enforcer":"memory","items":[{"id":"x","verb":"block","prefix":"x/32"}]}`:  "can't be read",
		`{"v":1,"verb":"list","enforcer":"memory"} {"v":1}`:                                               "more than one",
		`{"v":1,"verb":"apply","enforcer":"memory","items":[` + strings.Repeat(`{},`, itemsMost) + `{}]}`: "10001 decisions",
		strings.Repeat("[", 100000):                                                                       "can't be read",
	} {
		if got := raw(body); !strings.Contains(got, want) {
			t.Errorf("%.60q: %q, want %q", body, got, want)
		}
	}
	conn, err := net.Dial("unix", c.o.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := receive(conn, frameMost, &a); err != nil || !strings.Contains(a.Error, "are the most") {
		t.Errorf("a length of 4 GiB: %+v, %v", a, err)
	}
	if err := c.Check(context.Background()); err != nil {
		t.Errorf("the server no longer answers: %v", err)
	}
}

func TestTheSocketsPlace(t *testing.T) {
	m := []actions.Enforcer{&memory{}}
	g, err := actions.NewGuardrails(actions.GuardrailOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"relative":      {Socket: "x.sock", Limits: Limits{Guardrails: g}, Enforcers: m},
		"a file":        {Socket: file, Limits: Limits{Guardrails: g}, Enforcers: m},
		"no directory":  {Socket: filepath.Join(dir, "none", "s"), Limits: Limits{Guardrails: g}, Enforcers: m},
		"open to all":   {Socket: filepath.Join(open, "s"), Limits: Limits{Guardrails: g}, Enforcers: m},
		"no guardrails": {Socket: filepath.Join(dir, "s"), Enforcers: m},
		"no enforcers":  {Socket: filepath.Join(dir, "s"), Limits: Limits{Guardrails: g}},
	} {
		if s, err := Listen(o); err == nil {
			t.Errorf("%s: taken", name)
			_ = s.listener.Close()
		}
	}
	// A dead process's socket is replaced, a living one's is not.
	path := filepath.Join(dir, "s")
	first, err := Listen(Options{Socket: path, Limits: Limits{Guardrails: g}, Enforcers: m})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(Options{Socket: path, Limits: Limits{Guardrails: g}, Enforcers: m}); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("a second server: %v", err)
	}
	first.listener.SetUnlinkOnClose(false)
	if err := first.listener.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(Options{Socket: path, Limits: Limits{Guardrails: g}, Enforcers: m})
	if err != nil {
		t.Fatal(err)
	}
	_ = again.listener.Close()
}

func TestNobodyThere(t *testing.T) {
	c, err := NewClient(ClientOptions{Socket: filepath.Join(t.TempDir(), "none.sock"), Shape: &memory{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "start levee-enforcer.service") {
		t.Errorf("Check = %v", err)
	}
	if _, err := NewClient(ClientOptions{}); err == nil {
		t.Error("a client of nothing")
	}
}

func TestADenyListThroughTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deny.conf")
	l, err := denylist.New(denylist.Options{Path: path, Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := serve(t, Options{Enforcers: []actions.Enforcer{l}})
	rs, err := c.Apply(context.Background(), []actions.Decision{block("d1", "203.0.113.9/32")})
	if err != nil || !rs[0].OK {
		t.Fatalf("%+v, %v", rs, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), "deny 203.0.113.9;") {
		t.Errorf("%s, %v", raw, err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add(append([]byte{0, 0, 0, 40}, `{"v":1,"items":[{"prefix":"1.2.3.0/24"}]}`...))
	f.Fuzz(func(t *testing.T, frame []byte) {
		var q request
		if receive(bytes.NewReader(frame), 1<<16, &q) != nil {
			return
		}
		for _, it := range q.Items {
			if got := itemOf(it.decision()); got.Prefix != it.Prefix || got.ID != it.ID {
				t.Fatalf("%+v became %+v", it, got)
			}
		}
	})
}
