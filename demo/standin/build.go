package standin

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

const freestyle = "hudson.model.FreeStyleProject"

// hiddenNote is how much longer the raw log is than what is sent of it: the
// console notes of the first line. X-Text-Size counts them.
const hiddenNote = 260

// build is one run of a job.
type build struct {
	job     *job
	item    *item
	number  int64
	started time.Time
	ended   time.Time // zero while running
	result  Result
	cancel  context.CancelFunc
	stopped bool
	log     console
}

// console is a build's output, written by the build and read by requests.
type console struct {
	mu   sync.Mutex
	text []byte
}

// Write appends p.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p...)
	return len(p), nil
}

// from returns the text from a raw offset on, and the raw size. An offset past
// the end gives the whole log.
func (c *console) from(start int64) (text []byte, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size = int64(len(c.text)) + hiddenNote
	if start > size {
		start = 0
	}
	return append([]byte(nil), c.text[max(0, start-hiddenNote):]...), size
}

func (b *build) running() bool { return b.ended.IsZero() }

func (b *build) abort() {
	if b.running() {
		b.stopped = true
		b.cancel()
	}
}

func (jb *job) running() *build {
	if n := len(jb.builds); n > 0 {
		for i := n - 1; i >= 0; i-- {
			if jb.builds[i].running() {
				return jb.builds[i]
			}
		}
	}
	return nil
}

func (jb *job) last(ok func(*build) bool) *build {
	for i := len(jb.builds) - 1; i >= 0; i-- {
		if ok(jb.builds[i]) {
			return jb.builds[i]
		}
	}
	return nil
}

func (jb *job) build(number string) *build {
	switch number {
	case "lastBuild":
		return jb.last(func(*build) bool { return true })
	case "lastCompletedBuild":
		return jb.last(func(b *build) bool { return !b.running() })
	case "lastSuccessfulBuild":
		return jb.last(func(b *build) bool { return !b.running() && b.result == Success })
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil
	}
	return jb.last(func(b *build) bool { return b.number == n })
}

// color is Jenkins' word for the state of the last build.
func (jb *job) color() string {
	color := "notbuilt"
	if jb.disabled {
		color = "disabled"
	} else if b := jb.last(func(b *build) bool { return !b.running() }); b != nil {
		color = map[Result]string{Success: "blue", Unstable: "yellow", Failure: "red", Aborted: "aborted"}[b.result]
	}
	if jb.running() != nil {
		color += "_anime"
	}
	return color
}

// launch takes it out of the queue onto an executor. The caller holds the lock.
func (j *Jenkins) launch(it *item, now time.Time) {
	ctx, cancel := context.WithCancel(j.ctx)
	jb := it.job
	b := &build{job: jb, item: it, number: jb.next, started: now, cancel: cancel}
	jb.next++
	jb.builds = append(jb.builds, b)
	it.build, it.leftAt = b, now
	j.busy++
	fmt.Fprintf(&b.log, "Started by user %s\nRunning as SYSTEM\nBuilding in workspace /var/lib/jenkins/workspace/%s\n", it.users[0], jb.Name)
	values := it.values()
	j.work.Go(func() {
		result := runJob(ctx, jb.Run, values, &b.log)
		j.mu.Lock()
		defer j.mu.Unlock()
		cancel()
		if b.stopped {
			result = Aborted
			fmt.Fprintln(&b.log, "Build was aborted")
		}
		fmt.Fprintf(&b.log, "Finished: %s\n", result)
		b.result, b.ended = result, j.o.Clock.Now()
		j.busy--
		j.maintain()
	})
}

// runJob calls a job's function; one that panics has failed.
func runJob(ctx context.Context, run func(context.Context, map[string]string, io.Writer) Result, values map[string]string, log *console) (result Result) {
	if run == nil {
		return Success
	}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(log, "FATAL: %v\n", p)
			result = Failure
		}
	}()
	return run(ctx, values, log)
}

func (b *build) url(root string) string {
	return fmt.Sprintf("%s%s%d/", root, jobPath(b.job.Name), b.number)
}

func (b *build) brief(root string) object {
	return object{{"_class", "hudson.model.FreeStyleBuild"}, {"number", b.number}, {"url", b.url(root)}}
}

func (b *build) ref(root string) any {
	if b == nil {
		return nil
	}
	return reference{b.brief(root), func() object { return b.view(root) }}
}

// view returns the build's JSON.
func (b *build) view(root string) object {
	running := b.running()
	actions := b.item.actions()
	var result, executor any
	var duration int64
	estimated := int64(-1)
	if running {
		executor = object{}
	} else {
		result, duration = string(b.result), b.ended.Sub(b.started).Milliseconds()
		if b.stopped {
			actions = append(actions, object{{"_class", "jenkins.model.InterruptedBuildAction"}})
		}
	}
	if done := b.job.last(func(x *build) bool { return !x.running() && x.result == Success }); done != nil {
		estimated = done.ended.Sub(done.started).Milliseconds()
	}
	return object{
		{"_class", "hudson.model.FreeStyleBuild"},
		{"actions", actions},
		{"artifacts", []any{}},
		{"building", running},
		{"description", nil},
		{"displayName", fmt.Sprintf("#%d", b.number)},
		{"duration", duration},
		{"estimatedDuration", estimated},
		{"executor", executor},
		{"fullDisplayName", fmt.Sprintf("%s #%d", displayName(b.job.Name), b.number)},
		{"id", strconv.FormatInt(b.number, 10)},
		{"inProgress", running},
		{"keepLog", false},
		{"number", b.number},
		{"queueId", b.item.id},
		{"result", result},
		{"timestamp", b.started.UnixMilli()},
		{"url", b.url(root)},
		{"builtOn", ""},
		{"changeSet", object{{"_class", "hudson.scm.EmptyChangeLogSet"}, {"items", []any{}}, {"kind", nil}}},
		{"culprits", []any{}},
	}
}
