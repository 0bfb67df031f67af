package tui

import (
	"slices"
	"strings"
	"testing"
)

// Columns are chosen in a dialog; what is chosen holds at once.
func TestColumnsAreChosen(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain)
	d.keys("V")
	d.sees("Columns 1-", "[x] SCORE", "[ ] USER AGENT")
	d.keys("down space")
	d.sees("the source stays")
	d.keys("down space") // the country
	if slices.Contains(d.m.table.cols, "cc") || !slices.Contains(d.m.table.cols, "asn") {
		t.Fatalf("columns are %v", d.m.table.cols)
	}
	d.keys("up up right") // the score behind the source
	if strings.Join(d.m.table.cols[:2], " ") != "source score" {
		t.Fatalf("columns are %v", d.m.table.cols)
	}
	d.keys("esc")
	head := d.row("IP / PREFIX")
	if strings.Index(head, "IP / PREFIX") > strings.Index(head, "SCORE") || strings.Contains(head, " CC ") {
		t.Fatalf("the heads say %q", head)
	}
	d.keys("V a enter")
	if d.m.table.cols != nil {
		t.Fatalf("a leaves %v", d.m.table.cols)
	}
	for _, s := range [][2]int{{20, 5}, {60, 9}, {300, 100}} {
		d.size(s[0], s[1])
		d.keys("V down down down up G space right esc")
	}
}

// Every action of a key is a command as well, under its name.
func TestEveryActionIsACommand(t *testing.T) {
	for _, b := range defaultBindings() {
		if b.name == "screens" {
			continue
		}
		d := sit(t, newFake(), 120, 36, plain)
		d.m.notices = nil
		d.command(b.name)
		if s := d.screen(); strings.Contains(s, "there is no command") {
			t.Errorf(":%s is no command:\n%s", b.name, s)
		}
	}
	d := sit(t, newFake(), 120, 36, plain)
	d.command("hold")
	d.sees("ORDER HELD: z releases")
	d.command("zoom-out")
	d.sees("Traffic 1h")
	d.command("prefix")
	d.sees(":prefix does nothing on this screen; it works on a source (enter)")
	d.command("hold now")
	d.sees("hold takes no argument")
	if got := d.m.completed("zoom-o"); got != "zoom-out " {
		t.Errorf("zoom-o is completed to %q", got)
	}
}
