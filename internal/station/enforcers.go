package station

import (
	"fmt"
	"io"
	"path/filepath"

	"levee/actions"
	"levee/actions/denylist"
	"levee/actions/jenkins"
	"levee/internal/config"
)

// enforcers builds what the configuration says can act. Close closes those
// that hold something.
func (s *Station) enforcers() ([]actions.Enforcer, error) {
	var list []actions.Enforcer
	add := func(e actions.Enforcer) {
		list = append(list, e)
		if c, ok := e.(io.Closer); ok {
			s.closers = append(s.closers, c)
		}
	}
	for i, d := range s.o.Config.Actions.Denylist {
		name := "denylist"
		if i > 0 {
			name = fmt.Sprintf("denylist %d", i+1)
		}
		e, err := denylist.New(denylist.Options{Name: name, Path: d.Path, Style: denylist.Style(d.Style),
			Test: d.Test, Reload: d.Reload, Now: s.o.Now})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.o.Config.Position(d.Line), err)
		}
		add(e)
	}
	if c := s.o.Config.Actions.Jenkins; c.URL != "" {
		e, err := jenkins.New(s.jenkinsOptions(c))
		if err != nil {
			return nil, err
		}
		add(e)
	}
	return list, nil
}

func (s *Station) jenkinsOptions(c config.Jenkins) jenkins.Options {
	o := jenkins.Options{
		URL: string(c.URL), User: c.User, Token: c.Token.Reveal(), Now: s.o.Now,
		Journal: filepath.Join(s.o.StateDir, "jenkins.json"),
		Jobs:    map[actions.Verb]jenkins.Job{},
	}
	for verb, j := range c.Jobs {
		o.Jobs[actions.Verb(verb)] = jenkins.Job{Job: j.Job, Parameters: j.Parameters}
	}
	return o
}
