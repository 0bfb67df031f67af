package logline

import (
	"bytes"

	"levee/detect"
)

// cloudfront reads Amazon CloudFront's standard log without its header lines;
// with them, w3c does. Columns are separated by tabs and stand in a fixed order
// (Amazon CloudFront Developer Guide, "Standard log file fields").
type cloudfront struct{}

var cloudfrontColumns = []field{
	clock1, clock2, ignored, length, client, method, ignored, path, code, referer, agent, query, ignored, ignored, ignored,
	host, ignored, ignored, seconds, forwarded, ignored, ignored, ignored, proto,
}

func (cloudfront) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if len(line) < 24 || line[10] != '\t' || line[19] != '\t' {
		return 0, false
	}
	var v values
	rest := line
	for n := 0; n < len(cloudfrontColumns); n++ {
		i := bytes.IndexByte(rest, '\t')
		if i < 0 {
			if n < 12 {
				return 0, false // what all versions of the format have
			}
			v.set(cloudfrontColumns[n], rest)
			break
		}
		v.set(cloudfrontColumns[n], rest[:i])
		rest = rest[i+1:]
	}
	if _, ok := address(v.at[client]); !ok {
		return 0, false
	}
	p.escapes = percents
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "cloudfront"
	}
	return k, ok
}

// elb reads the logs of AWS load balancers: application ones begin with the
// kind of connection, classic ones with the time (Elastic Load Balancing,
// "Access logs").
type elb struct{}

func (elb) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	name := "elb"
	rest := line
	w, after := word(rest)
	if n := len(w); n > 1 && n < 7 && w[0] >= 'a' && w[0] <= 'z' {
		name, rest = "alb", after
	}
	var v values
	v.at[clock1], rest = word(rest)
	if t := v.at[clock1]; len(t) < 20 || t[4] != '-' || t[10] != 'T' {
		return 0, false
	}
	_, rest = word(rest) // the load balancer
	v.at[client], rest = word(rest)
	_, rest = word(rest) // the target
	served := int64(-1)
	for range 3 {
		var b []byte
		b, rest = word(rest)
		if d, ok := decimal(b); ok {
			served = max(served, 0) + d
		}
	}
	v.at[code], rest = word(rest)
	_, rest = word(rest) // the target's status
	_, rest = word(rest) // bytes received
	v.at[length], rest = word(rest)
	if len(rest) == 0 || rest[0] != '"' {
		return 0, false
	}
	v.at[request], rest = p.quoted(rest)
	if len(rest) > 0 && rest[0] == '"' {
		v.at[agent], _ = p.quoted(rest)
	}
	if _, ok := address(v.at[client]); !ok {
		return 0, false
	}
	k, ok := p.assemble(&v, r)
	if !ok {
		return 0, false
	}
	r.Duration = served
	p.ownURL(r)
	p.name = name
	return k, true
}

// ownURL turns the absolute URL that a load balancer writes for every request
// into host and target.
func (p *Parser) ownURL(r *detect.Request) {
	if h, t, ok := splitURL(r.Target); ok {
		r.Host, r.Target = h, t
	}
}

// splitURL cuts "https://host:port/path" into host and path, for logs of load
// balancers, which write every request so. ok is false for anything else.
func splitURL(b []byte) (authority, rest []byte, ok bool) {
	i := bytes.Index(b, []byte("://"))
	if i <= 0 || i > 5 {
		return nil, nil, false
	}
	b = b[i+3:]
	if j := bytes.IndexByte(b, '/'); j >= 0 {
		return b[:j], b[j:], j > 0
	}
	return b, slash, len(b) > 0
}

var slash = []byte("/")

// s3 reads Amazon S3's server access log (Amazon S3 User Guide, "Server access
// log format").
type s3 struct{}

func (s3) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	open := clfTime(line)
	if open < 4 || open+29 > len(line) || line[open+27] != ']' || line[open+28] != ' ' {
		return 0, false
	}
	var v values
	v.at[clock1] = line[open+1 : open+27]
	_, bucket := word(line[:open-1])
	v.at[host] = bucket
	rest := line[open+29:]
	v.at[client], rest = word(rest)
	v.at[user], rest = word(rest)
	_, rest = word(rest) // request ID
	op, rest := word(rest)
	if bytes.Count(op, []byte(".")) < 1 {
		return 0, false // REST.GET.OBJECT, BATCH.DELETE.OBJECT, S3.EXPIRE.OBJECT …
	}
	_, rest = word(rest) // key
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '-' {
		return 0, false
	}
	v.at[request], rest = p.field(rest)
	v.at[code], rest = word(rest)
	_, rest = word(rest) // error code
	v.at[length], rest = word(rest)
	_, rest = word(rest) // size of the object
	v.at[millis], rest = word(rest)
	_, rest = word(rest) // turn-around time
	if len(rest) > 0 {
		v.at[referer], rest = p.field(rest)
	}
	if len(rest) > 0 {
		v.at[agent], _ = p.field(rest)
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "s3"
	}
	return k, ok
}
