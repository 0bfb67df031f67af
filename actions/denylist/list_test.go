package denylist

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"levee/actions"
	"levee/detect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var end = time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)

func block(id, prefix string) actions.Decision {
	return actions.Decision{ID: id, Verb: actions.Block, Target: actions.Target{Prefix: netip.MustParsePrefix(prefix)}, Expires: end}
}

func open(t *testing.T, o Options) *List {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "deny.conf")
	}
	if o.Every == 0 {
		o.Every = time.Millisecond
	}
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func apply(t *testing.T, l *List, ds ...actions.Decision) []actions.Receipt {
	t.Helper()
	rs, err := l.Apply(context.Background(), ds)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func content(t *testing.T, l *List) string {
	t.Helper()
	raw, err := os.ReadFile(l.o.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNginxFileIsSortedAndSharedLinesStayUntilTheLastDecisionEnds(t *testing.T) {
	l := open(t, Options{})
	rs := apply(t, l, block("d2", "203.0.113.9/32"), block("d1", "198.51.100.0/24"), block("d3", "203.0.113.9/32"), block("d4", "2001:db8:1::/64"))
	for _, r := range rs {
		if !r.OK || r.Enforcer != "denylist" {
			t.Errorf("receipt %+v", r)
		}
	}
	want := header + `
# until 2031-05-06T07:08:09Z d1
deny 198.51.100.0/24;
# until 2031-05-06T07:08:09Z d2 d3
deny 203.0.113.9;
# until 2031-05-06T07:08:09Z d4
deny 2001:db8:1::/64;
`
	if got := content(t, l); got != want {
		t.Errorf("file:\n%s\nwant:\n%s", got, want)
	}
	if _, err := l.Revoke(context.Background(), []actions.Decision{block("d2", "203.0.113.9/32"), block("d1", "198.51.100.0/24")}); err != nil {
		t.Fatal(err)
	}
	held, err := l.List(context.Background())
	if err != nil || len(held) != 2 || held[0].Prefix.String() != "203.0.113.9/32" || !held[0].Expires.Equal(end) {
		t.Errorf("held %+v, %v", held, err)
	}
}

func TestARestartKnowsWhatTheFileHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deny.conf")
	apply(t, open(t, Options{Path: path}), block("a", "192.0.2.1/32"), block("b", "192.0.2.1/32"), block("c", "192.0.2.2/32"))
	l := open(t, Options{Path: path})
	if _, err := l.Revoke(context.Background(), []actions.Decision{block("a", "192.0.2.1/32"), block("c", "192.0.2.2/32")}); err != nil {
		t.Fatal(err)
	}
	if got := content(t, l); !strings.Contains(got, " b\ndeny 192.0.2.1;") || strings.Contains(got, "192.0.2.2") {
		t.Errorf("after the restart:\n%s", got)
	}
}

func TestAFailingTestKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path, verdict := filepath.Join(dir, "deny.conf"), filepath.Join(dir, "ok")
	if err := os.WriteFile(verdict, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reloads := filepath.Join(dir, "reloads")
	l := open(t, Options{Path: path, Test: []string{"ls", verdict}, Reload: []string{"cp", path, reloads}})
	apply(t, l, block("good", "192.0.2.1/32"))
	before := content(t, l)
	if err := os.Remove(verdict); err != nil {
		t.Fatal(err)
	}
	rs := apply(t, l, block("bad", "192.0.2.2/32"))
	if rs[0].OK || rs[0].Unknown || !strings.Contains(rs[0].Note, "the old file is back") {
		t.Errorf("receipt %+v", rs[0])
	}
	if got := content(t, l); got != before {
		t.Errorf("file changed:\n%s", got)
	}
	if got, err := os.ReadFile(reloads); err != nil || string(got) != before {
		t.Errorf("the server was told of %q, %v", got, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := os.WriteFile(verdict, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if rs := apply(t, l, block("later", "192.0.2.3/32")); !rs[0].OK || strings.Contains(content(t, l), "192.0.2.2;") {
		t.Errorf("the refused entry came back: %+v\n%s", rs, content(t, l))
	}
}

func TestAFailingReloadIsUnknownAndIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	path, flag := filepath.Join(dir, "deny.conf"), filepath.Join(dir, "flag")
	l := open(t, Options{Path: path, Reload: []string{"ls", flag}})
	rs := apply(t, l, block("a", "192.0.2.1/32"))
	if rs[0].OK || !rs[0].Unknown {
		t.Errorf("receipt %+v", rs[0])
	}
	if err := l.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "was not told") {
		t.Errorf("Check = %v", err)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if rs := apply(t, l, block("a", "192.0.2.1/32")); !rs[0].OK { // nothing new to write, but the server must hear of it
		t.Errorf("receipt %+v", rs[0])
	}
	if err := l.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestACrashDuringTheTestPutsTheOldFileBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deny.conf")
	first := open(t, Options{Path: path})
	apply(t, first, block("a", "192.0.2.1/32"))
	// What a kill between rename and test leaves: the new file, and the old one beside it.
	next := first.held.clone()
	next.add(prefixEntry(netip.MustParsePrefix("192.0.2.66/32"), classBlock), "untested", end)
	if err := replace(path, render(Nginx, next)); err != nil {
		t.Fatal(err)
	}
	l := open(t, Options{Path: path})
	apply(t, l, block("b", "192.0.2.2/32"))
	if got := content(t, l); strings.Contains(got, "192.0.2.66") || !strings.Contains(got, "192.0.2.1;") {
		t.Errorf("after the crash:\n%s", got)
	}
}

// TestAKillBeforeTheReload is a levee that died after the file was written and
// before the server heard of it: the next one tells it, at the first look.
func TestAKillBeforeTheReload(t *testing.T) {
	dir := t.TempDir()
	path, told := filepath.Join(dir, "deny.conf"), filepath.Join(dir, "told")
	first := open(t, Options{Path: path})
	apply(t, first, block("a", "192.0.2.1/32"))
	next := first.held.clone()
	next.add(prefixEntry(netip.MustParsePrefix("192.0.2.66/32"), classBlock), "untested", end)
	if err := replace(path, render(Nginx, next)); err != nil { // and a test that never ended
		t.Fatal(err)
	}
	l := open(t, Options{Path: path, Reload: []string{"cp", path, told}})
	held, err := l.List(context.Background())
	if err != nil || len(held) != 1 || held[0].Prefix.String() != "192.0.2.1/32" {
		t.Errorf("held %+v, %v", held, err)
	}
	if got, err := os.ReadFile(told); err != nil || string(got) != content(t, l) {
		t.Errorf("the server was told %q, %v", got, err)
	}

	// A server that is down then is told as soon as it is up, by Check.
	flag := filepath.Join(dir, "up")
	l = open(t, Options{Path: path, Reload: []string{"ls", flag}})
	if held, err := l.List(context.Background()); err != nil || len(held) != 1 {
		t.Errorf("held %+v, %v", held, err)
	}
	if err := l.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "was not told") {
		t.Errorf("Check = %v", err)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(context.Background()); err != nil {
		t.Error(err)
	}

	// Where there is nothing, nothing is written or told.
	l = open(t, Options{Path: filepath.Join(dir, "none.conf"), Reload: []string{"false"}})
	if held, err := l.List(context.Background()); err != nil || len(held) != 0 || l.Check(context.Background()) != nil {
		t.Errorf("held %+v, %v", held, err)
	}
}

func TestTargetsThatAreNotOurs(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "shadow")
	foreign := filepath.Join(dir, "foreign.conf")
	for path, text := range map[string]string{secret: "root:x\n", foreign: "deny 10.0.0.1;\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link.conf")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want string }{
		"symbolic link":    {link, "symbolic link"},
		"directory":        {dir, "no regular file"},
		"somebody else's":  {foreign, "first line is not levee's"},
		"no such folder":   {filepath.Join(dir, "none", "deny.conf"), "its directory"},
		"a file as folder": {filepath.Join(secret, "deny.conf"), "not a directory"},
	} {
		l := open(t, Options{Path: c.path})
		rs := apply(t, l, block("a", "192.0.2.1/32"))
		if rs[0].OK || !strings.Contains(rs[0].Note, c.want) {
			t.Errorf("%s: receipt %+v", name, rs[0])
		}
		if err := l.Check(context.Background()); err == nil {
			t.Errorf("%s: Check sees nothing", name)
		}
	}
	if raw, err := os.ReadFile(secret); err != nil || string(raw) != "root:x\n" {
		t.Errorf("the link's target is %q, %v", raw, err)
	}
}

func TestManyChangesShareOneReload(t *testing.T) {
	dir := t.TempDir()
	path, log := filepath.Join(dir, "deny.conf"), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Options{Path: path, Every: time.Second, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		apply(t, l, block("first", "192.0.2.1/32"))
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("the first change waited %s", waited)
		}
		l.o.Reload = []string{"mktemp", "-p", log} // one more file a reload
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				ds := []actions.Decision{block(fmt.Sprint("d", i), fmt.Sprintf("198.51.100.%d/32", i))}
				if rs, err := l.Apply(context.Background(), ds); err != nil || !rs[0].OK {
					t.Errorf("%+v %v", rs, err)
				}
			})
		}
		wg.Wait()
		if waited := time.Since(begin); waited != time.Second {
			t.Errorf("200 changes took %s, want one second", waited)
		}
		if files, err := os.ReadDir(log); err != nil || len(files) != 1 {
			t.Errorf("%d reloads for 200 changes, %v", len(files), err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestOrphansAreLiftedWhoeverWantedThem(t *testing.T) {
	l := open(t, Options{Style: NginxGeo})
	apply(t, l, block("forgotten", "192.0.2.1/32"), block("kept", "192.0.2.2/32"))
	orphans := []actions.Decision{{ID: "orphan 192.0.2.1/32", Verb: actions.Block, Target: block("", "192.0.2.1/32").Target}}
	if rs, err := l.Revoke(context.Background(), orphans); err != nil || !rs[0].OK {
		t.Fatalf("%+v %v", rs, err)
	}
	if got := content(t, l); strings.Contains(got, "192.0.2.1/32") || !strings.Contains(got, "192.0.2.2/32 block;") {
		t.Errorf("file:\n%s", got)
	}
	sigs := open(t, Options{Style: NginxMap})
	target := actions.Target{Signature: &detect.Signature{Path: "/login"}}
	apply(t, sigs, actions.Decision{ID: "x", Verb: actions.Throttle, Target: target})
	held, err := sigs.List(context.Background())
	if err != nil || len(held) != 1 || held[0].Key != target.Key() {
		t.Fatalf("held %+v, %v", held, err)
	}
	if _, err := sigs.Revoke(context.Background(), []actions.Decision{{ID: orphan + held[0].Key}}); err != nil {
		t.Fatal(err)
	}
	if held, err := sigs.List(context.Background()); err != nil || len(held) != 0 {
		t.Errorf("held %+v, %v", held, err)
	}
}

func TestHandles(t *testing.T) {
	sig := actions.Target{Signature: &detect.Signature{Path: "/login"}}
	for _, c := range []struct {
		style Style
		d     actions.Decision
		want  bool
	}{
		{Nginx, block("", "192.0.2.1/32"), true},
		{Nginx, actions.Decision{Verb: actions.Throttle, Target: block("", "192.0.2.1/32").Target}, false},
		{Nginx, actions.Decision{Verb: actions.Block, Target: sig}, false},
		{Nginx, actions.Decision{Verb: actions.ScaleUp}, false},
		{NginxGeo, actions.Decision{Verb: actions.Throttle, Target: block("", "192.0.2.1/32").Target}, true},
		{NginxMap, actions.Decision{Verb: actions.Throttle, Target: sig}, true},
		{NginxMap, actions.Decision{Verb: actions.Harden, Target: actions.Target{Service: "shop"}}, false},
		{HAProxyMap, actions.Decision{Verb: actions.Harden, Target: sig}, true},
		{NginxMap, actions.Decision{Verb: actions.Throttle, Target: actions.Target{Signature: &detect.Signature{Path: "/login", ASN: "64500"}}}, false},
	} {
		if got := open(t, Options{Style: c.style}).Handles(c.d); got != c.want {
			t.Errorf("%s handles %s %+v: %v", c.style, c.d.Verb, c.d.Target, got)
		}
	}
}

func TestTheWholeInternetIsNeverBlocked(t *testing.T) {
	l := open(t, Options{})
	if rs := apply(t, l, block("all", "0.0.0.0/0"), block("mapped", "::ffff:192.0.2.1/128")); rs[0].OK || rs[1].OK {
		t.Errorf("receipts %+v", rs)
	}
	if _, err := os.Stat(l.o.Path); err == nil {
		t.Error("a file was written for nothing")
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{}, {Path: "relative"}, {Path: "/x", Style: "apache"}, {Path: "/x", Socket: "/s"}} {
		if _, err := New(o); err == nil {
			t.Errorf("New(%+v) took it", o)
		}
	}
}

func BenchmarkOneMoreAmongHundredThousand(b *testing.B) {
	l, err := New(Options{Path: filepath.Join(b.TempDir(), "geo.conf"), Style: NginxGeo, Every: time.Nanosecond})
	if err != nil {
		b.Fatal(err)
	}
	ds := make([]actions.Decision, 100000)
	for i := range ds {
		a := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
		ds[i] = actions.Decision{ID: fmt.Sprint("d", i), Verb: actions.Block, Target: actions.Target{Prefix: netip.PrefixFrom(a, 32)}, Expires: end}
	}
	if _, err := l.Apply(context.Background(), ds); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		a := netip.AddrFrom4([4]byte{101, byte(i >> 16), byte(i >> 8), byte(i)})
		rs, err := l.Apply(context.Background(), []actions.Decision{{ID: fmt.Sprint("x", i), Verb: actions.Block, Target: actions.Target{Prefix: netip.PrefixFrom(a, 32)}, Expires: end}})
		if err != nil || !rs[0].OK {
			b.Fatal(rs, err)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
