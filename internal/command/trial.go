package command

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"levee/actions"
	"levee/detect"
)

// hereBefore is how long before its attack began a source must have been seen
// to count as one that was there before.
const hereBefore = time.Minute

// Trial is what one policy would have done to a log, and what that costs.
type Trial struct {
	Policy    string                   `json:"policy"`
	Level     actions.Level            `json:"level"`
	Levels    map[string]actions.Level `json:"levels,omitempty"` // of services with one of their own
	Requests  uint64                   `json:"requests"`
	Incidents map[detect.Attack]int    `json:"incidents"` // by the name each had last

	Worth   int `json:"sources_worth_a_block"` // by verdict, whatever the policy does about it
	Blocked int `json:"sources_blocked"`
	Peak    int `json:"active_blocks_peak"`
	// HereBefore are blocked sources that were seen over a minute before their
	// attack began: customers caught in it, or attackers who came early.
	HereBefore int      `json:"sources_blocked_here_before"`
	Stopped    uint64   `json:"requests_stopped"`
	StoppedOld uint64   `json:"requests_stopped_here_before"`
	Usual      float64  `json:"usual_share_peak"` // of usual traffic, 0 to 1, what was blocked at once normally carries
	Limits     []Limit  `json:"limits,omitempty"` // throttled and hardened signatures
	ScaleUps   int      `json:"scale_ups"`
	ScaleDowns int      `json:"scale_downs"`
	OnlyHere   []string `json:"blocked_only_here,omitempty"` // beside another policy: sources that this one alone blocks

	last    map[string]*detect.Incident // by ID
	worth   map[netip.Prefix]bool
	blocked map[netip.Prefix]*caught
	inForce denials
	usual   float64 // carried by what is in force
	limited map[string]int
}

// caught is a source that was blocked at least once.
type caught struct {
	before bool
	usual  float64
}

// Limit is a signature that is throttled or hardened.
type Limit struct {
	Do         actions.Verb     `json:"do"`
	Service    string           `json:"service"`
	Attack     detect.Attack    `json:"attack"`
	Signature  detect.Signature `json:"signature"`
	Excess     float64          `json:"excess_share"`     // 0 to 1, of the excess it matches
	Collateral float64          `json:"collateral_share"` // 0 to 1, of usual traffic it matches
}

func newTrial(policy string, o actions.AutoOptions) *Trial {
	return &Trial{Policy: policy, Level: cmp.Or(o.Level, actions.LevelSuggest), Levels: o.Services, Incidents: map[detect.Attack]int{},
		last: map[string]*detect.Incident{}, worth: map[netip.Prefix]bool{}, blocked: map[netip.Prefix]*caught{},
		inForce: denials{}, limited: map[string]int{}}
}

// meet counts requests, and those that a block in force would have stopped.
func (t *Trial) meet(rs []detect.Request) {
	t.Requests += uint64(len(rs))
	if len(t.inForce) == 0 {
		return
	}
	for i := range rs {
		p, ok := t.inForce.match(rs[i].Source)
		if !ok {
			continue
		}
		t.Stopped++
		if t.blocked[p].before {
			t.StoppedOld++
		}
	}
}

// tell hears a verdict.
func (t *Trial) tell(e *detect.Event) error {
	switch {
	case e.Incident != nil:
		t.last[e.Incident.ID] = e.Incident
	case e.Suspect != nil && e.Suspect.Attack.Hostile() && (e.Suspect.Measure == detect.BlockSource || e.Suspect.Measure == detect.BlockPrefix):
		t.worth[e.Suspect.Key.Masked()] = true
	}
	return nil
}

// did books an act.
func (t *Trial) did(a *actions.Row) error {
	switch a.Verb {
	case actions.Block:
		t.block(a)
	case actions.Unblock:
		if c := t.blocked[a.Target.Prefix]; c != nil {
			if _, ok := t.inForce[a.Target.Prefix]; ok {
				t.usual -= c.usual
			}
			delete(t.inForce, a.Target.Prefix)
		}
	case actions.Throttle, actions.Harden:
		t.limit(a)
	case actions.ScaleUp:
		t.ScaleUps++
	case actions.ScaleDown:
		t.ScaleDowns++
	}
	return nil
}

func (t *Trial) block(a *actions.Row) {
	p := a.Target.Prefix
	c := t.blocked[p]
	if c == nil {
		began := a.Time
		if in := t.last[a.Incident]; in != nil {
			began = in.Opened
		}
		c = &caught{before: !a.First.IsZero() && began.Sub(a.First) > hereBefore}
		t.blocked[p] = c
	}
	if _, ok := t.inForce[p]; !ok {
		c.usual = a.Usual
		t.usual += c.usual
	}
	t.inForce[p] = a.Time.Add(a.TTL)
	t.Peak, t.Usual = max(t.Peak, len(t.inForce)), max(t.Usual, t.usual)
}

func (t *Trial) limit(a *actions.Row) {
	if a.Target.Signature == nil {
		return
	}
	l := Limit{Do: a.Verb, Service: a.Service, Attack: a.Attack, Signature: *a.Target.Signature}
	if in := t.last[a.Incident]; in != nil {
		l.Excess, l.Collateral = in.Excess, in.Collateral
	}
	key := string(a.Verb) + " " + a.Target.Key()
	if i, ok := t.limited[key]; ok {
		l.Collateral = max(l.Collateral, t.Limits[i].Collateral) // the worst it has cost
		t.Limits[i] = l
		return
	}
	t.limited[key] = len(t.Limits)
	t.Limits = append(t.Limits, l)
}

// end adds up what was only known at the end of the log.
func (t *Trial) end() {
	for _, in := range t.last {
		t.Incidents[in.Attack]++
	}
	t.Worth, t.Blocked = len(t.worth), len(t.blocked)
	for _, c := range t.blocked {
		if c.before {
			t.HereBefore++
		}
	}
}

// compare fills OnlyHere of two trials.
func compare(ts []*Trial) {
	if len(ts) != 2 {
		return
	}
	for i, t := range ts {
		other := ts[1-i]
		for _, p := range slices.SortedFunc(maps.Keys(t.blocked), netip.Prefix.Compare) {
			if !other.covers(p) {
				t.OnlyHere = append(t.OnlyHere, actions.Target{Prefix: p}.String())
			}
		}
	}
}

// covers reports whether p, or a prefix around it, was blocked.
func (t *Trial) covers(p netip.Prefix) bool {
	for _, bits := range blockWidths(p.Addr()) {
		if q, err := p.Addr().Prefix(bits); err == nil && bits <= p.Bits() && t.blocked[q] != nil {
			return true
		}
	}
	return false
}
