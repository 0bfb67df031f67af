package command

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"levee/detect"
)

// mostOnlyHere is how many sources the table names that one policy alone blocks.
const mostOnlyHere = 5

func writeTrials(w io.Writer, f Format, ts []*Trial) error {
	if f != Table {
		return list(w, f, "", ts, nil)
	}
	b := bufio.NewWriter(w)
	writeTrialTable(b, ts)
	for _, t := range ts {
		writeTrialRest(b, t, len(ts) > 1)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// writeTrialTable prints a column a policy.
func writeTrialTable(w io.Writer, ts []*Trial) {
	tab := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	row := func(name string, of func(*Trial) string) {
		fmt.Fprint(tab, name)
		for _, t := range ts {
			fmt.Fprint(tab, "\t", of(t))
		}
		fmt.Fprintln(tab)
	}
	row("policy", func(t *Trial) string { return t.Policy })
	row("level", func(t *Trial) string { return t.levels() })
	row("requests", func(t *Trial) string { return fmt.Sprint(t.Requests) })
	for _, a := range attacksOf(ts) {
		row("incidents "+string(a), func(t *Trial) string { return fmt.Sprint(t.Incidents[a]) })
	}
	row("sources worth a block", func(t *Trial) string { return fmt.Sprint(t.Worth) })
	row("sources blocked", func(t *Trial) string { return fmt.Sprintf("%d, %d at once at most", t.Blocked, t.Peak) })
	row("  here over 1m before", func(t *Trial) string { return fmt.Sprint(t.HereBefore) })
	row("requests stopped", func(t *Trial) string {
		return fmt.Sprintf("%d (%.1f%%)", t.Stopped, 100*float64(t.Stopped)/float64(max(t.Requests, 1)))
	})
	row("  of sources here before", func(t *Trial) string { return fmt.Sprint(t.StoppedOld) })
	row("usual traffic blocked", func(t *Trial) string { return fmt.Sprintf("%.2f%% at most", 100*t.Usual) })
	row("signatures limited", func(t *Trial) string { return fmt.Sprint(len(t.Limits)) })
	row("scale-ups, scale-downs", func(t *Trial) string { return fmt.Sprintf("%d, %d", t.ScaleUps, t.ScaleDowns) })
	_ = tab.Flush() // what it writes to keeps the error
}

// writeTrialRest prints what needs a line of its own.
func writeTrialRest(w io.Writer, t *Trial, many bool) {
	in := ""
	if many {
		in = t.Policy + ": "
	}
	for _, l := range t.Limits {
		sig, err := json.Marshal(l.Signature)
		if err != nil {
			sig = []byte("{}")
		}
		fmt.Fprintf(w, "%s%s %s on %s %s: %.0f%% of the excess, %.2f%% of usual traffic\n", in, l.Do, l.Attack, l.Service, sig, 100*l.Excess, 100*l.Collateral)
	}
	if n := len(t.OnlyHere); n > 0 {
		more := ""
		if n > mostOnlyHere {
			more = fmt.Sprintf(" and %d more (-o json lists them)", n-mostOnlyHere)
		}
		fmt.Fprintf(w, "only %s blocks %s%s\n", t.Policy, strings.Join(t.OnlyHere[:min(n, mostOnlyHere)], ", "), more)
	}
}

// levels says how far the policy may go.
func (t *Trial) levels() string {
	parts := []string{string(t.Level)}
	for _, s := range slices.Sorted(maps.Keys(t.Levels)) {
		parts = append(parts, fmt.Sprintf("%s on %s", t.Levels[s], s))
	}
	return strings.Join(parts, ", ")
}

// attacksOf lists the names of all incidents.
func attacksOf(ts []*Trial) []detect.Attack {
	all := map[detect.Attack]bool{}
	for _, t := range ts {
		for a := range t.Incidents {
			all[a] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
