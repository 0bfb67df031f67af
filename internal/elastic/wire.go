package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// largestAnswer bounds what is read of one answer.
const largestAnswer = 64 << 20

// checked reads every answer as a whole and turns whatever is no answer of a
// healthy Elasticsearch into a *Problem, before anything tries to use it.
type checked struct {
	next    http.RoundTripper
	timeout time.Duration // for the whole answer
}

// RoundTrip implements http.RoundTripper.
func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	place := req.URL.Scheme + "://" + req.URL.Host
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	req = req.WithContext(ctx)
	if err := own(req); err != nil {
		return nil, unanswered(place, err)
	}
	res, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, unanswered(place, err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if cerr := res.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, unanswered(place, err)
	}
	if p := strange(place, req, res, body); p != nil {
		return nil, p
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	return res, nil
}

// own gives the request a body of its own. An answer may come before the
// whole body was sent, and then the sender's buffer is used again while the
// transport still reads it.
func own(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	sent, err := io.ReadAll(req.Body)
	if cerr := req.Body.Close(); err == nil {
		err = cerr
	}
	req.Body = io.NopCloser(bytes.NewReader(sent))
	return err
}

var title = regexp.MustCompile(`(?is)<title[^>]*>(.{0,200}?)</title>`)

// strange explains an answer that is not a good one; nil when it is.
func strange(place string, req *http.Request, res *http.Response, body []byte) *Problem {
	say := func(k Kind, format string, a ...any) *Problem {
		return &Problem{Kind: k, Status: res.StatusCode, Text: fmt.Sprintf(format, a...)}
	}
	ours := res.Header.Get("X-Elastic-Product") == "Elasticsearch"
	if !ours && html(res, body) {
		page := "a web page"
		if m := title.FindSubmatch(body); m != nil {
			page = fmt.Sprintf("a web page %q", plain(strings.TrimSpace(string(m[1])), 80))
		}
		return say(Foreign, "%s answers with %s (%d), not as Elasticsearch; a proxy or sign-in page stands between: name the node itself in elasticsearch.urls", place, page, res.StatusCode)
	}
	if res.StatusCode < 300 {
		switch {
		case ours:
			return nil
		case bytes.Contains(body[:min(len(body), 4096)], []byte("opensearch")):
			return say(Foreign, "%s is OpenSearch, which levee does not work with; name an Elasticsearch 8 cluster in elasticsearch.urls", place)
		}
		return say(Foreign, "%s does not say that it is Elasticsearch (no X-Elastic-Product header); levee needs version 8, and a proxy must pass that header on", place)
	}
	e := parseRefusal(body)
	return refusal(place, req.Method+" "+req.URL.Path, res.StatusCode, e.kind, e.reason)
}

func html(res *http.Response, body []byte) bool {
	t := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return strings.Contains(res.Header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(t, []byte("<!doctype html")) || bytes.HasPrefix(t, []byte("<html"))
}

type why struct{ kind, reason string }

// parseRefusal reads Elasticsearch's error object, which may be a mere string.
func parseRefusal(body []byte) why {
	var a struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &a) != nil {
		return why{reason: string(body[:min(len(body), 300)])}
	}
	var e struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Cause  struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"caused_by"`
		Roots []struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"root_cause"`
	}
	if json.Unmarshal(a.Error, &e) != nil {
		var s string
		_ = json.Unmarshal(a.Error, &s) // neither: the status alone must do
		return why{reason: s}
	}
	switch {
	case e.Type == "search_phase_execution_exception" && len(e.Roots) > 0:
		// "all shards failed" says nothing; the first shard does.
		e.Type, e.Reason = e.Roots[0].Type, e.Roots[0].Reason
	case e.Cause.Reason != "":
		e.Reason += ": " + e.Cause.Reason
	}
	return why{e.Type, e.Reason}
}

// missing says that an index or data stream of levee's own does not exist.
func missing(name string) *Problem {
	return &Problem{Kind: Missing, Status: http.StatusNotFound,
		Text: fmt.Sprintf("Elasticsearch has no %s yet; run `levee elastic setup`, what is written waits until then", plain(name, 80))}
}

// refusal puts what the cluster says no with into a sentence. what is the
// request, or the index of one document.
func refusal(place, what string, status int, kind, reason string) *Problem {
	reason = plain(reason, 240)
	say := func(k Kind, format string, a ...any) *Problem {
		return &Problem{Kind: k, Status: status, Text: "Elasticsearch " + fmt.Sprintf(format, a...)}
	}
	switch {
	case kind == "cluster_block_exception" && strings.Contains(reason, "flood"),
		kind == "cluster_block_exception" && strings.Contains(reason, "read-only"), strings.Contains(reason, "disk usage exceeded flood-stage"):
		return say(ReadOnly, "has made the index read-only, most often because its disk is full (%s); free disk there, what waits is sent then", reason)
	case status == http.StatusUnauthorized:
		return say(Unauthorized, "at %s does not accept the credentials (401); check elasticsearch.api_key, or user and password", place)
	case status == http.StatusForbidden && strings.Contains(reason, "indices:admin/auto_create"):
		return missing(what)
	case status == http.StatusForbidden:
		return say(Forbidden, "forbids %s (403: %s); give the key the rights that `levee elastic role` prints", what, reason)
	case status == http.StatusNotFound:
		return say(Missing, "knows nothing at %s (404: %s); run `levee elastic setup`, or mend the name", what, reason)
	case status == http.StatusConflict:
		return say(Conflict, "has it already (409: %s)", reason)
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return say(Busy, "is too busy or not ready (%d: %s); levee waits and tries again", status, reason)
	case kind == "document_parsing_exception", kind == "mapper_parsing_exception", kind == "strict_dynamic_mapping_exception",
		kind == "illegal_argument_exception" && strings.Contains(reason, "mapper ["):
		return say(Mapping, "can't fit a document into %s (%s); another template rules that index: run `levee elastic setup` and look for templates with a higher priority", what, reason)
	}
	switch {
	case strings.Contains(reason, "Fielddata is disabled"), strings.Contains(reason, "Text fields are not optimised"),
		strings.Contains(reason, "Expected numeric type"), strings.Contains(reason, "is not supported for aggregation"):
		return say(Mapping, "can't count a field of %s as it is mapped (%s); name a keyword, ip, number or date field in elasticsearch.fields", what, reason)
	}
	return say(Refused, "refuses %s (%d %s: %s)", what, status, plain(kind, 60), reason)
}
