package elastic

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// FleetFields names the fields of an access log index. The zero value means
// ECS, as Filebeat's nginx and apache modules and Elastic Agent write it.
type FleetFields struct {
	Time   string // default @timestamp
	Source string // default source.ip
	Status string // default http.response.status_code
	Path   string // default url.path
	Agent  string // default user_agent.original
	Host   string // default url.domain
	Method string // default http.request.method
	User   string // default user.name
}

func (f FleetFields) filled() FleetFields {
	for i, at := range f.all() {
		if *at == "" {
			*at = [...]string{"@timestamp", "source.ip", "http.response.status_code", "url.path",
				"user_agent.original", "url.domain", "http.request.method", "user.name"}[i]
		}
	}
	return f
}

func (f *FleetFields) all() [8]*string {
	return [...]*string{&f.Time, &f.Source, &f.Status, &f.Path, &f.Agent, &f.Host, &f.Method, &f.User}
}

// mapped is how an index really maps FleetFields: what is not there, or is text
// that can't be counted, is "".
type mapped struct {
	FleetFields
	addresses bool   // the source is of type ip, so that prefixes can be asked for
	note      string // what can't be shown and why, in one sentence; "" all is well
}

// mapping asks how q's index maps its fields. An index that does not exist yet
// has all of them.
func (c *Client) mapping(ctx context.Context, q FleetQuery) (mapped, error) {
	m := mapped{FleetFields: q.Fields.filled(), addresses: true}
	var names []string
	for _, at := range m.all() {
		names = append(names, *at, *at+".keyword")
	}
	var a struct {
		Indices any                           `json:"indices"` // one name or a list
		Fields  map[string]map[string]capable `json:"fields"`
	}
	err := c.call(ctx, http.MethodGet, "/"+url.PathEscape(q.Index)+"/_field_caps?ignore_unavailable=true&allow_no_indices=true&fields="+
		url.QueryEscape(strings.Join(names, ",")), nil, &a)
	if list, ok := a.Indices.([]any); err != nil || ok && len(list) == 0 {
		return m, err
	}
	var lost []string
	for i, at := range m.all() {
		name := *at
		kinds := a.Fields[name]
		key := [...]string{"time", "source", "status", "path", "agent", "host", "method", "user"}[i]
		if _, text := kinds["text"]; text && len(kinds) == 1 {
			*at, kinds = name+".keyword", a.Fields[name+".keyword"]
		}
		switch {
		case len(kinds) > 1:
			return m, &Problem{Kind: Mapping, Text: disagreement(name, kinds)}
		case len(kinds) == 0 && i < 2:
			return m, &Problem{Kind: Mapping, Text: fmt.Sprintf("no index of %s has a field %s that can be counted; name the right one in elasticsearch.fields.%s", plain(q.Index, 80), plain(name, 80), key)}
		case len(kinds) == 0:
			*at = ""
			if key != "user" {
				lost = append(lost, name+" ("+key+")")
			}
		}
		for kind := range kinds {
			switch key {
			case "source":
				m.addresses = kind == "ip"
			case "time":
				if kind != "date" && kind != "date_nanos" {
					return m, &Problem{Kind: Mapping, Text: fmt.Sprintf("%s maps %s as %s, not as date; name a date field in elasticsearch.fields.time", plain(q.Index, 80), plain(name, 80), plain(kind, 20))}
				}
			}
		}
	}
	if len(lost) > 0 {
		m.note = fmt.Sprintf("%s has no field %s that can be counted; name it in elasticsearch.fields", plain(q.Index, 80), plain(strings.Join(lost, ", "), 200))
	}
	return m, nil
}

// capable is what field_caps says of one type of a field.
type capable struct {
	Indices []string `json:"indices"` // only where types differ
}

// disagreement says which indices map a field differently.
func disagreement(name string, kinds map[string]capable) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		s := kind
		if list := kinds[kind].Indices; len(list) > 0 {
			s += " in " + strings.Join(list[:min(2, len(list))], ", ")
			if len(list) > 2 {
				s += fmt.Sprintf(" and %d more", len(list)-2)
			}
		}
		parts = append(parts, s)
	}
	return plain(fmt.Sprintf("mapping conflict: %s is %s; leave one of them out in elasticsearch.fleet.index, or reindex it", name, strings.Join(parts, ", ")), 400)
}
