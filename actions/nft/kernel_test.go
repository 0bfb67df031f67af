package nft

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"levee/actions"
)

func TestRealPackets(t *testing.T) {
	l := newLab(t)
	l.serve(t, "198.18.0.1:80")
	l.serve(t, "198.18.0.1:22")
	l.serve(t, "[fd00:18::1]:80")
	ctx := context.Background()
	f := l.filter(t, Options{Operators: []netip.Prefix{prefix("198.18.0.2/32")}})
	const web, ssh, web6 = "198.18.0.1:80", "198.18.0.1:22", "[fd00:18::1]:80"
	expect := func(what string, want map[string]bool) {
		t.Helper()
		for from, ok := range want {
			to := web
			if strings.Contains(from, ":") {
				to = web6
			}
			if got := l.connects(t, from, to); got != ok {
				t.Errorf("%s: %s connects: %v", what, from, got)
			}
		}
	}
	for _, a := range []string{"fd00:18::2", "fd00:18:0:5::2"} { // neighbour discovery takes a moment
		for end := time.Now().Add(10 * time.Second); !l.connects(t, a, web6) && time.Now().Before(end); {
		}
	}
	expect("before", map[string]bool{"198.18.0.2": true, "198.18.0.3": true, "198.18.7.1": true, "fd00:18::2": true, "fd00:18:0:5::2": true})

	rs, err := f.Apply(ctx, []actions.Decision{block("198.18.0.2/32", time.Hour), block("198.18.7.0/25", time.Hour), block("fd00:18:0:5::/64", time.Hour)})
	all(t, rs, err)
	expect("blocked", map[string]bool{"198.18.0.2": false, "198.18.0.3": true, "198.18.7.1": false, "198.18.7.200": true, "fd00:18::2": true, "fd00:18:0:5::2": false})
	if !l.connects(t, "198.18.0.2", ssh) {
		t.Error("a blocked operator lost SSH")
	}
	if l.connects(t, "198.18.7.1", ssh) {
		t.Error("a blocked stranger has SSH")
	}
	held, err := f.List(ctx)
	if err != nil || len(held) != 3 {
		t.Fatalf("held %+v, %v", held, err)
	}
	for _, h := range held {
		if h.Dropped == 0 || time.Until(h.Expires).Round(time.Minute) != time.Hour {
			t.Errorf("held %+v", h)
		}
	}

	// An outer prefix swallows an inner one, and gives it back.
	rs, err = f.Apply(ctx, []actions.Decision{block("198.18.6.0/23", time.Hour)})
	all(t, rs, err)
	expect("outer", map[string]bool{"198.18.7.1": false, "198.18.7.200": false})
	if held, err := f.List(ctx); err != nil || len(held) != 4 {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = f.Revoke(ctx, []actions.Decision{block("198.18.6.0/23", 0)})
	all(t, rs, err)
	expect("inner again", map[string]bool{"198.18.7.1": false, "198.18.7.200": true})

	// Another process finds what stands, and a renewal moves the end.
	g := l.filter(t, Options{})
	rs, err = g.Apply(ctx, []actions.Decision{block("198.18.0.2/32", 3*time.Hour)})
	all(t, rs, err)
	held, err = g.List(ctx)
	if err != nil || len(held) != 3 || time.Until(held[0].Expires).Round(time.Minute) != 3*time.Hour {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = g.Revoke(ctx, []actions.Decision{block("198.18.0.2/32", 0), block("198.18.7.0/25", 0), block("fd00:18:0:5::/64", 0), block("203.0.113.1/32", 0)})
	all(t, rs, err)
	expect("lifted", map[string]bool{"198.18.0.2": true, "198.18.7.1": true, "fd00:18:0:5::2": true})
}

func TestTheKernelLetsBlocksLapse(t *testing.T) {
	l := newLab(t)
	l.serve(t, "198.18.0.1:80")
	f := l.filter(t, Options{})
	rs, err := f.Apply(context.Background(), []actions.Decision{block("198.18.0.2/32", 3*time.Second), block("198.18.7.0/24", 3*time.Second)})
	all(t, rs, err)
	if held, err := f.List(context.Background()); err != nil || len(held) != 2 {
		t.Errorf("held %+v, %v", held, err)
	}
	for end := time.Now().Add(20 * time.Second); !l.connects(t, "198.18.0.2", "198.18.0.1:80") || !l.connects(t, "198.18.7.1", "198.18.0.1:80"); {
		if time.Now().After(end) {
			t.Fatal("the blocks never lapsed")
		}
	}
	// What lapsed can be blocked and lifted again.
	rs, err = f.Apply(context.Background(), []actions.Decision{block("198.18.0.2/32", time.Hour), block("198.18.7.0/24", time.Hour)})
	all(t, rs, err)
	if l.connects(t, "198.18.7.1", "198.18.0.1:80") {
		t.Error("not blocked again")
	}
	rs, err = f.Revoke(context.Background(), []actions.Decision{block("198.18.0.2/32", 0), block("198.18.7.0/24", 0)})
	all(t, rs, err)
	if !l.connects(t, "198.18.7.1", "198.18.0.1:80") {
		t.Error("not lifted")
	}
}

func TestOnlyItsOwnTableIsTouched(t *testing.T) {
	l := newLab(t)
	l.nft(t, "add", "table", "inet", "mine")
	l.nft(t, "add", "set", "inet", "mine", "addresses4", "{ type ipv4_addr; elements = { 192.0.2.77 } }")
	before := l.nft(t, "list", "ruleset")
	f := l.filter(t, Options{})
	rs, err := f.Apply(context.Background(), []actions.Decision{block("192.0.2.1/32", time.Hour), block("255.255.255.0/24", time.Hour)})
	all(t, rs, err)
	if got := l.nft(t, "list", "table", "inet", "mine"); got != before {
		t.Errorf("another table changed:\n%s", got)
	}

	// Somebody flushes everything: Check says so, and the next change rebuilds.
	l.nft(t, "flush", "ruleset")
	if err := f.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "somebody removed") {
		t.Errorf("Check = %v", err)
	}
	if held, err := f.List(context.Background()); err != nil || len(held) != 0 {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = f.Apply(context.Background(), []actions.Decision{block("192.0.2.1/32", time.Hour)})
	all(t, rs, err)
	if held, err := f.List(context.Background()); err != nil || len(held) != 1 {
		t.Errorf("held %+v, %v", held, err)
	}
	// Somebody takes one element out behind its back.
	l.nft(t, "delete", "element", "inet", "levee", "addresses4", "{ 192.0.2.1 }")
	rs, err = f.Revoke(context.Background(), []actions.Decision{block("192.0.2.1/32", 0)})
	all(t, rs, err)

	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := l.nft(t, "list", "ruleset"); got != "" {
		t.Errorf("left behind:\n%s", got)
	}
	if err := f.Remove(); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}

// TestHalfAChangeIsNotKnown: of a change in several transactions some went
// through, and a receipt that said that nothing was done would be a lie.
func TestHalfAChangeIsNotKnown(t *testing.T) {
	l := newLab(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var f *Filter
	f = l.filter(t, Options{Batch: 1, Now: func() time.Time {
		if f != nil && f.moves == 1 {
			cancel()
		}
		return time.Now()
	}})
	rs, err := f.Apply(ctx, []actions.Decision{block("192.0.2.1/32", time.Hour), block("192.0.2.2/32", time.Hour), block("192.0.2.3/32", time.Hour)})
	held, lerr := f.List(context.Background())
	if err != nil || lerr != nil || len(held) == 0 || len(held) == 3 {
		t.Fatalf("held %+v, %v, %v", held, err, lerr)
	}
	for _, r := range rs {
		if r.OK || !r.Unknown || !strings.Contains(r.Note, "canceled") {
			t.Errorf("receipt %+v", r)
		}
	}
	// What was given up before it began surely did nothing.
	if rs, err := f.Apply(ctx, []actions.Decision{block("192.0.2.9/32", time.Hour)}); err != nil || rs[0].OK || rs[0].Unknown {
		t.Errorf("receipt %+v, %v", rs[0], err)
	}
}

func TestWithoutTheRight(t *testing.T) {
	if os.Geteuid() != 0 {
		f, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			t.Errorf("Check = %v", err)
		}
		return
	}
	// The binary stands in a directory of root's own: a copy for everybody.
	dir, err := os.MkdirTemp("", "levee-nft")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	raw, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(binary, raw, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^TestWithoutTheRight$", "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("another user can't run programs in the temporary directory")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestWithoutTheRight") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOperatorsKeepTheirWayIn blocks a whole network with an operator inside:
// their SSH goes on, their web does not, and nobody else gets in.
func TestOperatorsKeepTheirWayIn(t *testing.T) {
	l := newLab(t)
	const web, host, own = "198.18.0.1:80", "198.18.0.1:22", "198.18.0.1:2222"
	for _, a := range []string{web, host, own, "[fd00:18::1]:2222", "[fd00:18::1]:80"} {
		l.serve(t, a)
	}
	for end := time.Now().Add(10 * time.Second); !l.connects(t, "fd00:18::2", "[fd00:18::1]:80") && time.Now().Before(end); {
	}
	ctx := context.Background()
	f := l.filter(t, Options{SSHPorts: []uint16{22, 2222}})
	if err := f.KeepOpen(ctx, []netip.Addr{netip.MustParseAddr("198.18.7.1"), netip.MustParseAddr("fd00:18::2")}); err != nil {
		t.Fatal(err)
	}
	if held, err := f.List(ctx); err != nil || len(held) != 0 || f.ready {
		t.Errorf("nothing is blocked and the table was built: %v, %v", held, err)
	}
	rs, err := f.Apply(ctx, []actions.Decision{block("198.18.7.0/24", time.Hour), block("fd00:18::/64", time.Hour)})
	all(t, rs, err)
	expect := func(what string, want map[[2]string]bool) {
		t.Helper()
		for way, ok := range want {
			if got := l.connects(t, way[0], way[1]); got != ok {
				t.Errorf("%s: %s to %s connects: %v", what, way[0], way[1], got)
			}
		}
	}
	expect("blocked", map[[2]string]bool{
		{"198.18.7.1", host}: true, {"198.18.7.1", own}: true, {"198.18.7.1", web}: false,
		{"198.18.7.200", own}: false, {"198.18.0.3", web}: true,
		{"fd00:18::2", "[fd00:18::1]:2222"}: true, {"fd00:18::2", "[fd00:18::1]:80"}: false,
	})
	// Somebody else comes, the blocks stand; the first one is known no more.
	if err := f.KeepOpen(ctx, []netip.Addr{netip.MustParseAddr("198.18.7.200")}); err != nil {
		t.Fatal(err)
	}
	expect("another operator", map[[2]string]bool{{"198.18.7.1", own}: false, {"198.18.7.200", own}: true, {"198.18.7.200", web}: false})
	// A process that starts anew and was not told leaves the way in as it is.
	g := l.filter(t, Options{SSHPorts: []uint16{22, 2222}})
	rs, err = g.Apply(ctx, []actions.Decision{block("198.18.0.3/32", time.Hour)})
	all(t, rs, err)
	expect("a restart", map[[2]string]bool{{"198.18.7.200", own}: true, {"198.18.0.3", own}: false})
	// Told at its start, before it blocks anything, it opens the standing table.
	h := l.filter(t, Options{SSHPorts: []uint16{22, 2222}})
	if err := h.KeepOpen(ctx, []netip.Addr{netip.MustParseAddr("198.18.0.3")}); err != nil {
		t.Fatal(err)
	}
	expect("told at the start", map[[2]string]bool{{"198.18.0.3", own}: true, {"198.18.0.3", web}: false, {"198.18.7.200", own}: false})
}
