package station

import (
	"fmt"

	"levee/actions"
	"levee/actions/denylist"
)

// enforcers builds what the configuration says can act. Those with work of
// their own are run by Run.
func (s *Station) enforcers() ([]actions.Enforcer, error) {
	var list []actions.Enforcer
	for i, d := range s.o.Config.Actions.Denylist {
		name := "denylist"
		if i > 0 {
			name = fmt.Sprintf("denylist %d", i+1)
		}
		e, err := denylist.New(denylist.Options{Name: name, Path: d.Path, Style: denylist.Style(d.Style), Test: d.Test, Reload: d.Reload, Now: s.o.Now})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.o.Config.Position(d.Line), err)
		}
		list = append(list, e)
	}
	for _, e := range list {
		if r, ok := e.(runner); ok {
			s.jobs = append(s.jobs, r)
		}
	}
	return list, nil
}
