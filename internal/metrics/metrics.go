// Package metrics tells Prometheus and health checks how a levee is doing.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// Station is what is measured.
type Station interface {
	Snapshot() *detect.Snapshot
	Board() *actions.Board
	Status() status.Status
}

// People is what is known of sessions.
type People struct {
	Sessions, Connections int
	Refused, Failed       uint64
}

// Options says what is served.
type Options struct {
	Station Station
	People  func() People // nil: no SSH server
	Profile bool          // serve /debug/pprof too
	Frames  *Frames       // how long consoles took to draw; nil: nobody draws
}

// Frames counts how long consoles take to draw. Its methods may be called from
// several goroutines.
type Frames struct{ h prometheus.Histogram }

// NewFrames returns Frames that have seen nothing.
func NewFrames() *Frames {
	return &Frames{prometheus.NewHistogram(prometheus.HistogramOpts{Name: "levee_frame_seconds", Help: "time a console took to draw one frame",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25}})}
}

// Took notes one frame.
func (f *Frames) Took(d time.Duration) { f.h.Observe(d.Seconds()) }

// collector reads a station whenever Prometheus asks: nothing is counted twice.
type collector struct {
	o Options
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("levee_"+name, help, labels, nil)
}

var (
	dataAge    = desc("data_age_seconds", "time since the newest log line was judged, -1 when there was none")
	requests   = desc("requests_total", "requests judged")
	rate       = desc("requests_per_second", "requests a second over the last 10 s")
	lines      = desc("input_lines_total", "log lines read", "input")
	malformed  = desc("input_malformed_total", "log lines that could not be read", "input")
	inputLag   = desc("input_lateness_seconds", "how far behind the newest event time an input runs", "origin")
	shed       = desc("shed_lines_total", "log lines dropped because judging could not keep up")
	queue      = desc("queue_batches", "batches that wait to be judged")
	suspects   = desc("suspects", "sources something speaks against")
	incidents  = desc("incidents_open", "open incidents", "attack")
	sources    = desc("sources", "sources held with full state")
	memory     = desc("detector_bytes", "memory of the detector's tables")
	forgotten  = desc("detector_shed_total", "sources whose full state was dropped for room")
	active     = desc("decisions_active", "decisions in force")
	inFlight   = desc("decisions_in_flight", "decisions written down and not answered by the enforcers")
	budgetUsed = desc("auto_blocks_last_minute", "blocks auto mode began in the last minute")
	armed      = desc("auto_armed", "1 while automation may act, 0 when it was stopped or is off")
	enforcer   = desc("enforcer_up", "1 when the enforcer's last check was good", "enforcer")
	enforcerNo = desc("enforcer_failures_total", "decisions an enforcer did not take, or may not have", "enforcer")
	verdicts   = desc("verdicts_total", "verdicts that fell", "kind")
	decided    = desc("decisions_total", "decisions begun")
	ledgerUp   = desc("ledger_up", "1 while the ledger can be written, without which nothing can be decided")
	notCalm    = desc("host_not_calm", "1 while the log is silent and the kernel drops connections")
	people     = desc("sessions", "people connected", "via")
	sshConns   = desc("ssh_connections", "open SSH connections")
	sshRefused = desc("ssh_refused_total", "connections and sessions turned away by a limit")
	sshFailed  = desc("ssh_failed_total", "connections on which nobody signed in")
)

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s, b, st := c.o.Station.Snapshot(), c.o.Station.Board(), c.o.Station.Status()
	age := st.DataAge.Seconds()
	if st.DataAge < 0 {
		age = -1
	}
	gauge(dataAge, age)
	count(requests, s.Total.Requests)
	gauge(rate, s.Total.Rate)
	for _, in := range st.Inputs {
		count(lines, in.Lines, in.Name)
		count(malformed, in.Malformed, in.Name)
	}
	for _, in := range s.Inputs {
		gauge(inputLag, in.Lateness.Seconds(), fmt.Sprint(in.Origin))
	}
	count(shed, st.Shed)
	gauge(queue, float64(st.QueueLen))
	gauge(suspects, float64(s.NSuspects))
	open := map[detect.Attack]int{}
	for _, in := range s.Incidents {
		if in.Closed.IsZero() {
			open[in.Attack]++
		}
	}
	for _, a := range detect.Attacks {
		gauge(incidents, float64(open[a]), string(a))
	}
	gauge(sources, float64(s.Sources))
	gauge(memory, float64(s.Memory.Bytes))
	count(forgotten, s.Memory.Shed)
	gauge(active, float64(b.NActive))
	gauge(inFlight, float64(b.Queue))
	gauge(budgetUsed, float64(b.Auto.Used.BlocksLastMinute))
	gauge(armed, truth(b.Auto.Armed && b.Auto.On))
	for _, e := range b.Enforcers {
		gauge(enforcer, truth(e.OK), e.Name)
		count(enforcerNo, e.Failed, e.Name)
	}
	for _, k := range []detect.EventKind{detect.SuspectSeen, detect.IncidentOpen, detect.IncidentChange, detect.IncidentClose} {
		count(verdicts, st.Verdicts[k], string(k))
	}
	count(decided, b.Decided)
	gauge(ledgerUp, truth(st.Ledger == ""))
	gauge(notCalm, truth(st.Host.Silent))
	via := map[string]int{"console": 0, "ssh": 0}
	for _, p := range st.People {
		via[p.Via]++
	}
	for k, n := range via {
		gauge(people, float64(n), k)
	}
	if c.o.People != nil {
		p := c.o.People()
		gauge(sshConns, float64(p.Connections))
		count(sshRefused, p.Refused)
		count(sshFailed, p.Failed)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Handler serves /metrics, /healthz and, when asked for, /debug/pprof.
func Handler(o Options) (http.Handler, error) {
	r := prometheus.NewRegistry()
	all := []prometheus.Collector{collector{o}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	if o.Frames != nil {
		all = append(all, o.Frames.h)
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, o.Station) })
	if o.Profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux, nil
}

// health answers 200 while levee does its work and 503 with the reasons, a
// line each, when it does not.
func health(w http.ResponseWriter, s Station) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	why := Unwell(s)
	if len(why) == 0 {
		_, _ = fmt.Fprintln(w, "ok") // the client may be gone
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, line := range why {
		_, _ = fmt.Fprintln(w, line)
	}
}

// Unwell lists what keeps levee from its work, a line each; nothing when all
// is well. A quiet log is no illness.
func Unwell(s Station) []string {
	var why []string
	for _, e := range s.Board().Enforcers {
		if !e.OK && e.Note != "" {
			why = append(why, "enforcer "+e.Name+": "+e.Note)
		}
	}
	st := s.Status()
	if st.Ledger != "" {
		why = append(why, "nothing can be decided: "+st.Ledger)
	}
	for _, in := range st.Inputs {
		if in.State == "error" {
			why = append(why, "input "+in.Name+": "+in.Note)
		}
	}
	return why
}

// Serve answers on l until ctx ends. It closes l.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	h, err := Handler(o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); _ = srv.Close() }) // nothing of it is worth keeping
	err = srv.Serve(l)
	if !stop() {
		<-closed
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("metrics: %w", err)
}
