package doctor

import (
	"fmt"

	"levee/internal/kernel"
)

// Host looks at the kernel's own signs of a flood, which no access log shows:
// when the log is silent while these rise, silence is not calm. A running
// levee watches how they rise; this looks at what they add up to.
func Host(read kernel.Reader) []Finding {
	var out []Finding
	c := kernel.Read(read)
	if c.ConntrackMost > 0 && c.Conntrack*10 >= c.ConntrackMost*9 {
		out = append(out, Finding{Bad, "conntrack", fmt.Sprintf("%d of %d connections are tracked: new ones will be dropped", c.Conntrack, c.ConntrackMost), "raise net.netfilter.nf_conntrack_max, or drop floods before they are tracked"})
	}
	for _, x := range []struct {
		n          uint64
		says, mend string
	}{
		{c.ListenDrops, "connections were dropped because a server did not accept them in time", "raise its backlog and net.core.somaxconn; look for slow requests"},
		{c.SynDrops, "connection attempts were dropped: the SYN backlog was full", "raise net.ipv4.tcp_max_syn_backlog and keep net.ipv4.tcp_syncookies=1"},
		{c.SynCookies, "SYN cookies were sent: the SYN backlog was full", "a SYN flood never reaches the access log; raise net.ipv4.tcp_max_syn_backlog"},
		{c.ConntrackDrops, "connections could not be tracked and were dropped", "raise net.netfilter.nf_conntrack_max, or drop floods before they are tracked"},
	} {
		if x.n > 0 {
			out = append(out, Finding{Warn, "host", fmt.Sprintf("%d since boot: %s", x.n, x.says), x.mend})
		}
	}
	if len(out) == 0 {
		out = append(out, Finding{State: OK, Check: "host", Says: "no drops at the listeners, the SYN backlog or conntrack"})
	}
	return out
}
