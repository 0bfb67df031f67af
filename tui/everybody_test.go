package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"levee/actions"
)

// daemonHands can do what only somebody at a daemon can.
type daemonHands struct {
	hands
	said   *[]string
	reload func() (string, error)
}

func (h daemonHands) Say(text string) error {
	if text == "too much" {
		return errors.New("say: that is more than the others can read")
	}
	*h.said = append(*h.said, text)
	return nil
}

func (h daemonHands) Reload(context.Context) (string, error) { return h.reload() }

func TestReloadFromTheConsole(t *testing.T) {
	said, err := "levee.yaml is reloaded: allow; changes of elasticsearch.urls wait for a restart, which keeps every decision", error(nil)
	f := newFake()
	d := sit(t, f, 80, 24, plain)
	d.m.op = daemonHands{hands: hands{f, ana}, reload: func() (string, error) { return said, err }}
	d.command("reload")
	d.sees("levee.yaml was read again", "levee.yaml is reloaded: allow", "changes of elasticsearch.urls wait for a restart")
	d.keys("esc")
	err = errors.New("reload: nothing changed: levee.yaml:1: unknown key \"colour\"\nlevee.yaml:3: unknown key \"levl\"; did you mean \"level\"?")
	d.command("reload")
	d.sees("levee.yaml was not taken over", "nothing changed: levee.yaml:1: unknown key", "levee.yaml:3: unknown key")
	d.keys("esc")
	d.command("reload now")
	d.sees("takes no argument")
	d.m.op = hands{f, ana}
	d.command("reload")
	d.sees("restart this one")
}

func TestSayFromTheConsole(t *testing.T) {
	f := newFake()
	var said []string
	d := sit(t, f, 80, 24, plain)
	d.m.op = daemonHands{hands: hands{f, actions.Actor{Name: "bo", Role: actions.Viewer}}, said: &said}
	d.command("say don't block 203.0.113.9, it is a customer")
	if got := strings.Join(said, "|"); got != "don't block 203.0.113.9, it is a customer" {
		t.Errorf("said %q", got)
	}
	d.command("say")
	d.sees("needs what to say")
	d.command("say too much")
	d.sees("more than the others can read")
}
