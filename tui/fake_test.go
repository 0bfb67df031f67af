package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// t0 is the moment of every scene.
var t0 = time.Date(2026, 3, 14, 3, 12, 7, 0, time.UTC)

var ana = actions.Actor{Name: "ana", Role: actions.Operator, Via: "console"}

// fake is a station with a made-up night: a flood on /login.
type fake struct {
	mu      sync.Mutex
	now     time.Time
	snap    *detect.Snapshot
	board   *actions.Board
	status  Status
	notices []actions.Notice
	plans   map[string]actions.Plan
	serial  int

	needs    actions.Confirmation // what plans ask for; "" is y
	typed    string
	refuse   map[netip.Prefix]actions.Refusal
	planErr  error
	commErr  error
	outcome  actions.State // of committed decisions; "" is Verified
	commits  int
	answers  []actions.Answer
	disarms  int
	sources  int
	fleet    Fleet
	recalled Past
	cases    map[string]Case
	asked    []Waiting
	given    chan struct{}  // closed by the second person
	past     []detect.Point // ten seconds each
	received []actions.Request
}

func newFake() *fake {
	f := &fake{now: t0, plans: map[string]actions.Plan{}, refuse: map[netip.Prefix]actions.Refusal{}}
	f.status = Status{
		Name: "edge-ams", Now: t0, DataAge: 400 * time.Millisecond,
		Elastic: Link{Configured: true, OK: true}, Jenkins: Link{Configured: true, OK: true},
		People: []Person{{Name: "ana", Role: actions.Operator, You: true, Via: "ssh", Addr: netip.MustParseAddr("198.51.100.24"), Since: t0.Add(-9 * time.Minute), Last: "block 203.0.113.9", At: t0.Add(-time.Minute)},
			{Name: "bo", Role: actions.Viewer, Via: "console", Since: t0.Add(-2 * time.Hour), Looks: "Incident"}},
		Inputs: []Input{
			{Name: "/var/log/nginx/access.log", Format: "combined", Lines: 1_204_511, Malformed: 12, Newest: t0.Add(-300 * time.Millisecond), State: "following", MayAct: true},
			{Name: "udp://127.0.0.1:5514", Format: "", State: "waiting", Note: "no datagram came yet: point syslog at it"},
		},
	}
	f.snap = scene()
	f.board = sceneBoard()
	f.notices = []actions.Notice{
		{Seq: 1, Time: t0.Add(-107 * time.Second), Level: "warn", Text: "Elasticsearch timed out after 2 s, retried ok"},
		{Seq: 2, Time: t0.Add(-15 * time.Second), Level: "ok", Text: "blocked 203.0.113.0/24 for 30m, job #4411 ok in 6.1s (auto)"},
	}
	return f
}

func pfx(s string) netip.Prefix {
	p, err := parsePrefix(s)
	if err != nil {
		panic(err)
	}
	return p
}

// calm is the same service on a quiet night.
func calm() *detect.Snapshot {
	s := &detect.Snapshot{
		Seq: 1, Now: t0, Sources: 812,
		Total: detect.Traffic{Rate: 688, Baseline: 700, Status: [6]float64{0, 0, .91, .05, .03, .01}, ErrorShare: .04, P50: 12 * time.Millisecond,
			P95: 184 * time.Millisecond, NewSources: 1.2, Sources: 4100, Requests: 9_000_000},
		Services: []detect.Service{{Name: "shop.example.com"}},
		Paths:    []detect.Share{{Name: "/", Count: 300, Share: .42}, {Name: "/search", Count: 100, Share: .2}, {Name: "/login", Count: 10, Share: .01}},
		Networks: []detect.Share{{Name: "198.51.100.0/24", Count: 20, Share: .03}},
		Memory:   detect.Memory{Bytes: 31 << 20, Limit: 128 << 20},
	}
	for i := range 900 {
		s.History = append(s.History, detect.Point{Time: t0.Unix() - 899 + int64(i), Requests: uint32(650 + (i*37)%100), Baseline: 700, P95: .18})
	}
	return s
}

// scene is a flood on /login at its fifth minute.
func scene() *detect.Snapshot {
	s := calm()
	s.Total = detect.Traffic{Rate: 9800, Baseline: 700, Status: [6]float64{0, 0, .71, .04, .19, .06}, ErrorShare: .25, P50: 90 * time.Millisecond,
		P95: 1840 * time.Millisecond, NewSources: 57, Sources: 96412, Requests: 12_400_311}
	s.Services = []detect.Service{{Name: "shop.example.com", Traffic: s.Total}}
	for i := range s.History {
		p := &s.History[i]
		if k := i - 600; k >= 0 {
			p.Requests = uint32(700 + min(k*100, 9100))
			p.Incident = k > 20
			p.P95 = 1.8
			if k > 240 {
				p.Refused = p.Requests / 3
			}
		}
	}
	s.Paths = []detect.Share{{Name: "/login", Count: 8000, Share: .82}, {Name: "/api/v2/cart", Count: 600, Share: .06}, {Name: "/", Count: 500, Share: .05}, {Name: "/search", Count: 300, Share: .03}}
	s.Networks = []detect.Share{{Name: "AS9009", Count: 1, Share: .38}, {Name: "AS16276", Count: 1, Share: .17}, {Name: "AS14061", Count: 1, Share: .09}}
	ev := []detect.Evidence{{Signal: "rate", Text: "188 requests/s, its peers make 4/s at most", Points: 41}, {Signal: "one_path", Text: "1 path only", Points: 22},
		{Signal: "tool_agent", Text: "user agent of a tool: curl/8.5", Points: 14}, {Signal: "network", Text: "AS16276 surges", Points: 18}}
	add := func(key, cc, as string, asn uint32, score, rps, delta float64, hits uint64, errs float64, paths, agents int) {
		p := pfx(key)
		s.Suspects = append(s.Suspects, detect.Suspect{Key: p, Addr: p.Addr(), Service: "shop.example.com", Score: score, Attack: detect.DistributedFlood,
			Evidence: ev, Incident: "shop-0307-1", Measure: detect.BlockSource, First: t0.Add(-276 * time.Second), Last: t0, Rate: rps, Delta: delta, Hits: hits,
			ErrorShare: errs, Paths: paths, Agents: agents, TopPath: "/login", TopMethod: "POST", TopAgent: "curl/8.5", TopStatus: 401, MayAct: true,
			ASN: asn, ASName: as, Country: cc})
	}
	add("203.0.113.0/24", "NL", "M247", 9009, 97, 412, 380, 24700, .12, 1, 2)
	add("198.51.100.23", "FR", "OVH", 16276, 95, 188, 171, 11200, .09, 1, 1)
	add("198.51.100.77", "FR", "OVH", 16276, 93, 181, 166, 10900, .09, 1, 1)
	add("2001:db8:7::/64", "US", "DIGITALOCEAN", 14061, 91, 140, 139, 8100, .11, 1, 3)
	add("192.0.2.14", "DE", "HETZNER", 24940, 88, 96, 90, 5000, .04, 2, 1)
	add("192.0.2.200", "GB", "NTL", 5089, 71, 61, 12, 3900, .01, 44, 1)
	for i := range 30 {
		add(fmt.Sprintf("198.51.100.%d", 100+i), "FR", "OVH", 16276, float64(69-i), float64(58-i), float64(50-i), uint64(3600-90*i), .08, 1, 1)
	}
	s.NSuspects = 96412
	s.Incidents = []detect.Incident{{
		ID: "shop-0307-1", Service: "shop.example.com", Attack: detect.DistributedFlood, Traits: []detect.Attack{detect.LoginAbuse},
		Signature: detect.Signature{Path: "/login", Method: "POST", Referer: "absent"}, Opened: t0.Add(-5 * time.Minute), Changed: t0, Rate: 9800, Baseline: 700,
		Peak: 9900, Excess: .91, Collateral: .003, ErrorShare: .25, Sources: 96000, Enrolled: 412,
		Evidence: []detect.Evidence{{Signal: "surge", Text: "9,800 requests/s, 14 times the usual 700", Points: 40}, {Signal: "new_sources", Text: "97 % of its sources were never seen before", Points: 30}},
		Measures: []detect.Measure{detect.BlockSources, detect.Throttle, detect.ScaleUp},
		Samples:  []detect.Sample{{Time: t0, Source: netip.MustParseAddr("198.51.100.23"), Method: "POST", Target: "/login", Agent: "curl/8.5", Status: 401, Duration: 90 * time.Millisecond}},
	}}
	return s
}

func sceneBoard() *actions.Board {
	auto, bo := actions.Auto, actions.Actor{Name: "bo", Role: actions.Operator, Via: "ssh"}
	return &actions.Board{
		Active: []actions.Decision{
			{ID: "d3", Request: "r3", Verb: actions.Block, Target: actions.Target{Prefix: pfx("192.0.2.14")}, State: actions.Intent, Actor: bo, Reason: "distributed flood", Created: t0.Add(-4 * time.Second), Changed: t0.Add(-4 * time.Second), TTL: 30 * time.Minute, Expires: t0.Add(30 * time.Minute)},
			{ID: "d2", Request: "r2", Verb: actions.Block, Target: actions.Target{Prefix: pfx("203.0.113.0/24")}, State: actions.Verified, Actor: auto, Reason: "distributed flood", Incident: "shop-0307-1",
				Evidence: []string{"412 requests/s"}, Created: t0.Add(-2 * time.Minute), Changed: t0.Add(-2 * time.Minute), TTL: 30 * time.Minute, Expires: t0.Add(28 * time.Minute),
				Receipts: []actions.Receipt{{Enforcer: "denylist", OK: true, Note: "reloaded in 40 ms"}, {Enforcer: "jenkins", OK: true, Note: "job ops/block-ip #4411"}},
				Effect:   &actions.Effect{Predicted: 412, Measured: 405}},
			{ID: "d1", Request: "r1", Verb: actions.Allow, Target: actions.Target{Prefix: pfx("192.0.2.200")}, State: actions.Verified, Actor: ana, Reason: "office NAT", Created: t0.Add(-time.Hour), Changed: t0.Add(-time.Hour), TTL: 7 * time.Hour, Expires: t0.Add(6 * time.Hour)},
		},
		Recent: []actions.Decision{{ID: "d0", Request: "r0", Verb: actions.Block, Target: actions.Target{Prefix: pfx("198.51.100.5")}, State: actions.Undone, EndedBy: "ana", Actor: auto, Reason: "scan", Created: t0.Add(-3 * time.Hour), Changed: t0.Add(-2 * time.Hour)}},
		Jobs: []actions.Job{
			{Request: "r3", Verb: actions.Block, Name: "ops/block-ip", QueueID: 93, Number: 4412, State: "running", URL: "https://jenkins.example.com/job/ops/job/block-ip/4412/", Triggered: t0.Add(-3 * time.Second), Console: "Started by user levee\nRunning on agent-2\n+ nft -f -\n"},
			{Request: "r2", Verb: actions.Block, Name: "ops/block-ip", Number: 4411, State: "success", Triggered: t0.Add(-2 * time.Minute), Ended: t0.Add(-114 * time.Second), Console: "Finished: SUCCESS\n"},
			{Request: "rx", Verb: actions.ScaleUp, Name: "ops/scale", State: "queued", QueueID: 94, Why: "Waiting for next available executor", Triggered: t0.Add(-time.Second)},
		},
		Auto: actions.AutoState{Armed: true, On: true, Since: t0.Add(-10 * time.Hour), Level: actions.LevelBlock, Services: map[string]actions.Level{"blog.example.com": actions.LevelSuggest},
			Budget: actions.Budget{BlocksPerMinute: 6000, ActiveBlocks: 50000, UsualShare: .005, ScaleUpsPerHour: 4}, Used: actions.Used{BlocksLastMinute: 31, ActiveBlocks: 212, UsualShare: .0004},
			Next: []string{"block 198.51.100.23 (score 95, 188 requests/s) within the second"},
			Why:  []string{"198.51.100.77: heavy_usual, carries 2.4 % of usual traffic; block it by hand if you know it"}},
		Enforcers: []actions.EnforcerHealth{{Name: "denylist", OK: true, At: t0}, {Name: "jenkins", OK: false, Note: "401 from https://jenkins.example.com: check actions.jenkins.token_file", At: t0}},
		Queue:     3,
	}
}

func (f *fake) Snapshot() *detect.Snapshot { f.mu.Lock(); defer f.mu.Unlock(); return f.snap }
func (f *fake) Board() *actions.Board      { f.mu.Lock(); defer f.mu.Unlock(); return f.board }
func (f *fake) Status() Status             { f.mu.Lock(); defer f.mu.Unlock(); return f.status }

func (f *fake) History(span time.Duration) []detect.Point {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.past[max(0, len(f.past)-int(span/(10*time.Second))):]
}

// yesterday gives f a day of traffic with a night, a morning and an attack.
func yesterday(f *fake) {
	for i := range 8640 {
		at := t0.Unix()/10*10 - 86400 + int64(i)*10
		hour := float64(at%86400) / 3600
		usual := 400 + 300*math.Sin((hour-9)/24*2*math.Pi)
		p := detect.Point{Time: at, Requests: uint32(usual) + uint32(i*37%60), Baseline: float32(usual), Errors: 20, P95: .2}
		if i > 8590 || i > 3000 && i < 3200 {
			p.Requests, p.Refused, p.Errors, p.Incident, p.P95 = 5000, 2000, 3000, true, 1.4
		}
		f.past = append(f.past, p)
	}
}

func (f *fake) Source(p netip.Prefix) detect.SourceView {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sources++
	for _, s := range f.snap.Suspects {
		if s.Key == p {
			v := detect.SourceView{Suspect: s, Known: true, Statuses: []detect.Share{{Name: "401", Share: .97}, {Name: "200", Share: .03}},
				PathShares: []detect.Share{{Name: "/login", Share: 1}}, Neighbours: []netip.Addr{netip.MustParseAddr("198.51.100.77"), netip.MustParseAddr("198.51.100.100")}}
			for i := range 60 {
				v.History = append(v.History, uint16(i*3))
			}
			for i := range 12 {
				v.Recent = append(v.Recent, detect.Sample{Time: f.now.Add(-time.Duration(i) * 5 * time.Millisecond), Source: s.Addr, Method: "POST", Target: "/login?next=/", Agent: s.TopAgent, Status: 401, Duration: 80 * time.Millisecond})
			}
			return v
		}
	}
	return detect.SourceView{Suspect: detect.Suspect{Key: p, Addr: p.Addr()}}
}

func (f *fake) Notices(since uint64) []actions.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []actions.Notice
	for _, n := range f.notices {
		if n.Seq > since {
			out = append(out, n)
		}
	}
	return out
}

// step lets time pass and a new snapshot appear.
func (f *fake) step(d time.Duration, change func(s *detect.Snapshot, b *actions.Board)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	f.status.Now = f.now
	s, b := *f.snap, *f.board
	s.Suspects = append([]detect.Suspect(nil), s.Suspects...)
	b.Active = append([]actions.Decision(nil), b.Active...)
	s.Seq++
	if change != nil {
		change(&s, &b)
	}
	f.snap, f.board = &s, &b
}

// hands is one operator at the fake station.
type hands struct {
	*fake
	who actions.Actor
}

var errTaken = errors.New("taken")

func (h hands) Actor() actions.Actor { return h.who }

func (h hands) Plan(_ context.Context, r actions.Request) (actions.Plan, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.received = append(h.received, r)
	if h.planErr != nil {
		return actions.Plan{}, h.planErr
	}
	h.serial++
	p := actions.Plan{Request: r, Token: fmt.Sprint("t", h.serial), Expires: h.now.Add(2 * time.Minute), Needs: actions.ConfirmKey,
		Impact: actions.Impact{Targets: len(r.Targets), Rate: 188 * float64(len(r.Targets)), ExcessShare: .02 * float64(len(r.Targets)), UsualShare: .0004, UsualMost: .0013, Users: -1, BudgetLeft: 49788}}
	p.Request.Targets = nil
	for _, t := range r.Targets {
		if no, ok := h.refuse[t.Prefix]; ok {
			p.Refusals = append(p.Refusals, no)
			continue
		}
		p.Request.Targets = append(p.Request.Targets, t)
	}
	if h.needs != "" {
		p.Needs, p.Type = h.needs, h.typed
	}
	h.plans[p.Token] = p
	return p, nil
}

func (h hands) Commit(_ context.Context, token string, a actions.Answer) ([]actions.Decision, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.plans[token]
	switch {
	case !ok:
		return nil, errors.New("this plan is gone: ask again")
	case h.commErr != nil:
		return nil, h.commErr
	case p.Needs == actions.ConfirmTyped && a.Typed != p.Type:
		return nil, errors.New("typed confirmation is missing")
	}
	b := *h.board
	b.Active = append([]actions.Decision(nil), b.Active...)
	var out []actions.Decision
	for _, t := range p.Request.Targets {
		for _, d := range b.Active {
			if p.Request.Verb == actions.Block && d.Target.Prefix == t.Prefix && d.Verb == actions.Block {
				return nil, fmt.Errorf("%w: %s blocked %s first, at %sZ; nothing was done", errTaken, d.Actor.Name, targetText(t), clock(d.Created))
			}
		}
		if p.Request.Verb == actions.Unblock {
			for i, d := range b.Active {
				if d.Target.Prefix == t.Prefix {
					d.State, d.EndedBy, d.Changed = actions.Undone, h.who.Name, h.now
					b.Recent = append([]actions.Decision{d}, b.Recent...)
					b.Active = append(b.Active[:i], b.Active[i+1:]...)
					out = append(out, d)
					break
				}
			}
			continue
		}
		h.serial++
		st := actions.Verified
		if h.outcome != "" {
			st = h.outcome
		}
		d := actions.Decision{ID: fmt.Sprint("n", h.serial), Request: p.Token, Verb: p.Request.Verb, Target: t, State: st, Actor: h.who, Reason: p.Request.Reason,
			Created: h.now, Changed: h.now, TTL: p.Request.TTL, Expires: h.now.Add(p.Request.TTL)}
		b.Active = append([]actions.Decision{d}, b.Active...)
		out = append(out, d)
	}
	h.commits++
	h.answers = append(h.answers, a)
	h.board = &b
	return out, nil
}

func (h hands) Undo(ctx context.Context, id string) (actions.Plan, error) {
	for _, d := range h.Board().Active {
		if d.ID == id {
			return h.Plan(ctx, actions.Request{Verb: actions.Unblock, Targets: []actions.Target{d.Target}, Actor: h.who, Undoes: id})
		}
	}
	return actions.Plan{}, errors.New("this decision has ended already")
}

func (h hands) SetAuto(_ context.Context, on bool) error {
	h.step(0, func(_ *detect.Snapshot, b *actions.Board) { b.Auto.On = on })
	return nil
}

func (h hands) Disarm(context.Context) error {
	h.step(0, func(_ *detect.Snapshot, b *actions.Board) {
		b.Auto.Armed, b.Auto.DisarmedBy, b.Auto.Since = false, h.who.Name, h.now
	})
	h.mu.Lock()
	h.disarms++
	h.mu.Unlock()
	return nil
}

func (h hands) Arm(context.Context) error {
	h.step(0, func(_ *detect.Snapshot, b *actions.Board) { b.Auto.Armed, b.Auto.On = true, true })
	return nil
}

func (f *fake) Fleet() Fleet { f.mu.Lock(); defer f.mu.Unlock(); return f.fleet }

func (f *fake) Past(netip.Prefix) Past { f.mu.Lock(); defer f.mu.Unlock(); return f.recalled }

// customer is a source that Elasticsearch knows well.
func customer(f *fake) {
	day := t0.Truncate(24 * time.Hour)
	f.recalled = Past{Configured: true, At: t0.Add(-7 * time.Second), Over: 7 * 24 * time.Hour, Requests: 1834, Named: 412, First: day.AddDate(0, 0, -6).Add(8 * time.Hour), Last: t0,
		Days:     []status.Day{{Time: day.AddDate(0, 0, -6), Requests: 310}, {Time: day.AddDate(0, 0, -3), Requests: 204}, {Time: day.AddDate(0, 0, -1), Requests: 420}, {Time: day, Requests: 900}},
		Statuses: []detect.Share{{Name: "200", Share: .8}, {Name: "401", Share: .2}}, Paths: []detect.Share{{Name: "/account", Share: .5}, {Name: "/login", Share: .2}},
		Agents: []detect.Share{{Name: "Mozilla/5.0 (iPhone)", Share: .8}, {Name: "curl/8.5", Share: .2}}, Accounts: []detect.Share{{Name: "maria", Share: .2}, {Name: "jon", Share: .02}}}
}

// fleetNight is the fleet during the flood.
func fleetNight(f *fake) {
	f.fleet = Fleet{Configured: true, At: t0.Add(-4 * time.Second), Window: 5 * time.Minute, Rate: 41_200, Before: 3100, Distinct: 288_000,
		Status:  [6]float64{0, 0, .64, .03, .24, .09},
		Hosts:   []detect.Share{{Name: "shop.example.com", Share: .81}, {Name: "blog.example.com", Share: .12}},
		Paths:   []detect.Share{{Name: "/login", Share: .86}, {Name: "/", Share: .05}},
		Agents:  []detect.Share{{Name: "python-requests/2.31.0", Share: .7}, {Name: "Mozilla/5.0 (iPhone)", Share: .1}},
		Sources: []detect.Share{{Name: "198.51.100.23", Count: 240_000, Share: .0194}, {Name: "192.0.2.14", Count: 120_000, Share: .0097}, {Name: "2001:db8:7::9", Count: 90_000, Share: .007}, {Name: "203.0.113.200", Count: 30_000, Share: .002}, {Name: "198.18.0.1", Count: 9000, Share: .001}}}
}
