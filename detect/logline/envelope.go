package logline

import (
	"bytes"

	"levee/detect"
)

// envelope reads lines of other formats behind what a transport puts in front
// of them: syslog headers (RFC 3164, RFC 5424, journalctl), the prefix of a
// container runtime (CRI) or of docker compose, a time.
type envelope struct{}

func (envelope) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if len(line) < 16 {
		return 0, false
	}
	rest, strict := unwrap(line)
	if rest == nil {
		return 0, false
	}
	if k, ok := p.inner(rest, r); ok {
		return k, true
	}
	// With a full header, the line is whole: only of another program.
	return detect.Other, strict
}

// unwrap returns what follows the header, nil when there is none. strict says
// that it can't be anything but a header.
func unwrap(line []byte) (rest []byte, strict bool) {
	if b := priority(line); b != nil {
		if len(b) > 2 && b[0] == '1' && b[1] == ' ' {
			return rfc5424(b[2:]), true
		}
		line = b
		strict = true
	}
	if b := rfc3164Time(line); b != nil {
		return tagged(b), true
	}
	if b, whole := isoHeader(line); b != nil {
		return b, whole
	}
	if i := bytes.Index(line, []byte(" | ")); i > 0 && i < 64 && isHost(trimSpace(line[:i])) {
		return line[i+3:], false // docker compose
	}
	if strict {
		return line, false
	}
	return nil, false
}

// priority cuts "<134>" off, nil when there is none.
func priority(line []byte) []byte {
	if line[0] != '<' {
		return nil
	}
	for i := 1; i < 5 && i < len(line); i++ {
		if line[i] == '>' && i > 1 {
			return line[i+1:]
		}
		if line[i]-'0' > 9 {
			return nil
		}
	}
	return nil
}

// rfc3164Time cuts "Oct  7 12:00:01 " off, nil when there is none.
func rfc3164Time(b []byte) []byte {
	if len(b) < 17 || month(b[0:3]) == 0 || b[3] != ' ' || b[6] != ' ' || b[15] != ' ' {
		return nil
	}
	if _, ok := timeOfDay(b[7:15]); !ok || b[5]-'0' > 9 {
		return nil
	}
	return b[16:]
}

// tagged cuts "host program[pid]: " off; some senders leave out the host.
func tagged(b []byte) []byte {
	first, rest := word(b)
	if n := len(first); n > 0 && first[n-1] == ':' {
		return rest
	}
	tag, after := word(rest)
	if n := len(tag); n > 0 && tag[n-1] == ':' {
		return after
	}
	return rest
}

// rfc5424 cuts the header after the version off: time, host, program, process,
// message ID and structured data.
func rfc5424(b []byte) []byte {
	for range 5 {
		_, b = word(b)
	}
	if len(b) == 0 {
		return empty
	}
	if b[0] == '[' {
		quoted := false
		i := 0
		for ; i < len(b); i++ {
			switch c := b[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ']' && !quoted && (i+1 == len(b) || b[i+1] == ' '):
				b = b[i+1:]
				i = len(b)
			}
		}
		b = skipBlanks(b)
	} else {
		_, b = word(b)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if b == nil {
		return empty
	}
	return b
}

var empty = []byte{}

// isoHeader cuts "2025-12-31T17:37:40.49+01:00 stdout F " (CRI),
// "2025-12-31T17:37:40+0100 host program[pid]: " (journalctl) or the time alone
// (docker logs and kubectl logs with timestamps) off, nil when there is none. A
// time alone says nothing of what must follow: whole is false then.
func isoHeader(b []byte) (rest []byte, whole bool) {
	if !isoTime(b) {
		return nil, false
	}
	_, rest = word(b)
	first, after := word(rest)
	if string(first) == "stdout" || string(first) == "stderr" {
		if len(after) > 2 && after[1] == ' ' {
			return after[2:], true
		}
		return nil, false
	}
	tag, message := word(after)
	if n := len(tag); n > 1 && tag[n-1] == ':' && isHost(first) {
		return message, true
	}
	return rest, false
}

// isoTime reports whether b begins like "2025-12-31T17:37:40".
func isoTime(b []byte) bool {
	return len(b) > 19 && b[4] == '-' && b[7] == '-' && b[10] == 'T' && b[13] == ':' && b[16] == ':'
}

// beginsWithTime reports whether a transport's time stands in front of b: what
// follows it is for the envelope to look at.
func beginsWithTime(b []byte) bool { return isoTime(b) || rfc3164Time(b) != nil }
