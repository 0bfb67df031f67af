package standin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serveJob answers what is asked of one job.
func (j *Jenkins) serveJob(w http.ResponseWriter, r *http.Request, q request, jb *job, rest []string, form string) {
	if len(rest) == 0 {
		if form != "" {
			j.bean(w, r, form, j.jobView(q.root, jb))
		} else {
			j.page(w, r, http.StatusOK, leaf(jb.Name), "")
		}
		return
	}
	if b := jb.build(rest[0]); b != nil {
		j.serveBuild(w, r, q, b, rest[1:], form)
		return
	}
	post := r.Method == http.MethodPost
	switch verb := strings.Join(rest, "/"); verb {
	case "build", "buildWithParameters":
		if !post {
			w.Header().Set("Allow", "POST")
			j.page(w, r, http.StatusMethodNotAllowed, "Form post required", "This URL requires a POST")
			return
		}
		j.trigger(w, r, q, jb, verb == "buildWithParameters")
	case "enable", "disable":
		if !post {
			j.page(w, r, http.StatusMethodNotAllowed, "Form post required", "This URL requires a POST")
			return
		}
		jb.disabled = verb == "disable"
		redirect(w, q.root+jobPath(jb.Name))
	case "doDelete":
		if !post {
			j.page(w, r, http.StatusMethodNotAllowed, "Form post required", "This URL requires a POST")
			return
		}
		j.remove(jb)
		redirect(w, q.root+"/")
	case "config.xml":
		send(w, r, http.StatusOK, "application/xml", jb.configXML())
	default:
		j.notFound(w, r)
	}
}

func (j *Jenkins) remove(jb *job) {
	for _, b := range jb.builds {
		b.abort()
	}
	for id, it := range j.items {
		if it.job == jb && !it.left() {
			delete(j.items, id)
		}
	}
	delete(j.jobs, jb.Name)
}

// trigger answers build and buildWithParameters.
func (j *Jenkins) trigger(w http.ResponseWriter, r *http.Request, q request, jb *job, withParameters bool) {
	values := form(r)
	switch {
	case jb.disabled:
		j.page(w, r, http.StatusConflict, "Error", "This job is disabled")
		return
	case withParameters && len(jb.Parameters) == 0:
		j.page(w, r, http.StatusInternalServerError, "Oops!", jb.Name+" is not parameterized")
		return
	}
	var given []Parameter
	if len(jb.Parameters) > 0 {
		if !withParameters {
			if values = submitted(values); values == nil {
				jettyError(w, r, http.StatusBadRequest, "Nothing is submitted")
				return
			}
		}
		for _, p := range jb.Parameters { // unknown ones are ignored, missing ones get their default
			if v, ok := values[p.Name]; ok {
				p.Default = v[0]
			}
			given = append(given, p)
		}
	}
	delay, ok := delayOf(r.FormValue("delay"), j.o.Quiet)
	if !ok {
		jettyError(w, r, http.StatusBadRequest, "Invalid delay parameter value")
		return
	}
	it, fresh := j.enqueue(jb, given, q.caller.name, delay)
	w.Header().Set("Location", itemLocation(q.root, it))
	if withParameters && !fresh {
		empty(w, http.StatusSeeOther)
		return
	}
	empty(w, http.StatusCreated)
}

// submitted reads the form that Jenkins' own page sends: json={"parameter":…}.
func submitted(values url.Values) url.Values {
	var body struct {
		Parameter json.RawMessage `json:"parameter"`
	}
	if json.Unmarshal([]byte(values.Get("json")), &body) != nil || body.Parameter == nil {
		return nil
	}
	type pair struct{ Name, Value string }
	var many []pair
	if json.Unmarshal(body.Parameter, &many) != nil {
		var one pair
		if json.Unmarshal(body.Parameter, &one) != nil {
			return nil
		}
		many = []pair{one}
	}
	out := url.Values{}
	for _, p := range many {
		out.Set(p.Name, p.Value)
	}
	return out
}

// delayOf reads "3sec", "3secs" or "3"; empty means the quiet period.
func delayOf(s string, quiet time.Duration) (time.Duration, bool) {
	if s == "" {
		return quiet, true
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(s, "s"), "sec"))
	return time.Duration(n) * time.Second, err == nil && n >= 0
}

// serveBuild answers what is asked of one build.
func (j *Jenkins) serveBuild(w http.ResponseWriter, r *http.Request, q request, b *build, rest []string, form string) {
	switch verb := strings.Join(rest, "/"); {
	case verb == "" && form != "":
		j.bean(w, r, form, b.view(q.root))
	case verb == "":
		j.page(w, r, http.StatusOK, "#"+strconv.FormatInt(b.number, 10), "")
	case verb == "consoleText":
		text, _ := b.log.from(0)
		send(w, r, http.StatusOK, "text/plain;charset=utf-8", string(text))
	case verb == "logText/progressiveText":
		j.progressive(w, r, b)
	case slices.Contains([]string{"stop", "term", "kill"}, verb) && r.Method == http.MethodPost:
		if verb == "stop" { // term and kill are for pipelines: a freestyle build does not care
			b.abort()
		}
		redirect(w, b.url(q.root))
	case verb == "doDelete" && r.Method == http.MethodPost:
		b.abort()
		b.job.builds = slices.DeleteFunc(b.job.builds, func(x *build) bool { return x == b })
		redirect(w, q.root+jobPath(b.job.Name))
	default:
		j.notFound(w, r)
	}
}

// progressive answers with the log from an opaque offset on.
func (j *Jenkins) progressive(w http.ResponseWriter, r *http.Request, b *build) {
	start := int64(0)
	if s := r.FormValue("start"); s != "" {
		var err error
		if start, err = strconv.ParseInt(s, 10, 64); err != nil || start < 0 {
			j.page(w, r, http.StatusInternalServerError, "Oops!", "A problem occurred while processing the request")
			return
		}
	}
	running := b.running() // before the text: what is written in between must be asked for
	text, size := b.log.from(start)
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) // one more way in which sizes and bytes differ
	w.Header().Set("X-Text-Size", strconv.FormatInt(size, 10))
	if running {
		w.Header().Set("X-More-Data", "true")
	}
	w.Header().Set("Content-Type", "text/plain;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text)
}
