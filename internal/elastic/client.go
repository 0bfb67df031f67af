package elastic

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	elasticsearch "github.com/elastic/go-elasticsearch/v8"
)

// Options says which cluster and as whom. URLs is required.
type Options struct {
	URLs     []string
	APIKey   string // base64 of id:key, as Elasticsearch prints it ("encoded")
	User     string // with Password, instead of APIKey
	Password string
	CA       string        // PEM file; "": the system's roots
	Timeout  time.Duration // for one request and its whole answer; default 15 s
}

// Client talks to one cluster.
type Client struct {
	es      *elasticsearch.Client
	wire    *http.Transport
	timeout time.Duration
}

// New builds a client. It asks nothing of the network.
func New(o Options) (*Client, error) {
	for _, u := range o.URLs {
		p, err := url.Parse(u)
		if err != nil || p.Host == "" || p.Scheme != "http" && p.Scheme != "https" {
			return nil, fmt.Errorf("elasticsearch.urls: %q is no address; write it like https://es.example.com:9200", u)
		}
	}
	if len(o.URLs) == 0 {
		return nil, fmt.Errorf("elasticsearch.urls is empty; name at least one node, like https://es.example.com:9200")
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("elasticsearch.ca: %w", err)
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("elasticsearch.ca: %s holds no certificate; it must be a PEM file", o.CA)
		}
	}
	c := &Client{timeout: o.Timeout, wire: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSClientConfig:       secure,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     true,
	}}
	var err error
	c.es, err = elasticsearch.NewClient(elasticsearch.Config{
		Addresses: o.URLs, APIKey: o.APIKey, Username: o.User, Password: o.Password,
		Transport: checked{c.wire, o.Timeout},
		// With one node there is nobody else to ask at once; whoever calls
		// tries again in their own time.
		DisableRetry: len(o.URLs) == 1, MaxRetries: len(o.URLs) - 1,
	})
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return c, nil
}

// Close gives idle connections back.
func (c *Client) Close() { c.wire.CloseIdleConnections() }

// Info is what a cluster says of itself.
type Info struct {
	Cluster string
	Version string
	UUID    string
}

// Check asks the cluster who it is. What is wrong is a *Problem.
func (c *Client) Check(ctx context.Context) (Info, error) {
	var a struct {
		Cluster string `json:"cluster_name"`
		UUID    string `json:"cluster_uuid"`
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
	}
	if err := c.call(ctx, http.MethodGet, "/", nil, &a); err != nil {
		return Info{}, err
	}
	return Info{Cluster: plain(a.Cluster, 80), Version: plain(a.Version.Number, 20), UUID: plain(a.UUID, 40)}, nil
}

// call makes one request. body, when not nil, is sent as JSON (a
// json.RawMessage or []byte as it is); the answer is read into out, when not
// nil. Whatever goes wrong, an answer of 400 and above included, is a *Problem.
func (c *Client) call(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	_, err := c.send(ctx, method, path, body, out)
	return err
}

// send is call without its time limit; it returns how many bytes came back.
func (c *Client) send(ctx context.Context, method, path string, body, out any) (int64, error) {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return 0, fmt.Errorf("%s %s: %w", method, path, err)
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(ctx, method, path, r)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.es.Perform(req)
	if err != nil {
		return 0, problemOf(err)
	}
	defer func() { _ = res.Body.Close() }()
	n := res.ContentLength
	if out == nil {
		return n, nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return n, &Problem{Kind: Foreign, Status: res.StatusCode, Err: err,
			Text: fmt.Sprintf("the answer to %s %s is not what Elasticsearch answers (%s); a proxy between may be rewriting it", method, req.URL.Path, plain(err.Error(), 120))}
	}
	return n, nil
}
