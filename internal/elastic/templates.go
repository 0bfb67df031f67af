package elastic

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// TemplateVersion is the version of the templates this levee brings. It grows
// with every change of a file in templates/.
const TemplateVersion = 2

// What levee writes to.
const (
	RequestsStream = "levee-requests"
	StatsStream    = "levee-stats"
	EventsStream   = "levee-events"
	DecisionsIndex = "levee-decisions"
	// RehearsalStream is apart from the others so that a rehearsal counts
	// nowhere and is gone after a day.
	RehearsalStream = "levee-rehearsal"
)

var streams = []string{RequestsStream, StatsStream, EventsStream, RehearsalStream}

//go:embed templates/*.json roles/*.json
var files embed.FS

// Template is a component or index template as it is sent.
type Template struct {
	Name  string
	Index bool // an index template; else a component template
	Body  []byte
}

// path is where the template lives in the cluster.
func (t Template) path() string {
	if t.Index {
		return "/_index_template/" + t.Name
	}
	return "/_component_template/" + t.Name
}

// Templates returns what levee installs, components before what they are
// composed into.
func Templates() ([]Template, error) {
	list, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	var components, indices []Template
	for _, f := range list {
		body, err := files.ReadFile(path.Join("templates", f.Name()))
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(f.Name(), ".json")
		if index, ok := strings.CutPrefix(name, "index-"); ok {
			indices = append(indices, Template{index, true, body})
		} else {
			components = append(components, Template{name, false, body})
		}
	}
	return append(components, indices...), nil
}

// Fields returns every field that documents of the index or data stream may
// have, by its dotted name, with its type.
func Fields(index string) (map[string]string, error) {
	var composed struct {
		Of       []string `json:"composed_of"`
		Optional []string `json:"ignore_missing_component_templates"`
	}
	if err := read("index-"+index, &composed); err != nil {
		return nil, fmt.Errorf("fields of %s: %w", index, err)
	}
	all := map[string]string{}
	for _, name := range composed.Of {
		if slices.Contains(composed.Optional, name) {
			continue
		}
		var t struct {
			Template struct {
				Mappings field `json:"mappings"`
			} `json:"template"`
		}
		if err := read(name, &t); err != nil {
			return nil, fmt.Errorf("fields of %s: %w", index, err)
		}
		t.Template.Mappings.collect("", all)
	}
	return all, nil
}

func read(template string, into any) error {
	body, err := files.ReadFile("templates/" + template + ".json")
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// mappings returns the fields of an index of its own, as the API that adds
// fields to one takes them.
func mappings(index string) ([]byte, error) {
	body, err := files.ReadFile("templates/" + index + "-fields.json")
	if err != nil {
		return nil, fmt.Errorf("fields of %s: %w", index, err)
	}
	var t struct {
		Template struct {
			Mappings json.RawMessage `json:"mappings"`
		} `json:"template"`
	}
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, fmt.Errorf("fields of %s: %w", index, err)
	}
	return t.Template.Mappings, nil
}

type field struct {
	Type       string           `json:"type"`
	Properties map[string]field `json:"properties"`
}

func (f field) collect(at string, into map[string]string) {
	if f.Type != "" {
		into[at] = f.Type
	}
	for name, sub := range f.Properties {
		if at != "" {
			name = at + "." + name
		}
		sub.collect(name, into)
	}
}

// Roles are what the API keys for levee may be allowed, mildest first.
var Roles = []string{"read", "publish", "fleet", "alerts", "setup"}

// Role returns the role descriptor of one of Roles, as JSON.
func Role(name string) ([]byte, error) {
	b, err := files.ReadFile("roles/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("no role %q; there are %s", name, strings.Join(Roles, ", "))
	}
	return b, nil
}
