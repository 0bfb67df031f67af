package logline

import (
	"bytes"

	"levee/detect"
)

// openingTime reads a timestamp in brackets at the start of a line.
func openingTime(line []byte) (stamp, rest []byte, ok bool) {
	if len(line) < 30 || line[0] != '[' || line[3] != '/' || line[7] != '/' {
		return nil, nil, false
	}
	end := bytes.IndexByte(line, ']')
	if end < 21 || end+2 >= len(line) || line[end+1] != ' ' {
		return nil, nil, false
	}
	return line[1:end], line[end+2:], true
}

// npm reads the logs of nginx proxy manager:
//
//	[time] cache upstream-status status - GET https host "/path" [Client 192.0.2.1] [Length 9] [Gzip -] [Sent-to x] "agent" "referer"
//
// of which the plain variant lacks what concerns the upstream.
type npm struct{}

func (npm) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	var v values
	stamp, rest, ok := openingTime(line)
	if !ok {
		return 0, false
	}
	v.at[clock1] = stamp
	at := bytes.Index(rest, []byte(`" [Client `))
	if at < 0 {
		return 0, false
	}
	i := 0 // of the " - " in front of the method; others stand for what is missing
	for {
		n := bytes.Index(rest[i:at], []byte(" - "))
		if n < 0 {
			return 0, false
		}
		i += n
		if m, _ := word(rest[i+3 : at]); isMethod(m) {
			break
		}
		i++
	}
	v.at[code] = rest[bytes.LastIndexByte(rest[:i], ' ')+1 : i]
	if _, ok := status(v.at[code]); !ok {
		return 0, false
	}
	ask := rest[i+3 : at]
	v.at[method], ask = word(ask)
	_, ask = word(ask) // scheme
	v.at[host], ask = word(ask)
	if len(ask) == 0 || ask[0] != '"' {
		return 0, false
	}
	v.at[target] = ask[1:]
	rest = rest[at+2:]
	for len(rest) > 0 && rest[0] == '[' {
		end := bytes.IndexByte(rest, ']')
		if end < 0 {
			return 0, false
		}
		name, value := word(rest[1:end])
		switch string(name) {
		case "Client":
			v.at[client] = value
		case "Length":
			v.at[length] = value
		}
		rest = skipBlanks(rest[end+1:])
	}
	if len(rest) > 0 {
		v.at[agent], rest = p.field(rest)
	}
	if len(rest) > 0 {
		v.at[referer], _ = p.field(rest)
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "npm"
	}
	return k, ok
}

// timeFirst reads nginx and Apache logs that begin with the time:
//
//	[time] host 192.0.2.1 0.125 "GET / HTTP/1.1" 200 512 440 referer agent
//	[time] 192.0.2.1 TLSv1.3 cipher "GET / HTTP/1.1" 512
//
// What stands in front of the request is told by its look.
type timeFirst struct{}

func (timeFirst) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	var v values
	stamp, rest, ok := openingTime(line)
	if !ok {
		return 0, false
	}
	v.at[clock1] = stamp
	i := bytes.Index(rest, []byte(` "`))
	if i < 0 {
		return 0, false
	}
	for head := rest[:i]; len(head) > 0; {
		var w []byte
		w, head = word(head)
		if _, isAddress := address(w); isAddress && v.at[client] == nil {
			v.at[client] = w
		} else if v.at[client] == nil && v.at[host] == nil && isHost(w) {
			v.at[host] = w
		} else if d, isNumber := decimal(w); isNumber && d >= 0 && bytes.IndexByte(w, '.') > 0 {
			v.at[seconds] = w
		}
	}
	if v.at[client] == nil {
		return 0, false
	}
	if v.at[request], rest, ok = requestField(rest[i+2:]); !ok {
		return 0, false
	}
	if bytes.IndexByte(rest, ' ') < 0 {
		v.at[length] = rest // Apache's ssl_request_log has no status
	} else {
		v.at[code], rest = word(rest)
		v.at[length], rest = word(rest)
		if n, after := word(rest); len(n) > 0 && isCount(n) {
			rest = after // length of the request
		}
		p.timeFirstTail(&v, rest)
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "time_first"
	}
	return k, ok
}

// timeFirstTail reads referer and user agent, in quotes or not: the agent is
// then the rest of the line.
func (p *Parser) timeFirstTail(v *values, b []byte) {
	if len(b) == 0 {
		return
	}
	v.at[referer], b = p.field(b)
	if len(b) == 0 {
		return
	}
	if b[0] == '"' {
		v.at[agent], b = p.quoted(b)
		if len(b) > 0 && b[0] == '"' {
			if w, _ := p.quoted(b); looksForwarded(w) {
				v.at[forwarded] = w
			}
		}
		return
	}
	v.at[agent] = b
}

func isCount(b []byte) bool {
	_, ok := count(b)
	return ok
}
