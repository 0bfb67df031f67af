package station

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/fleet"
	"levee/internal/status"
)

// fitFor is how old the newest log line may be on a host that leads auto mode,
// as it is for auto mode to begin anything.
const fitFor = 30 * time.Second

// peers is this station's part in its fleet. A nil one is a host on its own.
type peers struct {
	s      *Station
	node   *fleet.Node
	client *elastic.Client
}

// FleetKeys reads the keys of the fleet.
func FleetKeys(c config.Config) (fleet.Keys, error) {
	keys, err := fleet.ParseKeys(c.Fleet.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("fleet.key: %w", err)
	}
	return keys, nil
}

// openPeers returns nil when no fleet is configured.
func openPeers(s *Station) (*peers, error) {
	c := s.o.Config.Fleet
	if !c.Key.Set() || s.chronicle == nil {
		return nil, nil
	}
	keys, err := FleetKeys(s.o.Config)
	if err != nil {
		return nil, err
	}
	p := &peers{s: s}
	if p.client, err = elastic.New(ElasticOptions(s.o.Config.Elasticsearch)); err != nil {
		return nil, err
	}
	origin := s.chronicle.origin
	origin.Host = cmp.Or(c.Host, s.o.Name)
	p.node, err = fleet.New(fleet.Options{Name: c.Name, Host: origin.Host, Keys: keys, Canary: c.Canary,
		Index: elastic.NewShared(p.client, origin, c.Name, s.o.Now), Known: p.known, Fit: p.fit, Act: s.wishOfPeer, Note: p.note,
		Path: filepath.Join(s.o.StateDir, "fleet.json"), Now: s.o.Now, Log: s.o.Log})
	return p, err
}

// known is what the ledger knows of decisions.
func (p *peers) known(ctx context.Context, ids []string) (map[string]fleet.Known, error) {
	ds, err := p.s.ledger.ByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]fleet.Known, len(ds))
	for id, d := range ds {
		k := fleet.Known{Decision: d}
		if !d.State.Active() || d.EndedBy != "" {
			rows, err := p.s.ledger.History(ctx, id)
			if err != nil {
				return nil, err
			}
			if len(rows) > 0 {
				k.By = rows[len(rows)-1].Actor
			}
		}
		out[id] = k
	}
	return out, nil
}

// note keeps in the ledger what became of a canary: the extension of its acts to
// all hosts, or that they stay off them.
func (p *peers) note(ctx context.Context, key, text string) {
	if err := p.s.Record(ctx, actions.Auto, key, text); err != nil && ctx.Err() == nil {
		p.s.o.Log.Warn("what became of a canary was not written down", "canary", key, "error", err)
	}
}

// fit reports whether this host sees traffic: a leader that sees none may not
// begin anything.
func (p *peers) fit() bool {
	age := p.s.judge.age()
	return age >= 0 && age < fitFor
}

// forDispatcher is the node as the dispatcher knows it.
func (p *peers) forDispatcher() actions.Peers {
	if p == nil {
		return nil
	}
	return p.node
}

func (p *peers) host() string {
	if p == nil {
		return ""
	}
	return p.node.State().Host
}

func (p *peers) run(ctx context.Context) error {
	if p == nil {
		return nil
	}
	defer p.client.Close()
	return p.node.Run(ctx, p.s.dispatcher)
}

// wish passes q on to the leader when that is another host, and says in q when
// a canary goes first.
func (p *peers) wish(q *actions.Request) bool {
	if p == nil {
		return false
	}
	if p.node.Hold() != "" {
		p.node.Wish(*q)
		return true
	}
	if why := p.node.Canary(q.Incident); why != "" && (q.Verb == actions.Block || q.Verb == actions.Throttle || q.Verb == actions.Harden) {
		q.Reason += " (" + why + ")"
	}
	return false
}

// follows reports whether another host leads, and so tells people.
func (p *peers) follows() bool {
	if p == nil {
		return false
	}
	x := p.node.State()
	return x.Leader != "" && !x.Leads && !x.Alone
}

// shares reports whether the fleet keeps d in the index of decisions.
func (p *peers) shares(d *actions.Decision) bool {
	return p != nil && !d.DryRun && d.Verb != actions.Notify
}

func (p *peers) status() status.Peers {
	if p == nil {
		return status.Peers{}
	}
	s := p.node.State()
	return status.Peers{Configured: true, Host: s.Host, Leader: s.Leader, Leads: s.Leads, Term: s.Term, Hosts: s.Hosts, Alone: s.Alone,
		Since: s.Since, Share: s.Lately, Note: s.Why, Notes: s.Notes}
}
