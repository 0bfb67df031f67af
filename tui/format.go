package tui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"levee/actions"
	"levee/detect"
)

// number writes n in at most five columns: 7, 412, 9.8k, 24k, 1.3M.
func number(n float64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return "n/a"
	case n >= 1e15:
		return sign + ">1e15"
	}
	units := [...]string{"", "k", "M", "G", "T"}
	u := 0
	for n >= 999.5 && u < len(units)-1 {
		n, u = n/1000, u+1
	}
	if u > 0 && n < 9.95 {
		return sign + strconv.FormatFloat(n, 'f', 1, 64) + units[u]
	}
	return sign + strconv.FormatFloat(n, 'f', 0, 64) + units[u]
}

// rate writes requests/s: one decimal below 10, because 0.4 is not 0.
func rate(n float64) string {
	if n > 0 && n < 9.95 {
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return number(n)
}

// signed writes a change with its sign.
func signed(n float64) string {
	switch {
	case n >= 0.5:
		return "+" + number(n)
	case n > -0.5:
		return "0"
	}
	return number(n)
}

// percent writes a share of 0 to 1: 71%, 0.3%, <0.1%.
func percent(share float64) string {
	p := share * 100
	switch {
	case math.IsNaN(p):
		return "n/a"
	case p == 0:
		return "0%"
	case p < 0.05:
		return "<0.1%"
	case p < 9.95:
		return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0") + "%"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + "%"
}

// span writes a duration in its two or three most telling columns: 45s, 28m, 6h, 3d.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 2*time.Minute:
		return strconv.Itoa(int((d+time.Second-1)/time.Second)) + "s"
	case d < 2*time.Hour:
		return strconv.Itoa(int((d+time.Minute/2)/time.Minute)) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int((d+time.Hour/2)/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "d"
}

// countdown writes what is left of a TTL; the last two minutes tick in seconds.
func countdown(now, until time.Time) string {
	if until.IsZero() {
		return ""
	}
	if d := until.Sub(now); d > 0 {
		return span(d)
	}
	return "ending"
}

// age writes how old data is: 0.4s, 12s, 5m.
func age(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return span(d)
}

// latency writes a time to serve: 12ms, 1840ms, 12s.
func latency(d time.Duration) string {
	switch {
	case d < 0:
		return "n/a"
	case d < 10*time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return span(d)
}

// clock writes a moment of the day, UTC.
func clock(t time.Time) string {
	if t.IsZero() {
		return "--:--:--"
	}
	return t.UTC().Format("15:04:05")
}

// clockOf is clock for Unix seconds.
func clockOf(sec int64) string { return clock(time.Unix(sec, 0)) + "Z" }

// sinceText writes " since 03:12:07Z", or nothing when the moment is not known.
func sinceText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + clock(t) + "Z"
}

// size writes bytes: 812 B, 3.4 MiB.
func size(n int64) string {
	f, u := float64(n), 0
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}
	for f >= 1024 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	if u == 0 || f >= 100 {
		return strconv.FormatFloat(f, 'f', 0, 64) + " " + units[u]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[u]
}

// band is the letter of a score: C, H, M or L.
func band(score float64) byte {
	switch {
	case score >= 90:
		return 'C'
	case score >= 80:
		return 'H'
	case score >= 60:
		return 'M'
	}
	return 'L'
}

// attackName writes an attack's name in words.
func attackName(a detect.Attack) string {
	if a == "" {
		return "unclear"
	}
	return strings.ReplaceAll(string(a), "_", " ")
}

// middle shortens an address or prefix to w columns by its middle: neighbours
// differ at their end.
func middle(s string, w int) string {
	if len(s) <= w || w < 8 || measure(s) != len(s) {
		return s // short enough, or not plain ASCII, which is cut at its end
	}
	tail := (w - 1) * 2 / 3
	return s[:w-1-tail] + "…" + s[len(s)-tail:]
}

// plural writes "1 source", "3 sources".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "s") {
		one += "e" // addresses
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// wording writes the names that attacks, acts and rules have in records as
// people do. Only those names: an underscore in a path or a job is left alone.
var wording = newWording()

func newWording() *strings.Replacer {
	var pairs []string
	add := func(name string) {
		if strings.Contains(name, "_") {
			pairs = append(pairs, name, strings.ReplaceAll(name, "_", " "))
		}
	}
	for _, a := range detect.Attacks {
		add(string(a))
	}
	for _, v := range [...]actions.Verb{actions.ScaleUp, actions.ScaleDown} {
		add(string(v))
	}
	for _, r := range [...]string{"allow_list", "own_address", "not_blocked", "bad_target", "heavy_usual", "active_blocks", "blocks_per_minute", "scale_ups_per_hour", "usual_share", "too_wide", "own_range", "trusted_proxy", "may_act"} {
		add(r)
	}
	return strings.NewReplacer(pairs...)
}

// inWords writes a message for people: distributed flood, not
// distributed_flood. A word that holds anything else than letters and the name
// itself, such as a path, stays as it is.
func inWords(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	var b strings.Builder
	for i, w := range strings.Split(s, " ") {
		if i > 0 {
			b.WriteByte(' ')
		}
		core := strings.Trim(w, ":;,.()\"'")
		if strings.Trim(core, "abcdefghijklmnopqrstuvwxyz_") == "" {
			w = wording.Replace(w)
		}
		b.WriteString(w)
	}
	return b.String()
}
