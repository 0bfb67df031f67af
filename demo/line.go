package demo

import (
	"strconv"
	"time"
)

// forbiddenBytes is the size of nginx's own 403, 404 and 50x pages with
// server_tokens on and a version of six characters.
const (
	forbiddenBytes   = 153
	unavailableBytes = 197
)

// hit is one request with its answer, before it is a line.
type hit struct {
	method, target, proto string
	referer, agent        string // "" is logged as "-"
	status                int
	bytes                 int
	cost                  float64 // of serving it, in pages; 0 for static files
}

// stamp keeps the text of the current second: formatting the date is most of
// a line's cost and a second holds hundreds of lines.
type stamp struct {
	second int64
	text   []byte
}

func (c *stamp) append(dst []byte, at int64) []byte {
	if s := at / 1e9; s != c.second || c.text == nil {
		c.second = s
		c.text = time.Unix(s, 0).UTC().AppendFormat(c.text[:0], "02/Jan/2006:15:04:05 +0000")
	}
	return append(dst, c.text...)
}

// appendLine writes nginx's combined format:
// $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent".
// Nothing the simulator makes up needs nginx's \xHH escaping.
func (c *stamp) appendLine(dst []byte, addr string, at int64, h *hit) []byte {
	dst = append(dst, addr...)
	dst = append(dst, " - - ["...)
	dst = c.append(dst, at)
	dst = append(dst, `] "`...)
	dst = append(dst, h.method...)
	dst = append(dst, ' ')
	dst = append(dst, h.target...)
	dst = append(dst, ' ')
	dst = append(dst, h.proto...)
	dst = append(dst, `" `...)
	dst = strconv.AppendInt(dst, int64(h.status), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(h.bytes), 10)
	dst = append(dst, ` "`...)
	dst = append(dst, orDash(h.referer)...)
	dst = append(dst, `" "`...)
	dst = append(dst, orDash(h.agent)...)
	return append(dst, '"', '\n')
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
