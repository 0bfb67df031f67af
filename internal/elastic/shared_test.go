package elastic

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"levee/actions"
	"levee/internal/fleet"
)

// TestShared writes and reads records on a real node with a key of the role
// fleet.
func TestShared(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	c := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "fleet")})
	now := time.Now()
	s := NewShared(c, testOrigin, "shared-test", time.Now)
	target := actions.Target{Prefix: prefix(t, "203.0.113.77/32")}
	d := &actions.Decision{ID: "d-shared", Verb: actions.Block, Target: target, State: actions.Applied, Actor: actions.Auto, Created: now, TTL: time.Minute,
		Expires: now.Add(time.Minute), Host: "edge-1", Term: 3}
	put := func(p fleet.Put) fleet.Stored {
		t.Helper()
		out, err := s.Put(t.Context(), []fleet.Put{p})
		must(t, err)
		if out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		return out[0]
	}
	one := fleet.Put{ID: "shared-1", Kind: fleet.OfPlace, Record: []byte(`{"a":"<\"é>"}`), MAC: "m1", Until: now.Add(time.Minute), Decision: d}
	first := put(one)
	if first.Conflict || first.Primary == 0 {
		t.Fatalf("created: %+v", first)
	}
	if got := put(one); !got.Conflict {
		t.Errorf("created twice: %+v", got)
	}
	one.Seq, one.Primary, one.MAC = first.Seq, first.Primary, "m2"
	second := put(one)
	if got := put(one); second.Conflict || !got.Conflict {
		t.Errorf("of two writes over one version: %+v, %+v", second, got)
	}
	old := put(fleet.Put{ID: "shared-old", Kind: fleet.OfPlace, Record: []byte(`{}`), MAC: "m", Until: now.Add(-time.Hour), Decision: d})
	put(fleet.Put{ID: "shared-lease", Kind: fleet.OfLease, Record: []byte(`{}`), MAC: "m"})
	put(fleet.Put{ID: "shared-lease-2", Kind: fleet.OfLease, Record: []byte(`{}`), MAC: "m"})

	docs, err := s.Get(t.Context(), []string{"shared-1", "never"})
	must(t, err)
	if len(docs) != 1 || docs[0].MAC != "m2" || !bytes.Equal(docs[0].Record, one.Record) || docs[0].Seq != second.Seq || docs[0].Primary != second.Primary {
		t.Errorf("read: %+v", docs)
	}
	// At once, without waiting for a refresh.
	docs, err = s.Since(t.Context(), -1, nil, now, 100)
	must(t, err)
	if len(docs) != 3 || docs[0].ID != "shared-1" || docs[0].Seq >= docs[1].Seq || string(docs[0].Record) != string(one.Record) {
		t.Errorf("all that matters: %+v", docs)
	}
	docs, err = s.Since(t.Context(), old.Seq, nil, time.Time{}, 1)
	must(t, err)
	if len(docs) != 1 || docs[0].ID != "shared-lease" {
		t.Errorf("after %d: %+v", old.Seq, docs)
	}
	for field, value := range map[string]any{"levee.decision.host": "edge-1", "levee.decision.term": 3, "source.ip": "203.0.113.77", "levee.fleet.kind": "place"} {
		q := map[string]any{"bool": map[string]any{"filter": []any{map[string]any{"term": map[string]any{field: value}},
			map[string]any{"term": map[string]any{"levee.fleet.name": "shared-test"}}}}}
		if got := count(t, admin, DecisionsIndex, q); got != 2 {
			t.Errorf("%d documents with %s %v", got, field, value)
		}
	}
	if ahead, within, err := c.Clock(t.Context()); err != nil || ahead.Abs() > within+5*time.Second {
		t.Errorf("the node on this machine is %s ahead, within %s: %v", ahead, within, err)
	}
	weak := NewShared(client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "publish")}), testOrigin, "shared-test", time.Now)
	if _, err := weak.Since(t.Context(), -1, nil, now, 1); !IsKind(err, Forbidden) {
		t.Errorf("a key that may only publish: %v", err)
	}
}

// TestSetupGivesAnOldIndexItsNewFields is a cluster set up before hosts shared
// their decisions.
func TestSetupGivesAnOldIndexItsNewFields(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	must(t, admin.call(t.Context(), http.MethodDelete, "/"+DecisionsIndex, nil, nil))
	ts, err := Templates()
	must(t, err)
	for _, x := range ts {
		if x.Name == "levee-decisions-fields" {
			must(t, admin.call(t.Context(), http.MethodPut, x.path(), bytes.ReplaceAll(bytes.ReplaceAll(x.Body, []byte(`"fleet"`), []byte(`"before"`)),
				fmt.Appendf(nil, `"version": %d`, TemplateVersion), fmt.Appendf(nil, `"version": %d`, TemplateVersion-1)), nil))
		}
	}
	must(t, admin.call(t.Context(), http.MethodPut, "/"+DecisionsIndex, nil, nil))
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	var a map[string]any
	must(t, admin.call(t.Context(), http.MethodGet, "/"+DecisionsIndex+"/_mapping/field/levee.fleet.until", nil, &a))
	b := a[DecisionsIndex].(map[string]any)["mappings"].(map[string]any)
	if b["levee.fleet.until"] == nil {
		t.Errorf("%v", a)
	}
}

func prefix(t *testing.T, s string) (p netip.Prefix) {
	t.Helper()
	must(t, p.UnmarshalText([]byte(s)))
	return p
}
