package doctor

import (
	"context"
	"fmt"
	"time"

	"levee/internal/elastic"
	"levee/internal/station"
)

// skewMost is how far this machine's clock may be from the cluster's: the
// ends of blocks and the terms of leaders are compared between hosts.
const skewMost = 5 * time.Second

// fleetFindings looks at what hosts need that decide as one: the key, the
// right to read the index, and clocks that agree.
func fleetFindings(ctx context.Context, o Options) []Finding {
	if !o.Config.Fleet.Key.Set() {
		return nil
	}
	if _, err := station.FleetKeys(o.Config); err != nil {
		return []Finding{{State: Bad, Check: "fleet", Says: err.Error()}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	c, err := elastic.New(station.ElasticOptions(o.Config.Elasticsearch))
	if err != nil {
		return nil // said already
	}
	defer c.Close()
	f := Finding{State: OK, Check: "fleet", Says: o.Config.Fleet.Name + ": its index can be read"}
	if _, err := elastic.NewShared(c, elastic.Origin{}, o.Config.Fleet.Name, time.Now).Since(ctx, -1, nil, o.Now, 1); err != nil {
		f = Finding{Bad, "fleet", err.Error(), "give the key the rights that `levee elastic role fleet` prints"}
	}
	out := []Finding{f}
	switch ahead, within, err := c.Clock(ctx); {
	case err != nil:
		out = append(out, Finding{Warn, "fleet clock", "the cluster does not tell its time: " + err.Error(), "give the key the cluster privilege monitor"})
	case (ahead).Abs()-within > skewMost:
		out = append(out, Finding{Bad, "fleet clock", fmt.Sprintf("the cluster's clock is %s ahead of this machine's", ahead.Round(time.Second)), "run an NTP client here and there"})
	default:
		out = append(out, Finding{State: OK, Check: "fleet clock", Says: "within " + max(ahead.Abs(), within).Round(time.Millisecond).String() + " of the cluster's"})
	}
	return out
}
