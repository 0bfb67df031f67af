package tui

import (
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

func TestFilter(t *testing.T) {
	p := pfx("198.51.100.23")
	s := &detect.Suspect{Key: p, Score: 95, Rate: 188, Delta: -3, Hits: 11200, ErrorShare: .09, Paths: 1, Agents: 2, TopPath: "/Login form", TopMethod: "POST",
		TopAgent: "curl/8.5.0", TopStatus: 401, ASN: 16276, ASName: "OVH SAS", Country: "FR", Service: "shop.example.com", Attack: detect.LoginAbuse,
		Incident: "shop-1", Evidence: []detect.Evidence{{Signal: "one_path", Points: 22}}, First: t0.Add(-5 * time.Minute)}
	j := subject{s: s, now: t0, st: standing{kind: standBlocked, decision: &actions.Decision{Actor: actions.Actor{Name: "bo"}, Expires: t0.Add(4 * time.Minute)}}}
	for text, want := range map[string]bool{
		"": true, "login": true, "LOGIN": true, "nothing": false, "path:/login": true, `path:"/login form"`: true, `path:"/login  form"`: false,
		"asn:16276": true, "asn:AS16276": true, "asn:9009": false, "asn:9009,16276": true, "asn>16000": true, "score>80": true, "score>=95": true, "score>95": false,
		"score<95": false, "score<=95": true, "score:95": true, "!score>80": false, "-score>80": false, "!path:/admin": true, "state:blocked": true, "!state:blocked": false,
		"ip:198.51.100.0/24": true, "ip:198.51.101.0/24": false, "ip:198.51.100.23": true, "ip:198.51": true, "198.51.100.23": true, "198.51.100.0/24": true, "10.0.0.0/8": false,
		"ua~^curl/[78]": true, "ua~^wget": false, "~OVH": true, "as:ovh": true, "cc:fr": true, "cc:de,fr": true, "cc:de": false, "err>=9": true, "err<9%": false,
		"hits>11k": true, "hits>12k": false, "hits<1M": true, "band>=H": true, "risk>=med": true, "band:C": true, "band<C": false, "ttl<5m": true, "ttl>5m": false, "age>4m": true,
		"rule:one_path": true, "method:post": true, "status:401": true, "by:bo": true, "attack:login": true, "attack:login_abuse": true, "incident:shop-1": true,
		"service:shop": true, "host:blog": false, "delta<0": true, "login score>80 cc:fr": true, "login score>80 cc:us": false, "2001:db8::1": false, "path=/login": false, "agents:2": true,
	} {
		f, err := parseFilter(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := f.match(j); got != want {
			t.Errorf("%q matches: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"paht:/x": "there is no field", "score>high": "no number", "ua~[": "no regular expression", `path:"/a`: "quote is open", "score~9": "is a number",
		"path>3": "is text", "band>X": "no band", "ttl<soon": "no duration", "path:": "needs a value", "score>": "needs a value", "asn:x": "no number",
	} {
		if _, err := parseFilter(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one about %q", text, err, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"path:/login asn:9009 score>80 !state:blocked", `ua~^c "a b" -x`, "ip:10.0.0.0/8,::/0", "~", "!", ":::", "score>=<3", "ttl<5m", "band>=H"} {
		f.Add(s)
	}
	j := subject{s: &scene().Suspects[0], now: t0}
	f.Fuzz(func(t *testing.T, s string) {
		fl, err := parseFilter(s)
		if (fl == nil) == (err == nil) {
			t.Fatalf("filter %v with error %v", fl, err)
		}
		if err == nil {
			fl.match(j)
		}
	})
}

func TestFilterPromptKeepsTheLastGoodFilter(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain)
	d.keys("/")
	d.write("asn:14061 ua~curl[")
	d.sees("no regular expression")
	if n := len(d.m.table.rows); n != 1 {
		t.Fatalf("%d rows while the end of the filter is wrong", n)
	}
	d.keys("enter")
	if d.m.prompt == nil {
		t.Fatal("a wrong filter was kept")
	}
	d.keys("esc")
	if n := len(d.m.table.rows); n != 36 {
		t.Fatalf("%d rows after esc, want all 36", n)
	}
	d.keys("/")
	d.write("asn:14061")
	d.keys("enter")
	if len(d.m.table.rows) != 1 {
		t.Fatal("enter did not keep the filter")
	}
	d.keys("esc")
	if len(d.m.table.rows) != 36 {
		t.Fatal("esc did not clear the filter")
	}
	d.keys(":")
	d.write("filter cc:nl,de")
	d.keys("enter")
	d.keys(":")
	d.write("save west")
	d.keys("enter esc :")
	d.write("filter we")
	d.keys("tab enter")
	if len(d.m.table.rows) != 2 {
		t.Fatalf("the saved filter shows %d rows, want 2", len(d.m.table.rows))
	}
}

func TestCommands(t *testing.T) {
	f := newFake()
	d := sit(t, f, 120, 36, plain)
	run := func(line string) {
		d.keys(":")
		d.write(line)
		d.keys("enter")
	}
	run("block 192.0.2.77 198.51.100.0/24 2h")
	r := f.received[0]
	if r.Verb != actions.Block || r.TTL != 2*time.Hour || len(r.Targets) != 2 || r.Targets[1].Prefix != pfx("198.51.100.0/24") {
		t.Fatalf("asked for %+v", r)
	}
	d.keys("enter") // never confirms
	if f.commits != 0 {
		t.Fatal("enter confirmed a command's dialog")
	}
	run("sort rps")
	run("theme light")
	run("go blocks")
	if d.m.table.sort != "rps" || d.m.th.name != "light" || d.m.at != scrBlocks {
		t.Fatalf("sort %s, theme %s, screen %d", d.m.table.sort, d.m.th.name, d.m.at)
	}
	run("why 198.51.100.23")
	d.sees("188 requests/s, its peers make 4/s")
	run("columns source score agent")
	run("go overview")
	d.sees("USER AGENT")
	d.misses("ERR%")
	for line, want := range map[string]string{
		"block": "needs an address", "block nonsense": "no address or prefix", "frobnicate": "there is no command", "theme pink": "use one of", "sort colour": "sort by one of",
		"columns nope": "there is no column", "auto maybe": "on or off", "why": "needs one", "go nowhere": "screens:", `filter path:"x`: "quote is open", "arm": "armed already",
		"auto on": "already", "save": "needs one name",
	} {
		run(line)
		d.sees(want)
	}
	run("throttle")
	d.sees("Throttle shop.example.com")
	d.keys("esc")
	run("harden")
	d.sees("Harden shop.example.com")
	d.keys("esc")
	run("stop")
	if f.disarms != 1 {
		t.Fatal(":stop did not stop automation")
	}
	d.keys(":")
	d.write("the")
	d.keys("tab")
	d.write("li")
	d.keys("tab")
	d.sees(":theme light")
	d.keys("esc : up")
	d.sees(":stop")
	d.keys("up down down esc")
}

func TestBindings(t *testing.T) {
	for _, over := range []map[string]string{{"nope": "x"}, {"block": ""}, {"block": "x"}, {"block": "1"}} {
		if _, err := newBindings(over); err == nil {
			t.Errorf("%v was taken", over)
		}
	}
	f := newFake()
	d := sit(t, f, 80, 24, plain, func(o *Options) { o.Keys = map[string]string{"block": "X", "mark": "ctrl+@ space"} })
	d.keys("j X")
	d.sees("Block 198.51.100.23")
	d.keys("esc b")
	d.sees("no action on")
	d.keys("esc space")
	d.sees("1 MARKED")
	for _, o := range []func(*Options){
		func(o *Options) { o.Theme = "pink" }, func(o *Options) { o.Columns = []string{"x"} }, func(o *Options) { o.Filter = "x:y" }, func(o *Options) { o.Keys = map[string]string{"x": "y"} },
	} {
		d := sit(t, newFake(), 80, 24, o)
		if !strings.Contains(d.m.notices[0].Text, "no") {
			t.Errorf("a wrong option is not told: %q", d.m.notices[0].Text)
		}
	}
}

func TestKeysThatDoNothingHereSaySo(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain)
	d.keys("h")
	d.sees("h (harden) does nothing on this screen; it works on Incident (3)")
	d.keys("4 z")
	d.sees("z (hold) does nothing on this screen")
}

func TestHelpNamesEveryBinding(t *testing.T) {
	d := sit(t, newFake(), 120, 400, plain)
	d.keys("?")
	s := strings.Join(strings.Fields(d.screen()), " ")
	for _, b := range d.m.keys {
		if b.help != "" && !strings.Contains(s, d.m.named(b.help)) {
			t.Errorf("help does not name %s: %s", b.name, b.help)
		}
	}
}

func TestListsAreNarrowedByText(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain)
	d.keys("4 /")
	d.write("BO")
	d.sees("192.0.2.14")
	d.misses("203.0.113.0/24")
	d.keys("enter x")
	d.sees("Lift 192.0.2.14")
	d.keys("esc esc")
	d.sees("203.0.113.0/24")
	d.keys("6 /")
	d.write("undone")
	d.sees("198.51.100.5 ")
	d.misses("203.0.113.0/24")
	d.keys("esc")
	d.sees("203.0.113.0/24")
	d.keys("/")
	d.write("nothing like it")
	d.sees("no decision holds")
}

func TestOnlyWhatNeedsYou(t *testing.T) {
	f := newFake()
	d := sit(t, f, 140, 36, plain)
	d.sees("f: 33 need you")
	d.keys("f")
	d.misses("BLOCKED", "JOB #4412", "ALLOW")
	if n := len(d.m.table.rows); n != 33 {
		t.Fatalf("%d rows need the operator, want 33", n)
	}
	d.keys("f")
	d.sees("BLOCKED", "JOB #4412")
	d.keys("G")
	d.sees("ALLOW") // it sends, but is dealt with
	f.step(time.Second, func(s *detect.Snapshot, _ *actions.Board) { s.Suspects = s.Suspects[:1] })
	d.wait(time.Minute)
	d.sees("all suspects handled")
}
