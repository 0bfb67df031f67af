package station

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"levee/actions"
)

// Approval is a plan that waits for a second person.
type Approval struct {
	Code    string       `json:"code"` // what the second person types
	By      string       `json:"by"`
	Verb    actions.Verb `json:"verb"`
	Targets int          `json:"targets"`
	Usual   float64      `json:"usual_share"` // 0 to 1, of usual traffic it touches
	Reason  string       `json:"reason"`
	Expires time.Time    `json:"expires"`

	token string
	given chan struct{}
	by    *actions.Actor
}

// approvals are the plans that wait for a second person, and what was given
// and not used yet.
type approvals struct {
	mu    sync.Mutex
	asked map[string]*Approval // by code
	given map[string]*Approval // by the plan's token
}

// take returns who approved the plan, once.
func (a *approvals) take(token string) *actions.Actor {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.given[token]
	if x == nil {
		return nil
	}
	delete(a.given, token)
	return x.by
}

// forget drops what has expired. The caller holds mu.
func (a *approvals) forget(now time.Time) {
	over := func(_ string, x *Approval) bool { return now.After(x.Expires) }
	maps.DeleteFunc(a.asked, over)
	maps.DeleteFunc(a.given, over)
}

// AskApproval tells everybody that p needs a second person and waits until
// another operator approves it, the plan expires or ctx ends. Then Commit
// carries the approval with it. code is told as soon as it is known.
func (o *Operator) AskApproval(ctx context.Context, p actions.Plan, code func(string)) error {
	a, err := o.who()
	if err != nil {
		return err
	}
	x := &Approval{Code: rand.Text()[:6], By: a.Name, Verb: p.Request.Verb, Targets: len(p.Request.Targets),
		Usual: p.Impact.UsualShare, Reason: said(p.Request.Reason), Expires: p.Expires, token: p.Token, given: make(chan struct{})}
	s := o.s
	s.approvals.mu.Lock()
	if s.approvals.asked == nil {
		s.approvals.asked, s.approvals.given = map[string]*Approval{}, map[string]*Approval{}
	}
	s.approvals.forget(s.o.Now())
	s.approvals.asked[x.Code] = x
	s.approvals.mu.Unlock()
	defer func() {
		s.approvals.mu.Lock()
		defer s.approvals.mu.Unlock()
		delete(s.approvals.asked, x.Code)
	}()
	s.tell("warn", fmt.Sprintf("%s asks for a second person: %s %d targets (%s): levee approve %s", a.Name, x.Verb, x.Targets, cmp.Or(x.Reason, "no reason given"), x.Code))
	code(x.Code)
	patience := time.NewTimer(x.Expires.Sub(s.o.Now()))
	defer patience.Stop()
	select {
	case <-x.given:
		return nil
	case <-patience.C:
		return fmt.Errorf("%s: nobody approved it in time; ask again, or use --break-glass, which is logged", x.Verb)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Approve is a second person's yes to the plan with that code. Only another
// operator or admin can give it.
func (o *Operator) Approve(code string) (Approval, error) {
	a, err := o.who()
	if err != nil {
		return Approval{}, err
	}
	if a.Role != actions.Operator && a.Role != actions.Admin {
		return Approval{}, fmt.Errorf("approve: %s may look, not act; ask an operator", a.Name)
	}
	s := &o.s.approvals
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(o.s.o.Now())
	x := s.asked[code]
	switch {
	case x == nil:
		return Approval{}, fmt.Errorf("approve %q: nothing waits under this code; see levee approve", code)
	case x.By == a.Name:
		return Approval{}, fmt.Errorf("approve: you asked for it yourself; another operator must approve")
	}
	delete(s.asked, code)
	x.by = &a
	s.given[x.token] = x
	close(x.given)
	return *x, nil
}

// Approvals lists what waits for a second person, soonest to expire first.
func (s *Station) Approvals() []Approval {
	s.approvals.mu.Lock()
	defer s.approvals.mu.Unlock()
	s.approvals.forget(s.o.Now())
	out := make([]Approval, 0, len(s.approvals.asked))
	for _, x := range s.approvals.asked {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(x, y Approval) int { return x.Expires.Compare(y.Expires) })
	return out
}
