package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"levee/actions/internal/safe"
)

const (
	queueMost   = 64
	triesMost   = 4
	deliverMost = 20 * time.Second
)

// target delivers messages to one place.
type target struct {
	Target
	scheme  string
	now     func() time.Time
	secrets []safe.Secret
	queue   chan message
	busy    chan struct{} // one delivery at a time
	service interface {   // shoutrrr's
		Send(message string, params *types.Params) error
	}

	mu     sync.Mutex
	status Status
}

func newTarget(t Target, number int, now func() time.Time) (*target, error) {
	raw, err := safe.ReadSecret(t.URL, t.URLFile)
	if err != nil {
		return nil, fmt.Errorf("notify %d: %w", number, err)
	}
	t.URL, t.URLFile = "", "" // from here on it is a secret
	u, err := url.Parse(raw.Reveal())
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("notify %d: its url is none; write SERVICE://… as shoutrrr describes", number)
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if t.Name == "" {
		t.Name = fmt.Sprintf("%s %d", safe.Text(scheme, 20), number)
		if showsHost(scheme) {
			t.Name = fmt.Sprintf("%s %s", scheme, safe.Text(u.Host, 60))
		}
	}
	made := &target{Target: t, scheme: scheme, now: now, secrets: secretsOf(raw, u, scheme), queue: make(chan message, queueMost), busy: make(chan struct{}, 1)}
	made.status.Name = t.Name
	router, err := shoutrrr.NewSender(log.New(io.Discard, "", 0))
	if err == nil {
		made.service, err = router.Locate(raw.Reveal())
	}
	if err != nil {
		return nil, fmt.Errorf("notify %s: %s; write its url as shoutrrr describes the service, for instance smtp://… or slack://…", t.Name, made.scrub(err))
	}
	return made, nil
}

// showsHost says of which services the host is an address and no token.
func showsHost(scheme string) bool {
	return slices.Contains([]string{"smtp", "generic", "gotify", "mattermost", "rocketchat", "matrix", "ntfy", "signal"}, scheme)
}

// secretsOf lists the parts of a URL that may be tokens. What stands first is
// replaced first, so the whole comes before its parts.
func secretsOf(raw safe.Secret, u *url.URL, scheme string) []safe.Secret {
	parts := []string{raw.Reveal()}
	if u.User != nil {
		if password, ok := u.User.Password(); ok {
			parts = append(parts, u.User.String(), password)
		}
		parts = append(parts, u.User.Username())
	}
	if !showsHost(scheme) {
		parts = append(parts, u.Host)
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 8 {
			parts = append(parts, part)
		}
	}
	for name, values := range u.Query() {
		if scheme == "smtp" && !strings.Contains(name, "pass") {
			continue // addresses and switches
		}
		for _, v := range values {
			if len(v) >= 8 {
				parts = append(parts, v)
			}
		}
	}
	var all []safe.Secret
	for _, p := range parts {
		all = append(all, safe.NewSecret(p))
	}
	return all
}

func (t *target) scrub(err error) string {
	return safe.Text(safe.Scrub(err.Error(), t.secrets...), 200)
}

func (t *target) wants(m message) bool {
	if t.Escalation {
		return m.escalated
	}
	return m.severity >= t.Least
}

// push queues m; when the queue is full the oldest is given up.
func (t *target) push(m message) {
	for {
		select {
		case t.queue <- m:
			return
		default:
		}
		select {
		case <-t.queue:
			_ = t.note(errors.New("too many messages waited, the oldest was given up"), true)
		default:
		}
	}
}

// run delivers what is queued, each message several times if need be.
func (t *target) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-t.queue:
			wait := 2 * time.Second
			for try := 1; t.deliver(ctx, m) != nil && try < triesMost; try++ {
				timer := time.NewTimer(wait)
				select {
				case <-timer.C:
				case <-ctx.Done():
					timer.Stop()
					return
				}
				wait *= 4
			}
			t.settle()
		}
	}
}

// deliver tries once.
func (t *target) deliver(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, deliverMost)
	defer cancel()
	select {
	case t.busy <- struct{}{}:
	case <-ctx.Done():
		return t.note(errors.New("an earlier delivery still hangs"), false)
	}
	text, params := t.dress(m)
	done := make(chan error, 1)
	go func() { // ends with the library's own timeout; busy keeps it the only one
		done <- t.service.Send(text, params)
		<-t.busy
	}()
	select {
	case err := <-done:
		return t.note(err, false)
	case <-ctx.Done():
		return t.note(fmt.Errorf("no answer within %s", deliverMost), false)
	}
}

// dress puts the title where the service wants it.
func (t *target) dress(m message) (string, *types.Params) {
	params := types.Params{}
	switch t.scheme {
	case "pagerduty":
		params["dedup_key"], params["source"] = m.key, "levee"
		params["severity"] = map[Severity]string{Info: "info", Warning: "warning", Critical: "critical"}[m.severity]
		params["action"] = "trigger"
		if m.resolved {
			params["action"] = "resolve"
		}
		return m.title + "\n" + m.body, &params
	case "smtp", "discord", "slack", "teams", "telegram", "matrix", "mattermost", "ntfy", "gotify", "pushover", "pushbullet", "opsgenie", "zulip", "lark", "bark", "join", "generic":
		params["title"] = m.title
		return m.body, &params
	}
	return m.title + "\n" + m.body, &params
}

// note keeps the outcome of a delivery for Status and returns it, scrubbed.
func (t *target) note(err error, gaveUp bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.At = t.now()
	if gaveUp {
		t.status.Failed++
	}
	if err == nil {
		t.status.Sent++
		t.status.Error = ""
		return nil
	}
	t.status.Error = t.scrub(err)
	return errors.New(t.status.Error)
}

// settle counts a message that was given up.
func (t *target) settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.Error != "" {
		t.status.Failed++
	}
}

func (t *target) report() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}
