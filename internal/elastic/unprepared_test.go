package elastic

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"levee/internal/fleet"
)

// TestNothingIsMadeBeforeSetup publishes to a cluster that nobody set up, with
// every right there is: no index comes of it, what was published waits, and
// arrives once there was a setup.
func TestNothingIsMadeBeforeSetup(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	bare := func() {
		t.Helper()
		for _, path := range []string{"/" + DecisionsIndex, "/_index_template/" + DecisionsIndex} {
			must(t, admin.call(t.Context(), http.MethodDelete, path, nil, nil))
		}
	}
	stream := fmt.Sprintf("levee-unprepared-%d", time.Now().UnixNano()) // the node can't take a data stream back
	for _, c := range []struct {
		name, role string
		doc        Doc
		setup      func() error
	}{
		{"a data stream", "", Doc{Index: stream, ID: "unprepared", Body: []byte(`{"@timestamp":"2026-03-12T09:15:02Z"}`)}, func() error {
			return admin.call(t.Context(), http.MethodPut, "/_index_template/"+stream, object{"index_patterns": []string{stream}, "data_stream": object{}}, nil)
		}},
		{"the index of decisions", "", Doc{Index: DecisionsIndex, ID: "unprepared", Version: 1, Body: []byte(`{"@timestamp":"2026-03-12T09:15:02Z"}`)}, func() error {
			return admin.Setup(t.Context(), SetupOptions{Out: io.Discard})
		}},
		{"the index of decisions", "publish", Doc{Index: DecisionsIndex, ID: "unprepared", Version: 1, Body: []byte(`{"@timestamp":"2026-03-12T09:15:02Z"}`)}, func() error {
			return admin.Setup(t.Context(), SetupOptions{Out: io.Discard})
		}},
	} {
		t.Run(c.name+" "+c.role, func(t *testing.T) {
			by := admin
			if c.role != "" {
				by = client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, c.role)})
			}
			if c.doc.Index == DecisionsIndex {
				bare()
			}
			p, stop := startPublisher(t, PublisherOptions{Client: by, Dir: t.TempDir(), Origin: testOrigin})
			defer stop()
			p.Put(c.doc)
			until(t, "it is said", func() bool {
				n := p.Link().Note
				return strings.Contains(n, c.doc.Index) && strings.Contains(n, "run `levee elastic setup`")
			})
			if err := admin.call(t.Context(), http.MethodGet, "/"+c.doc.Index, nil, nil); !IsKind(err, Missing) {
				t.Errorf("there is a %s now: %v", c.doc.Index, err)
			}
			if n := p.Counts(); n.Waiting == 0 || n.Rejected > 0 || n.Sent > 0 {
				t.Errorf("%+v", n)
			}
			must(t, c.setup())
			until(t, "it arrives", func() bool { return p.Counts().Sent == 1 && p.Counts().Waiting == 0 && p.Link().OK })
			if n := count(t, admin, c.doc.Index, map[string]any{"ids": map[string]any{"values": []string{"unprepared"}}}); n != 1 {
				t.Errorf("%d documents arrived", n)
			}
		})
	}
	t.Run("hosts that share it", func(t *testing.T) {
		bare()
		if err := admin.Ready(t.Context()); !IsKind(err, Missing) || !strings.Contains(err.Error(), "no template levee-decisions yet; run `levee elastic setup`") {
			t.Errorf("doctor would say %v", err)
		}
		s := NewShared(admin, testOrigin, "unprepared", time.Now)
		if _, err := s.Put(t.Context(), []fleet.Put{{ID: "u", Kind: fleet.OfLease, Record: []byte("{}"), MAC: "m"}}); !IsKind(err, Missing) || !strings.Contains(err.Error(), "run `levee elastic setup`") {
			t.Errorf("%v", err)
		}
		if err := admin.call(t.Context(), http.MethodGet, "/"+DecisionsIndex, nil, nil); !IsKind(err, Missing) {
			t.Errorf("there is one now: %v", err)
		}
	})
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
}

// TestReady holds a cluster against what levee publishes: set up, with an index
// that a full disk made read-only, with a field that another template mapped,
// and with templates of an older levee.
func TestReady(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	read := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "read")})
	says := func(what, want string) {
		t.Helper()
		for _, by := range []*Client{admin, read} {
			if err := by.Ready(t.Context()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", what, err, want)
			}
		}
	}
	says("set up", "")

	block := func(on any) {
		t.Helper()
		must(t, admin.call(t.Context(), http.MethodPut, "/"+DecisionsIndex+"/_settings", object{"index.blocks.read_only_allow_delete": on}, nil))
	}
	block(true)
	says("a full disk", "has made the index read-only")
	p, stop := startPublisher(t, PublisherOptions{Client: admin, Dir: t.TempDir(), Origin: testOrigin})
	defer stop()
	p.Put(Doc{Index: DecisionsIndex, ID: "blocked", Version: 1, Body: []byte(`{"@timestamp":"2026-03-12T09:15:02Z"}`)})
	until(t, "flood stage is said", func() bool { return strings.Contains(p.Link().Note, "free disk there, what waits is sent then") })
	block(nil)
	until(t, "it is sent", func() bool { return p.Counts().Sent == 1 && p.Link().OK })
	says("disk was freed", "")

	must(t, admin.call(t.Context(), http.MethodDelete, "/"+DecisionsIndex, nil, nil))
	must(t, admin.call(t.Context(), http.MethodDelete, "/_index_template/"+DecisionsIndex, nil, nil))
	must(t, admin.call(t.Context(), http.MethodPut, "/"+DecisionsIndex, object{"mappings": object{"properties": object{"source.ip": object{"type": "keyword"}}}}, nil))
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	says("another template", "mapping conflict: levee-decisions maps source.ip as keyword, not as ip")
	must(t, admin.call(t.Context(), http.MethodDelete, "/"+DecisionsIndex, nil, nil))
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))

	ts, err := Templates()
	must(t, err)
	for _, x := range ts {
		if x.Name == DecisionsIndex {
			old := strings.Replace(string(x.Body), `"version": 2`, `"version": 1`, 1)
			must(t, admin.call(t.Context(), http.MethodPut, x.path(), []byte(old), nil))
		}
	}
	says("an older levee's templates", "in version 1 and this levee brings 2; run `levee elastic setup` again")
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	says("set up again", "")
}
