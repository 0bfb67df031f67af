package kibana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"levee/internal/elastic"
)

var update = flag.Bool("update", false, "write levee.ndjson from dashboards.yaml")

func definition(t *testing.T) *Definition {
	t.Helper()
	text, err := os.ReadFile("dashboards.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestObjects holds levee.ndjson against the definition.
func TestObjects(t *testing.T) {
	objects, err := definition(t).Objects()
	if err != nil {
		t.Fatal(err)
	}
	want, err := NDJSON(objects)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("levee.ndjson", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("levee.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("levee.ndjson is not what dashboards.yaml says; look at `go test ./deploy/kibana -update` and git diff")
	}
}

// TestReferencesResolve reads levee.ndjson as Kibana would: every line an
// object, every name within an object one of its references, every reference
// an object of the file.
func TestReferencesResolve(t *testing.T) {
	text, err := os.ReadFile("levee.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	var all []Object
	for line := range bytes.Lines(text) {
		var o Object
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			t.Fatalf("%v in %.120s", err, line)
		}
		key := o.Type + " " + o.ID
		if there[key] || o.ID == "" {
			t.Errorf("%q is there twice, or has no ID", key)
		}
		there[key] = true
		all = append(all, o)
	}
	kinds := map[string]int{}
	for _, o := range all {
		kinds[o.Type]++
		names := map[string]bool{}
		for _, r := range o.References {
			if !there[r.Type+" "+r.ID] {
				t.Errorf("%s %s refers to %s %s, which is not there", o.Type, o.ID, r.Type, r.ID)
			}
			if names[r.Name] {
				t.Errorf("%s %s names %s twice", o.Type, o.ID, r.Name)
			}
			names[r.Name] = true
		}
		for _, n := range wanted(t, o) {
			if !names[n] {
				t.Errorf("%s %s needs a reference %q; it has %v", o.Type, o.ID, n, names)
			}
			delete(names, n)
		}
		for n := range names {
			t.Errorf("%s %s has a reference %q that nothing in it uses", o.Type, o.ID, n)
		}
	}
	for kind, least := range map[string]int{"dashboard": 3, "index-pattern": 4, "lens": 15, "search": 3} {
		if kinds[kind] < least {
			t.Errorf("%d objects of type %s", kinds[kind], kind)
		}
	}
}

// wanted returns the names of the references that Kibana looks for in o.
func wanted(t *testing.T, o Object) (names []string) {
	t.Helper()
	// What is JSON within JSON must be valid, too.
	inner := func(text any, v any) {
		s, ok := text.(string)
		if err := json.Unmarshal([]byte(s), v); !ok || err != nil {
			t.Errorf("%s %s: %v in %v", o.Type, o.ID, err, text)
		}
	}
	at := func(v any, path ...string) any {
		for _, p := range path {
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = m[p]
		}
		return v
	}
	switch o.Type {
	case "index-pattern":
		var formats map[string]any
		inner(o.Attributes["fieldFormatMap"], &formats)
	case "lens":
		layers, _ := at(o.Attributes, "state", "datasourceStates", "formBased", "layers").(map[string]any)
		for id, l := range layers {
			names = append(names, "indexpattern-datasource-layer-"+id)
			cols, _ := at(l, "columns").(map[string]any)
			order, _ := at(l, "columnOrder").([]any)
			if len(cols) == 0 || len(cols) != len(order) {
				t.Errorf("lens %s has %d columns, %d of them in order", o.ID, len(cols), len(order))
			}
			picture, err := json.Marshal(at(o.Attributes, "state", "visualization"))
			if err != nil {
				t.Fatal(err)
			}
			for id := range cols {
				if !strings.Contains(string(picture), `"`+id+`"`) {
					t.Errorf("lens %s does not show its column %s", o.ID, id)
				}
			}
		}
	case "search":
		var source struct {
			IndexRefName string `json:"indexRefName"`
		}
		inner(at(o.Attributes, "kibanaSavedObjectMeta", "searchSourceJSON"), &source)
		names = append(names, source.IndexRefName)
	case "dashboard":
		var panels []struct {
			PanelIndex, PanelRefName string
			GridData                 struct{ X, Y, W, H int }
		}
		inner(o.Attributes["panelsJSON"], &panels)
		taken := map[[2]int]string{}
		for _, p := range panels {
			names = append(names, p.PanelIndex+":"+p.PanelRefName)
			for x := range p.GridData.W {
				for y := range p.GridData.H {
					cell := [2]int{p.GridData.X + x, p.GridData.Y + y}
					if taken[cell] != "" || cell[0] >= columns {
						t.Fatalf("dashboard %s: %s lies on %s, or outside", o.ID, p.PanelIndex, taken[cell])
					}
					taken[cell] = p.PanelIndex
				}
			}
		}
		var controls map[string]any
		inner(at(o.Attributes, "controlGroupInput", "panelsJSON"), &controls)
		for id := range controls {
			names = append(names, "controlGroup_"+id+":optionsListDataView")
		}
	default:
		t.Errorf("type %s is none of ours", o.Type)
	}
	return names
}

// TestFieldsExist looks every field up in levee's templates, with its type.
func TestFieldsExist(t *testing.T) {
	d := definition(t)
	fields := map[string]map[string]string{}
	for index, v := range d.Views {
		f, err := elastic.Fields(index)
		if err != nil {
			t.Fatal(err)
		}
		fields[index] = f
		for name := range v.Formats {
			if f[name] == "" {
				t.Errorf("view %s formats %s, which it has not", index, name)
			}
		}
	}
	asNumber := map[string]bool{"long": true, "float": true}
	for id, p := range d.Panels {
		have := fields[p.View]
		for _, f := range p.Fields() {
			if have[f] == "" {
				t.Errorf("panel %s reads %s, which %s has not", id, f, p.View)
			}
		}
		for _, f := range p.By {
			if k := have[f]; k != "keyword" && k != "ip" {
				t.Errorf("panel %s is by %s, which is of type %s", id, f, k)
			}
		}
		for _, v := range p.Show {
			want := asNumber[have[v.Field]]
			switch {
			case v.Op == "count" || v.Op == "unique":
				want = true
			case v.Op == "last" && v.Kind == "string":
				want = have[v.Field] == "keyword"
			case v.Op == "last" && v.Kind != "" && v.Kind != "number":
				want = have[v.Field] == v.Kind
			}
			if !want {
				t.Errorf("panel %s takes the %s of %s, which is of type %s", id, v.Op, v.Field, have[v.Field])
			}
		}
	}
	for _, b := range d.Dashboards {
		for _, f := range b.Narrow {
			if fields[b.Through][f] != "keyword" {
				t.Errorf("dashboard %s narrows by %s of %s, which is of type %q", b.ID, f, b.Through, fields[b.Through][f])
			}
		}
	}
}

// TestReadRefuses gives definitions with one mistake each.
func TestReadRefuses(t *testing.T) {
	const good = `
views: {levee-stats: {name: s}}
panels: {p: {title: T, about: A., view: levee-stats, kind: metric, show: [{label: l, op: max, field: levee.rate}]}}
dashboards: [{id: d, title: D, about: A., rows: [{height: 4, panels: [p]}]}]
`
	if _, err := Read([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"view: levee-stats", "view: nothing", `"nothing" is no view`},
		{"kind: metric", "kind: cake", `"cake" is no kind`},
		{"op: max", "op: most", `op "most" is not one of`},
		{"op: max", "op: count", "count has no field"},
		{"kind: metric", "kind: metric, by: [service.name]", "a metric is by 0 fields"},
		{"kind: metric", "kind: table", "a table is by at least one field"},
		{"kind: metric", "kind: metric, list: [message]", "only a list"},
		{"panels: [p]", "panels: [q]", `"q", which is no panel`},
		{"panels: [p]", "panels: [p 12]", "12 wide; it must be 48"},
		{"panels: [p]", "panels: [p wide]", "is no number"},
		{"title: T", "titel: T", "unknown field"},
		{"title: D, ", "title: D, narrow: [observer.name], ", "is no view"},
	} {
		_, err := Read([]byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v, want %q", c.to, c.from, err, c.want)
		}
	}
}
