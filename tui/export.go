package tui

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"levee/actions"
	"levee/detect"
)

// sheet is what is on screen as a table, for CSV and JSON. Text in it is
// harmless already.
type sheet struct {
	what string // "32 suspects"
	head []string
	rows [][]any
}

// sheet returns the rows of the current screen, those that don't fit on it
// included and those that the filter hides left out; nil where there are none.
func (m *Model) sheet() *sheet {
	switch s := m.screens[m.at].(type) {
	case *overviewScreen, *suspectsScreen:
		return suspectSheet(m.table.rows)
	case *blocksScreen:
		return decisionSheet(s.shown)
	case *auditScreen:
		return decisionSheet(s.all)
	case *jobsScreen:
		return jobSheet(m.d.board.Jobs)
	case *sourceScreen:
		return requestSheet(s.view.Recent)
	case *fleetScreen:
		return fleetSheet(s.fleet.Sources)
	case *incidentScreen:
		return incidentSheet(m.d.snap.Incidents)
	}
	return nil
}

func fleetSheet(list []detect.Share) *sheet {
	sh := &sheet{what: plural(len(list), "source"), head: []string{"source", "requests", "share"}}
	for _, x := range list {
		sh.add(x.Name, x.Count, round(x.Share, 1000))
	}
	return sh
}

func suspectSheet(rows []row) *sheet {
	sh := &sheet{what: plural(len(rows), "suspect"), head: []string{"source", "score", "attack", "rps", "hits", "error_share", "method", "path", "user_agent", "asn", "state", "by"}}
	for i := range rows {
		r := &rows[i]
		sh.add(prefixText(r.s.Key), round(r.s.Score, 1), string(r.s.Attack), round(r.s.Rate, 10), r.s.Hits, round(r.s.ErrorShare, 1000),
			r.s.TopMethod, r.s.TopPath, r.s.TopAgent, r.s.ASN, r.st.word(), r.st.by())
	}
	return sh
}

func decisionSheet(ds []*actions.Decision) *sheet {
	sh := &sheet{what: plural(len(ds), "decision"), head: []string{"id", "act", "target", "state", "by", "via", "created", "expires", "ended_by", "incident", "reason"}}
	for _, d := range ds {
		sh.add(d.ID, string(d.Verb), targetText(d.Target), stateName(d), d.Actor.Name, d.Actor.Via, d.Created, d.Expires, d.EndedBy, d.Incident, d.Reason)
	}
	return sh
}

func jobSheet(js []actions.Job) *sheet {
	sh := &sheet{what: plural(len(js), "job"), head: []string{"job", "number", "act", "state", "triggered", "ended", "url", "why"}}
	for i := range js {
		j := &js[i]
		sh.add(j.Name, j.Number, string(j.Verb), jobState(j), j.Triggered, j.Ended, j.URL, j.Why)
	}
	return sh
}

func requestSheet(rs []detect.Sample) *sheet {
	sh := &sheet{what: plural(len(rs), "request"), head: []string{"time", "source", "method", "path", "status", "user_agent"}}
	for i := range rs {
		r := &rs[i]
		sh.add(r.Time, r.Source.String(), r.Method, r.Target, r.Status, r.Agent)
	}
	return sh
}

func incidentSheet(ins []detect.Incident) *sheet {
	sh := &sheet{what: plural(len(ins), "incident"), head: []string{"id", "service", "attack", "opened", "closed", "rps", "usual_rps", "peak_rps", "excess_share", "usual_share", "sources", "enrolled", "signature"}}
	for i := range ins {
		in := &ins[i]
		sh.add(in.ID, in.Service, string(in.Attack), in.Opened, in.Closed, round(in.Rate, 10), round(in.Baseline, 10), round(in.Peak, 10),
			round(in.Excess, 1000), round(in.Collateral, 1000), in.Sources, in.Enrolled, signatureText(in.Signature))
	}
	return sh
}

// add takes one row: text is made harmless, a moment that is not known is nil.
func (sh *sheet) add(cells ...any) {
	for i, c := range cells {
		switch v := c.(type) {
		case string:
			cells[i] = clean(v)
		case time.Time:
			cells[i] = nil
			if !v.IsZero() {
				cells[i] = v.UTC().Format(time.RFC3339)
			}
		}
	}
	sh.rows = append(sh.rows, cells)
}

// round keeps as many decimals as the power of ten has zeros.
func round(n, ten float64) float64 { return float64(int64(n*ten+.5)) / ten }

// csv writes the sheet for a spreadsheet.
func (sh *sheet) csv() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(sh.head) // a Buffer takes all
	for _, r := range sh.rows {
		line := make([]string, len(r))
		for i, c := range r {
			switch v := c.(type) {
			case nil:
			case string:
				line[i] = formulaSafe(v)
			default:
				line[i] = fmt.Sprint(v)
			}
		}
		_ = w.Write(line)
	}
	w.Flush()
	return b.Bytes()
}

// json writes one object a line, as `-o jsonl` does.
func (sh *sheet) json() ([]byte, error) {
	var b bytes.Buffer
	for _, r := range sh.rows {
		for i, c := range r {
			v, err := json.Marshal(c)
			if err != nil {
				return nil, fmt.Errorf("write %s: %w", sh.head[i], err)
			}
			b.WriteString([...]string{"{", ","}[min(i, 1)])
			fmt.Fprintf(&b, "%q:%s", sh.head[i], v)
		}
		b.WriteString("}\n")
	}
	return b.Bytes(), nil
}

// as writes the sheet in a format by name.
func (sh *sheet) as(format string) ([]byte, error) {
	switch format {
	case "csv":
		return sh.csv(), nil
	case "json", "jsonl":
		return sh.json()
	}
	return nil, fmt.Errorf("%q is no format to export: use csv or json", format)
}

// formulaSafe makes text harmless for a spreadsheet, which takes a cell that
// begins with one of = + - @ for a formula.
func formulaSafe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		return "'" + s
	}
	return s
}

// copySheet copies what is on screen to the terminal's clipboard.
func (m *Model) copySheet(format string) tea.Cmd {
	sh := m.sheet()
	if sh == nil || len(sh.rows) == 0 {
		m.say("info", "there are no rows on this screen to copy")
		return nil
	}
	out, err := sh.as(format)
	if err != nil {
		m.say("warn", err.Error())
		return nil
	}
	return m.copyText(sh.what+" as "+strings.ToUpper(format), string(out))
}

// cmdExport is :export FILE; the end of its name is the format.
func (m *Model) cmdExport(args []string) (tea.Cmd, error) {
	if len(args) != 1 {
		return nil, errors.New("needs one file name that ends in .csv or .json")
	}
	if m.opt.Save == nil {
		return nil, errors.New("this console runs with the rights of a levee elsewhere, which writes no files for you; C and J copy to your clipboard")
	}
	name := args[0]
	sh := m.sheet()
	if sh == nil || len(sh.rows) == 0 {
		return nil, errors.New("there are no rows on this screen")
	}
	out, err := sh.as(name[strings.LastIndexByte(name, '.')+1:])
	if err != nil {
		return nil, err
	}
	save, what := m.opt.Save, sh.what
	return func() tea.Msg {
		if err := save(name, out); err != nil {
			return saidMsg{"warn", "export: " + err.Error()}
		}
		return saidMsg{"ok", what + " written to " + name}
	}, nil
}

// SaveNew writes a file that must not exist yet, for Options.Save of a console
// that runs with the rights of the person who sits at it. Nobody else may read
// the file: it holds addresses of people.
func SaveNew(name string, data []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("nothing was written, give another name: %s exists already", name) // a long name is cut at the end
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("write %s: %w", name, cerr)
		}
	}()
	if _, err = f.Write(data); err != nil {
		err = fmt.Errorf("write %s: %w", name, err)
	}
	return err
}
