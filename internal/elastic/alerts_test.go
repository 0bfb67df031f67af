package elastic

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// needs is what a rule type can't work without.
var needs = map[string][]string{
	"any": nil, "new_term": {"fields", "terms_window_size"}, "flatline": {"threshold", "timeframe"},
	"spike": {"timeframe", "spike_height", "spike_type"},
}

// TestAlertRules reads every rule for ElastAlert 2: each is whole, each tells
// somebody, and each field it asks of levee's documents is one they have.
func TestAlertRules(t *testing.T) {
	list, err := filepath.Glob("../../deploy/elastalert2/rules/*.yaml")
	if err != nil || len(list) < 6 {
		t.Fatalf("%d rules, %v", len(list), err)
	}
	names := map[string]bool{}
	for _, path := range list {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			must(t, err)
			var rule map[string]any
			must(t, yaml.Unmarshal(b, &rule))
			kind := fmt.Sprint(rule["type"])
			required, known := needs[kind]
			if !known {
				t.Fatalf("type %s", kind)
			}
			for _, k := range append([]string{"name", "index", "filter", "alert", "email", "smtp_host", "slack_webhook_url", "alert_subject", "alert_text"}, required...) {
				if rule[k] == nil {
					t.Errorf("lacks %s", k)
				}
			}
			name := fmt.Sprint(rule["name"])
			if names[name] {
				t.Errorf("%q is the name of two rules", name)
			}
			names[name] = true
			index := fmt.Sprint(rule["index"])
			if !strings.HasPrefix(index, "levee-") {
				return // somebody else's documents
			}
			have, err := Fields(index)
			must(t, err)
			var asked []string
			for _, k := range []string{"query_key", "fields", "alert_subject_args", "alert_text_args"} {
				asked = append(asked, texts(rule[k])...)
			}
			asked = append(asked, fieldsOf(rule["filter"])...)
			if len(asked) == 0 {
				t.Error("asks for nothing")
			}
			for _, f := range asked {
				if have[f] == "" {
					t.Errorf("asks for %s, which %s has not", f, index)
				}
			}
		})
	}
}

func texts(v any) (out []string) {
	switch x := v.(type) {
	case string:
		out = []string{x}
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
