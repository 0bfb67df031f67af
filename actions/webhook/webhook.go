// Package webhook carries decisions to something that acts on them: a CDN, a
// cloud firewall, a load balancer's controller. Each POST is signed with
// HMAC-SHA-256 over its time and body, and tried again under the same
// idempotency key.
//
// Concurrency: a Hook may be used by many goroutines; it starts none.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"levee/actions"
	"levee/actions/internal/exchange"
	"levee/actions/internal/safe"
	"levee/detect"
)

// Options describes one receiver. URL and a secret are required; the zero
// value of everything else is the default written beside it.
type Options struct {
	Name       string
	URL        string         // https, or http to this host
	Secret     string         // key of the signature
	SecretFile string         // file whose first line is the key
	Verbs      []actions.Verb // what is sent; default block, throttle, harden
	Attempts   int            // tries of one POST; default 5
	Call       time.Duration  // one try; default 10s
	Most       int            // decisions in one POST; default 1000

	Transport http.RoundTripper // default: a copy of http.DefaultTransport
	Now       func() time.Time  // default time.Now
}

// Hook is one receiver. It implements actions.Enforcer and actions.Resumer.
type Hook struct {
	o       Options
	secret  safe.Secret
	secrets []safe.Secret // the secret and what the URL hides
	client  *http.Client
	host    string
}

var (
	_ actions.Enforcer = (*Hook)(nil)
	_ actions.Resumer  = (*Hook)(nil)
)

// New returns a Hook. It sends nothing.
func New(o Options) (*Hook, error) {
	o.Name = cmp.Or(o.Name, "webhook")
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%s: its url is no http(s) URL", o.Name)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s: http to %s would show decisions to the network; use https", o.Name, safe.Text(u.Hostname(), 100))
	}
	secret, err := safe.ReadSecret(o.Secret, o.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	if len(secret.Reveal()) < 16 {
		return nil, fmt.Errorf("%s: its secret is shorter than 16 characters; make one with: openssl rand -hex 32", o.Name)
	}
	if len(o.Verbs) == 0 {
		o.Verbs = []actions.Verb{actions.Block, actions.Throttle, actions.Harden}
	}
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.Call = cmp.Or(o.Call, 10*time.Second)
	o.Most = cmp.Or(o.Most, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	h := &Hook{o: o, secret: secret, host: u.Host, client: &http.Client{
		Transport: transport, Timeout: o.Call,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	h.secrets = []safe.Secret{secret, safe.NewSecret(u.RawQuery)}
	if password, ok := u.User.Password(); ok {
		h.secrets = append(h.secrets, safe.NewSecret(password))
	}
	for part := range strings.SplitSeq(u.Path, "/") { // paths of hooks are often tokens
		if len(part) >= 16 {
			h.secrets = append(h.secrets, safe.NewSecret(part))
		}
	}
	return h, nil
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Close lets go of idle connections.
func (h *Hook) Close() error {
	h.client.CloseIdleConnections()
	return nil
}

// Name returns Options.Name.
func (h *Hook) Name() string { return h.o.Name }

// Central says that a hook is the same one from every host of a fleet: only the
// host that decided asks it. It implements actions.Central.
func (h *Hook) Central() {}

// Handles reports whether d's verb is sent. Sources seen through a proxy are
// welcome here: the receiver often is that proxy.
func (h *Hook) Handles(d actions.Decision) bool { return slices.Contains(h.o.Verbs, d.Verb) }

// Message is the body of a POST.
type Message struct {
	Timestamp time.Time  `json:"@timestamp"`
	Key       string     `json:"idempotency_key"`
	Action    string     `json:"action"` // apply, revoke or test
	Decisions []Decision `json:"decisions"`
}

// Decision is one decision as receivers see it. A receiver that gets an id
// twice does nothing new.
type Decision struct {
	ID        string            `json:"id"`
	Action    actions.Verb      `json:"event.action"`
	IP        string            `json:"source.ip,omitempty"`
	Prefix    string            `json:"source.prefix,omitempty"`
	Service   string            `json:"url.domain,omitempty"`
	Signature *detect.Signature `json:"levee.signature,omitempty"`
	Attack    detect.Attack     `json:"levee.attack,omitempty"`
	Incident  string            `json:"levee.incident,omitempty"`
	TTL       int64             `json:"levee.ttl_s,omitempty"`
	Expires   time.Time         `json:"expires,omitzero"`
	Reason    string            `json:"reason,omitempty"`
}

func (h *Hook) decision(d actions.Decision) Decision {
	out := Decision{
		ID: d.ID, Action: d.Verb, Service: safe.Text(d.Target.Service, 255), Signature: d.Target.Signature, Attack: d.Attack,
		Incident: safe.Text(d.Incident, 128), TTL: int64(d.TTL / time.Second), Expires: d.Expires, Reason: safe.Text(d.Reason, 300),
	}
	if p := d.Target.Prefix; p.IsValid() && p.IsSingleIP() {
		out.IP = p.Addr().String()
	} else if p.IsValid() {
		out.Prefix = p.Masked().String()
	}
	return out
}

// Apply sends ds.
func (h *Hook) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return h.send(ctx, "apply", ds), nil
}

// Revoke says that ds no longer stand.
func (h *Hook) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return h.send(ctx, "revoke", ds), nil
}

// Resume says of each decision that it may be sent again: receivers know it by
// its id.
func (h *Hook) Resume(_ context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	receipts := make([]actions.Receipt, len(ds))
	for i, d := range ds {
		receipts[i] = actions.Receipt{Decision: d.ID, Enforcer: h.o.Name, At: h.o.Now()}
	}
	return receipts, nil
}

// List returns actions.ErrNoList.
func (h *Hook) List(context.Context) ([]actions.Held, error) { return nil, actions.ErrNoList }

// Check sends an empty, signed message with action "test".
func (h *Hook) Check(ctx context.Context) error {
	now := h.o.Now().UTC()
	_, err := h.deliver(ctx, Message{Timestamp: now, Key: "test-" + strconv.FormatInt(now.UnixNano(), 36), Action: "test", Decisions: []Decision{}}, 1)
	return err
}

func (h *Hook) send(ctx context.Context, action string, ds []actions.Decision) []actions.Receipt {
	var receipts []actions.Receipt
	for part := range slices.Chunk(ds, h.o.Most) {
		m := Message{Timestamp: h.o.Now().UTC(), Action: action}
		sum := sha256.New()
		sum.Write([]byte(action))
		for _, d := range part {
			m.Decisions = append(m.Decisions, h.decision(d))
			fmt.Fprintf(sum, "\x00%s\x00%d", d.ID, d.Expires.Unix())
		}
		m.Key = hex.EncodeToString(sum.Sum(nil)[:16])
		unknown, err := h.deliver(ctx, m, h.o.Attempts)
		for _, d := range part {
			r := actions.Receipt{Decision: d.ID, Enforcer: h.o.Name, OK: err == nil, At: h.o.Now()}
			if err != nil {
				r.Unknown, r.Note = unknown, err.Error()
			}
			receipts = append(receipts, r)
		}
	}
	return receipts
}

// deliver tries until the receiver takes m, says no, or attempts are spent.
// unknown: it may have taken it without our hearing so.
func (h *Hook) deliver(ctx context.Context, m Message, attempts int) (unknown bool, err error) {
	body, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("%s: encode: %w", h.o.Name, err)
	}
	wait := 500 * time.Millisecond
	for try := 1; ; try++ {
		retry, after, sent, err := h.post(ctx, m.Key, body)
		if err == nil {
			return false, nil
		}
		unknown = unknown || sent
		if !retry || try >= attempts || ctx.Err() != nil {
			return unknown, err
		}
		timer := time.NewTimer(max(wait, after))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return unknown, err
		}
		wait = min(2*wait, 15*time.Second)
	}
}

// post is one try. sent says that it may have arrived although err is set.
func (h *Hook) post(ctx context.Context, key string, body []byte) (retry bool, after time.Duration, sent bool, err error) {
	ctx, watch := exchange.Begin(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.o.URL, bytes.NewReader(body))
	if err != nil {
		return false, 0, false, h.explain(err)
	}
	now := h.o.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "levee")
	req.Header.Set("Idempotency-Key", key)
	req.Header.Set(TimestampHeader, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(SignatureHeader, Sign(h.secret.Reveal(), now, body))
	res, err := h.client.Do(req)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) { // its own text repeats the URL
			err = at.Err
		}
		return true, 0, !watch.Unsent(err), h.explain(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1024)) // only for the message
	switch {
	case res.StatusCode/100 == 2:
		return false, 0, true, nil
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // a date or nonsense: our own pace
		after = time.Duration(min(max(seconds, 0), 60)) * time.Second
		return true, after, res.StatusCode != http.StatusTooManyRequests, h.explain(fmt.Errorf("it answered %d %s", res.StatusCode, text))
	case res.StatusCode/100 == 3:
		return false, 0, false, h.explain(fmt.Errorf("it answered with a redirect (%d); give the URL it points to", res.StatusCode))
	}
	return false, 0, false, h.explain(fmt.Errorf("it answered %d %s; check its url and secret", res.StatusCode, text))
}

func (h *Hook) explain(err error) error {
	return fmt.Errorf("%s %s: %s", h.o.Name, h.host, safe.Text(safe.Scrub(err.Error(), h.secrets...), 200))
}
