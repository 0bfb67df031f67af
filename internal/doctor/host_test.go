package doctor

import (
	"io/fs"
	"strings"
	"testing"
)

// TestSilenceIsNotCalm: the kernel's figures speak where the log is silent.
func TestSilenceIsNotCalm(t *testing.T) {
	const calm = "TcpExt: SyncookiesSent ListenDrops TCPReqQFullDrop\nTcpExt: 0 0 0\nIpExt: InNoRoutes\nIpExt: 9\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		state State
		says  string
	}{
		{"calm", map[string]string{"/proc/net/netstat": calm}, OK, "no drops"},
		{"nothing can be read", nil, OK, "no drops"},
		{"cut short", map[string]string{"/proc/net/netstat": "TcpExt: ListenDrops\nTcpExt:"}, OK, "no drops"},
		{"listeners drop", map[string]string{"/proc/net/netstat": strings.Replace(calm, "0 0 0", "0 7 0", 1)}, Warn, "7 since boot"},
		{"conntrack is full", map[string]string{"/proc/sys/net/netfilter/nf_conntrack_count": "950\n", "/proc/sys/net/netfilter/nf_conntrack_max": "1000\n"}, Bad, "950 of 1000"},
		{"conntrack has room", map[string]string{"/proc/sys/net/netfilter/nf_conntrack_count": "50\n", "/proc/sys/net/netfilter/nf_conntrack_max": "1000\n"}, OK, "no drops"},
	} {
		found := Host(func(path string) ([]byte, error) {
			if text, ok := c.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		})
		if found[0].State != c.state || !strings.Contains(found[0].Says, c.says) {
			t.Errorf("%s: %+v", c.name, found)
		}
	}
}
