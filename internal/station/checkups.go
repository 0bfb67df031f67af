package station

import (
	"fmt"
	"time"

	"levee/actions"
	"levee/actions/jenkins"
	"levee/internal/config"
	"levee/internal/enforcer"
)

// Checkups builds the enforcers of a configuration to look at, not to act:
// nothing is remembered and no station need run. Whoever has a Close wants it
// called.
func Checkups(c config.Config, now func() time.Time) ([]actions.Enforcer, error) {
	list, err := Privileged(c, now, nil)
	if err != nil {
		return nil, err
	}
	if c.Actions.Enforcer != "" {
		for i, e := range list {
			if list[i], err = enforcer.NewClient(enforcer.ClientOptions{Socket: c.Actions.Enforcer, Shape: e, Timeout: 5 * time.Second}); err != nil {
				return nil, err
			}
		}
	}
	if c.Actions.Jenkins.URL != "" {
		o := (&Station{o: Options{Config: c, Now: now}}).jenkinsOptions(c.Actions.Jenkins)
		o.Journal = ""
		e, err := jenkins.New(o)
		if err != nil {
			return nil, fmt.Errorf("jenkins: %w", err)
		}
		list = append(list, e)
	}
	return list, nil
}
