package tui

import (
	"strconv"
	"strings"

	"levee/actions"
)

// drawHead writes the status bar and, where there is room, the banner.
func (m *Model) drawHead(c *canvas) {
	m.drawStatus(c)
	if c.h >= 8 {
		m.drawBanner(c)
	}
}

// automation is what automation may do, in one word, and how to write it.
func (m *Model) automation() (string, pen) {
	a := m.d.board.Auto
	switch {
	case !a.Armed:
		word := "DISARMED"
		if a.DisarmedBy != "" {
			word += " by " + a.DisarmedBy
		}
		return word, m.th.disarmed
	case m.d.board.DryRun:
		return "DRY RUN", m.th.suggest
	case !a.On || a.Level == actions.LevelSuggest || a.Level == actions.LevelObserve:
		if a.Level == actions.LevelObserve {
			return "OBSERVE", m.th.suggest
		}
		return "SUGGEST", m.th.suggest
	}
	return "ARMED:auto", m.th.armed
}

func (m *Model) drawStatus(c *canvas) {
	d, th := m.d, m.th
	word, wp := m.automation()
	wide := c.w >= 100
	c.put(th.bar, " ")
	if wide {
		c.put(th.bar, "levee  ")
	}
	c.cell(th.bar, d.status.Name, min(measure(d.status.Name), max(c.w/5, 4)), false)
	c.put(th.bar, " ")
	if c.w < 40 {
		word, _, _ = strings.Cut(word, " ")
	}
	c.put(wp, " "+word+" ")
	c.put(th.bar, " ")
	right := m.statusRight(wide)
	room := c.w - c.col - measure(right) - 3
	for _, who := range [...]string{m.who(wide), m.who(false), d.me.Name + ":" + string(d.me.Role), d.me.Name} {
		if measure(who) <= room {
			c.put(th.bar, who)
			break
		}
	}
	c.space(th.bar, c.w-measure(right)-1)
	p := th.bar
	if d.stale || d.status.DataAge < 0 {
		p = th.disarmed
	}
	age, rest, _ := strings.Cut(right, "|")
	c.put(p, age)
	c.put(th.bar, rest)
	c.fill(th.bar)
	c.end()
}

// who tells who is here.
func (m *Model) who(wide bool) string {
	me := m.d.me
	if me.Name == "" {
		return "view only"
	}
	n := max(len(m.d.status.People), 1)
	if !wide || n == 1 {
		s := me.Name + ":" + string(me.Role)
		if n > 1 {
			s += " +" + strconv.Itoa(n-1)
		}
		return s
	}
	names := make([]string, 0, n)
	for _, p := range m.d.status.People {
		role := string(p.Role)
		if p.You {
			role = "you:" + role
		}
		names = append(names, p.Name+"("+role+")")
	}
	s := strconv.Itoa(n) + " here: " + strings.Join(names, " ")
	if measure(s) > 44 {
		s = me.Name + ":" + string(me.Role) + " +" + strconv.Itoa(n-1)
	}
	return s
}

// statusRight is the right end of the status bar; a | parts the data's age,
// which is written in its own way, from the rest.
func (m *Model) statusRight(wide bool) string {
	st := m.d.status
	data := "no data yet"
	if st.DataAge >= 0 {
		data = "data " + age(st.DataAge) + " old"
	}
	if m.w < 70 {
		data = strings.TrimSuffix(strings.TrimPrefix(data, "data "), " old")
	}
	out := data + "|"
	if st.Shed > 0 && m.w >= 70 {
		out += "  SHED " + number(float64(st.Shed))
	}
	for _, l := range [...]struct {
		long, short string
		Link
	}{{"ES", "ES", st.Elastic}, {"Jenkins", "JK", st.Jenkins}} {
		switch {
		case !l.Configured || m.w < 50:
		case m.w >= 70 && l.OK:
			out += "  " + l.long + " ok"
		case m.w >= 70:
			out += "  " + l.long + " DOWN"
		case l.OK:
			out += " " + l.short + "+"
		default:
			out += " " + l.short + " DOWN"
		}
	}
	out += peersShort(st.Peers, m.w)
	switch {
	case wide || m.w >= 30 && m.w < 70:
		out += "  " + clock(st.Now) + "Z"
	case m.w >= 70:
		out += "  " + clock(st.Now)[:5] + "Z"
	}
	return out
}
