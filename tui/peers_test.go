package tui

import (
	"strings"
	"testing"
	"time"

	"levee/internal/status"
)

func TestPeersInTheStatusBar(t *testing.T) {
	three := []string{"edge-1", "edge-2", "edge-3"}
	for _, c := range []struct {
		p    status.Peers
		w    int
		want string
	}{
		{status.Peers{}, 120, ""},
		{status.Peers{Configured: true, Hosts: three, Leader: "edge-2"}, 120, "3 hosts, edge-2 leads"},
		{status.Peers{Configured: true, Hosts: three, Leader: "edge-1", Leads: true}, 120, "3 hosts, this one leads"},
		{status.Peers{Configured: true, Hosts: three}, 120, "3 hosts, none leads"},
		{status.Peers{Configured: true, Hosts: three, Leader: "edge-2"}, 80, "3 hosts"},
		{status.Peers{Configured: true, Hosts: three[:1], Alone: true, Share: 3}, 80, "ALONE 1/3"},
		{status.Peers{Configured: true, Hosts: three[:1], Alone: true, Share: 3}, 60, "ALONE 1/3"},
		{status.Peers{Configured: true, Hosts: three, Leader: "a-host-with-a-very-long-name.example.com"}, 120, "3 hosts, a-hos…xample.com leads"},
	} {
		if got := strings.TrimSpace(peersShort(c.p, c.w)); got != c.want {
			t.Errorf("%+v at %d: %q, want %q", c.p, c.w, got, c.want)
		}
	}
}

func withPeers(f *fake) {
	f.status.Peers = status.Peers{Configured: true, Host: "edge-1", Leader: "edge-2", Term: 7, Hosts: []string{"edge-1", "edge-2", "edge-3"},
		Notes: []string{"the clock of edge-3 is 12s off: mend NTP there or here"}}
}

func standsAlone(f *fake) {
	f.status.Peers = status.Peers{Configured: true, Host: "edge-1", Hosts: []string{"edge-1"}, Alone: true, Share: 3, Since: t0.Add(-time.Minute),
		Note: "Elasticsearch at https://es.example.com:9200 refuses connections; check elasticsearch.urls and that the node runs"}
}
