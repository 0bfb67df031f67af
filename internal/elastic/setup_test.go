package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestSetup is the first in this package to touch the node: it needs one that
// nobody prepared.
func TestSetup(t *testing.T) {
	c := superuser(t)
	setupKey := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, c, "setup")})
	run := func(o SetupOptions) (string, error) {
		var out bytes.Buffer
		o.Out = &out
		err := setupKey.Setup(t.Context(), o)
		return out.String(), err
	}
	dry, err := run(SetupOptions{DryRun: true})
	must(t, err)
	for _, want := range []string{"PUT /_component_template/levee-ecs\n{", "PUT /_index_template/levee-events", `"data_retention": "365d"`, "PUT /levee-decisions"} {
		if !strings.Contains(dry, want) {
			t.Errorf("--dry-run does not show %q:\n%s", want, dry)
		}
	}
	if err := c.call(t.Context(), http.MethodGet, "/_index_template/levee-events", nil, nil); !IsKind(err, Missing) {
		t.Fatalf("--dry-run changed the cluster: %v", err)
	}
	t.Run("a key without the rights", func(t *testing.T) {
		weak := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, c, "read")})
		err := weak.Setup(t.Context(), SetupOptions{Out: &bytes.Buffer{}})
		if !IsKind(err, Forbidden) || !strings.Contains(err.Error(), "levee elastic role") {
			t.Errorf("setup with a key that may only read: %v", err)
		}
	})
	t.Run("an ordinary index in the way", func(t *testing.T) {
		must(t, c.call(t.Context(), http.MethodPut, "/"+EventsStream, nil, nil))
		if _, err := run(SetupOptions{}); err == nil || !strings.Contains(err.Error(), "levee-events is an ordinary index") || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("setup over it: %v", err)
		}
		if err := c.call(t.Context(), http.MethodGet, "/_index_template/levee-events", nil, nil); !IsKind(err, Missing) {
			t.Errorf("something was changed: %v", err)
		}
		must(t, c.call(t.Context(), http.MethodDelete, "/"+EventsStream, nil, nil))
	})
	first, err := run(SetupOptions{})
	must(t, err)
	if !strings.Contains(first, "done       PUT /_index_template/levee-stats") {
		t.Errorf("first run: %s", first)
	}
	again, err := run(SetupOptions{})
	must(t, err)
	if strings.Contains(again, "done") {
		t.Errorf("the second run changed something:\n%s", again)
	}

	t.Run("upgrade", func(t *testing.T) {
		set := func(v int) {
			t.Helper()
			ts, err := Templates()
			must(t, err)
			for _, x := range ts {
				if x.Name == StatsStream {
					b := bytes.Replace(x.Body, fmt.Appendf(nil, `"version": %d`, TemplateVersion), fmt.Appendf(nil, `"version": %d`, v), 1)
					must(t, c.call(t.Context(), http.MethodPut, x.path(), b, nil))
				}
			}
		}
		set(TemplateVersion + 1)
		if _, err := run(SetupOptions{}); err == nil || !strings.Contains(err.Error(), "nothing was changed, use the newer levee") {
			t.Errorf("going backwards: %v", err)
		}
		set(0)
		out, err := run(SetupOptions{})
		must(t, err)
		if !strings.Contains(out, "done       PUT /_index_template/levee-stats") || strings.Contains(out, "done       PUT /_index_template/levee-events") {
			t.Errorf("upgrade of one template: %s", out)
		}
	})

	t.Run("no key", func(t *testing.T) {
		wrong := client(t, Options{URLs: []string{realNode(t).URL}, User: "levee", Password: "wrong"})
		if _, err := wrong.Check(t.Context()); !IsKind(err, Unauthorized) {
			t.Errorf("wrong password: %v", err)
		}
	})
}

func TestTemplatesAreSound(t *testing.T) {
	ts, err := Templates()
	must(t, err)
	seen := map[string]bool{}
	for _, x := range ts {
		var b struct {
			Version  int      `json:"version"`
			Composed []string `json:"composed_of"`
			Optional []string `json:"ignore_missing_component_templates"`
		}
		if err := json.Unmarshal(x.Body, &b); err != nil {
			t.Fatalf("%s: %v", x.Name, err)
		}
		if b.Version != TemplateVersion {
			t.Errorf("%s is of version %d, not %d", x.Name, b.Version, TemplateVersion)
		}
		seen[x.path()] = true
		for _, name := range b.Composed {
			if !seen["/_component_template/"+name] && strings.Join(b.Optional, " ") != name {
				t.Errorf("%s is composed of %s, which is not installed before it", x.Name, name)
			}
		}
	}
	for _, index := range append([]string{DecisionsIndex}, streams...) {
		f, err := Fields(index)
		must(t, err)
		if f["@timestamp"] != "date" || f["source.ip"] != "ip" {
			t.Errorf("%s: @timestamp is %q, source.ip is %q", index, f["@timestamp"], f["source.ip"])
		}
	}
}
