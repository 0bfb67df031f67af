package logline

import (
	"regexp"
	"strings"
)

var nginxVariable = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)

// nginxTokens cuts a log_format string into variables and text.
func nginxTokens(format string) []token {
	var ts []token
	at := 0
	for _, m := range nginxVariable.FindAllStringSubmatchIndex(format, -1) {
		if m[0] > at {
			ts = append(ts, token{text: format[at:m[0]]})
		}
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		f, h := nginxField(format[from:to])
		ts = append(ts, token{text: format[m[0]:m[1]], variable: true, field: f, header: h})
		at = m[1]
	}
	if at < len(format) {
		ts = append(ts, token{text: format[at:]})
	}
	return ts
}

// nginxFields are the variables that are read.
var nginxFields = map[string]field{
	"remote_addr": client, "realip_remote_addr": peer, "http_x_forwarded_for": forwarded, "proxy_add_x_forwarded_for": forwarded,
	"http_forwarded": forwarded, "proxy_protocol_addr": forwarded, "http_x_real_ip": forwarded, "http_cf_connecting_ip": forwarded,
	"http_true_client_ip": forwarded, "http_fastly_client_ip": forwarded, "http_x_client_ip": forwarded,
	"remote_user": user, "time_local": clock1, "time_iso8601": clock1, "msec": clock1,
	"request": request, "request_method": method, "request_uri": target, "uri": path, "document_uri": path,
	"args": query, "query_string": query, "server_protocol": proto, "status": code, "body_bytes_sent": length,
	"bytes_sent": lengthAll, "http_referer": referer, "http_user_agent": agent, "host": host, "http_host": host,
	"server_name": host, "request_time": seconds,
}

// nginxField returns the meaning of a variable and, for a judged header, its
// number.
func nginxField(name string) (field, uint8) {
	if f, ok := nginxFields[name]; ok {
		return f, 0
	}
	return headerField(strings.ReplaceAll(strings.TrimPrefix(name, "http_"), "_", "-"), strings.HasPrefix(name, "http_"))
}

// headerField returns the number of a judged request header.
func headerField(name string, isHeader bool) (field, uint8) {
	if isHeader {
		for i, h := range judgedHeaders {
			if h == name {
				return header, uint8(i + 1)
			}
		}
	}
	return ignored, 0
}

// jsonVariable finds keys whose value is one variable, in quotes or bare.
var jsonVariable = regexp.MustCompile(`"([^"\\]+)"\s*:\s*(?:"?\$\{?(\w+)\}?"?|"?(%[<>!\d]*(?:\{[^}"]*\})?\^?[a-zA-Z][^"\s,}]*)"?)`)

// compileJSON reads a JSON format string as a mapping from its keys to what
// the variables in their values mean.
func compileJSON(format string, fields map[string]field) (entry, error) {
	m := map[string]field{}
	tokens := jsonVariable.FindAllStringSubmatch(format, -1)
	for _, t := range tokens {
		var f field
		if t[2] != "" {
			f, _ = nginxField(t[2])
		} else if ts, err := apacheTokens(t[3]); err != nil {
			return entry{}, err
		} else if len(ts) == 1 {
			f = ts[0].field
		}
		if f != ignored && m[t[1]] == ignored {
			m[t[1]] = f
		}
	}
	for k, f := range fields {
		m[k] = f
	}
	return entry{reader: &jsonLog{keys: newKeys(m)}, names: "json"}, nil
}
