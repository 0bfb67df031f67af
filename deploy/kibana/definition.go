package kibana

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Definition is dashboards.yaml.
type Definition struct {
	Views      map[string]View  `yaml:"views"`  // by index or data stream
	Panels     map[string]Panel `yaml:"panels"` // by ID
	Dashboards []Dashboard      `yaml:"dashboards"`
}

// View is a data view: an index as Kibana knows it.
type View struct {
	Name    string            `yaml:"name"`
	Formats map[string]string `yaml:"formats"` // field → percent, duration (of seconds) or bytes
}

// Panel is one picture.
type Panel struct {
	Title string         `yaml:"title"`
	About string         `yaml:"about"` // one sentence
	View  string         `yaml:"view"`  // its index
	Kind  string         `yaml:"kind"`  // metric, line, area, bar, donut, table or list
	Where map[string]any `yaml:"where"` // field → value, list of values, or "*": any value
	Quiet bool           `yaml:"quiet"` // shows nothing on a good day
	By    []string       `yaml:"by"`    // fields whose values make the parts or rows
	Top   int            `yaml:"top"`   // values of each By field; default 10
	Show  []Value        `yaml:"show"`
	List  []string       `yaml:"list"` // columns of a list
}

// Value is one figure.
type Value struct {
	Label string `yaml:"label"`
	Op    string `yaml:"op"`    // count, unique, max, average, sum or last
	Field string `yaml:"field"` // none for count
	Kind  string `yaml:"kind"`  // of last: number (default), string, boolean or date
}

// Dashboard is a page of panels.
type Dashboard struct {
	ID      string   `yaml:"id"`
	Title   string   `yaml:"title"`
	About   string   `yaml:"about"`
	From    string   `yaml:"from"`    // of the time shown, up to now
	Narrow  []string `yaml:"narrow"`  // fields a person may choose from at the top
	Through string   `yaml:"through"` // the view these fields are looked up in
	Rows    []Row    `yaml:"rows"`
}

// Row is a line of panels across the 48 columns of a dashboard.
type Row struct {
	Height int      `yaml:"height"`
	Panels []string `yaml:"panels"` // "ID" or "ID WIDTH"; without widths they share the row
}

// Read parses and checks dashboards.yaml.
func Read(text []byte) (*Definition, error) {
	var d Definition
	if err := yaml.UnmarshalWithOptions(text, &d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read dashboards: %w", err)
	}
	for id, p := range d.Panels {
		if err := d.check(p); err != nil {
			return nil, fmt.Errorf("panel %s: %w", id, err)
		}
	}
	used := map[string]bool{}
	for _, b := range d.Dashboards {
		for _, r := range b.Rows {
			places, err := r.places()
			if err != nil {
				return nil, fmt.Errorf("dashboard %s: %w", b.ID, err)
			}
			for _, p := range places {
				if _, ok := d.Panels[p.panel]; !ok {
					return nil, fmt.Errorf("dashboard %s shows %q, which is no panel", b.ID, p.panel)
				}
				used[p.panel] = true
			}
		}
		if _, ok := d.Views[b.Through]; !ok && len(b.Narrow) > 0 {
			return nil, fmt.Errorf("dashboard %s narrows through %q, which is no view", b.ID, b.Through)
		}
	}
	for id := range d.Panels {
		if !used[id] {
			return nil, fmt.Errorf("panel %s is on no dashboard", id)
		}
	}
	return &d, nil
}

func (d *Definition) check(p Panel) error {
	if _, ok := d.Views[p.View]; !ok {
		return fmt.Errorf("%q is no view", p.View)
	}
	if p.Title == "" || p.About == "" {
		return fmt.Errorf("it needs a title and a sentence about it")
	}
	for _, v := range p.Show {
		if _, ok := operations[v.Op]; !ok {
			return fmt.Errorf("op %q is not one of %s", v.Op, strings.Join(slices.Sorted(maps.Keys(operations)), ", "))
		}
		if (v.Field == "") != (v.Op == "count") {
			return fmt.Errorf("%s of field %q: count has no field, all others have one", v.Op, v.Field)
		}
	}
	want := map[string][2]int{"metric": {0, 1}, "line": {-1, -1}, "area": {-1, -1}, "bar": {-1, -1}, "donut": {1, 1}, "table": {-2, -2}, "list": {0, 0}}
	n, ok := want[p.Kind]
	switch {
	case !ok:
		return fmt.Errorf("%q is no kind", p.Kind)
	case n[0] >= 0 && len(p.By) != n[0], n[1] >= 0 && len(p.Show) != n[1]:
		return fmt.Errorf("a %s is by %d fields and shows %d values", p.Kind, n[0], n[1])
	case n[0] == -1 && (len(p.By) > 1 || len(p.Show) == 0 || len(p.By) == 1 && len(p.Show) > 1):
		return fmt.Errorf("a %s shows values, or one value by one field", p.Kind)
	case n[0] == -2 && (len(p.By) == 0 || len(p.Show) == 0 || p.Show[0].Op == "last"):
		return fmt.Errorf("a table is by at least one field and shows at least one value, the first of which orders it and can't be a last one")
	case (p.Kind == "list") != (len(p.List) > 0):
		return fmt.Errorf("a list, and only a list, has columns")
	}
	return nil
}

// Fields returns the fields the panel reads, sorted.
func (p Panel) Fields() []string {
	all := map[string]bool{}
	for _, f := range slices.Concat(p.By, p.List, slices.Collect(maps.Keys(p.Where))) {
		all[f] = true
	}
	for _, v := range p.Show {
		if v.Field != "" {
			all[v.Field] = true
		}
	}
	if p.Kind != "donut" && p.Kind != "table" {
		all[timeField] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Query returns Where as Elasticsearch asks it.
func (p Panel) Query() map[string]any {
	clauses := []map[string]any{}
	for _, f := range slices.Sorted(maps.Keys(p.Where)) {
		if values := valuesOf(p.Where[f]); len(values) == 1 && values[0] == "*" {
			clauses = append(clauses, map[string]any{"exists": map[string]any{"field": f}})
		} else {
			clauses = append(clauses, map[string]any{"terms": map[string]any{f: values}})
		}
	}
	return map[string]any{"bool": map[string]any{"filter": clauses}}
}

// kql returns Where as Kibana writes it.
func (p Panel) kql() string {
	var all []string
	for _, f := range slices.Sorted(maps.Keys(p.Where)) {
		values := valuesOf(p.Where[f])
		if len(values) == 1 && values[0] == "*" {
			all = append(all, f+" : *")
			continue
		}
		for i, v := range values {
			values[i] = fmt.Sprintf("%q", v)
		}
		text := strings.Join(values, " or ")
		if len(values) > 1 {
			text = "(" + text + ")"
		}
		all = append(all, f+" : "+text)
	}
	return strings.Join(all, " and ")
}

func valuesOf(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = fmt.Sprint(x)
	}
	return out
}

// place is where a panel stands.
type place struct {
	panel string
	width int
}

// places reads a row's panels and their widths.
func (r Row) places() ([]place, error) {
	out := make([]place, len(r.Panels))
	total := 0
	for i, text := range r.Panels {
		out[i] = place{text, columns / len(r.Panels)}
		if id, width, ok := strings.Cut(text, " "); ok {
			out[i].panel = id
			if _, err := fmt.Sscanf(width, "%d", &out[i].width); err != nil {
				return nil, fmt.Errorf("the width of %q is no number", text)
			}
		}
		total += out[i].width
	}
	if len(r.Panels) == 0 || r.Height < 1 || total != columns {
		return nil, fmt.Errorf("a row of %v, %d high, is %d wide; it must be %d", r.Panels, r.Height, total, columns)
	}
	return out, nil
}

const (
	columns   = 48 // of Kibana's grid
	timeField = "@timestamp"
)
