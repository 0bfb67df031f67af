package jenkins

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"levee/actions"
	"levee/demo/standin"
)

// TestRowByRow holds the client to how a real controller (2.426.2) answers
// where no other test does. The rows, and who holds the others:
//
//	no auth, bad credentials                  TestEveryRefusalSaysWhatToDo
//	crumb, its cookie, a stale one            TestPasswordCrumbAndCookie
//	build: 201 and its Location, folders      TestQueueToResultToConsole
//	the same parameters queued: 303           here
//	a Location under another name             here
//	unknown parameters are dropped            TestParametersMustExist
//	unparameterised, missing, disabled job    TestEveryRefusalSaysWhatToDo, TestDisabledJob; 400 from 2.524 on: here
//	quiet-down, cancel, cancelled items       TestQueueDeadlineAndCancel; cancelled twice: here
//	an item that is gone, a restart           TestARestartFindsItsRunsAgain, TestAControllerThatDiesInMidBuild
//	build JSON, results, deleted builds       TestALongBuildIsFollowedAfterApplyReturned, TestAFailedBuildFailsAndIsTriggeredAnew, TestADeletedBuildIsLost
//	console: an opaque offset                 here; without a size: TestControllersThatLie
//	stop: 302 and HTML                        TestQueueDeadlineAndCancel
//	starting up                               TestStartingUpIsWaitedFor
//
// And what gojenkins 1.2.0 makes of them: an HTML body loses its status (1),
// loops over cancelled items (4), silence of an unreachable controller (6), no
// timeout (9): the same tests, TestAControllerThatIsAway and
// TestARequestThatGotLostIsSentAgain; parameters lost (7): FuzzParameters; panic
// without a crumb (2), a job queued already (3), another root URL (5), the first
// cookie alone (8), folders (10): here.
func TestRowByRow(t *testing.T) {
	on := func(path string, f trip) trip {
		return func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(req.URL.Path, path) {
				return f(req, next)
			}
			return next()
		}
	}
	trigger := func(change func(*http.Response)) trip {
		return on("/buildWithParameters", func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			res, err := next()
			if err == nil {
				change(res)
			}
			return res, err
		})
	}
	password := func(o *Options, _ *standin.Options) { o.Token, o.Password = "", "correct horse" }
	for name, c := range map[string]struct {
		options func(*Options, *standin.Options)
		trip    trip
		job     string // default: ops/block-ip
		refused string // the note of one that fails; "": it succeeds
	}{
		"the same parameters are queued":   {trip: trigger(func(res *http.Response) { res.StatusCode = http.StatusSeeOther })},
		"the controller's other name":      {trip: trigger(func(res *http.Response) { res.Header.Set("Location", "http://localhost:8080/ci/queue/item/1/") })},
		"unparameterised, from 2.524 on":   {trip: posts(html(400)), refused: "400: Jenkins could not take it; check that the job has the parameters"},
		"three folders":                    {job: "ops/net/edge/block-ip"},
		"no crumbs":                        {options: func(o *Options, so *standin.Options) { password(o, so); so.Users = nil }, trip: on("/crumbIssuer", html(404))},
		"the crumb can't be asked for":     {options: password, trip: on("/crumbIssuer", dead), refused: "does not answer"},
		"a cookie of the proxy's as well":  {options: password, trip: on("/crumbIssuer", twoCookies(t))},
		"the console's offset is its own":  {trip: on("/progressiveText", opaque)},
		"the console's offset is nonsense": {trip: on("/progressiveText", html(500))},
	} {
		t.Run(name, func(t *testing.T) {
			if c.job == "" {
				c.job = "ops/block-ip"
			}
			in(t, func(o *Options, so *standin.Options) {
				so.Jobs[0].Name = c.job
				o.Jobs[actions.Block] = Job{c.job, o.Jobs[actions.Block].Parameters}
				o.SendDeadline = 20 * time.Second
				if c.options != nil {
					c.options(o, so)
				}
			}, func(w *world) {
				w.wire.set(c.trip)
				rs := w.apply(block("d1", "192.0.2.1"))
				time.Sleep(10 * time.Second)
				got := w.j.Triggered(c.job)
				if c.refused != "" {
					if rs[0].OK || !strings.Contains(rs[0].Note, c.refused) || len(got) != 0 {
						t.Errorf("receipt %+v, %d builds", rs[0], len(got))
					}
					return
				}
				j := w.e.Jobs()[0]
				if !rs[0].OK || len(got) != 1 || j.State != success || j.URL != "http://ci.test/jenkins/job/"+strings.ReplaceAll(c.job, "/", "/job/")+"/1/" {
					t.Errorf("receipt %+v, job %+v, %d builds", rs[0], j, len(got))
				}
				if n := strings.Count(w.e.Console(j.Request), "begin 192.0.2.1"); n != 1 && !strings.Contains(name, "nonsense") {
					t.Errorf("the console has it %d times: %q", n, w.e.Console(j.Request))
				}
			})
		})
	}
}

func dead(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
}

// twoCookies has a load balancer set its cookie before Jenkins' own.
func twoCookies(t *testing.T) trip {
	return func(_ *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
		res, err := next()
		if err == nil {
			res.Header["Set-Cookie"] = append([]string{"LB=edge-1; Path=/"}, res.Header["Set-Cookie"]...)
			if len(res.Header["Set-Cookie"]) < 2 {
				t.Error("the crumb came without its cookie")
			}
		}
		return res, err
	}
}

// opaque counts a thousand bytes of the console that are never sent, as Jenkins
// does with its annotations.
func opaque(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
	const hidden = 1000
	q := req.URL.Query()
	if start, _ := strconv.Atoi(q.Get("start")); start >= hidden {
		q.Set("start", strconv.Itoa(start-hidden))
		req.URL.RawQuery = q.Encode()
	}
	res, err := next()
	if err == nil {
		size, _ := strconv.Atoi(res.Header.Get("X-Text-Size"))
		res.Header.Set("X-Text-Size", strconv.Itoa(size+hidden))
	}
	return res, err
}

// TestAJobThatIsQueuedAlready: different parameters are another build, and an
// item that was cancelled before answers 500 to that.
func TestAJobThatIsQueuedAlready(t *testing.T) {
	in(t, func(_ *Options, so *standin.Options) { so.Executors = 1 }, func(w *world) {
		other := scale("s2")
		other.Target.Service = "api.example.com"
		w.apply(scale("s1"), other)
		time.Sleep(2 * time.Minute)
		if got := w.j.Triggered("ops/scale"); len(got) != 2 || got[0]["SERVICE"] == got[1]["SERVICE"] {
			t.Errorf("builds %v", got)
		}
		w.wire.set(func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(req.URL.Path, "/cancelItem") {
				_, _ = next()
				return reply(500, "", "<html>it was cancelled before</html>"), nil
			}
			return next()
		})
		if err := w.e.client.cancelItem(context.Background(), 1); err != nil {
			t.Error(err)
		}
	})
}
