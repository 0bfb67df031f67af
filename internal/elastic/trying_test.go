package elastic

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestRehearsal writes one: each event is found by its rule's filter, in an
// index apart, says what it is, and is told of in the words that were said.
func TestRehearsal(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: &strings.Builder{}}))
	c := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "publish")})
	before := count(t, admin, EventsStream+"*,"+StatsStream+"*", map[string]any{"match_all": map[string]any{}})
	id, rehearsed, err := c.Rehearse(t.Context(), testOrigin, "ana\x1b[31m", noon)
	must(t, err)
	again, _, err := c.Rehearse(t.Context(), testOrigin, "ana", noon)
	must(t, err)
	if id == again {
		t.Errorf("two rehearsals are both named %s", id)
	}
	rules := alertRules(t)
	for _, r := range rehearsed {
		rule := rules[r.Rule]
		if rule == nil {
			t.Errorf("no rule is named %q", r.Rule)
			continue
		}
		if !strings.Contains(fmt.Sprint(rule["index"]), RehearsalStream) {
			t.Errorf("%s does not look at %s", r.Rule, RehearsalStream)
		}
		filter := append([]any{}, rule["filter"].([]any)...)
		filter = append(filter, map[string]any{"term": map[string]any{"tags": "rehearsal"}}, map[string]any{"match_phrase": map[string]any{"message": "REHEARSAL by ana"}})
		hit := source(t, admin, RehearsalStream, map[string]any{"bool": map[string]any{"filter": append(filter, map[string]any{"term": map[string]any{"observer.name": id}})}})
		subject := fmt.Sprint(rule["alert_subject"])
		for i, f := range texts(rule["alert_subject_args"]) {
			subject = strings.ReplaceAll(subject, fmt.Sprintf("{%d}", i), fmt.Sprint(hit[f]))
		}
		if subject != r.Subject {
			t.Errorf("%s tells %q, and %q was promised", r.Rule, subject, r.Subject)
		}
		// A rule is quiet for a while about what it told already.
		for _, k := range append(texts(rule["query_key"]), texts(rule["fields"])...) {
			if hit[k] != id {
				t.Errorf("%s tells each %s once, and the rehearsal's is %v", r.Rule, k, hit[k])
			}
		}
	}
	if after := count(t, admin, EventsStream+"*,"+StatsStream+"*", map[string]any{"match_all": map[string]any{}}); after != before {
		t.Errorf("%d documents among the real ones", after-before)
	}
	t.Run("without the right", func(t *testing.T) {
		weak := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "read")})
		if _, _, err := weak.Rehearse(t.Context(), testOrigin, "ana", noon); !IsKind(err, Forbidden) || !strings.Contains(err.Error(), "levee elastic role") {
			t.Errorf("with a key that may only read: %v", err)
		}
	})
}

// source returns the one document that fits.
func source(t *testing.T, c *Client, index string, query any) map[string]any {
	t.Helper()
	var a struct {
		Hits struct {
			Hits []struct {
				Source map[string]any `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	must(t, c.call(t.Context(), http.MethodPost, "/"+index+"/_refresh", nil, nil))
	must(t, c.call(t.Context(), http.MethodPost, "/"+index+"/_search", map[string]any{"query": query}, &a))
	if len(a.Hits.Hits) != 1 {
		t.Fatalf("%d documents in %s fit %v", len(a.Hits.Hits), index, query)
	}
	return a.Hits.Hits[0].Source
}
