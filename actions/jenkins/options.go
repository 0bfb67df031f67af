package jenkins

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"levee/actions"
	"levee/actions/internal/safe"
)

// Options describes one controller. URL and at least one job are required; the
// zero value of everything else is the default written beside it.
type Options struct {
	Name string // what receipts call it; default "jenkins"
	URL  string // root URL, path included: https://ci.example.com/jenkins/
	User string // default none: an open controller

	Token        string // API token; needs no crumb
	TokenFile    string // file whose first line is the token
	Password     string // without a token: sends a crumb and its cookie
	PasswordFile string // file whose first line is the password

	Jobs    map[actions.Verb]Job // block, unblock, throttle, harden, scale_up, scale_down
	Journal string               // file that remembers runs over a restart; default none: then a crash leaves UNKNOWN decisions

	Gather        time.Duration // least time between two builds of changes; default 2s
	Wait          time.Duration // how long Apply waits for a build's result; default 2s
	Accept        time.Duration // how long Apply waits for Jenkins to take a build; default 20s
	Call          time.Duration // one HTTP exchange; default 10s
	SendDeadline  time.Duration // how long an unreachable controller is tried; default 2m
	QueueDeadline time.Duration // a build that does not start by then is cancelled; default 5m
	BuildDeadline time.Duration // a build that does not end by then reads "lost"; default 15m
	MaxTargets    int           // addresses in one build; default 500

	Transport http.RoundTripper // default http.DefaultTransport's settings
	Now       func() time.Time  // default time.Now
}

// Job is one job and what its parameters are filled with. Values may hold
// {{added}} and {{removed}} (addresses, comma-separated), {{ttl_s}}, {{id}},
// {{verb}}, {{service}}, {{attack}}, {{incident}} and {{signature}}
// (name=value pairs, comma-separated, values percent-encoded). Whatever is put
// in consists of letters, digits and -_.:/,=% only.
type Job struct {
	Job        string // folders included: "ops/block-ip"
	Parameters map[string]string
}

func (o *Options) complete() error {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return fmt.Errorf("jenkins: url %q is no http(s) URL; give the controller's root URL", safe.Text(redactURL(o.URL), 100))
	case base.User != nil:
		return errors.New("jenkins: url holds credentials; give user and token_file instead")
	case base.RawQuery != "" || base.Fragment != "":
		return fmt.Errorf("jenkins: url %q has a query; give the controller's root URL", redactURL(o.URL))
	}
	o.URL = strings.TrimRight(o.URL, "/")
	if len(o.Jobs) == 0 {
		return errors.New("jenkins: no jobs; name at least one under jobs")
	}
	for verb, job := range o.Jobs {
		if err := checkJob(verb, job, o.Jobs); err != nil {
			return err
		}
	}
	o.Name = cmp.Or(o.Name, "jenkins")
	o.Gather = cmp.Or(o.Gather, 2*time.Second)
	o.Wait = cmp.Or(o.Wait, 2*time.Second)
	o.Accept = cmp.Or(o.Accept, 20*time.Second)
	o.Call = cmp.Or(o.Call, 10*time.Second)
	o.SendDeadline = cmp.Or(o.SendDeadline, 2*time.Minute)
	o.QueueDeadline = cmp.Or(o.QueueDeadline, 5*time.Minute)
	o.BuildDeadline = cmp.Or(o.BuildDeadline, 15*time.Minute)
	o.MaxTargets = cmp.Or(o.MaxTargets, 500)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func checkJob(verb actions.Verb, job Job, all map[actions.Verb]Job) error {
	switch verb {
	case actions.Block, actions.Unblock, actions.Throttle, actions.Harden, actions.ScaleUp, actions.ScaleDown, actions.Notify:
	default:
		return fmt.Errorf("jenkins: no job can be named for %q; use block, unblock, throttle, harden, scale_up, scale_down or notify", verb)
	}
	if _, err := jobPath(job.Job); err != nil {
		return fmt.Errorf("jenkins: job for %s: %w", verb, err)
	}
	for name, value := range job.Parameters {
		if err := checkTemplate(value); err != nil {
			return fmt.Errorf("jenkins: job %s, parameter %s: %w", job.Job, name, err)
		}
	}
	_, undo := all[actions.Unblock]
	if verb == actions.Block && !undo && !job.uses("removed") && !job.uses("ttl_s") {
		return fmt.Errorf("jenkins: job %s could never be undone: add an unblock job, a {{removed}} parameter or a {{ttl_s}} parameter", job.Job)
	}
	return nil
}

// jobPath is "/job/ops/job/block-ip" for "ops/block-ip".
func jobPath(name string) (string, error) {
	if name == "" || len(name) > 512 {
		return "", errors.New("its name is empty or too long")
	}
	var b strings.Builder
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || part != safe.Text(part, 255) {
			return "", fmt.Errorf("%q is no job name; write folders as folder/job", safe.Text(name, 80))
		}
		b.WriteString("/job/" + url.PathEscape(part))
	}
	return b.String(), nil
}

// redactURL hides what may stand before an @.
func redactURL(raw string) string {
	if i := strings.LastIndexByte(raw, '@'); i >= 0 {
		return "…" + raw[i:]
	}
	return raw
}
