package station

import (
	"slices"

	"levee/actions"
	"levee/internal/config"
)

// live are the keys of levee.yaml that change while a station runs.
var live = []string{"sources", "trusted_proxies", "allow", "detect.source_rate", "auto.level", "auto.ttl", "auto.max_ttl", "auto.budget",
	"auto.services", "playbooks", "actions.dry_run", "notify"}

// Reconfigure takes over what may change while the station runs, all of it or
// nothing. It returns the keys that hold from now on and those that wait for
// another start. Sources that stay are not disturbed; one that is read anew
// goes on where it was left. What the new guardrails forbid is lifted.
func (s *Station) Reconfigure(next config.Config) (now, later []string, err error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	was := s.conf
	for _, key := range config.Changes(was, next) {
		if slices.Contains(live, key) {
			now = append(now, key)
		} else {
			later = append(later, key)
		}
	}
	changed := func(key string) bool { return slices.Contains(now, key) }
	guard, err := Guardrails(next)
	if err != nil {
		return nil, nil, &ConfigError{err}
	}
	feeds, err := s.feeds.compare(next, changed("trusted_proxies"))
	if err != nil {
		return nil, nil, &ConfigError{err}
	}
	if feeds.later {
		later = append(later, "the source -")
	}
	if !slices.Equal(was.Services(), next.Services()) {
		later = append(later, "which hosts count as services")
	}
	if changed("notify") && (s.notifier == nil || len(next.Notify) == 0) {
		now = slices.DeleteFunc(now, func(k string) bool { return k == "notify" })
		later = append(later, "notify")
	}
	if changed("notify") {
		if err := s.notifier.SetTargets(NotifyOptions(next).Targets); err != nil {
			return nil, nil, &ConfigError{err}
		}
	}
	// Nothing below fails.
	if err := s.dispatcher.Reconfigure(actions.Settings{Guardrails: guard, Auto: AutoOptions(next), DryRun: next.Actions.DryRun}); err != nil {
		return nil, nil, err
	}
	s.usual.set(usual(next))
	s.judge.mu.Lock()
	s.judge.engine.SetSourceRate(float64(next.Detect.SourceRate))
	s.judge.mu.Unlock()
	s.feeds.apply(feeds, s.judge.drain)
	s.conf = config.Take(was, next, now)
	return now, later, nil
}
