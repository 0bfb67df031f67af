package station

import (
	"context"
	"sync/atomic"
	"time"

	"levee/actions/notify"
	"levee/internal/kernel"
	"levee/internal/status"
)

// hostEvery is how often the kernel's counters are read.
const hostEvery = time.Second

// silentAfter is how long no line comes before the log counts as silent.
const silentAfter = 10 * time.Second

// hostWatch holds what the kernel drops now. All but now belong to watchHost.
type hostWatch struct {
	now   atomic.Pointer[status.Host]
	watch kernel.Watch
	began time.Time
	told  bool
}

// host is what is known of this host now.
func (h *hostWatch) host() status.Host {
	if x := h.now.Load(); x != nil {
		return *x
	}
	return status.Host{}
}

// watchHost looks at the kernel's counters until ctx ends.
func (s *Station) watchHost(ctx context.Context) error {
	tick := time.NewTicker(hostEvery)
	defer tick.Stop()
	for {
		s.lookAtHost(s.o.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// lookAtHost compares the log with the kernel's counters. A flood that never
// becomes a request leaves the log silent; then everybody is told, once while
// it lasts.
func (s *Station) lookAtHost(now time.Time) {
	h := &s.host
	if h.began.IsZero() {
		h.began = now
	}
	h.watch.Add(now, kernel.Read(s.o.Kernel))
	x := status.Host{Signs: h.watch.Signs()}
	x.Silent = len(x.Signs) > 0 && s.silent(now)
	h.now.Store(&x)
	switch {
	case x.Silent && !h.told:
		h.told = true
		s.notCalm(x.Signs[0])
	case len(x.Signs) == 0:
		h.told = false
	}
}

// silent reports whether the log says less than it should: nothing for a
// while, or less than half of the usual.
func (s *Station) silent(now time.Time) bool {
	age := s.judge.age()
	if age < 0 {
		age = now.Sub(s.host.began)
	}
	t := s.Snapshot().Total
	return age > silentAfter || t.Baseline > 0 && t.Rate < t.Baseline/2
}

// notCalm tells everybody that the log's silence is no peace.
func (s *Station) notCalm(sign string) {
	text := "the log is silent and this host drops connections (" + sign + "): silence is not calm"
	s.o.Log.Warn(text)
	s.tell("error", text)
	if s.notifier != nil {
		s.notifier.Tell(notify.Event{Incident: "host " + s.o.Name, Title: "silence is not calm on " + s.o.Name, Text: text,
			Severity: notify.Critical, At: s.o.Now()})
	}
}
