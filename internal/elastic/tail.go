package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Bounds of a Tail.
const (
	tailPage  = 2000 // documents a page
	tailPoll  = 100 * time.Millisecond
	tailKeep  = "1m"             // how long the cluster keeps a point in time between two pages
	tailList  = 5 * time.Second  // how often indices are listed
	tailLate  = 24 * time.Hour   // documents that are later than this are not judged
	tailFirst = 10 * time.Minute // how much earlier than levee the first document of an index may be that was not there at first
	mostTries = 8                // before something that mends itself is told
	tailDone  = 2 * time.Second  // for giving a point in time back
)

// TailOptions says what is tailed. Client, Index and File are required.
type TailOptions struct {
	Client    *Client
	Index     string // index, pattern or data stream
	Time      string // field; default @timestamp
	File      string // where it is kept how far everything was judged
	FromStart bool   // begin with what is there on first sight; default: with what comes
	Page      int    // documents asked for at once; default 2000
	Poll      time.Duration
	Now       func() time.Time // nil: time.Now
}

// Document is a log line as it was stored.
type Document struct {
	Text  []byte // the line that was logged, when the document kept it; never with a newline
	Whole []byte // the document itself on one line
}

// Tail reads documents in the order in which they arrive, each once: by a
// point in time, search_after, and each shard's own sequence numbers, so that
// it does not matter how late a document is. Its methods are called by one
// goroutine.
type Tail struct {
	o     TailOptions
	began bool // Next was called
	pos   position
	saved time.Time

	indices map[string]indexOf // by name
	shards  int                // most that any index has
	listed  time.Time

	shard   int             // which one is read
	reading bool            // it was begun and not read to its end
	first   bool            // its first page comes next, which most often is its last: it needs no point in time
	pit     string          // "" none is open
	query   object          // of the open point in time
	after   json.RawMessage // the last document's place in it
	whole   bool            // every shard answered each time
	ended   bool            // a shard was read to its end, and the floors were not settled yet
	idle    bool            // nothing new since the shards were last gone through
	page    []arrival
	left    int64 // documents matched and not read yet
	note    string
}

// lastMoment stands for any later one, in milliseconds: the end of 9999.
const lastMoment = 253402300799999

type indexOf struct {
	uuid   string
	shards int
}

// arrival is the place of one document of the page.
type arrival struct {
	r   *reach
	seq int64
	at  time.Time
}

// NewTail reads how far everything was judged. Nothing is asked before Next.
func NewTail(o TailOptions) (*Tail, error) {
	o.Time = cmp.Or(o.Time, "@timestamp")
	o.Page = cmp.Or(o.Page, tailPage)
	o.Poll = cmp.Or(o.Poll, tailPoll)
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Tail{o: o}
	return t, t.pos.load(o.File)
}

// Behind is about how many documents were found and not handed over yet.
func (t *Tail) Behind() int64 { return t.left }

// Note says whose clock is wrong or which shards don't answer, "" when all is
// well.
func (t *Tail) Note() string { return t.note }

// Next waits for documents and returns a page of them; those it returned
// before and that Judged was not called for come again. What is wrong is a
// *Problem, and the next call tries again.
func (t *Tail) Next(ctx context.Context) ([]Document, error) {
	if !t.began {
		// Another Tail may have gone on with the same position since NewTail.
		if err := t.pos.load(t.o.File); err != nil {
			return nil, err
		}
		t.began = true
	}
	t.ended = t.ended && len(t.page) == 0
	for tries := 0; ; {
		if t.ended {
			t.settle()
		}
		if !t.reading {
			err := t.turn(ctx)
			if tries < mostTries && notReady(err) {
				tries++ // most often, an index is being made
				wait(ctx, t.o.Poll)
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		docs, err := t.read(ctx)
		switch {
		case notReady(err) && tries < mostTries:
			tries++
			t.close(ctx)
			wait(ctx, t.o.Poll)
			continue
		case IsKind(err, Missing) && tries < mostTries:
			// The point in time expired, or its index is gone. Nothing of it is
			// needed: what was judged is known by number.
			tries++
			t.pit, t.reading = "", false
			if err = t.list(ctx); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			t.close(ctx)
			return nil, err
		case len(docs) > 0:
			t.idle = false
			return docs, nil
		}
		if t.reading {
			continue // a page of what is known already
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

func notReady(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status == http.StatusServiceUnavailable
}

// Judged says that the first n documents of the last page were judged.
func (t *Tail) Judged(n int) error {
	now := t.o.Now()
	for _, a := range t.page[:n] {
		a.r.add(a.seq)
		if a.at.After(t.pos.Newest) && !a.at.After(now) {
			t.pos.Newest = a.at
		}
	}
	if n < len(t.page) {
		t.whole, t.ended = false, false // the rest comes again
	}
	t.page = t.page[:0]
	if now.Sub(t.saved) < time.Second && now.After(t.saved) {
		return nil
	}
	return t.save()
}

// settle raises the floors of the shards that were read to their ends.
func (t *Tail) settle() {
	t.ended = false
	for name, x := range t.indices {
		if t.shard < x.shards {
			t.pos.of(name, x.uuid, t.shard).settle(t.o.Now())
		}
	}
}

// Close keeps how far everything was judged and gives the point in time back.
func (t *Tail) Close() error {
	t.close(context.Background())
	if !t.began {
		return nil
	}
	return t.save()
}

func (t *Tail) save() error {
	t.saved = t.o.Now()
	return t.pos.save(t.o.File)
}

// turn goes on to the next shards, after a pause when there was nothing new in
// any.
func (t *Tail) turn(ctx context.Context) error {
	now := t.o.Now()
	if t.shard++; t.shard >= t.shards {
		t.shard = 0
		if t.idle {
			wait(ctx, t.o.Poll)
		}
		t.idle = true
	}
	if t.shards == 0 || now.Sub(t.listed) >= tailList || now.Before(t.listed) {
		if err := t.list(ctx); err != nil {
			return err
		}
	}
	if !t.pos.Started {
		if err := t.begin(ctx); err != nil {
			return err
		}
	}
	t.reading, t.first, t.whole, t.ended, t.left = true, true, true, false, 0
	t.query = t.unread()
	return nil
}

// shardPath is where something is asked of the shards of one number.
func (t *Tail) shardPath(what string, shard int) string {
	return "/" + url.PathEscape(t.o.Index) + "/" + what + "?ignore_unavailable=true&preference=" + url.QueryEscape("_shards:"+strconv.Itoa(shard))
}

// open opens a point in time of what the first page left.
func (t *Tail) open(ctx context.Context) error {
	var a struct {
		ID string `json:"id"`
	}
	if err := t.o.Client.call(ctx, http.MethodPost, t.shardPath("_pit", t.shard)+"&keep_alive="+tailKeep, nil, &a); err != nil {
		return err
	}
	t.pit, t.after = a.ID, nil
	t.query = t.unread()
	return nil
}

// close ends the reading of the shards and gives the point in time back; one
// that is not given back expires.
func (t *Tail) close(ctx context.Context) {
	t.reading = false
	if t.pit == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tailDone)
	defer cancel()
	_ = t.o.Client.call(ctx, http.MethodDelete, "/_pit", object{"id": t.pit}, nil)
	t.pit = ""
}
