package jenkins

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bndr/gojenkins"
)

// queueItem is /queue/item/N; the library's type for it has no cancelled.
type queueItem struct {
	Class      string `json:"_class"`
	ID         int64  `json:"id"`
	Why        string `json:"why"`
	Cancelled  bool   `json:"cancelled"`
	Executable *struct {
		Number int64 `json:"number"`
	} `json:"executable"`
	Actions []struct {
		Parameters []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"parameters"`
	} `json:"actions"`
}

// left reports whether the item is no longer in the queue.
func (q *queueItem) left() bool {
	return strings.HasSuffix(q.Class, "LeftItem") || q.Cancelled || q.Executable != nil
}

func (q *queueItem) parameter(name string) string {
	for _, a := range q.Actions {
		for _, p := range a.Parameters {
			var s string
			if p.Name == name && json.Unmarshal(p.Value, &s) == nil {
				return s
			}
		}
	}
	return ""
}

var queueLocation = regexp.MustCompile(`/queue/item/([1-9][0-9]{0,17})/?$`)

// trigger starts a build and returns its queue item's ID. Only the number of
// the Location header is believed: its host may be another name for the
// controller, or a lie.
func (c *client) trigger(ctx context.Context, job string, parameters url.Values) (int64, error) {
	path, err := jobPath(job)
	if err != nil {
		return 0, err
	}
	form := url.Values{"delay": {"0sec"}} // no quiet period
	endpoint := path + "/build"
	if len(parameters) > 0 {
		endpoint = path + "/buildWithParameters"
		for name, values := range parameters {
			form[name] = values
		}
	}
	a, err := c.post(ctx, endpoint, nil, form)
	if err != nil {
		return 0, err
	}
	if a.status != http.StatusCreated && a.status != http.StatusSeeOther {
		return 0, c.refused("trigger "+job, a)
	}
	location, err := url.Parse(a.header.Get("Location"))
	if err == nil {
		if m := queueLocation.FindStringSubmatch(location.Path); m != nil {
			return strconv.ParseInt(m[1], 10, 64)
		}
	}
	if a.status == http.StatusSeeOther { // a redirect by something else than Jenkins
		return 0, c.refused("trigger "+job, a)
	}
	return 0, &failure{took: true, message: fmt.Sprintf("trigger %s: Jenkins took it but named no queue item", job)}
}

// item reads a queue item.
func (c *client) item(ctx context.Context, id int64) (*queueItem, error) {
	var q queueItem
	if err := c.get(ctx, fmt.Sprintf("queue item %d", id), fmt.Sprintf("/queue/item/%d", id), nil, &q); err != nil {
		return nil, err
	}
	if q.ID != id {
		return nil, &failure{status: http.StatusOK, message: fmt.Sprintf("queue item %d: Jenkins answered with item %d", id, q.ID)}
	}
	return &q, nil
}

// build reads a build.
func (c *client) build(ctx context.Context, job string, number int64) (*gojenkins.BuildResponse, error) {
	path, err := jobPath(job)
	if err != nil {
		return nil, err
	}
	var b gojenkins.BuildResponse
	query := map[string]string{"tree": "number,queueId,building,result,duration,timestamp,url"}
	if err := c.get(ctx, fmt.Sprintf("build %s #%d", job, number), fmt.Sprintf("%s/%d", path, number), query, &b); err != nil {
		return nil, err
	}
	return &b, nil
}

// found is where a request was met again.
type found struct{ queue, number int64 }

// find looks for a run among the job's latest builds and in the queue: by its
// queue item, or by its request id. Nil: it is in neither.
func (c *client) find(ctx context.Context, r *run) (*found, error) {
	_, queue, number := r.now()
	idName := r.idParameter
	if queue > 0 && number > 0 { // it may be older than the latest builds
		if b, err := c.build(ctx, r.job, number); err == nil && b.Number == number && b.QueueID == queue {
			return &found{queue, number}, nil
		}
	}
	var all struct{ Items []queueItem }
	if err := c.get(ctx, "the queue", "/queue", nil, &all); err != nil {
		return nil, err
	}
	for _, q := range all.Items {
		if queue > 0 && q.ID == queue || idName != "" && q.parameter(idName) == r.request {
			return &found{queue: q.ID}, nil
		}
	}
	path, err := jobPath(r.job)
	if err != nil {
		return nil, err
	}
	var builds struct{ Builds []gojenkins.BuildResponse }
	query := map[string]string{"tree": "builds[number,queueId,actions[parameters[name,value]]]{0,100}"}
	if err := c.get(ctx, "builds of "+r.job, path, query, &builds); err != nil {
		return nil, err
	}
	for _, b := range builds.Builds {
		if b.Number <= 0 {
			continue
		}
		if queue > 0 && b.QueueID == queue {
			return &found{b.QueueID, b.Number}, nil
		}
		for _, a := range b.Actions {
			for _, p := range a.Parameters {
				if value, ok := p.Value.(string); ok && idName != "" && p.Name == idName && value == r.request {
					return &found{b.QueueID, b.Number}, nil
				}
			}
		}
	}
	return nil, nil
}

// logFrom reads the console from an opaque offset on.
func (c *client) logFrom(ctx context.Context, job string, number, start int64) (text string, next int64, more bool, err error) {
	path, err := jobPath(job)
	if err != nil {
		return "", 0, false, err
	}
	what := fmt.Sprintf("console of %s #%d", job, number)
	a, err := c.do(ctx, http.MethodGet, fmt.Sprintf("%s/%d/logText/progressiveText", path, number), "", map[string]string{"start": strconv.FormatInt(start, 10)}, nil, nil)
	if err != nil {
		return "", 0, false, err
	}
	if a.status != http.StatusOK {
		return "", 0, false, c.refused(what, a)
	}
	next, err = strconv.ParseInt(a.header.Get("X-Text-Size"), 10, 64)
	if err != nil || next < 0 {
		return "", 0, false, &failure{status: a.status, message: what + ": Jenkins gave no X-Text-Size"}
	}
	return a.body, next, a.header.Get("X-More-Data") == "true", nil
}

// cancelItem takes an item out of the queue. Jenkins answers 204; 500 when it
// was cancelled before, 404 when it is gone: both are looked at by the caller.
func (c *client) cancelItem(ctx context.Context, id int64) error {
	a, err := c.post(ctx, "/queue/cancelItem", map[string]string{"id": strconv.FormatInt(id, 10)}, nil)
	if err != nil {
		return err
	}
	switch a.status {
	case http.StatusNoContent, http.StatusOK, http.StatusFound, http.StatusInternalServerError, http.StatusNotFound:
		return nil
	}
	return c.refused(fmt.Sprintf("cancel queue item %d", id), a)
}

// stop ends a build; Jenkins redirects to it, even when it had ended.
func (c *client) stop(ctx context.Context, job string, number int64) error {
	path, err := jobPath(job)
	if err != nil {
		return err
	}
	a, err := c.post(ctx, fmt.Sprintf("%s/%d/stop", path, number), nil, nil)
	if err != nil {
		return err
	}
	if a.status == http.StatusFound || a.status == http.StatusOK {
		return nil
	}
	return c.refused(fmt.Sprintf("stop %s #%d", job, number), a)
}

// check asks whether the controller answers, the job is there, and it takes
// the parameters named: Jenkins drops others without a word.
func (c *client) check(ctx context.Context, job string, parameters []string) error {
	path, err := jobPath(job)
	if err != nil {
		return err
	}
	var j struct {
		Buildable *bool
		Name      string
		Property  []struct {
			ParameterDefinitions []struct{ Name string }
		}
	}
	if err := c.get(ctx, "job "+job, path, map[string]string{"tree": "name,buildable,property[parameterDefinitions[name]]"}, &j); err != nil {
		return err
	}
	var takes []string
	for _, p := range j.Property {
		for _, d := range p.ParameterDefinitions {
			takes = append(takes, d.Name)
		}
	}
	missing := slices.DeleteFunc(slices.Clone(parameters), func(p string) bool { return slices.Contains(takes, p) })
	switch {
	case j.Buildable == nil:
		return &failure{status: http.StatusOK, message: fmt.Sprintf("job %s is a folder; name a job inside it", job)}
	case !*j.Buildable:
		return &failure{status: http.StatusConflict, message: fmt.Sprintf("job %s is disabled; enable it in Jenkins", job)}
	case len(missing) > 0:
		return &failure{status: http.StatusConflict, message: fmt.Sprintf("job %s has no parameter %s: Jenkins would drop it; add it to the job, or take it from levee.yaml",
			job, strings.Join(missing, ", "))}
	}
	return nil
}
