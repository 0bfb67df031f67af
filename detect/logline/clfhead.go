package logline

import (
	"bytes"

	"levee/detect"
)

// clfHead reads what stands before the timestamp: client, ident and user, with
// a virtual host or a forwarding chain in front of the client in some formats.
// chain is what the end of the line gave.
func (p *Parser) clfHead(b, chain []byte, r *detect.Request) bool {
	if a, n := leadingIPv4(b); n > 0 && n < len(b) && b[n] == ' ' {
		// The usual case: an IPv4 client, then ident and user.
		rest := b[n+1:]
		if len(rest) == 3 && rest[0] == '-' && rest[1] == ' ' && rest[2] == '-' {
			p.resolve(r, a, chain)
			return true
		}
	}
	if len(b) > 0 && b[0] == '"' {
		list, rest := p.quoted(b)
		return p.clfPeer(list, rest, r)
	}
	if i := bytes.IndexByte(b, ','); i > 0 {
		list, rest := cutList(b)
		return p.clfPeer(list, rest, r)
	}
	first, rest := word(b)
	if !isHost(first) {
		return false
	}
	a, ok := address(first)
	if !ok && beginsWithTime(b) {
		return false // a transport's header, neither a host nor a client
	}
	second, after := word(rest)
	if b, isAddr := address(second); isAddr && len(after) > 0 {
		// Two in front: the first is a virtual host, or what the client is said to
		// be forwarded for. Where hosts were seen it is one too, even if a client
		// asks for a host that looks like an address, to pass for that address.
		if ok && !hasPort(first) && !p.hosts {
			p.resolve(r, b, first)
		} else {
			p.hosts = p.hosts || !ok
			p.resolve(r, b, chain)
			r.Host = p.text(first)
		}
		_, user := word(after)
		r.User = p.text(user)
		return true
	}
	switch {
	case ok:
		p.resolve(r, a, chain)
	case bytes.IndexByte(rest, '|') >= 0:
		return false // the prefix of docker compose, not a client
	default:
		r.Client = p.text(first)
	}
	_, user := word(rest)
	r.User = p.text(user)
	return true
}

// clfPeer reads a line that begins with a forwarding chain; the connecting
// address may follow it.
func (p *Parser) clfPeer(list, rest []byte, r *detect.Request) bool {
	first, after := word(rest)
	if a, ok := address(first); ok {
		if p.hosts {
			list = nil // a host that pretends to be a chain
		}
		p.resolve(r, a, list)
		rest = after
	} else {
		p.listed(r, list)
	}
	_, user := word(rest)
	r.User = p.text(user)
	return true
}

// cutList cuts "a, b, c" off the front of b: entries go on as long as a comma
// ends the word.
func cutList(b []byte) (list, rest []byte) {
	at := 0
	for at < len(b) {
		n := bytes.IndexByte(b[at:], ' ')
		if n < 0 {
			return b, nil
		}
		at += n
		if at == 0 || b[at-1] != ',' {
			return b[:at], b[at+1:]
		}
		at++
	}
	return b, nil
}

// hasPort reports whether an IPv4 address is written with a port.
func hasPort(b []byte) bool {
	_, n := leadingIPv4(b)
	return n > 0 && n < len(b) || b[0] == '['
}
