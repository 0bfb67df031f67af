package actions

import (
	"container/heap"
	"time"

	"levee/detect"
)

// origin is what all decisions of one commit share.
type origin struct {
	request  string
	verb     Verb
	actor    Actor
	reason   string
	attack   detect.Attack
	incident string
	dryRun   bool
	host     string
	term     uint64
}

// record is a decision in memory: small, because there may be 100,000.
type record struct {
	*origin
	id       string
	key      string // Target.Key
	target   Target
	state    State
	score    float64
	evidence []string
	created  time.Time
	changed  time.Time
	expires  time.Time
	ttl      time.Duration
	returns  int
	endedBy  string
	receipts []Receipt
	effect   *Effect

	durable  bool    // its intent is on disk
	predicts float64 // requests/s it should remove
	usual    float64 // share of usual traffic it touches
	pending  uint64  // enforcers asked and not heard, one bit each
	more     uint64  // of those, enforcers asked once more before they answered: a renewal
	took     uint64  // enforcers that hold it
	unsure   uint64  // enforcers that may hold it
	written  uint64  // what took was when it was last written down
	tries    int     // failed attempts since the last success
	end      State   // Expired, Undone: it is being lifted; "" else
	ender    *Actor  // who ends it
	due      int     // index in the expiry queue, -1 outside
	ending   int     // undos of it that are being written down
	owes     bool    // it changed meanwhile, which is not written down yet
}

// lasting reports whether v stays in force until it is lifted; the others are
// done once.
func (v Verb) lasting() bool {
	switch v {
	case Block, Throttle, Harden, Allow:
		return true
	}
	return false
}

// stands reports whether r is on disk and nobody is ending it.
func (r *record) stands() bool { return r.durable && r.end == "" && r.ending == 0 }

func (r *record) auto() bool { return r.actor.Via == Auto.Via }

// decision assembles r for everybody else.
func (r *record) decision() Decision {
	return Decision{
		ID: r.id, Request: r.request, Verb: r.verb, Target: r.target, State: r.state, Actor: r.actor,
		Reason: r.reason, Attack: r.attack, Incident: r.incident, Score: r.score, Evidence: r.evidence,
		Created: r.created, Changed: r.changed, TTL: r.ttl, Expires: r.expires, Returns: r.returns,
		EndedBy: r.endedBy, DryRun: r.dryRun, Receipts: append([]Receipt(nil), r.receipts...), Effect: r.effect, Usual: r.usual,
		Host: r.host, Term: r.term,
	}
}

// sharing keeps recalled decisions small: those of one request share their
// origin, and equal texts are kept once.
type sharing struct {
	origins map[string]*origin
	texts   map[string]string
}

// text returns s, or the equal string that was seen first.
func (m sharing) text(s string) string {
	if known, ok := m.texts[s]; ok {
		return known
	}
	m.texts[s] = s
	return s
}

func originOf(d *Decision) *origin {
	return &origin{request: d.Request, verb: d.Verb, actor: d.Actor, reason: d.Reason, attack: d.Attack,
		incident: d.Incident, dryRun: d.DryRun, host: d.Host, term: d.Term}
}

// recalled returns the record of a decision the ledger remembered.
func (m sharing) recalled(d Decision) *record {
	o := m.origins[d.Request]
	if o == nil {
		o = originOf(&d)
		m.origins[d.Request] = o
	}
	r := &record{
		origin: o, id: d.ID, key: d.Target.Key(), target: d.Target, state: d.State, score: d.Score,
		evidence: d.Evidence, created: d.Created, changed: d.Changed, expires: d.Expires, ttl: d.TTL,
		returns: d.Returns, endedBy: d.EndedBy, receipts: d.Receipts, effect: d.Effect, usual: d.Usual, durable: true, due: -1,
	}
	for i := range r.evidence {
		r.evidence[i] = m.text(r.evidence[i])
	}
	for i := range r.receipts {
		c := &r.receipts[i]
		c.Decision, c.Enforcer, c.Note = r.id, m.text(c.Enforcer), m.text(c.Note)
	}
	if d.Effect != nil {
		r.predicts = d.Effect.Predicted
	}
	return r
}

// receipt returns r's last receipt of the enforcer, or nil.
func (r *record) receipt(enforcer string) *Receipt {
	for i := range r.receipts {
		if r.receipts[i].Enforcer == enforcer {
			return &r.receipts[i]
		}
	}
	return nil
}

func (r *record) keep(c Receipt) {
	if old := r.receipt(c.Enforcer); old != nil {
		if c.Job == nil {
			c.Job = old.Job // the build that put it there is still worth a look
		}
		*old = c
		return
	}
	r.receipts = append(r.receipts, c)
}

// expiry is a queue of records by their end.
type expiry []*record

func (q expiry) Len() int           { return len(q) }
func (q expiry) Less(i, j int) bool { return q[i].expires.Before(q[j].expires) }
func (q expiry) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].due, q[j].due = i, j
}

// Push and Pop belong to container/heap.
func (q *expiry) Push(x any) {
	r := x.(*record)
	r.due = len(*q)
	*q = append(*q, r)
}

func (q *expiry) Pop() any {
	old := *q
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	r.due = -1
	return r
}

// schedule puts r where its end belongs, or takes it out when it has none.
func (q *expiry) schedule(r *record) {
	switch {
	case r.expires.IsZero() || r.end != "" || !r.state.Active():
		if r.due >= 0 {
			heap.Remove(q, r.due)
		}
	case r.due >= 0:
		heap.Fix(q, r.due)
	default:
		heap.Push(q, r)
	}
}
