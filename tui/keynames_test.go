package tui

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/detect"
)

// aKey finds a default key that a sentence tells to press.
var aKey = regexp.MustCompile(`(?:^|[ (,:])([a-zA-Z0-9?]|enter|space)(?: or [a-z]+)? +(lists|shows|undoes|lifts|throttles|adds|blocks (?:it|its|the)|arms|opens|again|help|detail|unblock|undo|filter|allow|mark|sort|` +
	`auto|note|own|next|copies|writes one|makes it yours|turns|closes|releases|follows it|says|the prefix|in a console|until|harden)\b`)

// Every sentence names the keys of this console, whatever they were made.
func TestMessagesNameTheConfiguredKeys(t *testing.T) {
	keys := map[string]string{}
	bound := map[string]string{}
	for i, b := range defaultBindings() {
		if b.name == "stop" || b.name == "screens" {
			continue
		}
		keys[b.name] = fmt.Sprintf("alt+%c", 'A'+i)
		bound[b.name] = keys[b.name]
	}
	states := map[string]func(*fake){
		"attack": nil, "crowd": flashCrowd, "over": over, "owned": owned, "asked": asked, "scaled": scaled, "two": twoIncidents,
		"calm":     func(f *fake) { f.snap, f.board = calm(), &actions.Board{} },
		"disarmed": func(f *fake) { f.board.Auto.Armed, f.board.Auto.DisarmedBy = false, "bo" },
		"suggest":  func(f *fake) { f.board.Auto.On = false },
		"stale":    func(f *fake) { f.status.DataAge = 2 * time.Minute },
		"no data":  func(f *fake) { f.snap, f.status.DataAge = &detect.Snapshot{}, -1 },
	}
	for name, change := range states {
		f := newFake()
		if change != nil {
			change(f)
		}
		d := sit(t, f, 120, 36, plain, func(o *Options) { o.Keys = keys })
		check := func(what string) {
			for _, l := range strings.Split(d.screen(), "\n") {
				if m := aKey.FindString(l); m != "" && !strings.Contains(m, "y ") {
					t.Errorf("%s, %s: the line tells to press %q, which does nothing here:\n%s", name, what, strings.TrimSpace(m), l)
				}
			}
		}
		check("overview")
		for _, b := range d.m.keys {
			if b.name == "quit" || b.name == "screens" {
				continue
			}
			d.m.dialog, d.m.prompt = nil, nil
			d.time = d.time.Add(time.Second)
			d.m.notices = nil
			d.send(keyMsg(b.keys[0]))
			if d.m.at == scrHelp || d.m.prompt != nil {
				continue // help lists commands and marks with single letters too; a prompt has its own keys
			}
			check(b.name)
		}
		d.m.dialog, d.m.prompt = nil, nil
		d.send(keyMsg("~"))
		check("an unknown key")
		for _, at := range []screenID{scrSource, scrMessages, scrIncident, scrBlocks, scrJobs, scrAudit, scrAuto} {
			d.m.goTo(at)
			check(d.m.screens[at].title(d.m))
		}
	}
}

// named puts keys in, and only where an action is named.
func TestNamed(t *testing.T) {
	m := sit(t, newFake(), 80, 24, func(o *Options) { o.Keys = map[string]string{"block": "{ }"} }).m
	for in, want := range map[string]string{
		"{block} blocks it, {undo} undoes": "{ blocks it, u undoes", "none": "none", "{block": "{block", "": "", "{scale}": "s", "{nothing} x": ":nothing x",
	} {
		if got := m.named(in); got != want {
			t.Errorf("named(%q) = %q, want %q", in, got, want)
		}
	}
}
