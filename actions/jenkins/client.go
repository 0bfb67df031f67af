package jenkins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bndr/gojenkins"

	"levee/actions/internal/exchange"
	"levee/actions/internal/safe"
)

// maxBody bounds what is read of one answer.
const maxBody = 4 << 20

// client speaks HTTP with one controller.
type client struct {
	base    string
	call    time.Duration
	request *gojenkins.Requester
	secrets []safe.Secret // what must never show: the secret, and user:secret as a header carries it
	byToken bool
	circuit *circuit

	mu    sync.Mutex
	crumb map[string]string // header to send with POSTs; nil: not asked yet
}

func newClient(o Options) (*client, error) {
	secret, err := safe.ReadSecret(o.Token, o.TokenFile)
	if err != nil {
		return nil, fmt.Errorf("jenkins: %w", err)
	}
	c := &client{base: o.URL, call: o.Call, byToken: !secret.Empty(), circuit: newCircuit(o.Now)}
	if secret.Empty() {
		if secret, err = safe.ReadSecret(o.Password, o.PasswordFile); err != nil {
			return nil, fmt.Errorf("jenkins: %w", err)
		}
	}
	c.secrets = []safe.Secret{safe.NewSecret(o.User + ":" + secret.Reveal()), secret}
	if o.User != "" && secret.Empty() {
		return nil, errors.New("jenkins: a user without token or password; give token_file")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("jenkins: %w", err)
	}
	transport := o.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.ResponseHeaderTimeout = o.Call
		t.MaxIdleConnsPerHost = 4
		transport = t
	}
	c.request = &gojenkins.Requester{Base: o.URL, SslVerify: true, Client: &http.Client{
		Transport: guard{transport}, Timeout: o.Call, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if o.User != "" {
		c.request.BasicAuth = &gojenkins.BasicAuth{Username: o.User, Password: secret.Reveal()}
	}
	return c, nil
}

func (c *client) close() { c.request.Client.CloseIdleConnections() }

// guard bounds answers, and hides X-Error from the Requester, which would
// otherwise forget the status and leak the body.
type guard struct{ next http.RoundTripper }

const errorHeader = "X-Levee-Error"

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if text := res.Header.Get("X-Error"); text != "" {
		res.Header.Del("X-Error")
		res.Header.Set(errorHeader, text)
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxBody), res.Body}
	return res, nil
}

// CloseIdleConnections passes the wish on.
func (g guard) CloseIdleConnections() {
	if t, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// failure is an exchange that did not give what was asked.
type failure struct {
	status  int  // 0: no answer
	unsent  bool // the request surely never reached the controller
	took    bool // the controller said it took it, but not as what
	message string
}

func (f *failure) Error() string { return f.message }

// maybe reports whether a POST that failed with err may still have done its
// work.
func maybe(err error) bool {
	var f *failure
	if !errors.As(err, &f) {
		return true
	}
	if f.status == 0 {
		return !f.unsent
	}
	return f.status == http.StatusBadGateway || f.status == http.StatusGatewayTimeout || f.status == http.StatusRequestTimeout
}

// temporary reports whether trying again may help.
func temporary(err error) bool {
	var f *failure
	return !errors.As(err, &f) || f.status == 0 || f.status == http.StatusServiceUnavailable || f.status == http.StatusTooManyRequests || maybe(err)
}

func status(err error) int {
	var f *failure
	if errors.As(err, &f) {
		return f.status
	}
	return 0
}

// answer is an exchange that went through.
type answer struct {
	status int
	header http.Header
	body   string
}

// do makes one exchange and judges nothing but whether there was one. query
// may be nil; form is the body of a POST.
func (c *client) do(ctx context.Context, method, endpoint, suffix string, query map[string]string, form url.Values, headers map[string]string) (*answer, error) {
	if err := c.circuit.allow(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.call)
	defer cancel()
	ctx, watch := exchange.Begin(ctx)
	ar := gojenkins.NewAPIRequest(method, endpoint, nil)
	if method == http.MethodPost {
		ar.Payload = strings.NewReader(form.Encode())
		ar.SetHeader("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range headers {
		ar.SetHeader(k, v)
	}
	ar.Suffix = suffix
	var body string
	res, err := c.request.Do(ctx, ar, &body, query)
	if err != nil {
		c.circuit.failed(ctx)
		return nil, c.unreachable(err, watch.Unsent(err))
	}
	defer func() { _ = res.Body.Close() }() // the Requester has; twice does no harm
	if res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusGatewayTimeout {
		c.circuit.failed(ctx)
	} else {
		c.circuit.succeeded()
	}
	return &answer{res.StatusCode, res.Header, body}, nil
}

func (c *client) unreachable(err error, unsent bool) error {
	var at *url.Error
	if errors.As(err, &at) { // its own text repeats the URL
		err = at.Err
	}
	text := safe.Text(safe.Scrub(err.Error(), c.secrets...), 200)
	return &failure{unsent: unsent, message: fmt.Sprintf("Jenkins at %s does not answer: %s", c.base, text)}
}

// get asks for JSON and decodes it.
func (c *client) get(ctx context.Context, what, endpoint string, query map[string]string, into any) error {
	a, err := c.do(ctx, http.MethodGet, endpoint, "api/json", query, nil, nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return c.refused(what, a)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		return &failure{status: a.status, message: fmt.Sprintf("%s: Jenkins answered something that is no JSON of its kind; is %s the controller's root URL?", what, c.base)}
	}
	return nil
}

// post sends a form with the crumb that a password needs.
func (c *client) post(ctx context.Context, endpoint string, query map[string]string, form url.Values) (*answer, error) {
	for fresh := false; ; fresh = true {
		crumb, err := c.crumbHeader(ctx, fresh)
		if err != nil {
			return nil, err
		}
		a, err := c.do(ctx, http.MethodPost, endpoint, "", query, form, crumb)
		// A crumb dies with its session or the controller: a second 403 is meant.
		if err == nil && a.status == http.StatusForbidden && !c.byToken && !fresh {
			continue
		}
		return a, err
	}
}

// crumbHeader returns what a POST must carry. The cookie that belongs to the
// crumb travels in the client's jar.
func (c *client) crumbHeader(ctx context.Context, fresh bool) (map[string]string, error) {
	if c.byToken {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crumb != nil && !fresh {
		return c.crumb, nil
	}
	var issued struct{ Crumb, CrumbRequestField string }
	err := c.get(ctx, "ask for a crumb", "/crumbIssuer", nil, &issued)
	switch {
	case status(err) == http.StatusNotFound:
		c.crumb = map[string]string{} // crumbs are switched off
	case err != nil:
		var f *failure
		if errors.As(err, &f) {
			return nil, &failure{status: f.status, unsent: true, message: f.message} // the POST itself was not sent
		}
		return nil, err
	default:
		c.crumb = map[string]string{issued.CrumbRequestField: issued.Crumb}
	}
	return c.crumb, nil
}

// refused turns an unwanted status into a sentence with its mend.
func (c *client) refused(what string, a *answer) error {
	var why string
	switch a.status {
	case http.StatusUnauthorized:
		why = "user or token is wrong; correct user: and token_file:"
	case http.StatusForbidden:
		why = "this user may not; give it Job/Build and Job/Read, or the crumb was refused (an API token needs none)"
	case http.StatusNotFound:
		why = "there is no such thing, or this user may not see it; check the job's name and folder"
	case http.StatusMethodNotAllowed:
		why = "something between here and Jenkins turned the POST into a GET; check the URL and its proxy"
	case http.StatusConflict:
		why = "the job is disabled; enable it in Jenkins"
	case http.StatusBadRequest, http.StatusInternalServerError:
		why = "Jenkins could not take it; check that the job has the parameters named in levee.yaml"
	case http.StatusServiceUnavailable:
		why = "Jenkins is starting up; it is tried again"
	default:
		why = "that is not how Jenkins answers; check the URL and its proxy"
		if to, err := url.Parse(a.header.Get("Location")); a.status/100 == 3 && err == nil && to.Host != "" {
			why = fmt.Sprintf("it points to %s; give the URL that Jenkins itself uses", safe.Text(to.Host, 100))
		}
	}
	if text := a.header.Get(errorHeader); text != "" {
		why = safe.Text(safe.Scrub(text, c.secrets...), 100) + "; " + why
	}
	return &failure{status: a.status, message: fmt.Sprintf("%s: Jenkins answered %d: %s", what, a.status, why)}
}
