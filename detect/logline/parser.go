package logline

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"levee/detect"
)

// MaxLine is the longest line that is read, in bytes. Servers cap the request
// line and each header far below it; what is longer is no log line.
const MaxLine = 64 << 10

// Options says how to read a log. The zero value recognises formats by itself
// and believes no forwarded address.
type Options struct {
	// Format is "auto" (or empty), a name from Formats, an nginx log_format
	// string (it has a $variable) or an Apache LogFormat string (it has a
	// %directive). With a name or a string, other formats are not tried.
	Format string
	// TrustedProxies may vouch for another address: behind them, the client is
	// the right-most address of the forwarding chain that is not one of them.
	TrustedProxies []netip.Prefix
	// Service is the host of requests whose log names none.
	Service string
	// Origin is copied to every request.
	Origin uint16
	// Seed is what whoever reads lines for the detector prepares requests with:
	// detect.Options.Seed. Parsing does without.
	Seed uint64
	// Fields maps JSON keys to meanings where the log's own names are not
	// known: key (dotted when nested) → one of FieldNames. "capture.1" and so on
	// name the request headers that HAProxy captures, in the order of its rules.
	Fields map[string]string
}

// What is wrong with a line. The errors are values, so that a flood of bad
// lines costs no allocation.
var (
	ErrUnknown = errors.New("not a line of any known format")
	ErrFormat  = errors.New("does not fit the given format")
	ErrTooLong = errors.New("longer than 64 KiB")
	ErrBinary  = errors.New("binary data, not text")
)

// reader reads the lines of one format. ok is false when the line is of
// another format; the Request may then hold anything.
type reader interface {
	read(p *Parser, line []byte, r *detect.Request) (k detect.Kind, ok bool)
}

// Parser reads lines of one input.
type Parser struct {
	readers []entry // those that may be tried, in order
	current int     // index into readers of what fitted last
	fixed   bool    // the format was given: nothing else is tried
	name    string  // what was recognised last
	hosts   bool    // lines of this log begin with the virtual host
	plain   bool    // the current line is printable ASCII without backslashes
	escapes escaping
	nested  int // how many wrappings the line being read was taken out of
	within  int // index into readers of what fitted last inside a wrapping
	arena   *Arena
	own     Arena
	clock   clock
	trust   trust
	service []byte
	origin  uint16
	seed    uint64
}

// New returns a Parser. An error is one sentence that names the mend.
func New(o Options) (*Parser, error) {
	p := &Parser{origin: o.Origin, seed: o.Seed, trust: newTrust(o.TrustedProxies)}
	p.arena = &p.own
	if o.Service != "" {
		p.service = appendClean(nil, []byte(o.Service))
	}
	if err := p.choose(o); err != nil {
		return nil, err
	}
	return p, nil
}

// Seed returns Options.Seed.
func (p *Parser) Seed() uint64 { return p.seed }

// choose fills the readers that o.Format asks for.
func (p *Parser) choose(o Options) error {
	format := strings.TrimSpace(o.Format)
	fields, err := mapped(o.Fields)
	if err != nil {
		return err
	}
	all := catalogue(fields)
	if format == "" || strings.EqualFold(format, "auto") {
		p.readers = all
		return nil
	}
	for _, e := range all {
		if e.is(format) {
			p.readers, p.fixed = append(p.readers, e), true
		}
	}
	if len(p.readers) == 0 {
		e, err := compile(format, fields)
		if err != nil {
			return err
		}
		p.readers, p.fixed = append(p.readers, e), true
	}
	// How a line travelled is no matter of its format.
	for _, e := range all {
		if e.wraps && !e.is(format) {
			p.readers = append(p.readers, e)
		}
	}
	return nil
}

// mapped checks Options.Fields.
func mapped(names map[string]string) (map[string]field, error) {
	if len(names) == 0 {
		return nil, nil
	}
	m := make(map[string]field, len(names))
	for key, name := range names {
		f, ok := fieldsByName[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf("JSON key %q is mapped to %q, which is no field; give one of %s", key, name, strings.Join(FieldNames, ", "))
		}
		m[key] = f
	}
	return m, nil
}

// SetArena makes p put decoded text into a from now on, so that a batch can own
// what its requests point to. A nil Arena means the Parser's own.
func (p *Parser) SetArena(a *Arena) {
	if a == nil {
		a = &p.own
	}
	p.arena = a
}

// Reset recycles the Arena: slices of requests parsed before are then invalid.
func (p *Parser) Reset() { p.arena.Reset() }

// Format names what was recognised last, "" while nothing was.
func (p *Parser) Format() string { return p.name }

// Parse reads one line, without its newline. A nil error comes with every kind
// but Malformed; r is only meaningful for Access and NoRequest, and for
// ErrorLine as far as the line tells.
func (p *Parser) Parse(line []byte, r *detect.Request) (detect.Kind, error) {
	line = withoutReturn(line)
	return p.parse(line, isPlain(line), r)
}

// ParseFirst cuts the first line off text and reads it as Parse does: what ends a
// line is not plain, so both are found in one look at its bytes.
func (p *Parser) ParseFirst(text []byte, r *detect.Request) (line, rest []byte, k detect.Kind, err error) {
	n := plainPrefix(text)
	end := n
	if n < len(text) && text[n] != '\n' {
		if end = bytes.IndexByte(text, '\n'); end < 0 {
			end = len(text)
		}
	}
	line, rest = text[:end], text[min(end+1, len(text)):]
	cut := withoutReturn(line)
	k, err = p.parse(cut, n >= len(cut), r)
	return line, rest, k, err
}

// withoutReturn cuts the carriage return off that ends a line in some logs.
func withoutReturn(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// parse reads a line; plain says that it is printable ASCII without backslashes.
func (p *Parser) parse(line []byte, plain bool, r *detect.Request) (detect.Kind, error) {
	p.clear(r)
	if len(line) > MaxLine {
		r.Kind = detect.Malformed
		return detect.Malformed, ErrTooLong
	}
	p.plain, p.escapes, p.nested = plain, backslashes, 0
	k, ok := p.readers[p.current].read(p, line, r)
	if !ok {
		k, ok = p.search(line, r)
	}
	if !ok {
		return p.refuse(line, r)
	}
	if k <= detect.NoRequest && r.Host == nil {
		r.Host = p.service
	}
	r.Kind = k
	return k, nil
}

// search tries the other formats and keeps the one that fits.
func (p *Parser) search(line []byte, r *detect.Request) (detect.Kind, bool) {
	for i := range p.readers {
		if i == p.current {
			continue
		}
		p.again(r)
		if k, ok := p.readers[i].read(p, line, r); ok {
			if k <= detect.NoRequest {
				p.current = i
			}
			return k, true
		}
	}
	return detect.Malformed, false
}

// again forgets what a reader that did not fit has left behind.
func (p *Parser) again(r *detect.Request) {
	p.clear(r)
	p.escapes = backslashes
}

// clear makes r say nothing. Writing a whole literal would build it aside first.
func (p *Parser) clear(r *detect.Request) {
	*r = detect.Request{}
	r.Bytes, r.Duration, r.Origin = -1, -1, p.origin
}

// inner reads a log line that was taken out of a wrapping: a syslog header, a
// container runtime's, a JSON string.
func (p *Parser) inner(line []byte, r *detect.Request) (detect.Kind, bool) {
	if p.nested >= maxNested {
		return 0, false
	}
	plain := p.plain
	p.nested++
	p.plain = isPlain(line)
	p.again(r)
	if k, ok := p.readers[p.within].read(p, line, r); ok {
		return k, true
	}
	for i := range p.readers {
		if i == p.within {
			continue
		}
		p.again(r)
		if k, ok := p.readers[i].read(p, line, r); ok {
			if k <= detect.NoRequest {
				p.within = i
			}
			return k, true
		}
	}
	// The wrapping was none: others will look at the whole line.
	p.nested--
	p.plain = plain
	return 0, false
}

// refuse says what a line that fits nothing is: empty lines and comments are
// Other, the rest is Malformed.
func (p *Parser) refuse(line []byte, r *detect.Request) (detect.Kind, error) {
	p.again(r)
	r.Kind = detect.Other
	text := trimSpace(line)
	if len(text) == 0 || text[0] == '#' {
		return detect.Other, nil
	}
	r.Kind = detect.Malformed
	switch {
	case isBinary(line):
		return detect.Malformed, ErrBinary
	case p.fixed:
		return detect.Malformed, ErrFormat
	}
	return detect.Malformed, ErrUnknown
}
