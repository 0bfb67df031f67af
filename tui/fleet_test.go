package tui

import "testing"

// The fleet's sources carry this levee's word for them, and enter opens the
// source as this levee knows it.
func TestFleetBesideLocal(t *testing.T) {
	f := newFake()
	fleetNight(f)
	d := sit(t, f, 120, 36, plain)
	d.keys("0")
	d.sees("FLEET", "HERE", "41k", "9.8k", "203.0.113.200", "BLOCKED")
	d.keys("j j enter")
	if got := d.m.screens[scrSource].(*sourceScreen).at; got != pfx("2001:db8:7::/64") {
		t.Fatalf("enter opened %v", got)
	}
	d.keys("- J")
	d.sees("can't be copied from") // there is something to copy, and no clipboard
	f.fleet.Partial = true
	d.wait(1e9)
	d.sees("the figures are too low")
}

// Hostile names from a cluster are as harmless as those from a log.
func TestFleetIsHarmless(t *testing.T) {
	for _, h := range hostile {
		f := newFake()
		fleetNight(f)
		f.fleet.Sources[0].Name, f.fleet.Hosts[0].Name, f.fleet.Paths[0].Name, f.fleet.Problem = h, h, h, h
		for _, s := range [][2]int{{20, 5}, {60, 15}, {120, 36}} {
			d := sit(t, f, s[0], s[1])
			customer(f)
			f.recalled.Paths[0].Name, f.recalled.Accounts[0].Name, f.recalled.Agents[0].Name, f.recalled.Problem = h, h, h, h
			d.keys("0 enter G")
			fits(t, d.m.View(), s[0], s[1])
		}
	}
}
