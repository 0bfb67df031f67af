package standin

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// forgotten is how long a queue item that left can still be asked for.
const forgotten = 5 * time.Minute

// item is one place in the queue, from the POST until it is forgotten.
type item struct {
	id        int64
	job       *job
	given     []Parameter // name and value, in the job's order
	users     []string    // one cause each
	since     time.Time   // in queue
	due       time.Time   // end of the quiet period
	buildable time.Time   // zero while waiting
	leftAt    time.Time
	cancelled bool
	build     *build
}

func (it *item) left() bool { return !it.leftAt.IsZero() }

func (it *item) values() map[string]string {
	v := make(map[string]string, len(it.given))
	for _, p := range it.given {
		v[p.Name] = p.Default
	}
	return v
}

// params is the queue's own text form.
func (it *item) params() string {
	var b strings.Builder
	for _, p := range it.given {
		b.WriteString("\n" + p.Name + "=" + p.Default)
	}
	return b.String()
}

// enqueue puts a build of jb into the queue, or finds the identical one that
// waits there already.
func (j *Jenkins) enqueue(jb *job, given []Parameter, user string, delay time.Duration) (it *item, fresh bool) {
	for _, it := range j.items {
		if it.job == jb && !it.left() && slices.Equal(it.given, given) {
			it.users = append(it.users, user)
			return it, false
		}
	}
	now := j.o.Clock.Now()
	it = &item{id: j.nextItem, job: jb, given: given, users: []string{user}, since: now, due: now.Add(delay)}
	j.nextItem++
	j.items[it.id] = it
	if delay <= 0 {
		j.maintain()
		return it, true
	}
	j.work.Go(func() {
		if j.o.Clock.Sleep(j.ctx, delay+j.o.Dwell) == nil {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.maintain()
		}
	})
	return it, true
}

// maintain moves items on: out of the quiet period, onto free executors. The
// caller holds the lock.
func (j *Jenkins) maintain() {
	now := j.o.Clock.Now()
	for _, it := range j.queued() {
		if now.Before(it.due) || it.due.After(it.since) && now.Before(it.due.Add(j.o.Dwell)) {
			continue
		}
		if it.buildable.IsZero() {
			it.buildable = now
		}
		if j.quieting || j.busy >= j.o.Executors || it.job.running() != nil && !it.job.Concurrent {
			continue
		}
		j.launch(it, now)
	}
	for id, it := range j.items {
		if it.left() && now.Sub(it.leftAt) >= forgotten {
			delete(j.items, id)
		}
	}
}

// queued returns what has not left, oldest first.
func (j *Jenkins) queued() []*item {
	var all []*item
	for _, it := range j.items {
		if !it.left() {
			all = append(all, it)
		}
	}
	slices.SortFunc(all, func(a, b *item) int { return int(a.id - b.id) })
	return all
}

// lookup finds an item that is not forgotten yet.
func (j *Jenkins) lookup(id int64) *item {
	it := j.items[id]
	if it == nil || it.left() && j.o.Clock.Now().Sub(it.leftAt) >= forgotten {
		return nil
	}
	return it
}

// view returns the item's JSON; which class it has says where it is.
func (j *Jenkins) itemView(root string, it *item) object {
	now := j.o.Clock.Now()
	running := it.job.running()
	blocked := !it.left() && !it.buildable.IsZero() && running != nil && !it.job.Concurrent
	buildable := !it.left() && !it.buildable.IsZero() && !blocked
	var class string
	var why any
	switch {
	case it.left():
		class = "LeftItem"
	case it.buildable.IsZero():
		class, why = "WaitingItem", "Finished waiting"
		if wait := it.due.Sub(now); wait > 0 {
			why = fmt.Sprintf("In the quiet period. Expires in %.1f sec", wait.Seconds())
		}
	case blocked:
		class, why = "BlockedItem", fmt.Sprintf("Build #%d is already in progress (ETA: N/A)", running.number)
	case j.quieting:
		class, why = "BuildableItem", "Jenkins is about to shut down"
	default:
		class, why = "BuildableItem", "Waiting for next available executor"
	}
	o := object{
		{"_class", "hudson.model.Queue$" + class},
		{"actions", it.actions()},
		{"blocked", blocked},
		{"buildable", buildable},
		{"id", it.id},
		{"inQueueSince", it.since.UnixMilli()},
		{"params", it.params()},
		{"stuck", false},
		{"task", object{{"_class", freestyle}, {"name", leaf(it.job.Name)}, {"url", root + jobPath(it.job.Name)}, {"color", it.job.color()}}},
		{"url", fmt.Sprintf("queue/item/%d/", it.id)},
		{"why", why},
	}
	switch class {
	case "WaitingItem":
		o = append(o, property{"timestamp", it.due.UnixMilli()})
	case "BuildableItem", "BlockedItem":
		o = append(o, property{"buildableStartMilliseconds", it.buildable.UnixMilli()})
		if class == "BuildableItem" {
			o = append(o, property{"pending", false})
		}
	case "LeftItem":
		o = append(o, property{"cancelled", it.cancelled})
		if it.build == nil {
			o = append(o, property{"executable", nil})
		} else {
			o = append(o, property{"executable", it.build.brief(root)})
		}
	}
	return o
}

// actions are the parameters and the causes, as items and builds both show.
func (it *item) actions() []any {
	var all []any
	if len(it.given) > 0 {
		var list []any
		for _, p := range it.given {
			list = append(list, object{{"_class", "hudson.model.StringParameterValue"}, {"name", p.Name}, {"value", p.Default}})
		}
		all = append(all, object{{"_class", "hudson.model.ParametersAction"}, {"parameters", list}})
	}
	var causes []any
	for _, u := range it.users {
		causes = append(causes, object{{"_class", "hudson.model.Cause$UserIdCause"}, {"shortDescription", "Started by user " + u}, {"userId", u}, {"userName", u}})
	}
	return append(all, object{{"_class", "hudson.model.CauseAction"}, {"causes", causes}})
}
