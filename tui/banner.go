package tui

import (
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// drawBanner tells the worst thing that goes on, or that all is calm. What
// does not fit is left out whole, the least important first.
func (m *Model) drawBanner(c *canvas) {
	d, th := m.d, m.th
	t := d.snap.Total
	blocked := "blocked " + number(float64(d.stand.blocks))
	if b := d.board.Auto.Budget.ActiveBlocks; b > 0 {
		blocked += "/" + number(float64(b))
	}
	queue := ""
	if d.board.Queue > 0 {
		queue = "queue " + strconv.Itoa(d.board.Queue)
	}
	rps := rate(t.Rate) + " req/s"
	if t.Baseline > 0 && t.Rate > 1.5*t.Baseline {
		rps += " (x" + rate(t.Rate/t.Baseline) + " usual)"
	}
	errors, away := d.failures()
	wrong := "err " + percent(errors)
	if away >= 0.01 {
		wrong = percent(away) + " turned away  " + wrong
	}
	broken := ""
	if d.broken > 0 {
		broken = strconv.Itoa(d.broken) + " NO EFFECT"
	}
	in, drops := d.top, d.drops()
	switch {
	case d.status.Host.Silent && (d.stale || d.status.DataAge < 0 || in == nil):
		silence := "the log is quiet, this host is not"
		if d.stale {
			silence = "no log line for " + age(d.status.DataAge)
		}
		if c.w < 80 {
			silence = "" // what is dropped says more
		}
		m.bannerLine(c, th.hostile, true, " NOT CALM  "+drops, m.keyOf("health")+": why", silence, blocked, queue)
		return
	case d.status.DataAge < 0:
		m.bannerLine(c, th.warn, false, " no data yet: nothing can be judged", m.keyOf("health")+" shows the inputs", blocked)
		return
	case d.stale:
		m.bannerLine(c, th.hostile, true, " STALE  no log line for "+age(d.status.DataAge), "what you see may be over", m.keyOf("health")+" shows the inputs", blocked, queue)
		return
	}
	if in == nil {
		usual, learning := "", ""
		if t.Baseline > 0 {
			usual = "usual " + rate(t.Baseline)
		}
		if d.snap.Learning {
			learning = "still learning what is usual"
		}
		if drops != "" {
			m.bannerLine(c, th.warn, false, " "+drops, m.keyOf("health")+": why", rps, usual, wrong, blocked, queue, learning)
			return
		}
		m.bannerLine(c, th.calm, false, " calm", rps, broken, usual, wrong, blocked, queue, learning)
		return
	}
	what, where := " ATTACK  "+attackName(in.Attack), ""
	if in.Signature.Path != "" {
		where = " on " + in.Signature.Path
	} else if in.Service != "" {
		where = " on " + in.Service
	}
	since := "for " + span(d.snap.Now.Sub(in.Opened))
	if c.w >= 100 {
		since = "since " + in.Opened.UTC().Format("15:04") + " (" + span(d.snap.Now.Sub(in.Opened)) + ")"
	}
	more := ""
	if d.open > 1 {
		more = "+" + strconv.Itoa(d.open-1) + " more" + d.others(c.w) + ": " + m.keyOf("incident") + " " + m.keyOf("next")
	}
	need := ""
	if d.need == 0 && d.broken == 0 && len(d.snap.Suspects) > 0 {
		need = "all suspects handled"
	}
	if d.need > 0 {
		need = m.keyOf("open-only") + ": " + needYou(d.need)
	}
	if !in.Attack.Hostile() {
		what, advice := " "+strings.ToUpper(attackName(in.Attack)), m.crowdAdvice(in.Attack, c.w)
		if measure(what+where)+2+measure(advice) <= c.w {
			what += where // where it is may be missing, that nobody is to be blocked may not
		}
		m.bannerLine(c, th.crowd, false, what, advice, more, rps, since, wrong)
		return
	}
	p, do := th.hostile, m.keyOf("incident")+": what to do"
	if m.contained(in) {
		p = th.contained // it goes on, but nobody is hurt
		what, need, do = " CONTAINED  "+attackName(in.Attack), "nothing needs you", m.keyOf("incident")+": details"
	}
	what += where
	m.bannerLine(c, p, true, what, rps, broken, more, need, do, drops, since, wrong, blocked, queue)
}

// ratesOver is the time that the rates of a snapshot are a mean of: what began
// later shows in them only in part.
const ratesOver = 10 * time.Second

// contained reports whether the attack in goes on and nobody is hurt: its sources
// are dealt with and that helps, or it never amounted to much.
func (m *Model) contained(in *detect.Incident) bool {
	d, t := m.d, m.d.snap.Total
	return d.need == 0 && d.broken == 0 && !m.unstopped(in) && d.snap.Now.Sub(in.Opened) >= ratesOver && t.Baseline > 0 && t.Rate < 1.5*t.Baseline
}

// unstopped reports whether in gets through above what is usual and has no source
// that could be dealt with one by one.
func (m *Model) unstopped(in *detect.Incident) bool {
	return in.Enrolled == 0 && in.Rate-in.Refused > 1.5*in.Baseline
}

// needYou counts the suspects that nobody has dealt with.
func needYou(n int) string {
	if n == 1 {
		return "1 needs you"
	}
	return strconv.Itoa(n) + " need you"
}

// crowdAdvice says what a surge that is no attack needs.
func (m *Model) crowdAdvice(a detect.Attack, w int) string {
	add := m.keyOf("scale")
	switch {
	case a != detect.FlashCrowd:
		return "no attack: watch it (" + m.keyOf("incident") + ")"
	case w < 44:
		return "real people: " + add
	case w < 90:
		return "real visitors: " + add + " adds servers"
	}
	return "real visitors: add servers (" + add + "), block nobody"
}

// bannerLine writes what goes on and the parts that fit beside it.
func (m *Model) bannerLine(c *canvas, p pen, fill bool, what string, parts ...string) {
	room := c.w - min(measure(what), max(c.w/2, 24))
	tail := ""
	for _, s := range parts {
		if s != "" && measure(tail)+2+measure(s) <= room {
			tail += "  " + s
		}
	}
	c.cell(p, what, min(measure(what), c.w-measure(tail)), false)
	c.put(p, tail)
	if fill {
		c.fill(p)
	}
	c.end()
}
