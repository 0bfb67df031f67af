package standin

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options tunes a Jenkins. The zero value is an open controller without jobs.
type Options struct {
	// URL is the root URL that links and Location headers begin with; default:
	// whatever host the client asked for. Its path is where the controller is
	// mounted ("/jenkins").
	URL       string
	Users     []User // empty: everybody may do everything, and no crumb is needed
	Jobs      []Job
	Executors int           // builds at a time; default 2
	Quiet     time.Duration // quiet period of a build without delay=; default 5s
	Dwell     time.Duration // how long a finished item stays "Finished waiting"; default 100ms
	FirstItem int64         // ID of the first queue item; default 1
	Clock     Clock         // default the real one
}

// User may sign in with a password, then POSTs need a crumb and its cookie,
// or with an API token.
type User struct{ Name, Password, Token string }

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Parameter is one string parameter of a job.
type Parameter struct{ Name, Default string }

// Result is how a build ended.
type Result string

// Results.
const (
	Success  Result = "SUCCESS"
	Unstable Result = "UNSTABLE"
	Failure  Result = "FAILURE"
	Aborted  Result = "ABORTED"
)

// Job is one job. Name holds its folders: "ops/block-ip".
type Job struct {
	Name       string
	Parameters []Parameter // empty: an unparameterised job
	Concurrent bool        // whether builds may overlap
	// Run is the build: it writes its console and returns how it ended. When
	// somebody stops the build, ctx ends and the result is Aborted whatever
	// Run returns. Nil: it does nothing, well.
	Run func(ctx context.Context, parameters map[string]string, console io.Writer) Result
}

// Jenkins is the controller.
type Jenkins struct {
	o       Options
	root    *url.URL // nil when Options.URL is empty
	session string   // X-Jenkins-Session
	cookie  string   // name of the session cookie
	salt    string   // crumbs are hashes with it

	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	jobs     map[string]*job // by full name
	folders  map[string]bool
	items    map[int64]*item
	nextItem int64
	busy     int
	quieting bool
	starting bool
}

// job is a Job with its history.
type job struct {
	Job
	config   string // config.xml, for those created through the API
	disabled bool
	builds   []*build // oldest first
	next     int64
}

// New returns a controller with o's jobs, running from now on.
func New(o Options) (*Jenkins, error) {
	o.Executors = cmp.Or(o.Executors, 2)
	o.Quiet = cmp.Or(o.Quiet, 5*time.Second)
	o.Dwell = cmp.Or(o.Dwell, 100*time.Millisecond)
	o.FirstItem = cmp.Or(o.FirstItem, 1)
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	j := &Jenkins{
		o: o, session: random(4), cookie: "JSESSIONID." + random(4), salt: random(16),
		jobs: map[string]*job{}, folders: map[string]bool{}, items: map[int64]*item{}, nextItem: o.FirstItem,
	}
	if o.URL != "" {
		root, err := url.Parse(o.URL)
		if err != nil || root.Host == "" {
			return nil, fmt.Errorf("stand-in Jenkins: %q is no root URL", o.URL)
		}
		root.Path = strings.TrimRight(root.Path, "/")
		j.root = root
	}
	j.ctx, j.stop = context.WithCancel(context.Background())
	for _, spec := range o.Jobs {
		if err := j.add(spec, ""); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// Close stops every build and waits for them.
func (j *Jenkins) Close() error {
	j.stop()
	j.work.Wait()
	return nil
}

// StartingUp makes the controller answer 503 to everything, or no longer.
func (j *Jenkins) StartingUp(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.starting = on
}

// Restart forgets the queue's history and kills running builds, as a restart
// of the controller does. Items still queued survive it.
func (j *Jenkins) Restart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, it := range j.items {
		if it.left() {
			delete(j.items, id)
		}
	}
	for _, jb := range j.jobs {
		for _, b := range jb.builds {
			b.abort()
		}
	}
	j.session = random(4)
}

// DeleteBuild removes a build, as a log rotation does.
func (j *Jenkins) DeleteBuild(name string, number int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if jb := j.jobs[name]; jb != nil {
		jb.builds = slices.DeleteFunc(jb.builds, func(b *build) bool { return b.number == number })
	}
}

// Triggered returns the parameters of every build of a job that was started,
// oldest first.
func (j *Jenkins) Triggered(name string) []map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []map[string]string
	if jb := j.jobs[name]; jb != nil {
		for _, b := range jb.builds {
			all = append(all, b.item.values())
		}
	}
	return all
}

func (j *Jenkins) add(spec Job, config string) error {
	name := strings.Trim(spec.Name, "/")
	if name == "" || j.jobs[name] != nil || j.folders[name] {
		return fmt.Errorf("stand-in Jenkins: job name %q is empty or taken", spec.Name)
	}
	for i, c := range name {
		if c == '/' {
			j.folders[name[:i]] = true
		}
	}
	spec.Name = name
	j.jobs[name] = &job{Job: spec, config: config, next: 1}
	return nil
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

var _ http.Handler = (*Jenkins)(nil)
