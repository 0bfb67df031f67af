package elastic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Kind names what is wrong.
type Kind string

// Kinds of Problem.
const (
	Unreachable  Kind = "unreachable"  // nobody answers at the address
	Slow         Kind = "slow"         // no whole answer in time
	Cut          Kind = "cut"          // the connection ended within an answer
	Untrusted    Kind = "untrusted"    // TLS: the certificate, or no TLS at all
	Unauthorized Kind = "unauthorized" // 401
	Forbidden    Kind = "forbidden"    // 403
	Missing      Kind = "missing"      // 404
	Conflict     Kind = "conflict"     // 409
	Mapping      Kind = "mapping"      // a document or query does not fit the index
	Busy         Kind = "busy"         // 429 or 503
	ReadOnly     Kind = "read-only"    // an index is blocked for writes
	Foreign      Kind = "foreign"      // something that is not Elasticsearch answers
	Refused      Kind = "refused"      // anything else the cluster says no to
)

// Problem is what is wrong with Elasticsearch, in one sentence with its mend.
type Problem struct {
	Kind   Kind
	Status int    // of HTTP; 0 when there was no answer
	Text   string // sanitised
	Err    error  // the cause, when there is one
}

// Error returns the sentence.
func (p *Problem) Error() string { return p.Text }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Lasts reports whether the same document or request would fail the same way
// whenever it is sent again: there is no point in keeping it.
func (p *Problem) Lasts() bool { return p.Kind == Mapping || p.Kind == Refused }

// Is makes what is missing an fs.ErrNotExist.
func (p *Problem) Is(target error) bool { return target == fs.ErrNotExist && p.Kind == Missing }

// IsKind reports whether err is a Problem of that kind.
func IsKind(err error, k Kind) bool {
	var p *Problem
	return errors.As(err, &p) && p.Kind == k
}

// problemOf finds the Problem in err, or makes one of it.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return unanswered("the configured URLs", err)
}

// unanswered explains why a request had no whole answer.
func unanswered(place string, err error) *Problem {
	say := func(k Kind, format string, a ...any) *Problem {
		return &Problem{Kind: k, Err: err, Text: "Elasticsearch at " + place + " " + fmt.Sprintf(format, a...)}
	}
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &authority):
		return say(Untrusted, "shows a certificate nobody here trusts: %s; name its authority's PEM file in elasticsearch.ca", certificate(authority.Cert))
	case errors.As(err, &name):
		return say(Untrusted, "shows a certificate for another name: %s; use one of its names in elasticsearch.urls", certificate(name.Certificate))
	case errors.As(err, &invalid):
		return say(Untrusted, "shows a certificate that is not valid now: %s (%s); renew it, or mend this machine's clock", certificate(invalid.Cert), plain(invalid.Error(), 120))
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return say(Untrusted, "does not speak TLS; write http:// in elasticsearch.urls, or turn TLS on there")
	case strings.Contains(err.Error(), "malformed HTTP response \"\\x15"):
		return say(Untrusted, "speaks TLS; write https:// in elasticsearch.urls")
	case errors.As(err, &dns):
		return say(Unreachable, "can't be found (%s); mend the name in elasticsearch.urls", plain(dns.Error(), 120))
	case errors.Is(err, syscall.ECONNREFUSED):
		return say(Unreachable, "refuses connections; check elasticsearch.urls and that the node runs")
	case errors.Is(err, context.Canceled):
		return say(Slow, "was not waited for: levee is stopping")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return say(Slow, "did not answer in time; look at its load, or at what stands between")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return say(Cut, "ended the connection within an answer; look at its log, or at the proxy between")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return say(Unreachable, "can't be reached (%s); check elasticsearch.urls", plain(err.Error(), 160))
}

func certificate(c *x509.Certificate) string {
	if c == nil {
		return "unnamed"
	}
	s := fmt.Sprintf("%q issued by %q", c.Subject.CommonName, c.Issuer.CommonName)
	if len(c.DNSNames) > 0 {
		s += " for " + strings.Join(c.DNSNames[:min(3, len(c.DNSNames))], ", ")
	}
	return plain(s, 240)
}

// plain makes text from elsewhere fit for one line of a terminal, at most n
// bytes of it.
func plain(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			r = ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError ||
			r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff:
			continue
		}
		if b.Len()+utf8.RuneLen(r) > n {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
