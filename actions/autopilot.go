package actions

import (
	"cmp"
	"net/netip"
	"strings"
	"sync"
	"time"

	"levee/detect"

	"github.com/gaissmai/bart"
)

// AutoOptions tunes auto mode. The zero value only suggests.
type AutoOptions struct {
	Level     Level            // of services without one of their own; default suggest
	Services  map[string]Level // by service
	TTL       time.Duration    // of a first block; default 10 min, doubled on each return
	MaxTTL    time.Duration    // default 24 h
	Budget    Budget           // zero fields: the defaults of Budget
	Playbooks Playbooks        // attacks without one: DefaultPlaybooks

	Collateral float64       // a signature touching more of usual traffic (0 to 1) is not throttled; default 0.05
	CoolDown   time.Duration // between two scale-ups of a service; default 10 min
	Calm       time.Duration // without an incident before servers are taken away again; default 15 min
}

func (o AutoOptions) withDefaults() AutoOptions {
	o.Level = cmp.Or(o.Level, LevelSuggest)
	o.TTL = cmp.Or(o.TTL, 10*time.Minute)
	o.MaxTTL = cmp.Or(o.MaxTTL, 24*time.Hour)
	o.Collateral = cmp.Or(o.Collateral, 0.05)
	o.CoolDown = cmp.Or(o.CoolDown, 10*time.Minute)
	o.Calm = cmp.Or(o.Calm, 15*time.Minute)
	o.Budget = o.Budget.WithDefaults()
	return o
}

// rank orders levels; an unknown one may do nothing.
func (l Level) rank() int {
	switch l {
	case LevelSuggest:
		return 1
	case LevelThrottle:
		return 2
	case LevelBlock:
		return 3
	}
	return 0
}

// Autopilot is auto mode: a state machine in event time that hears verdicts
// and says what it asks for. It does no I/O and reads no clock, so the same
// events lead to the same requests, live or from a recorded log. Its methods
// may be called from several goroutines.
//
// Observe costs O(log n) an event and Tick O(log n) a request, however much
// stands.
type Autopilot struct {
	o AutoOptions

	mu        sync.Mutex
	now       time.Time
	held      string // why it may not act, "" when it may
	ready     wishes // suspects it may block, best first
	suggested wishes // suspects it would block if the level allowed
	wished    map[netip.Prefix]*wish
	asked     map[netip.Prefix]*wish // asked for and not answered
	askedAt   []*wish                // the same, oldest first
	standing  *bart.Table[*stood]    // blocks in force
	nStanding int
	renewals  []*stood
	incidents map[string]*run
	signed    map[string]*stood    // throttles and hardens in force, by verb and target
	signing   map[string]time.Time // when they, and messages, were asked for last, likewise
	servers   map[string]*fleet    // by service
	counted   map[string]bool      // scale decisions already counted, by ID
	minute    spending
	weights   spending // of what was asked in the last minute, in thousandths
	hour      spending
	usual     float64
	covered   map[string]*cover // roll-back, by service
	takeBack  []taking          // acts on signatures to be taken back
	rests     map[string]*rest  // targets left alone, by key
	cleared   map[string]string // incident in which an act is not blamed again, by its target's key
	refused   refusals
}

// stood is an act in force, as auto mode sees it.
type stood struct {
	target   Target
	id       string
	verb     Verb
	auto     bool
	service  string
	incident string
	attack   detect.Attack
	began    time.Time
	until    time.Time
	ttl      time.Duration
	usual    float64
	renewing time.Time // when it last asked to renew it
	seen     *detect.Suspect
	toll     *toll           // what it costs usual clients
	covers   *detect.Clients // usual clients in a block, nil none
}

// NewAutopilot returns auto mode that has heard nothing.
func NewAutopilot(o AutoOptions) *Autopilot {
	return &Autopilot{
		o: o.withDefaults(), wished: map[netip.Prefix]*wish{}, asked: map[netip.Prefix]*wish{},
		standing: new(bart.Table[*stood]), incidents: map[string]*run{}, signed: map[string]*stood{}, signing: map[string]time.Time{},
		servers: map[string]*fleet{}, counted: map[string]bool{}, covered: map[string]*cover{},
		rests: map[string]*rest{}, cleared: map[string]string{},
		minute: newSpending(time.Minute), weights: newSpending(time.Minute), hour: newSpending(time.Hour),
	}
}

// Hold keeps auto mode from asking for anything; why says who or what does so,
// in one line. Empty lets it act again.
func (a *Autopilot) Hold(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = why
}

// SetBudget changes what may be spent from now on.
func (a *Autopilot) SetBudget(b Budget) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.o.Budget = b
}

// level returns how far it may go for a service.
func (a *Autopilot) level(service string) Level {
	if l, ok := a.o.Services[service]; ok {
		return l
	}
	return a.o.Level
}

// Observe hears verdicts, in event time.
func (a *Autopilot) Observe(events ...detect.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range events {
		ev := &events[i]
		if ev.Time.After(a.now) {
			a.now = ev.Time
		}
		switch {
		case ev.Suspect != nil:
			a.suspect(ev.Time, ev.Suspect)
		case ev.Incident != nil:
			a.incident(ev.Time, ev.Incident)
		}
	}
}

// suspect hears one verdict on a source.
func (a *Autopilot) suspect(at time.Time, s *detect.Suspect) {
	key := s.Key.Masked()
	step, blocks := a.o.Playbooks.does(s.Attack, Block)
	if (s.Measure != detect.BlockSource && s.Measure != detect.BlockPrefix) || !s.Attack.Hostile() || !blocks {
		a.forget(key)
		return
	}
	if st, ok := a.standing.LookupPrefix(key); ok {
		a.stillThere(at, st, s)
		return
	}
	if !s.MayAct {
		a.refused.note(at, "may_act", "seen only by sources with may_act: false")
		a.forget(key)
		return
	}
	if w := a.asked[key]; w != nil {
		w.s, w.last = s, at
		return
	}
	if w := a.wished[key]; w != nil {
		w.heap.update(w, s, at)
		return
	}
	w := &wish{s: s, first: at, last: at, notBefore: at.Add(step.After), index: -1, heap: a.queueOf(s.Service)}
	a.wished[key] = w
	if lost := w.heap.add(w); lost != nil {
		delete(a.wished, lost.s.Key.Masked())
	}
}

// stillThere asks to renew a block whose source goes on while it ends, unless
// the level does not allow blocks any more.
func (a *Autopilot) stillThere(at time.Time, st *stood, s *detect.Suspect) {
	left := st.until.Sub(at)
	near := max(st.ttl/3, min(90*time.Second, st.ttl*3/4))
	if !st.auto || left > near || at.Sub(st.renewing) < 30*time.Second || a.level(s.Service).rank() < LevelBlock.rank() {
		return
	}
	st.renewing, st.seen = at, s
	a.renewals = append(a.renewals, st)
}

func (a *Autopilot) forget(key netip.Prefix) {
	if w := a.wished[key]; w != nil {
		w.heap.drop(w)
		delete(a.wished, key)
	}
}

// Changed hears what became of a decision, its own or anybody's.
func (a *Autopilot) Changed(d Decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch d.Verb {
	case Block:
		a.changedBlock(d)
	case Throttle, Harden:
		a.changedSigned(d)
	case ScaleUp, ScaleDown:
		a.changedScale(d)
	}
}

func (a *Autopilot) changedSigned(d Decision) {
	key := place(d.Verb, d.Target.Key())
	old := a.signed[key]
	if d.State.Active() {
		st := a.stoodFor(d)
		if old != nil && old.id == d.ID {
			st.toll = old.toll // renewed, or verified
		}
		a.signed[key] = st
		return
	}
	if old != nil && old.id == d.ID {
		delete(a.signed, key)
	}
	// Taken back before a restart, or by the host that led before this one.
	if d.takenBack() {
		a.restFrom(d.Changed, d.Target.Key(), string(d.Verb)+" of "+d.Target.String())
	}
}

// recallPast hears how an act ended that may be too long ago for recall: after
// thousands of blocks it is no longer among the latest.
func (a *Autopilot) recallPast(p Past) {
	if p.State != Undone || p.By.Via != Auto.Via {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if strings.HasPrefix(p.Key, "sig:") {
		a.restFrom(p.Ended, p.Key, "throttle of "+p.Key)
	} else {
		a.restFrom(p.Ended, p.Key, "block of "+strings.TrimSuffix(p.Key, "/32"))
	}
}

// recall hears what was decided before a restart, oldest first: what stands,
// what of the budgets it spent, and the servers still to be taken away.
func (a *Autopilot) recall(ds []*Decision) {
	for _, d := range ds {
		if !d.State.Active() && d.Verb != ScaleUp && d.Verb != ScaleDown && d.Verb != Block && d.State != Undone {
			continue
		}
		if d.Actor.Via == Auto.Via && d.State != Failed && !d.DryRun {
			a.mu.Lock()
			switch d.Verb {
			case Block:
				a.minute.spend(d.Created, 1)
			case ScaleUp:
				a.hour.spend(d.Created, 1)
			}
			a.mu.Unlock()
		}
		if d.State.Active() || d.Verb != Block || d.State == Undone {
			a.Changed(*d)
		}
	}
}

func (a *Autopilot) stoodFor(d Decision) *stood {
	st := &stood{target: d.Target, id: d.ID, verb: d.Verb, auto: d.Actor.Via == Auto.Via, service: d.Target.Service,
		incident: d.Incident, attack: d.Attack, began: d.Created, until: d.Expires, ttl: d.TTL}
	return st
}

func (a *Autopilot) changedBlock(d Decision) {
	key := d.Target.Prefix
	if !key.IsValid() {
		return
	}
	w := a.asked[key]
	delete(a.asked, key)
	old, known := a.standing.Get(key)
	if !d.State.Active() {
		if known && (old.id == d.ID || old.id == "") {
			a.standing.Delete(key)
			a.nStanding--
			a.usual -= old.usual
		}
		if d.takenBack() && (!known || !a.resting(old.service)) {
			a.restFrom(d.Changed, d.Target.Key(), "block of "+d.Target.String())
		}
		return
	}
	st := a.stoodFor(d)
	if known {
		st.usual, st.service, st.renewing = old.usual, old.service, old.renewing
	} else {
		a.nStanding++
		if w != nil {
			st.usual, st.service = w.s.UsualShare, w.s.Service
			a.usual += st.usual
			a.cover(st)
		} else if st.auto { // another host's, or one of before a restart
			st.usual = d.Usual
			a.usual += st.usual
		}
	}
	a.forget(key)
	a.standing.Insert(key, st)
}

// Refused hears what the guardrails said no to.
func (a *Autopilot) Refused(rs []Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range rs {
		a.refused.note(a.now, r.Rule, r.Value)
		a.unask(r.Target.Prefix)
	}
}

// cameToNothing hears that nothing of r was done, whatever kept it from being done.
// Blocks may be asked for again at once, the rest after a minute.
func (a *Autopilot) cameToNothing(r *Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range r.Targets {
		switch r.Verb {
		case Block:
			a.unask(t.Prefix)
		case ScaleUp:
			if f := a.servers[t.Service]; f != nil && f.lastAsk.After(f.lastUp) {
				a.hour.giveBack(f.lastAsk, 1)
				f.lastAsk = f.lastAsk.Add(answered - a.o.CoolDown)
			}
		case Notify, ScaleDown:
			if in := a.incidents[r.Incident]; in != nil {
				for i, s := range a.o.Playbooks.steps(in.in.Attack) {
					if s.Do == r.Verb {
						delete(in.done, i)
					}
				}
			}
		}
	}
}
