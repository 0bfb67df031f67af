package tui

import (
	"os"
	"strings"
	"testing"
)

// The page about the console names every action, key, command, column, field
// and screen that there is.
func TestThePageIsTrue(t *testing.T) {
	text, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	has := func(what, s string) {
		if !strings.Contains(page, "`"+s+"`") {
			t.Errorf("docs/console.md does not name the %s `%s`", what, s)
		}
	}
	for _, b := range defaultBindings() {
		if b.name == "screens" {
			continue // stands for the digits
		}
		has("action", b.name)
		for _, k := range b.keys {
			has("key", strings.ReplaceAll(k, " ", "space"))
		}
	}
	for _, c := range columns {
		has("column", c.name)
	}
	for _, f := range strings.Fields(fieldNames) {
		has("field", f)
	}
	for _, n := range commandList {
		if !strings.Contains(page, "`:"+n.name+"`") && !strings.Contains(page, "`:"+n.name+" ") {
			t.Errorf("docs/console.md does not name the command :%s", n.name)
		}
	}
	d := sit(t, newFake(), 80, 24)
	for i := range scrSource {
		if !strings.Contains(page, "| "+d.m.screens[i].title(d.m)+" |") {
			t.Errorf("docs/console.md does not name the screen %s", d.m.screens[i].title(d.m))
		}
	}
}
