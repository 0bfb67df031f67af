package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// SetupOptions says how Setup works.
type SetupOptions struct {
	DryRun bool      // print the requests that would be made, make none that changes anything
	Out    io.Writer // one line for each thing done or left alone
}

// Setup installs the templates, data streams and the index levee needs. What
// is there in this version already is left alone, so it may be run again at
// any time. It refuses to go backwards: a cluster set up by a newer levee
// stays as it is.
func (c *Client) Setup(ctx context.Context, o SetupOptions) error {
	templates, err := Templates()
	if err != nil {
		return err
	}
	if _, err := c.Check(ctx); err != nil {
		return err
	}
	s := setup{c: c, o: o}
	installed := make([]int, len(templates))
	for i, t := range templates {
		if installed[i], err = s.version(ctx, t); err != nil {
			return err
		}
		if installed[i] > TemplateVersion {
			return fmt.Errorf("the cluster's template %s is of version %d and this levee brings version %d; nothing was changed, use the newer levee",
				t.Name, installed[i], TemplateVersion)
		}
	}
	for _, name := range streams {
		if err := s.plain(ctx, name); err != nil {
			return err
		}
	}
	upgraded := false
	for i, t := range templates {
		if installed[i] == TemplateVersion {
			s.say("unchanged  %s (version %d)", t.path(), TemplateVersion)
			continue
		}
		upgraded = upgraded || installed[i] > 0
		if err := s.change(ctx, http.MethodPut, t.path(), t.Body); err != nil {
			return err
		}
	}
	for _, name := range streams {
		if err := s.stream(ctx, name, upgraded); err != nil {
			return err
		}
	}
	return s.index(ctx, DecisionsIndex, upgraded)
}

type setup struct {
	c *Client
	o SetupOptions
}

func (s *setup) say(format string, a ...any) {
	// That a line of progress can't be printed is no reason to stop halfway.
	_, _ = fmt.Fprintf(s.o.Out, format+"\n", a...)
}

// version returns the version of the template in the cluster, 0 when it is
// not there.
func (s *setup) version(ctx context.Context, t Template) (int, error) {
	var a struct {
		Index []struct {
			T struct {
				Version int `json:"version"`
			} `json:"index_template"`
		} `json:"index_templates"`
		Component []struct {
			T struct {
				Version int `json:"version"`
			} `json:"component_template"`
		} `json:"component_templates"`
	}
	err := s.c.call(ctx, http.MethodGet, t.path(), nil, &a)
	switch {
	case IsKind(err, Missing):
		return 0, nil
	case err != nil:
		return 0, err
	case len(a.Index) == 1:
		return a.Index[0].T.Version, nil
	case len(a.Component) == 1:
		return a.Component[0].T.Version, nil
	}
	return 0, nil
}

// change makes a request that changes something, or prints it.
func (s *setup) change(ctx context.Context, method, path string, body []byte) error {
	if s.o.DryRun {
		s.say("%s %s", method, path)
		if body != nil {
			var b bytes.Buffer
			if err := json.Indent(&b, bytes.TrimSpace(body), "", "  "); err != nil {
				return fmt.Errorf("%s %s: %w", method, path, err)
			}
			s.say("%s", b.String())
		}
		return nil
	}
	if err := s.c.call(ctx, method, path, body, nil); err != nil {
		return err
	}
	s.say("done       %s %s", method, path)
	return nil
}

// exists reports whether an index, alias or data stream of that name is there.
func (s *setup) exists(ctx context.Context, name string) (bool, error) {
	err := s.c.call(ctx, http.MethodHead, "/"+name, nil, nil)
	if IsKind(err, Missing) {
		return false, nil
	}
	return err == nil, err
}

// plain is an error when an ordinary index has the name of a data stream: a
// document came before there was a template.
func (s *setup) plain(ctx context.Context, name string) error {
	var a map[string]json.RawMessage
	err := s.c.call(ctx, http.MethodGet, "/"+name+"?filter_path=*.settings.index.uuid", nil, &a)
	switch {
	case IsKind(err, Missing):
		return nil
	case err != nil:
		return err
	case a[name] != nil: // of a data stream, the indices behind it are named
		return fmt.Errorf("%s is an ordinary index, most often because documents came before setup; nothing was changed, remove it with DELETE /%s (what it holds goes with it) and run setup again", name, name)
	}
	return nil
}

// stream creates a data stream, or gives one that is there a new backing
// index when its template has changed.
func (s *setup) stream(ctx context.Context, name string, upgraded bool) error {
	there, err := s.exists(ctx, name)
	switch {
	case err != nil:
		return err
	case there && upgraded:
		return s.change(ctx, http.MethodPost, "/"+name+"/_rollover", nil)
	case there:
		s.say("unchanged  /%s", name)
		return nil
	}
	err = s.change(ctx, http.MethodPut, "/_data_stream/"+name, nil)
	if err == nil {
		return nil
	}
	// A cluster that does not offer this creates the stream from its template.
	p := problemOf(err)
	if p.Status == http.StatusMethodNotAllowed || p.Status == http.StatusBadRequest && strings.Contains(p.Text, "no handler") {
		s.say("later      /%s is created by the first document", name)
		return nil
	}
	return err
}

// index creates an index, or gives one that is there the fields its template
// has won.
func (s *setup) index(ctx context.Context, name string, upgraded bool) error {
	there, err := s.exists(ctx, name)
	if err != nil {
		return err
	}
	if there && upgraded {
		body, err := mappings(name)
		if err != nil {
			return err
		}
		return s.change(ctx, http.MethodPut, "/"+name+"/_mapping", body)
	}
	if there {
		s.say("unchanged  /%s", name)
		return nil
	}
	return s.change(ctx, http.MethodPut, "/"+name, nil)
}
