package station

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"levee/actions"
	"levee/actions/notify"
	"levee/detect"
	"levee/internal/status"
)

// tellPeople passes what becomes of an incident on to whoever is to be told. In
// a fleet the leader tells: hosts that see the same attack in their logs must
// not wake the same person each for themselves.
func (s *Station) tellPeople(e detect.Event) {
	if e.Incident == nil {
		return
	}
	n := notify.OfIncident(e.Kind, e.Incident, e.Time)
	if e.Kind == detect.IncidentClose {
		s.cases.over(e.Incident.ID)
	}
	if s.peers.follows() {
		if e.Kind != detect.IncidentChange { // how it goes on, the leader's own log says
			s.peers.node.Wish(newsWish(e.Kind, e.Incident, n.Text))
		}
		return
	}
	s.announce(n)
}

func (s *Station) announce(n notify.Event) {
	if s.notifier != nil {
		s.notifier.Tell(n)
	}
}

// newsWish asks the leader to tell people of an incident. Its evidence is the
// kind of event alone, which tells it from a playbook's notify.
func newsWish(kind detect.EventKind, in *detect.Incident, text string) actions.Request {
	return actions.Request{Verb: actions.Notify, Targets: []actions.Target{{Service: in.Service}}, Actor: actions.Auto, Attack: in.Attack,
		Incident: in.ID, Reason: text, Evidence: []string{string(kind)}, Score: float64(notify.OfIncident(kind, in, time.Time{}).Severity)}
}

// What a person did with an incident on a host that does not tell people, in the
// evidence of the wish that passes it on, with what was said.
const (
	ownerWish = "incident owner" // and to whom it belongs
	muteWish  = "incident mute"  // and until when
)

// passOn passes what a person did with an incident here on to the host that
// tells people, and returns the words for that; "" when this host tells them.
func (p *peers) passOn(incident, text string, what ...string) string {
	if !p.follows() {
		return ""
	}
	p.node.Wish(actions.Request{Verb: actions.Notify, Targets: []actions.Target{{}}, Actor: actions.Auto, Incident: incident, Reason: text, Evidence: what})
	return "; passed on to " + cmp.Or(p.node.State().Leader, "the host") + ", which tells people"
}

// ofPerson does here what a person did with an incident on another host, and
// reports whether q says such a thing.
func (s *Station) ofPerson(q actions.Request) bool {
	if q.Verb != actions.Notify || len(q.Evidence) != 2 || q.Incident == "" {
		return false
	}
	switch x := q.Evidence[1]; q.Evidence[0] {
	case ownerWish:
		if s.notifier != nil {
			s.notifier.Acknowledge(q.Incident, said(x))
		}
	case muteWish:
		until, err := time.Parse(time.RFC3339, x)
		if err != nil {
			return true // no console of ours says that
		}
		if most := s.o.Now().Add(muteMost); until.After(most) {
			until = most
		}
		if s.notifier != nil {
			s.notifier.Mute(q.Incident, until)
		}
	default:
		return false
	}
	s.tell("info", said(q.Reason))
	return true
}

// wishOfPeer carries out what another host asks this one for, which leads.
func (s *Station) wishOfPeer(ctx context.Context, q actions.Request) {
	if s.ofPerson(q) {
		return
	}
	if q.Verb != actions.Notify || len(q.Evidence) != 1 || len(q.Targets) != 1 {
		s.carryOut(ctx, q)
		return
	}
	switch kind := detect.EventKind(q.Evidence[0]); kind {
	case detect.IncidentOpen, detect.IncidentClose:
		service := q.Targets[0].Service
		s.announce(notify.Event{Incident: q.Incident, Service: service, Title: newsTitle(q.Attack, service), Text: q.Reason, Peer: true,
			Severity: max(notify.Info, min(notify.Severity(q.Score), notify.Critical)), Resolved: kind == detect.IncidentClose, At: s.o.Now()})
	default:
		s.carryOut(ctx, q)
	}
}

func newsTitle(a detect.Attack, service string) string {
	return fmt.Sprintf("%s on %s", cmp.Or(a, detect.Unclear), service)
}

// tellRollBack says that auto mode took an act of its own back, and why: on the
// message line and to whoever is told of the incident.
func (s *Station) tellRollBack(q *actions.Request) {
	s.tell("warn", q.Reason)
	service := q.Targets[0].Service
	if len(q.Seen) > 0 {
		service = q.Seen[0].Service
	}
	s.announce(notify.Event{Incident: q.Incident, Service: service, Title: newsTitle(q.Attack, service),
		Text: "auto mode took its own act back: " + q.Reason, Severity: notify.Critical, Urgent: true, At: s.o.Now()})
}

// muteMost is how long an incident may be kept quiet.
const muteMost = 24 * time.Hour

// Mute keeps the messages about an incident back for so long, at most a day; 0
// lets them go again. Consoles show the incident as before.
func (o *Operator) Mute(ctx context.Context, incident string, d time.Duration) error {
	a, err := o.mayKeep("mute")
	switch {
	case err != nil:
		return err
	case d < 0 || d > muteMost:
		return fmt.Errorf("mute: %s is no time to be quiet; give up to 24h, or 0 to hear of it again", d)
	case o.s.notifier == nil:
		return errors.New("mute: nobody is told anything; list places under notify: in levee.yaml")
	}
	until := o.s.o.Now().Add(d)
	if !o.s.notifier.Mute(incident, until) && !o.s.peers.follows() {
		return fmt.Errorf("mute: nobody was told of an incident %q on this host; levee incidents lists them", said(incident))
	}
	if err := o.s.cases.change(incident, func(c *status.Case) error {
		if c.Muted, c.MutedBy = until, a.Name; d == 0 {
			c.Muted, c.MutedBy = time.Time{}, ""
		}
		return nil
	}); err != nil {
		return err
	}
	what, value := a.Name+" lets messages about incident "+incident+" go again", "0s"
	if d > 0 {
		what, value = a.Name+" mutes incident "+incident+" for "+d.String(), d.String()
	}
	o.s.tell("info", what+o.s.peers.passOn(incident, what, muteWish, until.UTC().Format(time.RFC3339)))
	return o.s.Record(ctx, a, "incident mute "+incident, value)
}

// over forgets that an incident is muted: it is told of no more.
func (c *cases) over(incident string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x, ok := c.of[incident]; ok {
		x.Muted, x.MutedBy = time.Time{}, ""
		c.of[incident] = x
	}
}
