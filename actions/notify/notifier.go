package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"levee/actions"
	"levee/actions/internal/safe"
)

// Options describes a Notifier. Targets are required; the zero value of
// everything else is the default written beside it.
type Options struct {
	Name    string // what receipts call it; default "notify"
	Targets []Target

	Wait     time.Duration // before an incident's first message, for more news to join it; default 5s, none when critical
	Interval time.Duration // least time between messages on one incident; default 5m
	Repeat   time.Duration // reminder while nobody acknowledges; default 4h
	Escalate time.Duration // unacknowledged this long, it goes to Escalation targets; default 10m

	Now func() time.Time // default time.Now
}

// Target is one place to tell. Its URL often holds a token and is a secret as
// a whole.
type Target struct {
	Name       string // default: the URL's scheme and a number
	URL        string // a shoutrrr URL: slack://…, smtp://…, discord://…
	URLFile    string // file whose first line is the URL
	Least      Severity
	Escalation bool // told only what nobody acknowledged
}

// Notifier tells people. It implements actions.Enforcer for the verb notify.
type Notifier struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	targets []*target // replaced as a whole
	groups  *groups
}

var _ actions.Enforcer = (*Notifier)(nil)

// New returns a Notifier that tells nothing before Run.
func New(o Options) (*Notifier, error) {
	if len(o.Targets) == 0 {
		return nil, errors.New("notify: nobody to tell; give at least one url")
	}
	o.Name = cmp.Or(o.Name, "notify")
	o.Wait = cmp.Or(o.Wait, 5*time.Second)
	o.Interval = cmp.Or(o.Interval, 5*time.Minute)
	o.Repeat = cmp.Or(o.Repeat, 4*time.Hour)
	o.Escalate = cmp.Or(o.Escalate, 10*time.Minute)
	if o.Now == nil {
		o.Now = time.Now
	}
	n := &Notifier{o: o, groups: newGroups(o), wake: make(chan struct{}, 1)}
	if err := n.SetTargets(o.Targets); err != nil {
		return nil, err
	}
	return n, nil
}

// Run delivers until ctx ends.
func (n *Notifier) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	running := map[*target]context.CancelFunc{}
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		targets := n.told()
		for t, stop := range running {
			if !slices.Contains(targets, t) {
				stop()
				delete(running, t)
			}
		}
		for _, t := range targets {
			if running[t] == nil {
				one, stop := context.WithCancel(ctx)
				running[t] = stop
				work.Go(func() { t.run(one) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-n.wake:
		}
		n.mu.Lock()
		due := n.groups.due(n.o.Now())
		n.mu.Unlock()
		for _, m := range due {
			for _, t := range n.told() {
				if t.wants(m) {
					t.push(m)
				}
			}
		}
	}
}

// Tell takes a piece of news. It never blocks.
func (n *Notifier) Tell(e Event) {
	if e.At.IsZero() {
		e.At = n.o.Now()
	}
	n.mu.Lock()
	n.groups.add(e)
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Acknowledge says that somebody looks after an incident: no escalation and no
// reminders unless it gets worse. It reports whether the incident is known.
func (n *Notifier) Acknowledge(incident, who string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	x := n.groups.of(safe.Text(incident, 128))
	if x == nil {
		return false
	}
	x.acked = cmp.Or(safe.Text(who, 64), "somebody")
	return true
}

// Mute keeps an incident quiet until a time. It reports whether the incident
// is known.
func (n *Notifier) Mute(incident string, until time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	x := n.groups.of(safe.Text(incident, 128))
	if x == nil {
		return false
	}
	x.muted = until
	return true
}

// Status is how deliveries to one target go.
type Status struct {
	Name   string
	Sent   uint64
	Failed uint64    // messages given up
	Error  string    // of the last delivery, "" when it went through; no secrets
	At     time.Time // of the last delivery
}

// Status returns one entry a target, in the order of the configuration.
func (n *Notifier) Status() []Status {
	targets := n.told()
	all := make([]Status, len(targets))
	for i, t := range targets {
		all[i] = t.report()
	}
	return all
}

// Test sends a message to every target at once and waits for the outcomes, in
// the order of the configuration; nil is delivered.
func (n *Notifier) Test(ctx context.Context) []error {
	targets := n.told()
	errs := make([]error, len(targets))
	var work sync.WaitGroup
	for i, t := range targets {
		work.Go(func() {
			errs[i] = t.deliver(ctx, message{key: "test", title: "[levee] info: test of the alert chain (test)", body: "If you can read this, levee can reach you here.", severity: Info})
		})
	}
	work.Wait()
	return errs
}

// Name returns Options.Name.
func (n *Notifier) Name() string { return n.o.Name }

// Handles reports whether d asks to tell people.
func (n *Notifier) Handles(d actions.Decision) bool { return d.Verb == actions.Notify }

// Apply queues news of ds. OK means queued; Status tells of deliveries.
func (n *Notifier) Apply(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	receipts, places := make([]actions.Receipt, len(ds)), len(n.told())
	for i, d := range ds {
		e := Event{
			Incident: d.Incident, Service: d.Target.Service, Severity: Warning, At: n.o.Now(),
			Title: fmt.Sprintf("%s on %s", cmp.Or(string(d.Attack), "unclear"), cmp.Or(d.Target.Service, d.Target.String(), "a service")), Text: d.Reason,
		}
		if !d.Attack.Hostile() {
			e.Severity = Info
		}
		if e.Text == "" {
			e.Text = e.Title
		}
		n.Tell(e)
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: n.o.Name, OK: true, At: n.o.Now(), Note: fmt.Sprintf("queued for %d places", places)}
	}
	return receipts, nil
}

// Revoke does nothing: what was said was said.
func (n *Notifier) Revoke(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: n.o.Name, OK: true, At: n.o.Now()}
	}
	return receipts, nil
}

// List returns actions.ErrNoList.
func (n *Notifier) List(context.Context) ([]actions.Held, error) { return nil, actions.ErrNoList }

// Check says which target's last delivery failed.
func (n *Notifier) Check(context.Context) error {
	all := n.Status()
	i := slices.IndexFunc(all, func(s Status) bool { return s.Error != "" })
	if i < 0 {
		return nil
	}
	return fmt.Errorf("notify: %s: %s; try: levee notify test", all[i].Name, all[i].Error)
}
