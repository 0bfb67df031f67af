package logline

import (
	"bytes"

	"levee/detect"
)

// envoy reads Envoy's default text log and Istio's, which has more in front of
// the sizes and the client's address near its end (Envoy, "Default format
// string"; Istio, "Envoy Access Logs").
type envoy struct{}

func (envoy) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if len(line) < 30 || line[0] != '[' || line[5] != '-' || line[11] != 'T' {
		return 0, false
	}
	var v values
	var rest []byte
	v.at[clock1], rest = word(line)
	if len(rest) == 0 || rest[0] != '"' {
		return 0, false
	}
	var ok bool
	if v.at[request], rest, ok = requestField(rest[1:]); !ok {
		return 0, false
	}
	v.at[code], rest = word(rest)
	_, rest = word(rest) // response flags
	istio := len(rest) > 0 && rest[0]-'0' > 9
	if istio {
		_, rest = word(rest)    // response code details
		_, rest = word(rest)    // connection termination details
		_, rest = p.field(rest) // why the upstream failed
	}
	_, rest = word(rest) // bytes received
	v.at[length], rest = word(rest)
	v.at[millis], rest = word(rest)
	_, rest = word(rest) // the upstream's time
	if istio {
		// From the end: Envoy escapes no quotes, so what stands behind a header
		// can't be counted from the front.
		v.at[client] = wordFromEnd(rest, 2)
	}
	// Five fields in quotes. With more, a client has written quotes into its
	// headers, and what it is forwarded for can't be told from what it says.
	sure := bytes.Count(rest, []byte(`" "`)) == 4
	v.at[forwarded], rest = p.field(rest)
	v.at[agent], rest = p.field(rest)
	if !sure {
		v.at[forwarded], v.at[agent] = nil, nil
	} else {
		_, rest = p.field(rest) // request ID
		v.at[host], _ = p.field(rest)
	}
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "envoy"
	}
	return k, ok
}

// wordFromEnd returns the word that has n words behind it.
func wordFromEnd(b []byte, n int) []byte {
	for {
		i := bytes.LastIndexByte(b, ' ')
		if n == 0 || i < 0 {
			return b[i+1:]
		}
		b = b[:i]
		n--
	}
}
