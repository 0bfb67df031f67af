package elastic

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"levee/detect"
)

// Rehearsed is an alert rule that a rehearsal makes fire, and what the
// message must say.
type Rehearsed struct {
	Rule    string // its name in deploy/elastalert2
	Subject string // of the message it sends
}

// Rehearse writes one event for each rule that watches what levee publishes,
// as if something had happened: each says in its tags, its message and in
// whatever a message quotes that it is a rehearsal by somebody. id names the
// rehearsal and is another each time: a rule is quiet for a while about what it
// told already, and a real alert must not be taken for the same.
//
// The events go to RehearsalStream, which rules read beside the real ones. On
// an error some of them may be there already; that does no harm.
func (c *Client) Rehearse(ctx context.Context, o Origin, by string, at time.Time) (id string, rules []Rehearsed, err error) {
	id = "REHEARSAL-" + strings.ToLower(rand.Text()[:8])
	told := fmt.Sprintf("REHEARSAL by %s on %s: nobody attacks, this tests the alert chain", plain(by, 60), plain(o.Host, 60))
	suspect := func(a detect.Attack) fields {
		return fields{"event.action": string(detect.SuspectSeen), "event.kind": "alert", "source.address": id, "levee.attack": string(a),
			"levee.score": 0, "levee.evidence": []string{told}, "url.domain": id}
	}
	for _, x := range []struct {
		Rehearsed
		f fields
	}{
		{Rehearsed{"levee attack active", "levee: distributed_flood on " + id},
			fields{"event.action": string(detect.IncidentOpen), "event.kind": "alert", "levee.attack": string(detect.DistributedFlood), "levee.incident": id,
				"url.domain": id, "levee.rate": 0, "levee.baseline": 0, "levee.sources": 0}},
		{Rehearsed{"levee login abuse", "levee: login abuse, first by " + id}, suspect(detect.LoginAbuse)},
		{Rehearsed{"levee new scanner", "levee: new scanners, first " + id}, suspect(detect.Scan)},
		{Rehearsed{"levee automation stopped", "levee on " + id + " is disarmed"},
			fields{"event.kind": "metric", "service.name": "_all", "levee.auto.on": true, "levee.auto.armed": false, "levee.suspects": 0, "levee.incidents": 0}},
	} {
		// Rules group by observer.name: it must not be the real one.
		from := Origin{Host: id, Version: o.Version}
		maps.Copy(x.f, fields{"tags": []string{"rehearsal"}, "message": told})
		d, err := from.doc(RehearsalStream, at, x.f, x.Rule)
		if err != nil {
			return "", nil, err
		}
		err = c.call(ctx, http.MethodPost, "/"+d.Index+"/_create/"+d.ID+"?require_data_stream=true", json.RawMessage(d.Body), nil)
		if err != nil {
			return "", nil, fmt.Errorf("write a rehearsal: %w", err)
		}
		rules = append(rules, x.Rehearsed)
	}
	return id, rules, nil
}
