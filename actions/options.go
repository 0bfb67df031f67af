package actions

import (
	"cmp"
	"net/netip"
	"time"

	"levee/detect"
)

// Traffic answers what plans and guardrails ask of the traffic now. Its
// methods return at once and may be called from several goroutines.
type Traffic interface {
	Snapshot() *detect.Snapshot
	// Suspects returns what is known of each prefix, in order; the zero Suspect
	// where nothing is.
	Suspects(ps []netip.Prefix) []detect.Suspect
	// DataAge is the time since the newest log line was judged; negative when
	// there was none yet.
	DataAge() time.Duration
}

// Options is what a Dispatcher works with. Ledger is required; the zero value
// of everything else is documented.
type Options struct {
	Ledger     Ledger
	Enforcers  []Enforcer                    // at most 64; none: only Allow and Notify can be decided
	Guardrails *Guardrails                   // nil: NewGuardrails(GuardrailOptions{})
	Traffic    Traffic                       // nil: impacts are unknown and auto mode may not act
	Auto       *Autopilot                    // told what happened, and asked for Board.Auto. Optional
	Facts      func(netip.Addr) detect.Facts // for ASN and crawler rules; must not block. Optional
	Operators  func() []netip.Addr           // where people are connected from: never blocked. Optional
	Known      func() []netip.Addr           // where those who may act came from lately: SSH stays open for them. Optional
	Now        func() time.Time              // nil: time.Now
	Peers      Peers                         // the rest of the fleet; nil: this host is on its own
	Host       string                        // this host's name in the fleet

	DryRun     bool          // decide and write down, send nothing
	TTL        time.Duration // of people's acts; default 30 min
	AutoTTL    time.Duration // of auto mode's blocks; default 10 min, doubled on each return
	MaxTTL     time.Duration // longest TTL of a block; default 24 h
	Exempt     time.Duration // how long auto mode leaves alone what a person unblocked; default 1 h
	StaleAfter time.Duration // data older than this starts nothing new; default 30 s
	Budget     Budget        // zero fields: the defaults of Budget
	AutoOn     bool          // whether auto mode is on when nobody ever set it
}

func (o Options) withDefaults() (Options, error) {
	if o.Guardrails == nil {
		g, err := NewGuardrails(GuardrailOptions{})
		if err != nil {
			return o, err
		}
		o.Guardrails = g
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.TTL = cmp.Or(o.TTL, 30*time.Minute)
	o.AutoTTL = cmp.Or(o.AutoTTL, 10*time.Minute)
	o.MaxTTL = cmp.Or(o.MaxTTL, 24*time.Hour)
	o.Exempt = cmp.Or(o.Exempt, time.Hour)
	o.StaleAfter = cmp.Or(o.StaleAfter, 30*time.Second)
	o.Budget = o.Budget.WithDefaults()
	return o, nil
}

// WithDefaults returns b with its zero fields set to their defaults.
func (b Budget) WithDefaults() Budget {
	b.BlocksPerMinute = cmp.Or(b.BlocksPerMinute, 6000)
	b.ActiveBlocks = cmp.Or(b.ActiveBlocks, 50000)
	b.UsualShare = cmp.Or(b.UsualShare, 0.005)
	b.ScaleUpsPerHour = cmp.Or(b.ScaleUpsPerHour, 4)
	return b
}
