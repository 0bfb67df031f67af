package command

import (
	"context"
	"fmt"

	"levee/actions/notify"
	"levee/internal/config"
	"levee/internal/station"
)

// NotifyTest sends a test message to everybody the configuration names and
// says of each whether it arrived.
func NotifyTest(ctx context.Context, s Streams, c config.Config) error {
	if len(c.Notify) == 0 {
		return Usagef("nobody to tell; list targets under notify: in levee.yaml")
	}
	n, err := notify.New(station.NotifyOptions(c))
	if err != nil {
		return Wrong(err)
	}
	failed := 0
	for i, err := range n.Test(ctx) {
		name := n.Status()[i].Name
		if err != nil {
			failed++
			fmt.Fprintf(s.Out, "%s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(s.Out, "%s: ok\n", name)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d targets could not be told", failed, len(c.Notify))
	}
	return nil
}
