package notify

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"go.uber.org/goleak"

	"levee/actions"
	"levee/detect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outbox is a service that keeps what it is given and fails as told.
type outbox struct {
	mu    sync.Mutex
	fails int
	err   error
	got   []string
}

func (o *outbox) Send(text string, params *types.Params) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fails != 0 {
		o.fails--
		return o.err
	}
	o.got = append(o.got, (*params)["title"]+" | "+text)
	return nil
}

func (o *outbox) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.got...)
}

// with runs test with a Notifier whose targets end in outboxes.
func with(t *testing.T, o Options, test func(n *Notifier, boxes []*outbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		var boxes []*outbox
		for _, x := range n.targets {
			box := &outbox{}
			boxes = append(boxes, box)
			x.service = box
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		test(n, boxes)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

const slack = "slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook"

func TestAStory(t *testing.T) {
	o := Options{Targets: []Target{{URL: slack}, {URL: slack, Escalation: true}, {URL: slack, Least: Critical}}}
	with(t, o, func(n *Notifier, boxes []*outbox) {
		d := actions.Decision{ID: "d", Verb: actions.Notify, Incident: "i1", Attack: detect.Scan, Target: actions.Target{Service: "shop"}, Reason: "412 probes"}
		rs, err := n.Apply(context.Background(), []actions.Decision{d})
		if err != nil || !rs[0].OK {
			t.Errorf("%+v %v", rs, err)
		}
		time.Sleep(10 * time.Second)
		if got := boxes[0].all(); len(got) != 1 || got[0] != "[levee] warning: scan on shop (open) | 412 probes" {
			t.Errorf("told %q", got)
		}
		time.Sleep(11 * time.Minute)
		if got := boxes[1].all(); len(got) != 1 || !strings.Contains(got[0], "nobody acknowledged") {
			t.Errorf("escalated %q", got)
		}
		if !n.Acknowledge("i1", "ana") || n.Acknowledge("i9", "ana") || n.Mute("i9", time.Now()) {
			t.Error("acknowledged the wrong one")
		}
		time.Sleep(5 * time.Hour)
		if got := boxes[0].all(); len(got) != 2 { // the escalation, no reminder
			t.Errorf("told %q", got)
		}
		if got := boxes[2].all(); len(got) != 0 {
			t.Errorf("told %q although it was only a warning", got)
		}
		n.Tell(OfIncident(detect.IncidentClose, &detect.Incident{ID: "i1", Service: "shop", Attack: detect.Scan, Opened: time.Now(), Closed: time.Now()}, time.Now()))
		time.Sleep(2 * time.Second)
		if got := boxes[0].all(); len(got) != 3 || !strings.Contains(got[2], "(resolved)") {
			t.Errorf("told %q", got)
		}
	})
}

// TestTargetsChange: who is added while it runs is told from then on, who is
// taken away no more, and a mistake changes nobody.
func TestTargetsChange(t *testing.T) {
	news := func(id string) Event { return Event{Incident: id, Title: id, Text: "it began", Severity: Critical} }
	with(t, Options{Targets: []Target{{URL: slack}, {Name: "night", URL: slack}}}, func(n *Notifier, boxes []*outbox) {
		stays := Target{Name: "night", URL: slack}
		if err := n.SetTargets([]Target{stays, {URL: "nonsense"}}); err == nil {
			t.Error("a place that is none was taken")
		}
		n.Tell(news("i1"))
		time.Sleep(2 * time.Second)
		if err := n.SetTargets([]Target{stays, {Name: "new", URL: slack}}); err != nil {
			t.Fatal(err)
		}
		added := &outbox{}
		n.told()[1].service = added
		time.Sleep(time.Second)
		n.Tell(news("i2"))
		time.Sleep(2 * time.Second)
		for name, c := range map[string]struct{ got, want int }{
			"who was taken away": {len(boxes[0].all()), 1}, "who stays": {len(boxes[1].all()), 2}, "who is new": {len(added.all()), 1},
		} {
			if c.got != c.want {
				t.Errorf("%s was told %d times, want %d", name, c.got, c.want)
			}
		}
		if len(n.Status()) != 2 {
			t.Errorf("status of %d places", len(n.Status()))
		}
	})
}

func TestFailuresAreTriedAgainAndShown(t *testing.T) {
	with(t, Options{Targets: []Target{{URL: slack}}}, func(n *Notifier, boxes []*outbox) {
		boxes[0].fails, boxes[0].err = 2, errors.New("500")
		n.Tell(Event{Incident: "i1", Title: "scan on shop", Text: "opened", Severity: Warning})
		time.Sleep(8 * time.Second)
		if err := n.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "500") {
			t.Errorf("Check = %v", err)
		}
		time.Sleep(time.Minute)
		if s := n.Status()[0]; s.Sent != 1 || s.Failed != 0 || s.Error != "" || len(boxes[0].all()) != 1 {
			t.Errorf("status %+v", s)
		}
		boxes[0].mu.Lock()
		boxes[0].fails, boxes[0].err = -1, fmt.Errorf("post https://hooks.slack.com/services/AAAAAAAAA-BBBBBBBBB-123456789123456789123456: refused, %s", slack)
		boxes[0].mu.Unlock()
		n.Tell(Event{Incident: "i2", Title: "x", Text: "y", Severity: Critical})
		time.Sleep(5 * time.Minute)
		s := n.Status()[0]
		if s.Failed != 1 || s.Error == "" || strings.Contains(s.Error, "AAAAAAAAA-BBB") || strings.Contains(fmt.Sprintf("%+v %+v", n.targets[0].Target, n.targets[0].secrets), "AAAAAAAAA-BBB") {
			t.Errorf("status %+v", s)
		}
		if errs := n.Test(context.Background()); errs[0] == nil || strings.Contains(errs[0].Error(), "AAAAAAAAA-BBB") {
			t.Errorf("Test = %v", errs)
		}
	})
}

func TestPagerDutyKnowsTheIncident(t *testing.T) {
	x := &target{scheme: "pagerduty"}
	text, params := x.dress(message{key: "i1", title: "T", body: "B", severity: Critical, resolved: true})
	if text != "T\nB" || (*params)["dedup_key"] != "i1" || (*params)["action"] != "resolve" || (*params)["severity"] != "critical" {
		t.Errorf("%q %v", text, *params)
	}
}

func TestBadOptions(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte(slack), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, targets := range map[string][]Target{
		"none":            nil,
		"no URL":          {{}},
		"unknown service": {{URL: "carrierpigeon://secret-token-123@loft"}},
		"bad slack":       {{URL: "slack://secret-token-123"}},
		"open file":       {{URLFile: open}},
		"missing file":    {{URLFile: open + ".none"}},
	} {
		if _, err := New(Options{Targets: targets}); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "secret-token-123") {
			t.Errorf("%s: the token shows: %v", name, err)
		}
	}
}

// mailbox is a small SMTP server (RFC 5321) on loopback.
type mailbox struct {
	listener net.Listener
	refuse   bool
	mails    chan string
	work     sync.WaitGroup
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{listener: l, mails: make(chan string, 16)}
	m.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			m.work.Go(func() { m.talk(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		m.work.Wait()
	})
	return m
}

func (m *mailbox) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
	say("220 mailbox")
	in := bufio.NewScanner(c)
	var mail strings.Builder
	data := false
	for in.Scan() {
		line := in.Text()
		verb := strings.ToUpper(strings.SplitN(line, " ", 2)[0])
		switch {
		case data && line == ".":
			data = false
			m.mails <- mail.String()
			mail.Reset()
			say("250 kept")
		case data:
			mail.WriteString(line + "\n")
		case verb == "EHLO":
			say("250-mailbox")
			say("250 8BITMIME")
		case verb == "RCPT" && m.refuse:
			say("550 no such mailbox")
		case verb == "DATA":
			data = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			mail.WriteString(line + "\n")
			say("250 fine")
		}
	}
}

func TestEMail(t *testing.T) {
	m := newMailbox(t)
	n, err := New(Options{Targets: []Target{{URL: "smtp://" + m.listener.Addr().String() + "/?from=levee@example.com&to=soc@example.com,oncall@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "smtp " + m.listener.Addr().String(); n.Status()[0].Name != want {
		t.Errorf("name %q", n.Status()[0].Name)
	}
	if errs := n.Test(context.Background()); errs[0] != nil {
		t.Fatal(errs)
	}
	for _, to := range []string{"soc@example.com", "oncall@example.com"} {
		mail := <-m.mails
		for _, want := range []string{"MAIL FROM:<levee@example.com>", "RCPT TO:<" + to + ">", "Subject: [levee] info: test of the alert chain (test)", "levee can reach you here."} {
			if !strings.Contains(mail, want) {
				t.Errorf("no %q in\n%s", want, mail)
			}
		}
	}
	// What strangers write adds no header and no recipient.
	e := Event{Incident: "i1", Title: "scan on x\r\nBcc: evil@example.com", Text: "a\r\n.\r\nMAIL FROM:<evil@example.com>", Severity: Critical, At: begin}
	g := newGroups(rules())
	g.add(e)
	for _, msg := range g.due(begin) {
		if err := n.targets[0].deliver(context.Background(), msg); err != nil {
			t.Fatal(err)
		}
	}
	if mail := <-m.mails; strings.Contains(mail, "\nBcc:") || strings.Contains(mail, "\nMAIL FROM:<evil") {
		t.Errorf("injected:\n%s", mail)
	}
	<-m.mails
	m.refuse = true
	if errs := n.Test(context.Background()); errs[0] == nil || n.Status()[0].Error == "" {
		t.Errorf("a refused recipient: %v", errs)
	}
}
