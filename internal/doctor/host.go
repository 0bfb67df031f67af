package doctor

import (
	"fmt"
	"strconv"
	"strings"
)

// Host looks at the kernel's own signs of a flood, which no access log shows:
// when the log is silent while these rise, silence is not calm.
func Host(read func(path string) ([]byte, error)) []Finding {
	var out []Finding
	if n, ok := number(read, "/proc/sys/net/netfilter/nf_conntrack_count"); ok {
		most, known := number(read, "/proc/sys/net/netfilter/nf_conntrack_max")
		if known && most > 0 && n*10 >= most*9 {
			out = append(out, Finding{Bad, "conntrack", fmt.Sprintf("%d of %d connections are tracked: new ones will be dropped", n, most), "raise net.netfilter.nf_conntrack_max, or drop floods before they are tracked"})
		}
	}
	ext := netstat(read)
	for _, c := range []struct{ name, says, mend string }{
		{"ListenDrops", "connections were dropped because a server did not accept them in time", "raise its backlog and net.core.somaxconn; look for slow requests"},
		{"TCPReqQFullDrop", "connection attempts were dropped: the SYN backlog was full", "raise net.ipv4.tcp_max_syn_backlog and keep net.ipv4.tcp_syncookies=1"},
		{"TCPReqQFullDoCookies", "SYN cookies were sent: the SYN backlog was full", "a SYN flood never reaches the access log; raise net.ipv4.tcp_max_syn_backlog"},
	} {
		if n := ext[c.name]; n > 0 {
			out = append(out, Finding{Warn, "host", fmt.Sprintf("%d since boot: %s", n, c.says), c.mend})
		}
	}
	if len(out) == 0 {
		out = append(out, Finding{State: OK, Check: "host", Says: "no drops at the listeners, the SYN backlog or conntrack"})
	}
	return out
}

func number(read func(string) ([]byte, error), path string) (int64, bool) {
	b, err := read(path)
	if err != nil {
		return 0, false // this kernel does not count it
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// netstat reads the TcpExt counters of proc_pid_net(5).
func netstat(read func(string) ([]byte, error)) map[string]int64 {
	out := map[string]int64{}
	b, err := read("/proc/net/netstat")
	if err != nil {
		return out
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i := 1; i < min(len(f), len(names)); i++ {
			if n, err := strconv.ParseInt(f[i], 10, 64); err == nil {
				out[names[i]] = n
			}
		}
	}
	return out
}
