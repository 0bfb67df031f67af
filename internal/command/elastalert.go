package command

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"levee/internal/config"
	"levee/internal/elastic"
)

// RehearsalOptions says how ElastalertTest works.
type RehearsalOptions struct {
	Config config.Config
	By     string           // who rehearses, for the messages
	Now    func() time.Time // nil: time.Now
}

// ElastalertTest makes the rules of deploy/elastalert2 fire and says what must
// come of it.
func ElastalertTest(ctx context.Context, s Streams, o RehearsalOptions) error {
	c, err := elasticClient(o.Config)
	if err != nil {
		return err
	}
	defer c.Close()
	if o.Now == nil {
		o.Now = time.Now
	}
	host, err := os.Hostname()
	if err != nil {
		host = "levee"
	}
	id, rules, err := c.Rehearse(ctx, elastic.Origin{Host: host}, cmp.Or(o.By, "somebody"), o.Now())
	if err != nil {
		return fmt.Errorf("elastalert test: %w", err)
	}
	fmt.Fprintf(s.Out, "%s: %d events are in %s. Within two minutes everybody in people.yaml must have, by every way it names:\n\n", id, len(rules), elastic.RehearsalStream)
	w := tabwriter.NewWriter(s.Out, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "  RULE\tSUBJECT")
	for _, r := range rules {
		fmt.Fprintf(w, "  %s\t%s\n", r.Rule, r.Subject)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("elastalert test: %w", err)
	}
	fmt.Fprint(s.Out, `
One is missing? Look at ElastAlert's own log, at its index elastalert_error, and
whether its key has the rights of "levee elastic role alerts".

Not rehearsed: "access log spike" needs traffic; "levee silent" and the heartbeat
come when levee is stopped for three minutes.
`)
	return nil
}
