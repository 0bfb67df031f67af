package station

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"levee/detect"
)

// TestSilenceIsNotCalm: while the log is silent and the kernel drops, everybody
// is told, once; while requests flow as usual they are not.
func TestSilenceIsNotCalm(t *testing.T) {
	n := 0
	now := time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC)
	o := place{t.TempDir()}.options()
	o.Now = func() time.Time { return now }
	o.Kernel = func(path string) ([]byte, error) {
		if path != "/proc/net/netstat" {
			return nil, fmt.Errorf("%s: not here", path)
		}
		return fmt.Appendf(nil, "TcpExt: ListenDrops TCPReqQFullDoCookies\nTcpExt: 0 %d\n", n), nil
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pass := func(seconds, rise int) {
		for range seconds {
			now = now.Add(time.Second)
			n += rise
			s.lookAtHost(now)
		}
	}
	told := func() (n int) {
		for _, x := range s.Notices(0) {
			if strings.Contains(x.Text, "silence is not calm") && strings.Contains(x.Text, "SYN backlog full: ") {
				n++
			}
		}
		return n
	}
	pass(30, 0)
	if h := s.Status().Host; len(h.Signs) > 0 || h.Silent || told() > 0 {
		t.Errorf("without a drop: %+v, told %d times", h, told())
	}
	pass(12, 300)
	if h := s.Status().Host; !h.Silent || h.Signs[0] != "SYN backlog full: 300/s" || told() != 1 {
		t.Errorf("in a SYN flood: %+v, told %d times", h, told())
	}
	pass(60, 300)
	if told() != 1 {
		t.Errorf("it was told %d times", told())
	}
	// Requests flow: the drops are still shown, and there is no silence.
	s.judge.shown.Store(&detect.Snapshot{Total: detect.Traffic{Rate: 700, Baseline: 700}})
	s.judge.judged.Store(now.Add(2 * time.Second).UnixNano())
	pass(3, 300)
	if h := s.Status().Host; h.Silent || len(h.Signs) != 1 {
		t.Errorf("while requests flow: %+v", h)
	}
	// They fall to a third of the usual.
	s.judge.shown.Store(&detect.Snapshot{Total: detect.Traffic{Rate: 230, Baseline: 700}})
	pass(1, 300)
	if h := s.Status().Host; !h.Silent {
		t.Errorf("at a third of the usual: %+v", h)
	}
	pass(15, 0)
	if h := s.Status().Host; len(h.Signs) > 0 || h.Silent {
		t.Errorf("afterwards: %+v", h)
	}
	if pass(15, 300); told() != 2 {
		t.Errorf("the next flood was told %d times in all", told())
	}
}
