package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// column is one column of the suspects table.
type column struct {
	name  string // for Options.Columns and :columns
	title string
	help  string
	width int
	grow  int // columns it may take more when there is room
	right bool
	rank  int // the lower, the longer it stays when the terminal narrows
	text  func(r *row, now time.Time) string
}

var columns = []column{
	{"score", "SCORE", "0 to 100 and its band", 6, 0, true, 1, func(r *row, _ time.Time) string {
		return string(band(r.s.Score)) + " " + strconv.Itoa(int(r.s.Score+0.5))
	}},
	{"source", "IP / PREFIX", "an address, an IPv6 /64, or a prefix", 16, 8, false, 0, func(r *row, _ time.Time) string { return prefixText(r.s.Key) }},
	{"cc", "CC", "country", 2, 0, false, 7, func(r *row, _ time.Time) string { return r.s.Country }},
	{"asn", "ASN", "network it belongs to", 8, 0, false, 5, func(r *row, _ time.Time) string {
		if r.s.ASN == 0 {
			return ""
		}
		return "AS" + strconv.FormatUint(uint64(r.s.ASN), 10)
	}},
	{"rps", "RPS", "requests a second now", 5, 0, true, 3, func(r *row, _ time.Time) string { return rate(r.s.Rate) }},
	{"delta", "Δ1m", "change of RPS within a minute", 5, 0, true, 5, func(r *row, _ time.Time) string { return signed(r.s.Delta) }},
	{"hits", "HITS", "requests since it was first seen", 5, 0, true, 8, func(r *row, _ time.Time) string { return number(float64(r.s.Hits)) }},
	{"err", "ERR%", "share of answers with an error", 5, 0, true, 4, func(r *row, _ time.Time) string { return strconv.Itoa(int(r.s.ErrorShare*100 + 0.5)) }},
	{"paths", "PATHS", "distinct paths it asks for", 5, 0, true, 9, func(r *row, _ time.Time) string { return number(float64(r.s.Paths)) }},
	{"agents", "UA", "distinct user agents", 3, 0, true, 9, func(r *row, _ time.Time) string { return number(float64(r.s.Agents)) }},
	{"rules", "RULES", "what speaks against it", 16, 24, false, 10, func(r *row, _ time.Time) string { return rules(r, 200) }},
	{"state", "STATE", "what was done about it", 10, 0, false, 2, func(r *row, _ time.Time) string {
		if r.gone && r.st.kind == standNone {
			return "gone quiet"
		}
		return r.st.word()
	}},
	{"ttl", "TTL", "how long that still lasts", 6, 0, true, 3, func(r *row, now time.Time) string {
		if r.st.decision == nil || !r.st.decision.State.Active() {
			return ""
		}
		return countdown(now, r.st.decision.Expires)
	}},
	{"by", "BY", "who did it", 6, 4, false, 6, func(r *row, _ time.Time) string { return r.st.by() }},
	{"attack", "ATTACK", "name of the attack", 19, 0, false, 12, func(r *row, _ time.Time) string { return attackName(r.s.Attack) }},
	{"path", "TOP PATH", "what it asks for most", 18, 40, false, 11, func(r *row, _ time.Time) string { return r.s.TopMethod + " " + r.s.TopPath }},
	{"agent", "USER AGENT", "user agent it sends most", 18, 60, false, 13, func(r *row, _ time.Time) string { return r.s.TopAgent }},
	{"service", "SERVICE", "host it asks most", 18, 10, false, 14, func(r *row, _ time.Time) string { return r.s.Service }},
}

// setColumns chooses columns by name; nil is the default.
func (t *table) setColumns(names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == n }) {
			var known []string
			for _, c := range columns {
				known = append(known, c.name)
			}
			return fmt.Errorf("there is no column %q; columns: %s", n, strings.Join(known, " "))
		}
	}
	t.cols = names
	return nil
}

// placed is a column with the width it got.
type placed struct {
	*column
	w int
}

// layout chooses the columns that fit into w: the most important ones first,
// and what is left over goes to those that can use it.
func (t *table) layout(w int) []placed {
	var want []*column
	if len(t.cols) > 0 {
		for _, n := range t.cols {
			i := slices.IndexFunc(columns, func(c column) bool { return c.name == n })
			want = append(want, &columns[i])
		}
	} else {
		for i := range columns {
			if n := columns[i].name; t.networks || n != "asn" && n != "cc" {
				want = append(want, &columns[i])
			}
		}
	}
	byRank := slices.Clone(want)
	slices.SortStableFunc(byRank, func(a, b *column) int { return a.rank - b.rank })
	room, taken := w-3, map[*column]bool{} // columns for the cursor and the flag
	for _, c := range byRank {
		if c.width+1 > room {
			break // nothing less important takes the place of what did not fit
		}
		taken[c] = true
		room -= c.width + 1
	}
	out := make([]placed, 0, len(taken))
	for _, c := range want {
		if taken[c] {
			out = append(out, placed{c, c.width})
		}
	}
	if len(out) == 0 && len(want) > 0 {
		out = append(out, placed{want[min(1, len(want)-1)], max(w-3, 1)})
	}
	for i := range out {
		if n := min(room, out[i].grow); n > 0 {
			out[i].w += n
			room -= n
		}
	}
	return out
}

// fit scrolls so that the cursor is among the rows that h lines show.
func (t *table) fit(h int) {
	if h > 3 {
		h--
	}
	t.page = max(h, 1)
	t.scroll(t.page)
}

// draw writes the column heads and h-1 rows.
func (t *table) draw(c *canvas, th *theme, now time.Time, h int, empty string) {
	t.line = -1
	if len(t.rows) == 0 {
		if h > 0 {
			c.line(th.dim, " "+empty)
		}
		c.blank(h - 1)
		return
	}
	cols := t.layout(c.w)
	if h > 3 {
		c.put(th.dim, "   ")
		for _, col := range cols {
			title := col.title
			if col.name == t.sort {
				title += map[bool]string{true: "↑", false: "↓"}[t.up]
			}
			c.cell(th.dim, title, col.w, col.right)
			c.put(th.dim, " ")
		}
		c.end()
		h--
	}
	t.line = c.rows
	for i := t.top; i < len(t.rows) && i < t.top+h; i++ {
		t.drawRow(c, th, cols, i, now)
	}
	drawn := max(min(len(t.rows)-t.top, h), 0)
	c.blank(h - drawn)
}

// scroll keeps the cursor among the h lines shown.
func (t *table) scroll(h int) {
	if t.cursor < t.top {
		t.top = t.cursor
	}
	if t.cursor >= t.top+h {
		t.top = t.cursor - h + 1
	}
	t.top = max(min(t.top, len(t.rows)-h), 0)
}

func (t *table) drawRow(c *canvas, th *theme, cols []placed, i int, now time.Time) {
	r := &t.rows[i]
	p := r.st.pen(th, r.s.Score)
	if r.gone && r.st.kind == standNone {
		p = th.dim
	}
	mark, flag := " ", r.st.flag()
	if i == t.cursor {
		mark, p = ">", th.cursor
	}
	if t.marks[r.s.Key] {
		flag = "*"
	}
	c.put(p, mark+flag+" ")
	for _, col := range cols {
		text := col.text(r, now)
		switch col.name {
		case "source":
			text = middle(text, col.w)
		case "rules":
			text = rules(r, col.w)
		}
		c.cell(p, text, col.w, col.right)
		c.put(p, " ")
	}
	if i == t.cursor {
		c.fill(p)
	}
	c.end()
}
