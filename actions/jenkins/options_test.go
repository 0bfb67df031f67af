package jenkins

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"levee/actions"
	"levee/detect"
)

func TestAFullDiskSendsNothing(t *testing.T) {
	in(t, nil, func(w *world) {
		if err := w.e.journal.file.Close(); err != nil {
			t.Fatal(err)
		}
		rs := w.apply(block("d1", "192.0.2.1"))
		if rs[0].OK || rs[0].Unknown || !strings.Contains(rs[0].Note, "journal") || len(w.j.Triggered("ops/block-ip")) != 0 {
			t.Errorf("receipt %+v", rs[0])
		}
		w.e.journal.file, _ = os.Open(os.DevNull)
	})
}

func TestSecretsNeverShow(t *testing.T) {
	in(t, nil, func(w *world) {
		w.wire.set(func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			return nil, fmt.Errorf("proxy said: %s %s", req.Header.Get("Authorization"), token)
		})
		text := fmt.Sprintf("%+v", w.apply(block("d1", "192.0.2.1")))
		err := w.e.Check(context.Background())
		text += fmt.Sprintf("%v %+v %+v", err, w.e.Jobs(), w.e.client)
		journal, readErr := os.ReadFile(w.o.Journal)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if strings.Contains(text+string(journal), token) {
			t.Errorf("the token shows in %s %s", text, journal)
		}
	})
}

func TestBadOptions(t *testing.T) {
	good := map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added}}", "T": "{{ttl_s}}"}}}
	for name, o := range map[string]Options{
		"no URL":            {Jobs: good},
		"no http":           {URL: "ftp://x/", Jobs: good},
		"password in URL":   {URL: "http://u:pass@x/", Jobs: good},
		"no jobs":           {URL: "http://x/"},
		"bad name":          {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"../b", good[actions.Block].Parameters}}},
		"bad verb":          {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Allow: good[actions.Block]}},
		"bad placeholder":   {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{addd}}"}}}},
		"open placeholder":  {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added"}}}},
		"no way back":       {URL: "http://x/", Jobs: map[actions.Verb]Job{actions.Block: {"b", map[string]string{"A": "{{added}}"}}}},
		"user, no secret":   {URL: "http://x/", User: "u", Jobs: good},
		"secret file, none": {URL: "http://x/", User: "u", TokenFile: "/nonexistent", Jobs: good},
	} {
		if e, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
			_ = e.Close()
		} else if strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: the password shows: %v", name, err)
		}
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("shop; rm -rf /", "/a?b='$(x)'", "\u202e\x00")
	f.Fuzz(func(t *testing.T, service, path, agent string) {
		job := Job{"j", map[string]string{"S": "{{service}}", "G": "{{signature}}", "I": "{{incident}}"}}
		form := job.fill(facts{service: service, episode: agent, signature: &detect.Signature{Path: path, UserAgent: agent}})
		for name, values := range form {
			for _, c := range []byte(values[0]) {
				if !plain(c) && c != ',' && c != '=' && c != '%' {
					t.Fatalf("%s holds %q: %q", name, c, values[0])
				}
			}
			if strings.HasPrefix(values[0], "-") {
				t.Fatalf("%s looks like an option: %q", name, values[0])
			}
		}
	})
}
