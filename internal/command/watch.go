package command

import (
	"errors"
	"io/fs"

	"levee/internal/config"
	"levee/internal/source"
)

// WatchSources returns c with the sources that args name: files, globs, "-",
// or sources of levee.yaml. Without args, those of levee.yaml stay.
func WatchSources(c config.Config, args []string, o LogOptions) (config.Config, error) {
	c.TrustedProxies = append(c.TrustedProxies, o.TrustedProxies...)
	if len(args) == 0 {
		if len(c.Sources) == 0 {
			return c, Usagef("nothing to watch; name a log file, such as /var/log/nginx/access.log, or list sources in levee.yaml")
		}
		return c, nil
	}
	var chosen []config.Source
	for _, a := range args {
		s, ok := c.Source(a)
		if !ok {
			if err := source.Check(a); err != nil && !errors.Is(err, fs.ErrNotExist) { // a log may come later
				return c, err
			}
			s = config.Source{File: a, Format: o.Format, Service: o.Service}
		}
		chosen = append(chosen, s)
	}
	c.Sources = chosen
	return c, nil
}
