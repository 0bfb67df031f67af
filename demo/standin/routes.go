package standin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds what a request may carry.
const maxBody = 1 << 20

// ServeHTTP answers one request. Paths are taken apart by hand, because
// clients send "//" and "api/json/api/json", which a ServeMux would redirect
// or refuse and Jenkins takes.
func (j *Jenkins) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	common(w)
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	path := r.URL.Path
	root := "http://" + r.Host
	if j.root != nil {
		root = strings.TrimRight(j.root.String(), "/")
		if path = strings.TrimPrefix(path, j.root.Path); path == r.URL.Path && j.root.Path != "" {
			jettyError(w, r, http.StatusNotFound, "Not Found")
			return
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.starting {
		w.Header().Set("X-Jenkins", versionHeader)
		send(w, r, http.StatusServiceUnavailable, utf8HTML, "<!DOCTYPE html><html><head><title>Starting Jenkins</title></head><body>Please wait while Jenkins is getting ready to work…</body></html>\n")
		return
	}
	parts := split(path)
	if len(parts) == 1 && parts[0] == "login" {
		w.Header().Set("Cache-Control", "no-cache,no-store,must-revalidate")
		j.page(w, r, http.StatusOK, "Sign in", "")
		return
	}
	c, ok := j.authenticate(w, r)
	if !ok || r.Method == http.MethodPost && !j.crumbed(w, r, c) {
		return
	}
	j.route(w, r, request{caller: c, root: root}, parts)
}

// request is what the routes need beside the HTTP request.
type request struct {
	caller caller
	root   string
}

// split returns the path's parts without empty ones; a repeated "api/json" at
// the end counts once.
func split(path string) []string {
	var parts []string
	for p := range strings.SplitSeq(path, "/") {
		if p != "" {
			parts = append(parts, p)
		}
	}
	for n := len(parts); n >= 4 && parts[n-2] == "api" && parts[n-4] == "api"; n = len(parts) {
		parts = parts[:n-2]
	}
	return parts
}

// api reports whether parts asks for the machine-readable form, and returns
// what comes before.
func api(parts []string) (rest []string, form string) {
	if n := len(parts); n >= 2 && parts[n-2] == "api" && (parts[n-1] == "json" || parts[n-1] == "python") {
		return parts[:n-2], parts[n-1]
	}
	return parts, ""
}

func (j *Jenkins) route(w http.ResponseWriter, r *http.Request, q request, parts []string) {
	rest, form := api(parts)
	post := r.Method == http.MethodPost
	switch {
	case len(rest) > 0 && rest[0] == "job":
		j.routeJob(w, r, q, rest[1:], form)
	case len(rest) == 0 && form != "":
		j.bean(w, r, form, j.rootView(q.root))
	case len(rest) == 0:
		j.page(w, r, http.StatusOK, "Dashboard", "")
	case len(rest) == 1 && rest[0] == "crumbIssuer" && form != "":
		session := j.ensureSession(w, q.caller)
		j.bean(w, r, form, object{
			{"_class", "hudson.security.csrf.DefaultCrumbIssuer"}, {"crumb", j.crumb(q.caller.name, session)}, {"crumbRequestField", "Jenkins-Crumb"},
		})
	case len(rest) == 1 && rest[0] == "me" && form != "":
		j.bean(w, r, form, object{
			{"_class", "hudson.model.User"}, {"absoluteUrl", q.root + "/user/" + q.caller.name}, {"description", nil},
			{"fullName", q.caller.name}, {"id", q.caller.name}, {"property", []any{}},
		})
	case rest[0] == "queue":
		j.routeQueue(w, r, q, rest[1:], form)
	case len(rest) == 1 && rest[0] == "createItem" && post:
		j.createItem(w, r, "")
	case len(rest) == 1 && (rest[0] == "quietDown" || rest[0] == "cancelQuietDown") && post:
		j.quieting = rest[0] == "quietDown"
		j.maintain()
		redirect(w, q.root+"/")
	default:
		j.notFound(w, r)
	}
}

func (j *Jenkins) routeQueue(w http.ResponseWriter, r *http.Request, q request, parts []string, form string) {
	j.maintain()
	switch {
	case len(parts) == 0 && form != "":
		items := []any{}
		for _, it := range j.queued() {
			items = append(items, j.itemView(q.root, it))
		}
		j.bean(w, r, form, object{{"_class", "hudson.model.Queue"}, {"discoverableItems", []any{}}, {"items", items}})
	case len(parts) == 2 && parts[0] == "item":
		id, err := strconv.ParseInt(parts[1], 10, 64)
		it := j.lookup(id)
		if err != nil || it == nil || form == "" {
			j.notFound(w, r)
			return
		}
		j.bean(w, r, form, j.itemView(q.root, it))
	case len(parts) == 1 && parts[0] == "cancelItem" && r.Method == http.MethodPost:
		id, err := strconv.ParseInt(r.FormValue("id"), 10, 64)
		it := j.lookup(id)
		switch {
		case err != nil || it == nil:
			j.notFound(w, r)
		case it.left():
			j.page(w, r, http.StatusInternalServerError, "Oops!", "A problem occurred while processing the request")
		default:
			it.cancelled, it.leftAt = true, j.o.Clock.Now()
			empty(w, http.StatusNoContent)
		}
	default:
		j.notFound(w, r)
	}
}

// routeJob follows /job/A/job/B to a folder or a job, then to what is asked of
// it.
func (j *Jenkins) routeJob(w http.ResponseWriter, r *http.Request, q request, parts []string, form string) {
	if len(parts) == 0 {
		j.notFound(w, r)
		return
	}
	name, rest := parts[0], parts[1:]
	for len(rest) >= 2 && rest[0] == "job" {
		name, rest = name+"/"+rest[1], rest[2:]
	}
	if jb := j.jobs[name]; jb != nil {
		j.maintain()
		j.serveJob(w, r, q, jb, rest, form)
		return
	}
	switch {
	case !j.folders[name]:
		j.notFound(w, r)
	case len(rest) == 0 && form != "":
		j.bean(w, r, form, j.folderView(q.root, name))
	case len(rest) == 0:
		j.page(w, r, http.StatusOK, leaf(name), "")
	case len(rest) == 1 && rest[0] == "createItem" && r.Method == http.MethodPost:
		j.createItem(w, r, name)
	default:
		j.notFound(w, r)
	}
}

func (j *Jenkins) notFound(w http.ResponseWriter, r *http.Request) {
	j.page(w, r, http.StatusNotFound, "Not Found", "The page you asked for is not here")
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	empty(w, http.StatusFound)
}

// itemLocation is where the answer to a build POST points.
func itemLocation(root string, it *item) string { return fmt.Sprintf("%s/queue/item/%d/", root, it.id) }

// form reads a POST's parameters, from the body and from the query.
func form(r *http.Request) url.Values {
	if err := r.ParseMultipartForm(maxBody); err != nil {
		_ = r.ParseForm() // not multipart: the ordinary encoding
	}
	return r.Form
}
