package tui

import (
	"strconv"
	"strings"

	"levee/actions"
)

// jobsScreen follows Jenkins builds from the queue to their result.
type jobsScreen struct {
	list list
	of   *actions.Board
}

func (s *jobsScreen) title(*Model) string { return "Jobs" }

func (s *jobsScreen) load(m *Model) {
	b := m.d.board
	s.of = b
	s.list.sync(len(b.Jobs), func(i int) string { return b.Jobs[i].Request + b.Jobs[i].Name })
}

func (s *jobsScreen) move(_ *Model, n int) { s.list.move(n) }
func (s *jobsScreen) enter(*Model)         {}

func (s *jobsScreen) draw(m *Model, c *canvas, h int) {
	stop := c.rows + h
	jobs := m.d.board.Jobs
	jk := m.d.status.Jenkins
	note := "Jenkins ok"
	if !jk.Configured {
		note = "Jenkins is not configured (actions.jenkins in levee.yaml)"
	} else if !jk.OK {
		note = "Jenkins DOWN " + jk.Note
	}
	m.heading(c, m.crumbs(note))
	if len(jobs) == 0 {
		c.line(m.th.dim, m.named(" no job was started yet; {scale} asks Jenkins for more servers"))
		c.blank(stop - c.rows)
		return
	}
	rows := min(len(jobs), max(h/2-1, 2))
	if h < 8 {
		rows = max(h-1, 1)
	}
	from, to := s.list.window(c.rows, rows)
	for i := from; i < to; i++ {
		j := &jobs[i]
		end := m.d.now()
		if !j.Ended.IsZero() {
			end = j.Ended
		}
		fs := []field{{clock(j.Triggered), 8, false}, {verbName(j.Verb), 10, false}, {j.Name, 18, false}, {jobNumber(j), 7, true}, {jobState(j), 9, false},
			{span(end.Sub(j.Triggered)), 4, true}, {j.Why, 0, false}}
		if c.w < 72 {
			fs = fs[2:]
		}
		m.listRow(c, m.jobPen(j), i == s.list.cursor, fs...)
	}
	if c.rows < stop {
		s.drawConsole(m, c, stop)
	}
	c.blank(stop - c.rows)
}

// drawConsole shows the end of the selected build's output.
func (s *jobsScreen) drawConsole(m *Model, c *canvas, stop int) {
	j := &m.d.board.Jobs[s.list.cursor]
	m.heading(c, "Console of "+j.Name+" "+jobNumber(j)+"  "+jobPath(j))
	if j.Console == "" {
		c.line(m.th.dim, " no output yet "+j.URL)
		return
	}
	lines := strings.Split(strings.TrimRight(j.Console, "\n"), "\n")
	for _, l := range lines[max(len(lines)-(stop-c.rows), 0):] {
		c.line(m.th.text, " "+strings.ReplaceAll(strings.TrimRight(l, "\r"), "\t", "    "))
	}
}

// jobPath draws the way a job goes, as far as it came.
func jobPath(j *actions.Job) string {
	switch j.State {
	case "sending":
		return "[sending] → queue → build → result"
	case "queued":
		return "sent → [queue] → build → result"
	case "running":
		return "sent → queue → [build] → result"
	}
	return "sent → queue → build → [" + jobState(j) + "]"
}

func jobNumber(j *actions.Job) string {
	switch {
	case j.Number > 0:
		return "#" + strconv.FormatInt(j.Number, 10)
	case j.QueueID > 0:
		return "q" + strconv.FormatInt(j.QueueID, 10)
	}
	return "-"
}

// jobState writes a state; a lost one is UNKNOWN, never taken for a success.
func jobState(j *actions.Job) string {
	switch j.State {
	case "lost":
		return "UNKNOWN"
	case "failure", "error", "aborted", "unstable":
		return strings.ToUpper(j.State)
	}
	return j.State
}

func (m *Model) jobPen(j *actions.Job) pen {
	switch j.State {
	case "success":
		return m.th.good
	case "sending", "queued", "running":
		return m.th.job
	case "lost":
		return m.th.unknown
	case "cancelled":
		return m.th.dim
	}
	return m.th.failed
}
