package command

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"levee/actions"
)

// settleFor is how long a verb waits for the enforcers' answers before it
// says that the act is still on its way.
const settleFor = 10 * time.Second

// acting is what the verbs that act share.
type acting struct {
	ttl        time.Duration
	reason     string
	file       string
	id         string
	confirm    string
	ask        bool
	breakGlass bool
	preview    bool
	format     string
}

func (a *acting) flags(c *cobra.Command, lasts, lists bool) {
	f := c.Flags()
	if lasts {
		f.DurationVar(&a.ttl, "for", 0, "how long, such as 30m (default: levee's own)")
	}
	if lists {
		f.StringVarP(&a.file, "file", "f", "", "read a list of targets from this file, - for standard input; fail2ban's and CrowdSec's exports too")
	}
	f.StringVar(&a.reason, "reason", "", "why, for the audit and whoever comes after you")
	f.StringVar(&a.id, "id", "", "your own name for this request: sent twice, it is done once")
	f.StringVar(&a.confirm, "confirm", "", "the words a large act asks for, such as \"block 120\"")
	f.BoolVar(&a.ask, "ask", false, "wait for a second person to approve, where one is needed")
	f.BoolVar(&a.breakGlass, "break-glass", false, "go on without the second person; told to everybody and logged")
	f.BoolVar(&a.preview, "preview", false, "say what it would do and do nothing")
	output(c, &a.format)
}

func blockVerb(run Runner) *cobra.Command {
	var a acting
	c := verb(run, "block TARGET…", "block addresses or prefixes", "Blocks addresses or prefixes for a while. The guardrails hold for people too: what they refuse is said with\nthe rule, and nothing else is silently left out.", nil,
		func(ctx context.Context, h Host, s Streams, args []string) error {
			return a.onTargets(ctx, h, s, actions.Block, args)
		})
	a.flags(c, true, true)
	return c
}

func allowVerb(run Runner) *cobra.Command {
	var a acting
	c := verb(run, "allow TARGET…", "let no block touch addresses or prefixes", "Puts addresses or prefixes on the allow list, which always wins; without --for until it is undone with\nlevee unblock --decision.", nil,
		func(ctx context.Context, h Host, s Streams, args []string) error {
			return a.onTargets(ctx, h, s, actions.Allow, args)
		})
	a.flags(c, true, true)
	return c
}

func unblockVerb(run Runner) *cobra.Command {
	var a acting
	var f actions.UndoFilter
	var since time.Duration
	var decision string
	c := verb(run, "unblock [TARGET…]", "lift blocks, one by one or many at once", "Lifts the blocks on the targets named; or one decision of any kind with --decision; or many with --incident,\n--by and --since. Auto mode leaves alone for an hour what a person unblocked.", nil,
		func(ctx context.Context, h Host, s Streams, args []string) error {
			many := f.Incident != "" || f.By != "" || since > 0
			switch {
			case many && (len(args) > 0 || a.file != "" || decision != ""), decision != "" && (len(args) > 0 || a.file != ""):
				return Usagef("unblock: give targets, or --decision, or --incident, --by and --since; not both")
			case decision != "":
				return a.commit(ctx, h, s, 0, func() (actions.Plan, error) { return h.Operator.Undo(ctx, decision) })
			case many:
				if since > 0 {
					f.Since = h.Station.Status().Now.Add(-since)
				}
				f.Incident = h.Station.Snapshot().IncidentID(f.Incident)
				return a.commit(ctx, h, s, 0, func() (actions.Plan, error) { return h.Operator.UndoMany(ctx, f) })
			}
			return a.onTargets(ctx, h, s, actions.Unblock, args)
		})
	a.flags(c, false, true)
	c.Flags().StringVar(&f.Incident, "incident", "", "lift everything done about this incident")
	c.Flags().StringVar(&f.By, "by", "", "lift what this person, or auto, did")
	c.Flags().DurationVar(&since, "since", 0, "lift what was done within this time, such as 10m")
	c.Flags().StringVar(&decision, "decision", "", "undo this decision: a block, an allow, a scale-up")
	return c
}

func scaleVerb(run Runner) *cobra.Command {
	var a acting
	var down bool
	c := verb(run, "scale SERVICE", "ask for more servers, or with --down for fewer", "", oneArgument("SERVICE"),
		func(ctx context.Context, h Host, s Streams, args []string) error {
			v := actions.ScaleUp
			if down {
				v = actions.ScaleDown
			}
			return a.onService(ctx, h, s, v, args[0])
		})
	a.flags(c, false, false)
	c.Flags().BoolVar(&down, "down", false, "take servers away")
	return c
}

func hardenVerb(run Runner) *cobra.Command {
	var a acting
	c := verb(run, "harden SERVICE", "ask the configured job to harden a service", "", oneArgument("SERVICE"),
		func(ctx context.Context, h Host, s Streams, args []string) error {
			return a.onService(ctx, h, s, actions.Harden, args[0])
		})
	a.flags(c, true, false)
	return c
}

func (a *acting) request(h Host, v actions.Verb) actions.Request {
	return actions.Request{ID: a.id, Verb: v, TTL: a.ttl, Reason: oneLine(cmp.Or(a.reason, string(v)+" from the command line")), Actor: h.Operator.Actor()}
}

func (a *acting) onService(ctx context.Context, h Host, s Streams, v actions.Verb, service string) error {
	r := a.request(h, v)
	r.Targets = []actions.Target{{Service: oneLine(service)}}
	return a.commit(ctx, h, s, 0, func() (actions.Plan, error) { return h.Operator.Plan(ctx, r) })
}

func (a *acting) onTargets(ctx context.Context, h Host, s Streams, v actions.Verb, args []string) error {
	if a.ttl < 0 {
		return Usagef("--for %s: a time can't be negative; write for instance 30m", a.ttl)
	}
	if a.file != "" { // megabytes are not read for whoever may not act
		if err := h.Operator.Actor().MayAct(); err != nil {
			return err
		}
	}
	targets, bad, err := readTargets(s, args, a.file)
	if err != nil {
		if h.Operator.Actor().Via == "ssh" && len(args) > 0 && (a.reason != "" || a.confirm != "") {
			err = Usagef("%w; ssh takes one pair of quotes away: write --reason \"'two words'\"", err)
		}
		return err
	}
	r := a.request(h, v)
	r.Targets = targets
	return a.commit(ctx, h, s, bad, func() (actions.Plan, error) { return h.Operator.Plan(ctx, r) })
}

// commit takes a plan through its confirmation to the enforcers and prints
// what became of it. unread is how many lines of a list named nothing.
func (a *acting) commit(ctx context.Context, h Host, s Streams, unread int, plan func() (actions.Plan, error)) error {
	format, err := ParseFormat(a.format)
	if err != nil {
		return err
	}
	p, err := plan()
	if err != nil {
		return err
	}
	refused := countRefusals(p.Refusals)
	if p.Token != "" || refused == 0 || len(p.Refusals) > 1 {
		tellRefusals(s, p.Refusals)
	}
	switch {
	case p.Token == "" && refused == 0 && len(p.Refusals) > 0:
		return nil // all of it stands already
	case p.Token == "":
		return &actions.RefusedError{Refusals: p.Refusals}
	}
	if a.preview {
		return tellPlan(s, p)
	}
	answer, err := a.answer(ctx, h, s, p)
	if err != nil {
		return err
	}
	done, err := h.Operator.Commit(ctx, p.Token, answer)
	if err != nil {
		return err
	}
	done = settled(ctx, h, done)
	if len(done) > 0 && done[0].TTL > 0 && done[0].TTL < a.ttl {
		fmt.Fprintf(s.Err, "levee: for %s, not %s: auto.max_ttl in levee.yaml allows no more\n", done[0].TTL, a.ttl)
	}
	if err := writeDecisions(s, format, done); err != nil {
		return err
	}
	return outcome(p, done, refused, unread)
}

// answer is the confirmation that the plan needs, from the flags. What a
// dialog would ask for is never taken for granted.
func (a *acting) answer(ctx context.Context, h Host, s Streams, p actions.Plan) (actions.Answer, error) {
	large := fmt.Sprintf("%d targets, %s", len(p.Request.Targets), usual(p.Impact))
	switch p.Needs {
	case actions.ConfirmTyped:
		if a.confirm != p.Type {
			return actions.Answer{}, fmt.Errorf("%s: not done, it touches %s; confirm it with --confirm %q", p.Request.Verb, large, p.Type)
		}
		return actions.Answer{Typed: a.confirm}, nil
	case actions.ConfirmTwo:
		switch {
		case a.breakGlass:
			return actions.Answer{BreakGlass: true}, nil
		case a.ask:
			return actions.Answer{}, h.Operator.AskApproval(ctx, p, func(code string) {
				fmt.Fprintf(s.Err, "levee: %s; waiting for another operator: levee approve %s\n", large, code)
			})
		}
		return actions.Answer{}, fmt.Errorf("%s: not done, it touches %s and needs a second person; add --ask and let another operator approve, or --break-glass, which is logged", p.Request.Verb, large)
	}
	return actions.Answer{}, nil
}

// settled waits a while for the enforcers.
func settled(ctx context.Context, h Host, done []actions.Decision) []actions.Decision {
	ids := make([]string, 0, len(done))
	for i := range done {
		ids = append(ids, done[i].ID)
	}
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	if now, _ := h.Operator.Settled(ctx, ids...); len(now) == len(done) { // late answers show as intent
		return now
	}
	return done
}

// outcome is what scripts see of an act.
func outcome(p actions.Plan, done []actions.Decision, refused, unread int) error {
	failed, unknown := 0, 0
	why := ""
	for i := range done {
		switch done[i].State {
		case actions.Failed:
			failed++
		case actions.Unknown:
			unknown++
		default:
			continue
		}
		if done[i].EndedBy != "" {
			why = ": " + done[i].EndedBy
		}
		for _, r := range done[i].Receipts {
			if !r.OK {
				why = ": " + r.Enforcer + ": " + r.Note
			}
		}
	}
	why = cmp.Or(why, ": no enforcer said why; levee doctor asks each of them")
	v := p.Request.Verb
	switch {
	case failed > 0:
		return fmt.Errorf("%s failed for %d of %d targets%s; see levee decisions", v, failed, len(done), oneLine(why))
	case unknown > 0:
		return fmt.Errorf("%s: the outcome is unknown for %d of %d targets%s; see levee decisions", v, unknown, len(done), oneLine(why))
	case refused > 0:
		return fmt.Errorf("%s: %d of %d targets were refused, see above; the others are done", v, refused, refused+len(done))
	case unread > 0:
		if unread == 1 {
			return Partialf("done, but 1 line of the list names no address or prefix")
		}
		return Partialf("done, but %d lines of the list name no address or prefix", unread)
	}
	return nil
}

// refusalsShown is how many refusals are told one by one.
const refusalsShown = 10

// countRefusals counts what the guardrails refused, without what is so
// already: asking twice is no mistake.
func countRefusals(rs []actions.Refusal) int {
	n := 0
	for _, r := range rs {
		if r.Rule != "duplicate" && r.Rule != "not_blocked" {
			n++
		}
	}
	return n
}

// tellRefusals says what the guardrails refused, the first few one by one.
func tellRefusals(s Streams, rs []actions.Refusal) {
	for i, r := range rs {
		if i == refusalsShown {
			fmt.Fprintf(s.Err, "levee: and %d more\n", len(rs)-i)
			return
		}
		fmt.Fprintf(s.Err, "levee: %s: %s\n", oneLine(r.Target.String()), oneLine(r.String()))
	}
}

// usual says what share of usual traffic an act touches, and what that may be in
// truth where few samples say so.
func usual(i actions.Impact) string {
	s := fmt.Sprintf("%.2f%% of usual traffic", 100*i.UsualShare)
	switch most := fmt.Sprintf("%.2f%%", 100*i.UsualMost); {
	case i.UsualNone:
		s += " (too little of it seen to tell)"
	case i.UsualMost > i.UsualShare:
		s += " (" + most + " at most)"
	}
	if i.Clients > 0 {
		s += fmt.Sprintf(", usual clients inside: %d", i.Clients)
	}
	return s
}

// tellPlan is --preview.
func tellPlan(s Streams, p actions.Plan) error {
	i := p.Impact
	excess := "unknown"
	if i.ExcessShare >= 0 {
		excess = fmt.Sprintf("%.0f%%", 100*i.ExcessShare)
	}
	_, err := fmt.Fprintf(s.Out, "%s of %d targets would touch %.2f requests/s: %s of the excess, %s; %d refused; needs: %s\n",
		p.Request.Verb, len(p.Request.Targets), i.Rate, excess, usual(i), len(p.Refusals), needs(p))
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for _, line := range i.Left {
		fmt.Fprintf(s.Err, "levee: left to the others by %s\n", oneLine(line))
	}
	for _, line := range i.Protected {
		fmt.Fprintf(s.Err, "levee: protected inside: %s\n", oneLine(line))
	}
	return nil
}

func needs(p actions.Plan) string {
	switch p.Needs {
	case actions.ConfirmTyped:
		return fmt.Sprintf("--confirm %q", p.Type)
	case actions.ConfirmTwo:
		return "a second person (--ask), or --break-glass"
	}
	return "nothing more"
}
