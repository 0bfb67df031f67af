package actions

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"levee/detect"
)

// Verb is what is asked for.
type Verb string

// Verbs.
const (
	Block     Verb = "block"
	Unblock   Verb = "unblock"
	Allow     Verb = "allow"
	Throttle  Verb = "throttle"
	Harden    Verb = "harden"
	ScaleUp   Verb = "scale_up"
	ScaleDown Verb = "scale_down"
	Notify    Verb = "notify"
)

// Verbs lists all verbs, in the order people are told them.
var Verbs = []Verb{Block, Unblock, Allow, Throttle, Harden, ScaleUp, ScaleDown, Notify}

// Role is what an actor may do: viewers look, operators act, admins also
// change who may and approve as a second person.
type Role string

// Roles.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Actor is who acts: a person or "auto".
type Actor struct {
	Name string     `json:"name"` // user name, or "auto"
	Role Role       `json:"role"`
	Via  string     `json:"via"`           // console, cli, ssh, auto, restart
	Key  string     `json:"key,omitempty"` // fingerprint of the SSH key that proved it
	Addr netip.Addr `json:"addr,omitzero"` // where the person sits; never blocked
}

// Auto is the actor of auto mode.
var Auto = Actor{Name: "auto", Role: Operator, Via: "auto"}

// Target is what an act is aimed at: a prefix, a signature, or a service.
type Target struct {
	Prefix    netip.Prefix      `json:"prefix,omitzero"`
	Signature *detect.Signature `json:"signature,omitempty"`
	Service   string            `json:"service,omitempty"`
}

// Key names t the same way everywhere: in the ledger, in an enforcer's list
// and in an index. It is the prefix's text, "sig:" and a hash for a signature
// (in its service), or "service:" and the name; "" for the zero Target. It
// holds no control characters when Service holds none.
func (t Target) Key() string {
	switch {
	case t.Prefix.IsValid():
		return t.Prefix.Masked().String()
	case t.Signature != nil:
		h := sha256.New()
		for _, term := range signatureTerms(t) {
			// The length keeps "ab"+"c" apart from "a"+"bc".
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(term)))
			h.Write(n[:])
			h.Write([]byte(term))
		}
		return "sig:" + hex.EncodeToString(h.Sum(nil)[:8])
	case t.Service != "":
		return "service:" + t.Service
	}
	return ""
}

func signatureTerms(t Target) []string {
	s := t.Signature
	return []string{t.Service, s.Path, s.Method, s.Query, s.UserAgent, s.Referer, s.HTTPVersion,
		s.Headers, s.Status, s.Prefix, s.ASN, s.Country}
}

// String is t for people: the prefix (an address without its /32), the
// signature's service and path, or the service.
func (t Target) String() string {
	switch {
	case t.Prefix.IsValid() && t.Prefix.IsSingleIP():
		return t.Prefix.Addr().String()
	case t.Prefix.IsValid():
		return t.Prefix.Masked().String()
	case t.Signature != nil:
		parts := append([]string{"signature"}, signatureTerms(t)...)
		return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
	}
	return t.Service
}

// Request asks for an act on one or many targets.
type Request struct {
	ID       string // the caller's idempotency key; empty: Plan assigns one
	Verb     Verb
	Targets  []Target
	TTL      time.Duration // 0: the default of the actor (people 30 min, auto 10 min doubling on return)
	Actor    Actor
	Reason   string
	Attack   detect.Attack
	Incident string
	Score    float64
	Evidence []string
	Undoes   string // ID of the decision this undoes

	// Only limits an Unblock to these decisions; empty: whatever turns traffic
	// away on Targets.
	Only []string

	// Seen is what the traffic showed of Targets, in the same order. Nil: Plan
	// asks Options.Traffic. Auto mode fills it, so that a plan of thousands of
	// targets costs no look-ups.
	Seen []detect.Suspect
}

// Confirmation says what a Commit of the plan needs.
type Confirmation string

// Confirmations, weakest first.
const (
	ConfirmNone  Confirmation = "none"          // auto mode inside its guardrails
	ConfirmKey   Confirmation = "y"             // a person presses y
	ConfirmTyped Confirmation = "typed"         // a person types Plan.Type
	ConfirmTwo   Confirmation = "second_person" // another operator approves, or break-glass
)

// Impact previews what an act would do. Shares are 0 to 1.
type Impact struct {
	Targets     int      // after de-duplication
	Rate        float64  // requests/s these targets make now
	ExcessShare float64  // share of the current excess it removes; negative when unknown
	UsualShare  float64  // share of usual traffic it touches, as counted
	UsualMost   float64  `json:",omitempty"` // what that may be in truth: UsualShare is counted from samples, and this is the upper end of its 95 % interval
	UsualNone   bool     `json:",omitempty"` // too little is known of usual traffic to count from
	Users       int      // logged-in users touched lately, -1 when the log names none
	Protected   []string // allowed or own ranges inside, each with its rule
	BudgetLeft  int      // active blocks left after it
	Proxied     int      // targets seen only through a trusted proxy
	Addresses   int      `json:",omitempty"` // clients the targets may be: 256 for a /24, 1 for a /64, 256 for anything of IPv6 as wide as a /56
	Clients     int      `json:",omitempty"` // usual clients in the prefixes that are wider than one client
	Unknown     int      `json:",omitempty"` // signatures of which nobody knows what they touch
	Left        []string `json:",omitempty"` // enforcers that leave a target to the others, each with why
	Standing    []string `json:",omitempty"` // what is in force on the service already: "scale_up by auto since 03:29:00 UTC"
}

// Refusal is a guardrail that said no to one target or to the whole request.
type Refusal struct {
	Target Target
	Rule   string // allow_list, trusted_proxy, own_range, own_address, heavy_usual, too_wide, usual_clients, budget, disarmed, dry_run, stale, may_act, exempt, role, duplicate, enforcer, not_blocked, bad_target
	Value  string // the rule's value: "192.0.2.0/24 is on the allow list (levee.yaml:12)"
	Mend   string // how to proceed
}

// Plan is a Request after the guardrails, ready to commit while Token lasts.
type Plan struct {
	Request  Request // Targets holds those that passed
	Impact   Impact
	Refusals []Refusal
	Needs    Confirmation
	Type     string // what must be typed for ConfirmTyped
	Token    string // binds a Commit to exactly this plan and actor
	Expires  time.Time
}

// Answer is the person's confirmation.
type Answer struct {
	Typed      string
	Second     *Actor // who approved, for ConfirmTwo
	BreakGlass bool   // go on without a second person; logged loudly
}

// State is where a decision is in its life.
type State string

// States: planned → intent → applied → verified → expired, undone, failed or unknown.
const (
	Intent   State = "intent"   // on disk, nothing sent yet
	Applied  State = "applied"  // every enforcer took it
	Verified State = "verified" // the enforcers' own lists or the traffic show it
	Expired  State = "expired"  // its TTL ended and it was lifted
	Undone   State = "undone"   // a person or a roll-back lifted it
	Failed   State = "failed"   // no enforcer took it
	Unknown  State = "unknown"  // what happened can't be known until reconciled
)

// Active reports whether a decision in state s may still be in force.
func (s State) Active() bool {
	return s == Intent || s == Applied || s == Verified || s == Unknown
}

// Decision is one act on one target, as the ledger keeps it.
type Decision struct {
	ID       string        `json:"id"`
	Request  string        `json:"request"` // ID of the Request it came from
	Verb     Verb          `json:"verb"`
	Target   Target        `json:"target"`
	State    State         `json:"state"`
	Actor    Actor         `json:"actor"`
	Reason   string        `json:"reason"`
	Attack   detect.Attack `json:"attack,omitempty"`
	Incident string        `json:"incident,omitempty"`
	Score    float64       `json:"score,omitempty"`
	Evidence []string      `json:"evidence,omitempty"`
	Created  time.Time     `json:"created"`
	Changed  time.Time     `json:"changed"`
	TTL      time.Duration `json:"ttl"`
	Expires  time.Time     `json:"expires,omitzero"`  // zero: not bounded (allow without TTL)
	Returns  int           `json:"returns,omitempty"` // how often the source came back before
	EndedBy  string        `json:"ended_by,omitempty"`
	DryRun   bool          `json:"dry_run,omitempty"`
	Host     string        `json:"host,omitempty"` // of a fleet, the host that decided
	Term     uint64        `json:"term,omitempty"` // of a fleet, the leader's term an automatic decision was made in; 0: made alone
	Receipts []Receipt     `json:"receipts,omitempty"`
	Effect   *Effect       `json:"effect,omitempty"`
	Usual    float64       `json:"usual,omitempty"` // share of usual traffic it touches, 0 to 1: what it spends of the budget
}

// takenBack reports whether auto mode ended d, an act of its own, before its
// time.
func (d *Decision) takenBack() bool {
	return d.State == Undone && d.EndedBy == Auto.Name && d.Actor.Via == Auto.Via
}

// Effect compares what a decision was predicted to remove with what fell away.
type Effect struct {
	Predicted float64 `json:"predicted"` // requests/s
	Measured  float64 `json:"measured"`  // requests/s
}

// Receipt is one enforcer's answer for one decision.
type Receipt struct {
	Decision string    `json:"decision"`
	Enforcer string    `json:"enforcer"`
	OK       bool      `json:"ok"`
	Unknown  bool      `json:"unknown,omitempty"` // it may or may not have taken effect
	Note     string    `json:"note,omitempty"`    // "job ops/block-ip #4411", or the error in one line
	At       time.Time `json:"at"`
	Job      *Job      `json:"job,omitempty"`
}

// Job is a Jenkins build that an act started.
type Job struct {
	Request   string    `json:"request"` // the REQUEST_ID parameter
	Verb      Verb      `json:"verb"`
	Name      string    `json:"name"` // folder/job
	QueueID   int64     `json:"queue_id,omitempty"`
	Number    int64     `json:"number,omitempty"`
	State     string    `json:"state"` // sending, queued, running, success, failure, unstable, aborted, cancelled, lost, error
	Why       string    `json:"why,omitempty"`
	URL       string    `json:"url,omitempty"`
	Triggered time.Time `json:"triggered"`
	Ended     time.Time `json:"ended,omitzero"`
	Console   string    `json:"-"` // the last 64 KiB, sanitised
}
