package station

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"levee/detect"
	"levee/internal/config"
	"levee/internal/durable"
	"levee/internal/elastic"
	"levee/internal/status"
)

// auditPage is how many rows of the audit are published at a time.
const auditPage = 1000

// ElasticOptions is how levee.yaml says to reach the cluster.
func ElasticOptions(c config.Elasticsearch) elastic.Options {
	o := elastic.Options{APIKey: c.APIKey.Reveal(), User: c.User, Password: c.Password.Reveal(), CA: c.CA, Timeout: c.Timeout}
	for _, u := range c.URLs {
		o.URLs = append(o.URLs, string(u))
	}
	return o
}

// chronicle carries what happens here to Elasticsearch.
type chronicle struct {
	s      *Station
	client *elastic.Client
	out    *elastic.Publisher
	origin elastic.Origin
	dir    string

	mu       sync.Mutex
	verdicts []detect.Event
	notice   uint64
	audited  int64 // last row of the audit that is in the spool
}

// openChronicle returns nil when no cluster is configured.
func openChronicle(s *Station) (*chronicle, error) {
	if len(s.o.Config.Elasticsearch.URLs) == 0 {
		return nil, nil
	}
	c := &chronicle{s: s, dir: filepath.Join(s.o.StateDir, "elastic"), origin: elastic.Origin{Host: s.o.Name, Version: "(devel)"}}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		c.origin.Version = b.Main.Version
	}
	var err error
	if c.client, err = elastic.New(ElasticOptions(s.o.Config.Elasticsearch)); err != nil {
		return nil, err
	}
	c.out, err = elastic.NewPublisher(elastic.PublisherOptions{Client: c.client, Dir: c.dir, Origin: c.origin,
		Limit: int64(s.o.Config.Elasticsearch.Spool), Requests: float64(s.o.Config.Elasticsearch.Requests), Now: s.o.Now, Log: s.o.Log})
	if err != nil {
		return nil, err
	}
	return c, c.recallAudited()
}

// verdict keeps events until the next second. Their slice is the judge's own.
func (c *chronicle) verdict(ev []detect.Event) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verdicts = append(c.verdicts, ev[:min(len(ev), max(0, mostWishes-len(c.verdicts)))]...)
}

// judged publishes requests, when that is asked for, and releases them.
func (c *chronicle) judged(list []detect.Request, release func()) {
	if c == nil {
		release()
		return
	}
	c.out.Take(list, release)
}

func (c *chronicle) link() status.Link {
	if c == nil {
		return status.Link{}
	}
	return c.out.Link()
}

// start begins to publish. The function it returns publishes what is left and
// waits for the end.
func (c *chronicle) start(ctx context.Context) (stop func()) {
	if c == nil {
		return func() {}
	}
	ctx = context.WithoutCancel(ctx)
	looking, enough := context.WithCancel(ctx)
	sending, end := context.WithCancel(ctx)
	var both, sender sync.WaitGroup
	both.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for looking.Err() == nil {
			select {
			case <-looking.Done():
			case <-tick.C:
			}
			c.second(ctx)
		}
	})
	sender.Go(func() {
		if err := c.out.Run(sending); err != nil {
			c.s.o.Log.Error("publish to elasticsearch", "error", err)
		}
	})
	return func() {
		enough()
		both.Wait()
		end()
		sender.Wait()
		c.client.Close()
	}
}

// second publishes what happened since it was last called.
func (c *chronicle) second(ctx context.Context) {
	c.mu.Lock()
	verdicts := c.verdicts
	c.verdicts = nil
	c.mu.Unlock()
	c.put(c.origin.Stats(c.s.Snapshot(), c.s.Board(), c.s.Status()))
	var docs []elastic.Doc
	for _, e := range verdicts {
		docs = c.with(docs)(c.origin.Verdict(e))
	}
	for _, n := range c.s.Notices(c.notice) {
		c.notice = max(c.notice, n.Seq)
		docs = c.with(docs)(c.origin.Notice(n))
	}
	c.put(docs, nil)
	if err := c.audit(ctx); err != nil {
		c.s.o.Log.Error("publish decisions", "error", err)
	}
}

func (c *chronicle) put(docs []elastic.Doc, err error) {
	if err != nil {
		c.s.o.Log.Error("publish to elasticsearch", "error", err)
		return
	}
	c.out.Put(docs...)
}

// with adds a document to docs, unless it could not be written.
func (c *chronicle) with(docs []elastic.Doc) func(elastic.Doc, error) []elastic.Doc {
	return func(d elastic.Doc, err error) []elastic.Doc {
		if err != nil {
			c.s.o.Log.Error("publish to elasticsearch", "error", err)
			return docs
		}
		return append(docs, d)
	}
}

// audit publishes what the ledger wrote down since it was last asked. The
// ledger remembers across restarts, and so does the number of its last row.
func (c *chronicle) audit(ctx context.Context) error {
	for {
		rows, err := c.s.ledger.Audit(ctx, c.audited, auditPage)
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]string, 0, len(rows))
		for _, r := range rows {
			if r.Decision != "" {
				ids = append(ids, r.Decision)
			}
		}
		known, err := c.s.ledger.ByID(ctx, ids)
		if err != nil {
			return err
		}
		var docs []elastic.Doc
		for _, r := range rows {
			c.audited = r.Seq
			d, ok := known[r.Decision]
			if !ok {
				continue // of no decision, or pruned since
			}
			event, now, err := c.origin.Decision(d, r.Kind, r.Seq, r.Time)
			if err != nil {
				c.put(nil, err) // said; the other rows are none the worse
				continue
			}
			docs = append(docs, event)
			if !c.s.peers.shares(&d) {
				docs = append(docs, now) // else the fleet keeps it, one for all hosts
			}
		}
		c.put(docs, nil)
		if err := c.keepAudited(); err != nil {
			return err
		}
	}
}

func (c *chronicle) auditedPath() string { return filepath.Join(c.dir, "audited") }

func (c *chronicle) keepAudited() error {
	if err := durable.Replace(c.auditedPath(), strconv.AppendInt(nil, c.audited, 10)); err != nil {
		return fmt.Errorf("keep what was published: %w", err)
	}
	return nil
}

func (c *chronicle) recallAudited() error {
	b, err := os.ReadFile(c.auditedPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was published: %w", err)
	}
	// What can't be read is published again, which changes nothing there.
	c.audited, _ = strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return nil
}
