package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Switches are what people set for auto mode; they survive a restart.
type Switches struct {
	AutoOn bool      `json:"auto_on"`
	Armed  bool      `json:"armed"`
	By     string    `json:"by,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Rev    uint64    `json:"rev,omitempty"`    // the fleet's version they are or follow from; 0: none
	Unsent bool      `json:"unsent,omitempty"` // set here and not known to the fleet yet
}

// SwitchesKey names the Set entries of Switches.
const SwitchesKey = "automation"

func (s *Switches) load(settings map[string]string, on bool) error {
	*s = Switches{AutoOn: on, Armed: true}
	text, ok := settings[SwitchesKey]
	if !ok {
		return nil
	}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return fmt.Errorf("the ledger's setting %s: %w; set auto mode again", SwitchesKey, err)
	}
	return nil
}

// Disarm stops all automation at once: nothing new is begun by auto mode and
// what it decided and was not sent is cancelled. What stands stays until its
// TTL ends. It holds at once, even when it can't be written down; then the
// error says that a restart would forget it.
func (d *Dispatcher) Disarm(ctx context.Context, by Actor) error {
	return d.turn(ctx, by, func(s *Switches) { s.Armed = false }, true, "automation stopped")
}

// Arm lets automation act again.
func (d *Dispatcher) Arm(ctx context.Context, by Actor) error {
	return d.turn(ctx, by, func(s *Switches) { s.Armed = true }, false, "automation armed")
}

// SetAuto switches auto mode on or off. Off, it only suggests.
func (d *Dispatcher) SetAuto(ctx context.Context, on bool, by Actor) error {
	text := "auto mode off"
	if on {
		text = "auto mode on"
	}
	return d.turn(ctx, by, func(s *Switches) { s.AutoOn = on }, !on, text)
}

func (d *Dispatcher) turn(ctx context.Context, by Actor, set func(*Switches), stops bool, text string) error {
	if err := by.MayAct(); err != nil {
		return err
	}
	now := d.now()
	d.mu.Lock()
	before := d.switches
	next := before
	set(&next)
	next.By, next.Since, next.Unsent = by.Name, now.Round(0), d.o.Peers != nil
	// Stopping must not wait for a disk or for other hosts; starting must.
	if stops {
		d.switches = next
		if !next.Armed {
			d.cancelUnsent(by)
		}
	}
	d.mu.Unlock()
	if d.o.Peers != nil && !stops {
		var err error
		if next, err = d.o.Peers.Arm(ctx, next); err != nil {
			d.notices.add(now, "warn", err.Error())
			return err
		}
	}
	err := d.writeSwitches(ctx, next, by)
	if err == nil && !stops && !d.turned(before, next) {
		// A stop that came meanwhile stays, on disk too.
		now := d.Switches()
		return errors.Join(fmt.Errorf("automation was stopped meanwhile by %s; look, then arm again", now.By), d.writeSwitches(ctx, now, by))
	}
	if err == nil {
		d.notices.add(now, "warn", text+" by "+by.Name)
	} else if stops {
		err = fmt.Errorf("%s, but a restart would forget it: %w", text, err)
		d.notices.add(now, "error", err.Error())
	}
	d.tellAuto()
	d.nudge()
	return err
}

// turned sets next unless the switches are no longer what they were before. It
// may be that the fleet said the same meanwhile.
func (d *Dispatcher) turned(before, next Switches) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.switches != before && (d.switches.Unsent || d.switches.Rev >= next.Rev) {
		return d.switches.Armed == next.Armed && d.switches.AutoOn == next.AutoOn
	}
	d.switches = next
	return true
}

// writeSwitches brings s to the ledger.
func (d *Dispatcher) writeSwitches(ctx context.Context, s Switches, by Actor) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return d.writeInOrder(ctx, []Entry{{Kind: Set, At: d.now(), Actor: by, Key: SwitchesKey, Value: string(value)}})
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
