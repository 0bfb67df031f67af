package story

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"levee/demo"
)

var combined = regexp.MustCompile(`(?m)^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) `)

// rawLogs stores what Filebeat or Logstash would of a site that no levee
// defends: quiet at first, then under the demo's distributed flood.
func (s *stage) rawLogs(start time.Time) {
	s.t.Helper()
	const quiet, flood = 150 * time.Second, 60 * time.Second
	sim, err := demo.New(demo.Options{Seed: 8, Rate: 20, Drills: []string{"distributed_flood"}, Start: start, History: quiet})
	must(s.t, err)
	for at := start; at.Before(start.Add(quiet + flood)); at = at.Add(30 * time.Second) {
		var bulk bytes.Buffer
		for _, m := range combined.FindAllSubmatch(sim.Lines(at, at.Add(30*time.Second)), -1) {
			when, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(m[2]))
			must(s.t, err)
			fmt.Fprintf(&bulk, "{\"create\":{}}\n{\"@timestamp\":%q,\"source\":{\"ip\":%q},\"http\":{\"request\":{\"method\":%q},\"response\":{\"status_code\":%s}},\"url\":{\"path\":%q}}\n",
				when.UTC().Format(time.RFC3339), m[1], m[3], m[5], m[4])
		}
		s.ask(http.MethodPost, "/logs-nginx.access-default/_bulk?filter_path=errors", bulk.Bytes(), nil)
	}
}
