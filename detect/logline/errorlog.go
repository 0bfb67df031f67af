package logline

import (
	"bytes"

	"levee/detect"
)

// errorLog recognises lines of nginx's and Apache's error logs. They are not
// requests: the access log has those too.
type errorLog struct{}

func (errorLog) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	var marker []byte
	switch {
	case len(line) > 22 && line[4] == '/' && line[7] == '/' && line[10] == ' ' && line[20] == '[':
		t, ok := p.clock.iso8601(line[:19])
		if !ok {
			return 0, false
		}
		r.Time, marker = t, []byte(", client: ")
	case len(line) > 30 && line[0] == '[' && line[4] == ' ' && month(line[5:8]) > 0 && line[8] == ' ':
		marker = []byte("[client ")
	default:
		return 0, false
	}
	if i := bytes.Index(line, marker); i >= 0 {
		at := line[i+len(marker):]
		if end := bytes.IndexAny(at, ",]"); end > 0 {
			r.Source, _ = address(at[:end])
		}
	}
	return detect.ErrorLine, true
}
