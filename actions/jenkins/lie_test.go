package jenkins

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"levee/demo/standin"
)

func TestControllersThatLie(t *testing.T) {
	answer := func(path, body string) trip {
		return func(req *http.Request, next func() (*http.Response, error)) (*http.Response, error) {
			if strings.Contains(req.URL.Path, path) {
				return reply(200, "", body), nil
			}
			return next()
		}
	}
	for name, c := range map[string]struct {
		trip trip
		want string
	}{
		"no Location":       {posts(html(201)), "lost"},
		"a foreign item":    {answer("/queue/item/", `{"id":777,"_class":"hudson.model.Queue$LeftItem"}`), "queued"},
		"a foreign build":   {answer("/block-ip/1/api/json", `{"number":1,"queueId":999,"building":false,"result":"SUCCESS"}`), "lost"},
		"a new result":      {answer("/block-ip/1/api/json", `{"number":1,"queueId":1,"building":false,"result":"\u001b[2JGREAT"}`), "failure"},
		"an endless build":  {answer("/block-ip/1/api/json", `{"number":1,"queueId":1,"building":true,"result":null}`), "lost"},
		"HTML in mid-build": {answer("/block-ip/1/api/json", `<html>`), "lost"},
		"left for nowhere":  {answer("/queue/item/", `{"id":1,"_class":"hudson.model.Queue$LeftItem","cancelled":false,"executable":null}`), "cancelled"},
		"build zero":        {answer("/queue/item/", `{"id":1,"_class":"hudson.model.Queue$LeftItem","executable":{"number":0}}`), "lost"},
		"no text size":      {answer("progressiveText", "hello"), "success"},
		"a shrinking log":   {answer("never", ""), "success"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, nil, func(w *world) {
				w.wire.set(c.trip)
				w.apply(block("d1", "192.0.2.1"))
				time.Sleep(20 * time.Minute)
				got := w.e.Jobs()[0]
				if c.want == "queued" && got.State == lost {
					return // it was given up in the end, never believed
				}
				if got.State != c.want || strings.ContainsRune(got.Why, '\x1b') {
					t.Errorf("job %+v, want %s", got, c.want)
				}
			})
		})
	}
}

func TestAControllerThatDiesInMidBuild(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(scale("s1"))
		w.j.Restart()
		w.j.StartingUp(true)
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != running || !strings.Contains(j.Why, "503") && !strings.Contains(j.Why, "answer") {
			t.Errorf("while it is away: %+v", j)
		}
		w.j.StartingUp(false)
		time.Sleep(10 * time.Minute)
		if j := w.e.Jobs()[0]; j.State != aborted {
			t.Errorf("after it came back: %+v", j)
		}
	})
}

func TestADeletedBuildIsLost(t *testing.T) {
	in(t, nil, func(w *world) {
		w.apply(scale("s1"))
		w.j.DeleteBuild("ops/scale", 1)
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != lost {
			t.Errorf("job %+v", j)
		}
	})
}

func TestQueueDeadlineAndCancel(t *testing.T) {
	in(t, func(o *Options, s *standin.Options) { o.QueueDeadline = 30 * time.Second; s.Executors = 1 }, func(w *world) {
		quiet := func(verb string) {
			if _, err := w.e.client.post(context.Background(), verb, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		quiet("/quietDown")
		rs := w.apply(block("d1", "192.0.2.1"))
		if !rs[0].OK || rs[0].Job.State != queued || !strings.Contains(w.e.Jobs()[0].Why, "about to shut down") {
			t.Errorf("receipt %+v, job %+v", rs[0], w.e.Jobs()[0])
		}
		time.Sleep(time.Minute)
		if j := w.e.Jobs()[0]; j.State != cancelled {
			t.Errorf("after the deadline: %+v", j)
		}
		quiet("/cancelQuietDown")
		if n := len(w.j.Triggered("ops/block-ip")); n != 0 {
			t.Errorf("%d builds ran late", n)
		}
		rs = w.apply(scale("s1"))
		if err := w.e.Cancel(context.Background(), rs[0].Job.Request); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if j := w.e.Jobs()[0]; j.State != aborted {
			t.Errorf("after Cancel: %+v", j)
		}
		if err := w.e.Cancel(context.Background(), rs[0].Job.Request); err == nil {
			t.Error("an ended job was cancelled")
		}
	})
}
