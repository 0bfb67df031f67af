package kibana

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Versions of the shapes written here, as an export of Kibana 8.9 names them.
const (
	coreVersion      = "8.8.0"
	viewVersion      = "8.0.0"
	lensVersion      = "8.9.0"
	searchVersion    = "8.0.0"
	dashboardVersion = "8.9.0"
	panelVersion     = "8.9.0"
)

// Object is a saved object of Kibana.
type Object struct {
	ID         string      `json:"id"`
	Type       string      `json:"type"`
	Attributes object      `json:"attributes"`
	References []Reference `json:"references"`
	Core       string      `json:"coreMigrationVersion"`
	Shape      string      `json:"typeMigrationVersion"`
	Managed    bool        `json:"managed"`
}

// Reference names another object that this one can't do without.
type Reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// Objects returns everything the definition describes, what is referred to
// before what refers to it.
func (d *Definition) Objects() ([]Object, error) {
	var out []Object
	for _, index := range slices.Sorted(maps.Keys(d.Views)) {
		o, err := d.Views[index].object(index)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	for _, id := range slices.Sorted(maps.Keys(d.Panels)) {
		o, err := d.Panels[id].object(id)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	for _, b := range d.Dashboards {
		o, err := d.dashboard(b)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// NDJSON returns objects as Kibana imports them: one a line.
func NDJSON(objects []Object) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, o := range objects {
		if err := e.Encode(o); err != nil {
			return nil, fmt.Errorf("write %s %s: %w", o.Type, o.ID, err)
		}
	}
	return b.Bytes(), nil
}

func (v View) object(index string) (Object, error) {
	formats := object{}
	for field, kind := range v.Formats {
		switch kind {
		case "percent":
			formats[field] = object{"id": "percent", "params": object{"pattern": "0.[0]%"}}
		case "duration":
			formats[field] = object{"id": "duration", "params": object{"inputFormat": "seconds", "outputFormat": "humanizePrecise", "outputPrecision": 1, "useShortSuffix": true}}
		case "bytes":
			formats[field] = object{"id": "bytes"}
		default:
			return Object{}, fmt.Errorf("view %s: format %q of %s is none", index, kind, field)
		}
	}
	text, err := compact(formats)
	if err != nil {
		return Object{}, err
	}
	return Object{ID: index, Type: "index-pattern", Core: coreVersion, Shape: viewVersion, References: []Reference{},
		Attributes: object{"title": index, "name": v.Name, "timeFieldName": timeField, "fieldFormatMap": text}}, nil
}

func (p Panel) object(id string) (Object, error) {
	if p.Kind != "list" {
		return Object{ID: id, Type: "lens", Core: coreVersion, Shape: lensVersion, Attributes: p.lens(),
			References: []Reference{{p.View, "indexpattern-datasource-layer-" + layer, "index-pattern"}}}, nil
	}
	const index = "kibanaSavedObjectMeta.searchSourceJSON.index"
	source, err := compact(object{"query": kuery(p.kql()), "filter": []object{}, "indexRefName": index})
	if err != nil {
		return Object{}, err
	}
	return Object{ID: id, Type: "search", Core: coreVersion, Shape: searchVersion, References: []Reference{{p.View, index, "index-pattern"}},
		Attributes: object{"title": p.Title, "description": p.About, "columns": p.List, "sort": [][]string{{timeField, "desc"}}, "grid": object{}, "hideChart": true,
			"isTextBasedQuery": false, "timeRestore": false, "kibanaSavedObjectMeta": object{"searchSourceJSON": source}}}, nil
}

// dashboard lays the panels out. Those of one dashboard may look at several
// views.
func (d *Definition) dashboard(b Dashboard) (Object, error) {
	o := Object{ID: b.ID, Type: "dashboard", Core: coreVersion, Shape: dashboardVersion, References: []Reference{}}
	panels := []object{}
	y := 0
	for _, r := range b.Rows {
		places, err := r.places()
		if err != nil {
			return o, err
		}
		x := 0
		for _, at := range places {
			kind := "lens"
			if d.Panels[at.panel].Kind == "list" {
				kind = "search"
			}
			name := "panel_" + at.panel
			panels = append(panels, object{"version": panelVersion, "type": kind, "panelIndex": at.panel, "panelRefName": name,
				"gridData": object{"x": x, "y": y, "w": at.width, "h": r.Height, "i": at.panel}, "embeddableConfig": object{"enhancements": object{}}})
			o.References = append(o.References, Reference{at.panel, at.panel + ":" + name, kind})
			x += at.width
		}
		y += r.Height
	}
	controls := object{}
	for i, f := range b.Narrow {
		id := fmt.Sprintf("narrow-%d", i)
		controls[id] = object{"order": i, "width": "medium", "grow": true, "type": "optionsListControl",
			"explicitInput": object{"id": id, "fieldName": f, "title": f, "enhancements": object{}}}
		o.References = append(o.References, Reference{b.Through, "controlGroup_" + id + ":optionsListDataView", "index-pattern"})
	}
	texts := map[string]string{}
	for name, v := range map[string]any{
		"panels": panels, "controls": controls, "source": object{"query": kuery(""), "filter": []object{}},
		"options": object{"useMargins": true, "syncColors": true, "syncCursor": true, "syncTooltips": false, "hidePanelTitles": false},
		"ignore":  object{"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false, "ignoreValidations": false},
	} {
		text, err := compact(v)
		if err != nil {
			return o, err
		}
		texts[name] = text
	}
	o.Attributes = object{"title": b.Title, "description": b.About, "panelsJSON": texts["panels"], "optionsJSON": texts["options"], "version": 1,
		"timeRestore": true, "timeFrom": cmp.Or(b.From, "now-1h"), "timeTo": "now", "refreshInterval": object{"pause": false, "value": 10000},
		"kibanaSavedObjectMeta": object{"searchSourceJSON": texts["source"]}}
	if len(b.Narrow) > 0 {
		o.Attributes["controlGroupInput"] = object{"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL", "panelsJSON": texts["controls"],
			"ignoreParentSettingsJSON": texts["ignore"]}
	}
	return o, nil
}

// compact is JSON within JSON, which Kibana keeps as text.
func compact(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}
