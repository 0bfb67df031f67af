package doctor

import (
	"context"
	"fmt"
	"time"

	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/elastic"
	"levee/internal/station"
)

// staleAfter is how old an index's newest document may be.
const staleAfter = 10 * time.Minute

// cluster looks at the cluster itself and at the fleet's figures.
func cluster(ctx context.Context, o Options) []Finding {
	const name = "elasticsearch"
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	c, err := elastic.New(station.ElasticOptions(o.Config.Elasticsearch))
	if err != nil {
		return []Finding{{State: Bad, Check: name, Says: err.Error()}}
	}
	defer c.Close()
	info, err := c.Check(ctx)
	if err != nil {
		return []Finding{{State: Bad, Check: name, Says: err.Error()}}
	}
	out := []Finding{{State: OK, Check: name, Says: info.Cluster + " " + info.Version}}
	if err := c.Ready(ctx); err != nil {
		out = append(out, Finding{State: Bad, Check: "publishing", Says: err.Error()})
	} else {
		out = append(out, Finding{State: OK, Check: "publishing", Says: "its templates and indices take what levee writes"})
	}
	q := station.FleetQuery(o.Config)
	f, err := c.Fleet(ctx, q, o.Now)
	switch {
	case err != nil:
		return append(out, Finding{State: Bad, Check: "fleet", Says: err.Error()})
	case f.Why != "":
		return append(out, Finding{State: Warn, Check: "fleet", Says: "some of the cluster did not answer: " + f.Why})
	case f.Note != "":
		return append(out, Finding{State: Warn, Check: "fleet", Says: f.Note})
	case f.Requests == 0:
		return append(out, Finding{Warn, "fleet", fmt.Sprintf("no request in the last %s in %s", q.Window, q.Index), "name the access logs' index in elasticsearch.fleet.index, or look at what ships them"})
	}
	return append(out, Finding{State: OK, Check: "fleet", Says: fmt.Sprintf("%d requests in the last %s in %s, counted in %s", f.Requests, q.Window, q.Index, f.Took)})
}

// tailed shows what the parser makes of an index's newest documents.
func tailed(ctx context.Context, name string, s config.Source, o Options) Finding {
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	c, err := elastic.New(station.ElasticOptions(o.Config.Elasticsearch))
	if err != nil {
		return Finding{State: Bad, Check: name, Says: err.Error()}
	}
	defer c.Close()
	docs, newest, err := c.Peek(ctx, string(s.Elasticsearch), o.Config.Elasticsearch.Fields.Time, 20)
	switch {
	case elastic.IsKind(err, elastic.Missing):
		return Finding{State: Warn, Check: name, Says: err.Error()}
	case err != nil:
		return Finding{State: Bad, Check: name, Says: err.Error()}
	case len(docs) == 0:
		return Finding{Warn, name, "it holds no document yet", "make a request and look again"}
	}
	p, err := logline.New(logline.Options{Format: s.Format, Service: s.Service, TrustedProxies: o.Config.TrustedProxies})
	if err != nil {
		return Finding{State: Bad, Check: name, Says: err.Error()}
	}
	good, shown := 0, ""
	for _, d := range docs {
		for _, line := range [][]byte{d.Text, d.Whole} {
			var r detect.Request
			if k, err := p.Parse(line, &r); err == nil && k == detect.Access {
				if good++; shown == "" {
					shown = fmt.Sprintf("format %s: %s %s %s %d", p.Format(), r.Source, r.Method, r.Target, r.Status)
				}
				break
			}
		}
	}
	old := o.Now.Sub(newest).Round(time.Second)
	switch {
	case good == 0:
		return Finding{Bad, name, fmt.Sprintf("none of its %d newest documents is an access log line", len(docs)), "name an index of access logs, or their format"}
	case old > staleAfter:
		return Finding{Warn, name, fmt.Sprintf("its newest document is %s old", old), "look at what ships the logs"}
	case old < -time.Minute:
		return Finding{Warn, name, fmt.Sprintf("its newest document is %s ahead of this host's clock", -old), "run an NTP client here and on the host that wrote it"}
	}
	return Finding{State: OK, Check: name, Says: fmt.Sprintf("newest document %s old, %d of %d readable, %s", max(old, 0), good, len(docs), shown)}
}
