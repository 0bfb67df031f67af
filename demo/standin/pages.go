package standin

import (
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	versionHeader = "2.426.2"
	utf8HTML      = "text/html;charset=utf-8"
)

// common sets what every answer has.
func common(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Server", "Jetty(10.0.18)")
}

// send writes a body, compressed where the client allows it.
func send(w http.ResponseWriter, r *http.Request, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone; nobody is left to tell
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := gzip.NewWriter(w)
	_, _ = io.WriteString(z, body)
	_ = z.Close()
}

// empty answers a status without a body.
func empty(w http.ResponseWriter, status int) {
	if status != http.StatusNoContent {
		w.Header().Set("Content-Length", "0")
	}
	w.WriteHeader(status)
}

// jettyError is an error that never reached Jenkins' own pages.
func jettyError(w http.ResponseWriter, r *http.Request, status int, message string) {
	w.Header().Set("Cache-Control", "must-revalidate,no-cache,no-store")
	title := fmt.Sprintf("Error %d %s", status, message)
	body := fmt.Sprintf(`<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>%s</title>
</head>
<body><h2>HTTP ERROR %d %s</h2>
<table>
<tr><th>URI:</th><td>%s</td></tr>
<tr><th>STATUS:</th><td>%d</td></tr>
<tr><th>MESSAGE:</th><td>%s</td></tr>
<tr><th>SERVLET:</th><td>Stapler</td></tr>
</table>
</body>
</html>
`, title, status, message, html.EscapeString(r.URL.Path), status, message)
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// page is one of Jenkins' own HTML pages.
func (j *Jenkins) page(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache,no-store,must-revalidate")
	h.Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	h.Set("X-Hudson-Theme", "default")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("X-Hudson", "1.395")
	h.Set("X-Jenkins", versionHeader)
	h.Set("X-Jenkins-Session", j.session)
	h.Set("X-Frame-Options", "sameorigin")
	if _, err := r.Cookie(j.cookie); err != nil {
		h.Add("Set-Cookie", j.cookie+"=node0"+random(12)+".node0; Path=/; HttpOnly")
	}
	body := fmt.Sprintf("<!DOCTYPE html><html><head><title>%s [Jenkins]</title></head><body><h1>%s</h1><p>%s</p></body></html>\n",
		html.EscapeString(title), html.EscapeString(title), html.EscapeString(text))
	send(w, r, status, utf8HTML, body)
}

// forbidden is what a caller without credentials gets: a page that leads to
// the login.
func (j *Jenkins) forbidden(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Set-Cookie", j.cookie+"=node0"+random(12)+".node0; Path=/; HttpOnly")
	h.Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	h.Set("X-Hudson", "1.395")
	h.Set("X-Jenkins", versionHeader)
	h.Set("X-Jenkins-Session", j.session)
	h.Set("Content-Type", utf8HTML)
	w.WriteHeader(http.StatusForbidden)
	to := "/login?from=" + strings.ReplaceAll(html.EscapeString(r.URL.Path), "/", "%2F")
	_, _ = fmt.Fprintf(w, "<html><head><meta http-equiv='refresh' content='1;url=%s'/></head><body>\n\nAuthentication required\n</body></html>\n", to)
}

// bean answers with v, as JSON or as a Python literal, cut down by tree= or
// opened by depth=.
func (j *Jenkins) bean(w http.ResponseWriter, r *http.Request, form string, v object) {
	query := r.URL.Query()
	var tree *node
	if t := query.Get("tree"); t != "" {
		var err error
		if tree, err = parseTree(t); err != nil {
			j.page(w, r, http.StatusInternalServerError, "Oops!", "A problem occurred while processing the request")
			return
		}
	}
	depth, _ := strconv.Atoi(query.Get("depth")) // anything else means 0, as there
	shaped := shape(v, min(max(depth, 0), 3), tree)
	h := w.Header()
	h.Set("X-Jenkins", versionHeader)
	h.Set("X-Jenkins-Session", j.session)
	h.Set("X-Frame-Options", "deny")
	if form == "python" {
		var b strings.Builder
		python(&b, shaped)
		send(w, r, http.StatusOK, "text/x-python;charset=utf-8", b.String())
		return
	}
	body, err := marshal(shaped)
	if err != nil {
		j.page(w, r, http.StatusInternalServerError, "Oops!", err.Error())
		return
	}
	send(w, r, http.StatusOK, "application/json;charset=utf-8", string(body))
}
