package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/detect"
)

// caseOf returns what people keep about an incident; kept is false where this
// station keeps nothing.
func (m *Model) caseOf(incident string) (c Case, kept bool) {
	f, ok := m.feed.(Casebook)
	if !ok {
		return Case{}, false
	}
	return f.Case(incident), true
}

// whyNoCase says why nobody can take an incident or write about it.
func whyNoCase(m *Model) string {
	if why := mayAct(m); why != "" {
		return why
	}
	if _, kept := m.caseOf(""); !kept {
		return "this levee keeps no owners and notes"
	}
	if _, ok := m.op.(Caseworker); !ok {
		return "this levee keeps no owners and notes"
	}
	if m.incident() == nil {
		return "no incident is open"
	}
	return ""
}

// takeIncident makes the incident the operator's own; one that belongs to
// somebody else only after a yes.
func (m *Model) takeIncident() tea.Cmd {
	in := m.incident()
	c, _ := m.caseOf(in.ID)
	switch c.Owner {
	case m.d.me.Name:
		m.say("info", "it is yours already; :handover NAME gives it to somebody else")
		return nil
	case "":
		return m.own(in.ID, "", m.d.me.Name)
	}
	id, from := in.ID, c.Owner
	m.open(&askDialog{title: "Take it over from " + from + "?", yes: "take it over", words: []string{
		from + " has had incident " + id + sinceText(c.Since) + ".", "Everybody is told that it is yours now.",
	}, do: func(m *Model) tea.Cmd { return m.own(id, from, m.d.me.Name) }}, false)
	return nil
}

func (m *Model) own(incident, from, to string) tea.Cmd {
	w := m.op.(Caseworker)
	return m.run(to+" has incident "+incident+" now", func(ctx context.Context) error { return w.Own(ctx, incident, from, to) })
}

// askNote opens a line for a note about the incident.
func (m *Model) askNote() tea.Cmd {
	id := m.incident().ID
	m.prompt = &prompt{lead: "note: ", plain: true, accept: func(m *Model, text string) tea.Cmd { return m.note(id, text) }}
	return nil
}

func (m *Model) note(incident, text string) tea.Cmd {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	w := m.op.(Caseworker)
	return m.run("noted", func(ctx context.Context) error { return w.Note(ctx, incident, text) })
}

// cmdOwn is :own.
func (m *Model) cmdOwn([]string) (tea.Cmd, error) {
	if why := whyNoCase(m); why != "" {
		return nil, errorText(why)
	}
	return m.takeIncident(), nil
}

// cmdNote is :note TEXT.
func (m *Model) cmdNote(args []string) (tea.Cmd, error) {
	if why := whyNoCase(m); why != "" {
		return nil, errorText(why)
	}
	if len(args) == 0 {
		return nil, errorText("needs the text of the note")
	}
	return m.note(m.incident().ID, strings.Join(args, " ")), nil
}

// cmdHandover is :handover NAME.
func (m *Model) cmdHandover(args []string) (tea.Cmd, error) {
	if why := whyNoCase(m); why != "" {
		return nil, errorText(why)
	}
	if len(args) != 1 {
		return nil, errorText(m.named("needs the name of who takes the incident over; {incident}, then {copy} copies the hand-over text"))
	}
	id := m.incident().ID
	c, _ := m.caseOf(id)
	return m.own(id, c.Owner, args[0]), nil
}

// cmdMute is :mute [FOR|off].
func (m *Model) cmdMute(args []string) (tea.Cmd, error) {
	if why := whyNoCase(m); why != "" {
		return nil, errorText(why)
	}
	w, ok := m.op.(Muter)
	if !ok {
		return nil, errorText("this levee tells nobody")
	}
	d := time.Hour
	switch {
	case len(args) > 1:
		return nil, errorText("takes one time, such as 30m, or off")
	case len(args) == 1 && args[0] == "off":
		d = 0
	case len(args) == 1:
		var err error
		if d, err = time.ParseDuration(args[0]); err != nil || d <= 0 {
			return nil, errorText("takes a time such as 30m, or off")
		}
	}
	id, done := m.incident().ID, "messages about it go again"
	if d > 0 {
		done = "nobody is told of it for " + d.String()
	}
	return m.run(done, func(ctx context.Context) error { return w.Mute(ctx, id, d) }), nil
}

// peopleWords completes the names of who is here.
func peopleWords(m *Model) []string {
	var out []string
	for _, p := range m.d.status.People {
		out = append(out, p.Name)
	}
	return out
}

// owner writes whose the incident is, with the key that changes it.
func (s *incidentScreen) owner(m *Model, t *writer, in *detect.Incident) {
	c, kept := m.caseOf(in.ID)
	if !kept {
		return
	}
	switch {
	case c.Owner == "" && in.Closed.IsZero():
		t.pairIn(m.th.warn, "owner", "nobody yet: "+m.keyOf("own")+" makes it yours")
	case c.Owner == "":
		t.pair("owner", "nobody took it")
	default:
		text := c.Owner + sinceText(c.Since)
		if c.Owner == m.d.me.Name {
			text += " (you; :handover NAME gives it away)"
		}
		t.pair("owner", text)
	}
	if in.Closed.IsZero() && c.Muted.After(m.d.status.Now) {
		t.pairIn(m.th.warn, "muted", "by "+c.MutedBy+" until "+clock(c.Muted)+"Z: nobody is told of it; :mute off ends that")
	}
}

// notes lists what people wrote about the incident, latest first.
func (s *incidentScreen) notes(m *Model, t *writer, in *detect.Incident) {
	c, kept := m.caseOf(in.ID)
	if !kept {
		return
	}
	t.head("Notes")
	t.indent = 20
	for i := len(c.Notes) - 1; i >= 0; i-- {
		n := &c.Notes[i]
		t.pair(clock(n.At)+"Z "+n.By, n.Text)
	}
	t.indent = 0
	if len(c.Notes) == 0 {
		t.add(m.th.dim, " none yet: "+m.keyOf("note")+" writes one")
	}
}

// errorText is an error of the console's own words.
type errorText string

func (e errorText) Error() string { return string(e) }
