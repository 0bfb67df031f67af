package jenkins

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"levee/actions"
	"levee/demo/standin"
	"levee/detect"
)

func TestQueueToResultToConsole(t *testing.T) {
	in(t, nil, func(w *world) {
		if err := w.e.Check(context.Background()); err != nil {
			t.Error(err)
		}
		rs := w.apply(block("d1", "192.0.2.1"), block("d2", "192.0.2.2"))
		for _, r := range rs {
			if !r.OK || r.Job == nil || r.Job.State != success || r.Job.Number != 1 || r.Job.Name != "ops/block-ip" {
				t.Errorf("receipt %+v job %+v", r, r.Job)
			}
		}
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 1 || got[0]["ADD"] != "192.0.2.1,192.0.2.2" || got[0]["REMOVE"] != "" || got[0]["TTL_SECONDS"] != "600" || got[0]["REQUEST_ID"] != rs[0].Job.Request {
			t.Errorf("triggered %v", got)
		}
		jobs := w.e.Jobs()
		if len(jobs) != 1 || jobs[0].URL != "http://ci.test/jenkins/job/ops/job/block-ip/1/" {
			t.Fatalf("jobs %+v", jobs)
		}
		console := w.e.Console(jobs[0].Request)
		if !strings.Contains(console, "begin 192.0.2.1,192.0.2.2[31m red\nend\nFinished: SUCCESS\n") || strings.ContainsAny(console, "\x1b\x07\r") {
			t.Errorf("console %q", console)
		}
		// Applied again, nothing happens twice; lifted, one build removes both.
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK || len(w.j.Triggered("ops/block-ip")) != 1 {
			t.Errorf("applied again: %+v", rs[0])
		}
		if rs := w.revoke(block("d1", "192.0.2.1"), block("d2", "192.0.2.2")); !rs[0].OK || !rs[1].OK {
			t.Errorf("revoked: %+v", rs)
		}
		if got := w.j.Triggered("ops/block-ip"); len(got) != 2 || got[1]["REMOVE"] != "192.0.2.1,192.0.2.2" || got[1]["ADD"] != "" {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestChangesAreGathered(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(block("first", "192.0.2.200"))
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if i%5 == 0 {
					w.revoke(block("first", "192.0.2.200"))
					return
				}
				w.apply(block(fmt.Sprint("d", i), fmt.Sprintf("198.51.100.%d", i)))
			})
		}
		wg.Wait()
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 2 || got[1]["REMOVE"] != "192.0.2.200" || strings.Count(got[1]["ADD"], ",") != 39 {
			t.Errorf("%d builds: %v", len(got), got)
		}
	})
}

func TestALongBuildIsFollowedAfterApplyReturned(t *testing.T) {
	in(t, nil, func(w *world) {
		rs := w.apply(scale("s1"))
		if !rs[0].OK || rs[0].Job.State != running {
			t.Fatalf("receipt %+v %+v", rs[0], rs[0].Job)
		}
		time.Sleep(40 * time.Second)
		if j := w.e.Jobs()[0]; j.State != success || j.Ended.IsZero() {
			t.Errorf("job %+v", j)
		}
		if got := w.j.Triggered("ops/scale"); got[0]["SERVICE"] != "shop.example.com" || got[0]["DELTA"] != "2" {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestAFailedBuildFailsAndIsTriggeredAnew(t *testing.T) {
	in(t, nil, func(w *world) {
		d := actions.Decision{ID: "h", Verb: actions.Harden, Attack: detect.CacheBusting, Target: actions.Target{Service: "shop", Signature: &detect.Signature{Path: "/$(reboot)", UserAgent: "a'b\"`;\n--x"}}}
		rs := w.apply(d)
		if rs[0].OK || rs[0].Unknown || rs[0].Job.State != failed {
			t.Errorf("receipt %+v", rs[0])
		}
		w.apply(d)
		got := w.j.Triggered("ops/harden")
		if len(got) != 2 || got[0]["SIGNATURE"] != "path=/%24%28reboot%29,user_agent=a%27b%22%60%3B%0A--x" || got[0]["ATTACK"] != "cache_busting" || got[0]["REQUEST_ID"] == got[1]["REQUEST_ID"] {
			t.Errorf("triggered %v", got)
		}
	})
}

func TestPasswordCrumbAndCookie(t *testing.T) {
	in(t, func(o *Options, _ *standin.Options) { o.Token, o.Password = "", "correct horse" }, func(w *world) {
		if rs := w.apply(block("d1", "192.0.2.1")); !rs[0].OK {
			t.Errorf("receipt %+v", rs[0])
		}
		// The controller forgets its sessions: the next POST is refused once.
		w.e.client.request.Client.Jar.SetCookies(&url.URL{Scheme: "http", Host: "ci.test", Path: "/jenkins/"}, nil)
		w.e.client.crumb = map[string]string{"Jenkins-Crumb": "stale"}
		if rs := w.apply(block("d2", "192.0.2.2")); !rs[0].OK {
			t.Errorf("with a stale crumb: %+v", rs[0])
		}
	})
}

func TestARenewalTellsTheJob(t *testing.T) {
	in(t, nil, func(w *world) {
		d := block("d1", "192.0.2.1")
		w.apply(d)
		d.Expires = d.Expires.Add(10 * time.Minute)
		w.apply(d)
		got := w.j.Triggered("ops/block-ip")
		if len(got) != 2 || got[1]["TTL_SECONDS"] != "1200" {
			t.Errorf("triggered %v", got)
		}
	})
}
