package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Ready looks whether the cluster would take what levee publishes: templates
// of this version or newer, no index that is read-only, and fields of the types
// that the templates give them. What the key may not look at is passed over.
// What is wrong is a *Problem.
func (c *Client) Ready(ctx context.Context) error {
	for _, look := range []func(context.Context) error{c.templated, c.writable, c.fitting} {
		if err := look(ctx); err != nil && !IsKind(err, Forbidden) {
			return err
		}
	}
	return nil
}

// templated looks for the templates of the indices.
func (c *Client) templated(ctx context.Context) error {
	var a struct {
		Index []struct {
			Name string `json:"name"`
			T    struct {
				Version int `json:"version"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	if err := c.call(ctx, http.MethodGet, "/_index_template/levee-*", nil, &a); err != nil && !IsKind(err, Missing) {
		return err
	}
	installed := map[string]int{}
	for _, t := range a.Index {
		installed[t.Name] = t.T.Version
	}
	for _, name := range append([]string{DecisionsIndex}, streams...) {
		switch v := installed[name]; {
		case v == 0:
			return missing("template " + name)
		case v < TemplateVersion:
			return &Problem{Kind: Missing, Text: fmt.Sprintf("Elasticsearch has the template %s in version %d and this levee brings %d; run `levee elastic setup` again", name, v, TemplateVersion)}
		}
	}
	return nil
}

// writable looks for indices that are blocked.
func (c *Client) writable(ctx context.Context) error {
	var a map[string]struct {
		Settings map[string]string `json:"settings"`
	}
	err := c.call(ctx, http.MethodGet, "/levee-*/_settings/index.blocks.*?flat_settings=true&expand_wildcards=all", nil, &a)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		for _, block := range []string{"read_only_allow_delete", "read_only", "write"} {
			if a[name].Settings["index.blocks."+block] != "true" {
				continue
			}
			// Of a data stream, only the newest index is written to.
			if block == "write" && strings.HasPrefix(name, ".ds-") {
				continue
			}
			return refusal("the cluster", plain(name, 80), http.StatusForbidden, "cluster_block_exception",
				fmt.Sprintf("index.blocks.%s of %s is true: read-only", block, name))
		}
	}
	return nil
}

// fitting holds the fields of the indices against those of the templates.
func (c *Client) fitting(ctx context.Context) error {
	for _, index := range append([]string{DecisionsIndex}, streams...) {
		want, err := Fields(index)
		if err != nil {
			return err
		}
		var a struct {
			Fields map[string]map[string]json.RawMessage `json:"fields"`
		}
		err = c.call(ctx, http.MethodGet, "/"+index+"/_field_caps?ignore_unavailable=true&allow_no_indices=true&filters=-metadata,-parent&fields=*", nil, &a)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			for kind := range a.Fields[name] {
				if kind != want[name] && kind != "unmapped" {
					return &Problem{Kind: Mapping, Text: fmt.Sprintf("mapping conflict: %s maps %s as %s, not as %s; another template rules it: run `levee elastic setup` and look for templates with a higher priority", index, plain(name, 80), plain(kind, 40), want[name])}
				}
			}
		}
	}
	return nil
}
