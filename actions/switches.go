package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// switches are what people set for auto mode; they survive a restart.
type switches struct {
	AutoOn bool      `json:"auto_on"`
	Armed  bool      `json:"armed"`
	By     string    `json:"by,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

const switchesKey = "automation"

func (s *switches) load(settings map[string]string, on bool) error {
	*s = switches{AutoOn: on, Armed: true}
	text, ok := settings[switchesKey]
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return fmt.Errorf("the ledger's setting %s: %w; set auto mode again", switchesKey, err)
	}
	return nil
}

// Disarm stops all automation at once: nothing new is begun by auto mode and
// what it decided and was not sent is cancelled. What stands stays until its
// TTL ends. It holds at once, even when it can't be written down; then the
// error says that a restart would forget it.
func (d *Dispatcher) Disarm(ctx context.Context, by Actor) error {
	return d.turn(ctx, by, func(s *switches) { s.Armed = false }, "automation stopped")
}

// Arm lets automation act again.
func (d *Dispatcher) Arm(ctx context.Context, by Actor) error {
	return d.turn(ctx, by, func(s *switches) { s.Armed = true }, "automation armed")
}

// SetAuto switches auto mode on or off. Off, it only suggests.
func (d *Dispatcher) SetAuto(ctx context.Context, on bool, by Actor) error {
	text := "auto mode off"
	if on {
		text = "auto mode on"
	}
	return d.turn(ctx, by, func(s *switches) { s.AutoOn = on }, text)
}

func (d *Dispatcher) turn(ctx context.Context, by Actor, set func(*switches), text string) error {
	if by.Role != Operator && by.Role != Admin {
		return &RefusedError{[]Refusal{{Rule: "role", Value: fmt.Sprintf("%s is a %s", by.Name, orNobody(by.Role)), Mend: "ask an operator"}}}
	}
	now := d.now()
	d.mu.Lock()
	before := d.switches
	next := before
	set(&next)
	next.By, next.Since = by.Name, now
	// Stopping must not wait for a disk; starting must.
	stops := before.Armed && !next.Armed || before.AutoOn && !next.AutoOn
	if stops {
		d.switches = next
		if !next.Armed {
			d.cancelUnsent(by)
		}
	}
	d.mu.Unlock()
	value, err := json.Marshal(next)
	if err == nil {
		err = d.writeInOrder(ctx, []Entry{{Kind: Set, At: now, Actor: by, Key: switchesKey, Value: string(value)}})
	}
	if err == nil {
		d.mu.Lock()
		d.switches = next
		d.mu.Unlock()
		d.notices.add(now, "warn", text+" by "+by.Name)
	} else if stops {
		err = fmt.Errorf("%s, but a restart would forget it: %w", text, err)
		d.notices.add(now, "error", err.Error())
	}
	d.tellAuto()
	d.nudge()
	return err
}

// cancelUnsent ends what auto mode decided and no enforcer was asked for yet.
// Lanes drop the orders they find cancelled. The caller holds mu.
func (d *Dispatcher) cancelUnsent(by Actor) {
	for _, r := range d.records {
		if r.auto() && r.state == Intent && r.took == 0 && r.end == "" {
			d.lift(r, Undone, by, "stopped by "+by.Name)
		}
	}
}

// tellAuto lets auto mode know whether it may act.
func (d *Dispatcher) tellAuto() {
	if d.o.Auto == nil {
		return
	}
	d.mu.Lock()
	s := d.switches
	d.mu.Unlock()
	switch {
	case !s.Armed:
		d.o.Auto.Hold("automation was stopped by " + s.By + "; A arms it again")
	case !s.AutoOn:
		d.o.Auto.Hold("auto mode is off; A switches it on")
	default:
		d.o.Auto.Hold("")
	}
}
