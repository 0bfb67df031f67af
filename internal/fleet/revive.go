package fleet

import (
	"context"
	"fmt"
	"time"

	"levee/actions"
)

// revive returns the decisions of rs that this host is to carry out, and by
// their IDs the records they are of: what the ledger knows to be ended is not
// begun again.
func (n *Node) revive(ctx context.Context, rs []*Record) ([]actions.Decision, map[string]*Record, error) {
	ids := make([]string, len(rs))
	for i, r := range rs {
		ids[i] = r.Decision.ID
	}
	known, err := n.knownOf(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	// What was renewed while this host was away begins as another decision.
	var anew []string
	for _, r := range rs {
		if k, ok := known[r.Decision.ID]; ok && k.Decision.State == actions.Expired {
			anew = append(anew, renewed(r))
		}
	}
	begun, err := n.knownOf(ctx, anew)
	if err != nil {
		return nil, nil, err
	}
	out := make([]actions.Decision, 0, len(rs))
	from := make(map[string]*Record, len(rs))
	for _, r := range rs {
		d := *r.Decision
		switch k, ok := known[d.ID]; {
		case !ok || k.Decision.State.Active() && k.Decision.EndedBy == "":
		case k.Decision.State == actions.Expired:
			d.ID = renewed(r)
			if _, before := begun[d.ID]; before || d.Expires.Sub(k.Decision.Changed) <= time.Second {
				continue
			}
		case k.Decision.State == actions.Failed:
			continue
		default:
			n.endedHere(r, k)
			continue
		}
		out = append(out, d)
		from[d.ID] = r
	}
	return out, from, nil
}

// renewed names the decision that begins when r was renewed after its end.
func renewed(r *Record) string { return fmt.Sprintf("%s.%d", r.Decision.ID, r.Rev) }

func (n *Node) knownOf(ctx context.Context, ids []string) (map[string]Known, error) {
	if n.o.Known == nil || len(ids) == 0 {
		return nil, nil
	}
	return n.o.Known(ctx, ids)
}

// endedHere tells the fleet, when it was not this host's guardrails, that
// somebody ended here what it takes to stand.
func (n *Node) endedHere(r *Record, k Known) {
	if k.By == "" || k.By == "guardrail" {
		return
	}
	actor := actions.Actor{Name: k.Decision.EndedBy, Via: "ledger"}
	if actor.Name == actions.Auto.Name {
		actor = actions.Auto
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.wanted(r.ID)
	w.d, w.end = *r.Decision, &End{By: actor, At: k.Decision.Changed}
}
