package station

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"levee/detect"
	"levee/internal/source"
)

// beatMost is how long one beat may take.
const beatMost = 10 * time.Second

// heartbeat asks for a URL as long as levee does its work. Whoever is behind
// it raises the alarm when nothing comes: a levee that hangs, a host that is
// down and a network that is cut can't tell anybody themselves.
func (s *Station) heartbeat(ctx context.Context) error {
	c := s.o.Config.Heartbeat
	if !c.URL.Set() {
		return nil
	}
	client := &http.Client{Timeout: beatMost, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	last := s.judge.shown.Load()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		why := s.unwell(last)
		last = s.judge.shown.Load()
		if why == "" {
			if err := beat(ctx, client, c.URL.Reveal()); err != nil && ctx.Err() == nil {
				why = err.Error()
			}
		}
		switch {
		case why == said:
		case why != "":
			s.tell("warn", "no heartbeat: "+why)
			s.o.Log.Warn("no heartbeat", "why", why)
		default:
			s.tell("info", "the heartbeat is back")
			s.o.Log.Info("the heartbeat is back")
		}
		said = why
	}
}

// unwell says why there must be no heartbeat, "" when all is well. last is
// the snapshot that was shown at the last beat: a judge that works, traffic or
// not, has made others since.
func (s *Station) unwell(last *detect.Snapshot) string {
	if s.judge.shown.Load() == last {
		return "the detector has not come round since the last one"
	}
	st := s.Status()
	if st.Ledger != "" {
		return "nothing can be decided: " + st.Ledger
	}
	failed := 0
	inputs := st.Inputs
	for _, in := range inputs {
		if in.State == string(source.Failed) {
			failed++
		}
	}
	if failed > 0 && failed == len(inputs) {
		return "no source can be read"
	}
	return ""
}

// beat makes one request. What is wrong is said without the URL, which is a
// secret.
func beat(ctx context.Context, client *http.Client, secret string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, secret, nil)
	if err != nil {
		return errors.New("its url can't be used; check heartbeat.url")
	}
	req.Header.Set("User-Agent", "levee")
	res, err := client.Do(req)
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if err != nil {
		return fmt.Errorf("%s is not reached (%w); check the network and heartbeat.url", req.URL.Host, err)
	}
	_ = res.Body.Close() // nothing of it is read
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s answers %d; check heartbeat.url", req.URL.Host, res.StatusCode)
	}
	return nil
}
