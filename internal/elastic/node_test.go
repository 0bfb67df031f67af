package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"levee/testing/elasticsearch"
)

var node struct {
	once sync.Once
	n    *elasticsearch.Node
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if node.n != nil {
		if err := node.n.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// realNode returns the one node of this test binary.
func realNode(t testing.TB) *elasticsearch.Node {
	t.Helper()
	node.once.Do(func() { node.n, node.err = elasticsearch.Start(elasticsearch.Options{Secure: true}) })
	if errors.Is(node.err, elasticsearch.ErrMissing) {
		t.Skip(node.err)
	}
	if node.err != nil {
		t.Fatal(node.err)
	}
	return node.n
}

// superuser returns a client that may do everything on the real node.
func superuser(t testing.TB) *Client {
	t.Helper()
	return client(t, Options{URLs: []string{realNode(t).URL}, User: elasticsearch.User, Password: elasticsearch.Password})
}

// patient is how long tests wait for one answer of the node.
const patient = 2 * time.Minute

// blank takes the indices that tests made from the real node, but not data
// streams: a test that begins with it can be run again.
func blank(t testing.TB) *Client {
	t.Helper()
	c := superuser(t)
	var a struct {
		Indices []struct {
			Name   string `json:"name"`
			Stream string `json:"data_stream"`
		} `json:"indices"`
	}
	must(t, c.call(t.Context(), http.MethodGet, "/_resolve/index/*", nil, &a))
	for _, x := range a.Indices {
		if x.Stream == "" && x.Name != DecisionsIndex {
			must(t, c.call(t.Context(), http.MethodDelete, "/"+x.Name, nil, nil))
		}
	}
	return c
}

// client is New for tests. How fast a busy machine's node answers must decide
// none: those that need an impatient client say so.
func client(t testing.TB, o Options) *Client {
	t.Helper()
	o.Timeout = cmp.Or(o.Timeout, patient)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// key creates an API key with one of levee's roles.
func key(t testing.TB, c *Client, role string) string {
	t.Helper()
	b, err := Role(role)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		Encoded string `json:"encoded"`
	}
	must(t, c.call(t.Context(), http.MethodPost, "/_security/api_key", map[string]any{
		"name": role, "role_descriptors": map[string]json.RawMessage{role: b}}, &a))
	return a.Encoded
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// count returns how many documents index holds, refreshed.
func count(t testing.TB, c *Client, index string, query any) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patient)
	defer cancel()
	must(t, c.call(ctx, http.MethodPost, "/"+index+"/_refresh", nil, nil))
	var a struct {
		Count int `json:"count"`
	}
	must(t, c.call(ctx, http.MethodPost, "/"+index+"/_count", map[string]any{"query": query}, &a))
	return a.Count
}
