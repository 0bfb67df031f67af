package elastic

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// needs is what a rule type can't work without.
var needs = map[string][]string{
	"any": nil, "new_term": {"fields", "terms_window_size", "use_keyword_postfix"}, "flatline": {"threshold", "timeframe"},
	"spike": {"timeframe", "spike_height", "spike_type"},
}

// alertRules reads the rules for ElastAlert 2, with whom they tell.
func alertRules(t *testing.T) map[string]map[string]any {
	t.Helper()
	list, err := filepath.Glob("../../deploy/elastalert2/rules/*.yaml")
	if err != nil || len(list) < 6 {
		t.Fatalf("%d rules, %v", len(list), err)
	}
	all := map[string]map[string]any{}
	for _, path := range list {
		var own, people map[string]any
		load := func(path string, into *map[string]any) {
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, yaml.Unmarshal(b, into))
		}
		load(path, &own)
		load(filepath.Join(filepath.Dir(path), fmt.Sprint(own["import"])), &people)
		rule := maps.Clone(people)
		maps.Copy(rule, own)
		name := fmt.Sprint(rule["name"])
		if all[name] != nil {
			t.Errorf("%q is the name of two rules", name)
		}
		all[name] = rule
	}
	return all
}

// TestAlertRules reads every rule: each is whole, each tells somebody, and
// each field it asks of levee's documents is one they have.
func TestAlertRules(t *testing.T) {
	for name, rule := range alertRules(t) {
		t.Run(name, func(t *testing.T) {
			kind := fmt.Sprint(rule["type"])
			required, known := needs[kind]
			if !known {
				t.Fatalf("type %s", kind)
			}
			for _, k := range append([]string{"name", "index", "filter", "alert", "email", "smtp_host", "slack_webhook_url", "alert_subject", "alert_text_type"}, required...) {
				if rule[k] == nil {
					t.Errorf("lacks %s", k)
				}
			}
			var asked []string
			for _, k := range []string{"query_key", "fields", "alert_subject_args", "alert_text_args", "summary_table_fields"} {
				asked = append(asked, texts(rule[k])...)
			}
			asked = append(asked, fieldsOf(rule["filter"])...)
			if len(asked) == 0 {
				t.Error("asks for nothing")
			}
			for _, index := range strings.Split(fmt.Sprint(rule["index"]), ",") {
				if !strings.HasPrefix(index, "levee-") {
					continue // somebody else's documents
				}
				have, err := Fields(index)
				must(t, err)
				for _, f := range asked {
					if have[f] == "" {
						t.Errorf("asks for %s, which %s has not", f, index)
					}
				}
			}
		})
	}
}

func texts(v any) (out []string) {
	switch x := v.(type) {
	case string:
		out = []string{x}
	case map[string]any:
		out = texts(x["path"])
	case []any:
		for _, e := range x {
			out = append(out, texts(e)...)
		}
	}
	return out
}

// fieldsOf finds the fields that a query names.
func fieldsOf(v any) (out []string) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			out = append(out, fieldsOf(e)...)
		}
	case map[string]any:
		for k, e := range x {
			switch k {
			case "term", "terms", "range", "prefix":
				if m, ok := e.(map[string]any); ok {
					for field := range m {
						out = append(out, field)
					}
				}
			case "exists":
				if m, ok := e.(map[string]any); ok {
					out = append(out, fmt.Sprint(m["field"]))
				}
			default:
				out = append(out, fieldsOf(e)...)
			}
		}
	}
	return out
}
