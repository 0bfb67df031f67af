package elastic

import (
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestStreamsAreKeptAsLongAsPromised looks at the data streams as the cluster keeps them: each has
// the lifecycle that docs/elastic.md promises, and the index of decisions none.
func TestStreamsAreKeptAsLongAsPromised(t *testing.T) {
	admin := superuser(t)
	must(t, admin.Setup(t.Context(), SetupOptions{Out: io.Discard}))
	c := client(t, Options{URLs: []string{realNode(t).URL}, APIKey: key(t, admin, "publish")})
	p, stop := startPublisher(t, PublisherOptions{Client: c, Dir: t.TempDir(), Origin: testOrigin})
	defer stop()
	for _, name := range streams { // the first document makes a stream from its template
		p.Put(Doc{Index: name, ID: "kept", Body: []byte(`{"@timestamp":"2026-03-12T09:15:02Z"}`)})
	}
	until(t, "all are sent", func() bool { return p.Counts().Sent == uint64(len(streams)) })
	var a struct {
		Metadata struct {
			Streams struct {
				List map[string]struct {
					Lifecycle struct {
						Enabled   bool   `json:"enabled"`
						Retention string `json:"data_retention"`
					} `json:"lifecycle"`
				} `json:"data_stream"`
			} `json:"data_stream"`
			Indices map[string]any `json:"indices"`
		} `json:"metadata"`
	}
	must(t, admin.call(t.Context(), http.MethodGet, "/_cluster/state/metadata?filter_path=metadata.data_stream,metadata.indices."+DecisionsIndex+".state", nil, &a))
	got := map[string]string{}
	for name, s := range a.Metadata.Streams.List {
		if s.Lifecycle.Enabled {
			got[name] = s.Lifecycle.Retention
		}
	}
	for name, want := range map[string]string{RequestsStream: "7d", StatsStream: "90d", EventsStream: "365d", RehearsalStream: "1d"} {
		if got[name] != want {
			t.Errorf("%s is kept %q, want %q: %v", name, got[name], want, got)
		}
	}
	if a.Metadata.Indices[DecisionsIndex] == nil {
		t.Errorf("%s is no index of its own: %s", DecisionsIndex, fmt.Sprint(a.Metadata.Indices))
	}
}
