package source

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"levee/detect/logline"
)

// How long a store of documents is left alone after it failed.
const (
	documentsRetry = 250 * time.Millisecond // doubling up to
	documentsPause = 8 * time.Second
	missingPause   = 2 * time.Second // when what is read does not exist yet
)

// Document is a log line as a store of documents holds it.
type Document struct {
	Text  []byte // the line that was logged, when the store kept it; without a newline
	Whole []byte // the document itself as one line of JSON
}

// Documents is a store that is read page by page, such as an index of
// Elasticsearch. Its methods are called by one goroutine.
type Documents interface {
	// Next waits for documents and returns some. After an error, which is one
	// line with its mend, it is called again; an fs.ErrNotExist means that there
	// is nothing to read from yet.
	Next(ctx context.Context) ([]Document, error)
	// Judged says that the first n documents of the last page were judged: they
	// never come again.
	Judged(n int) error
	// Behind is about how many documents wait to be read.
	Behind() int64
	// Note is what is wrong although documents come, "" when nothing is.
	Note() string
	// Close keeps what was judged. It is called once, at the end.
	Close() error
}

// DocumentsOptions says how documents are judged.
type DocumentsOptions struct {
	Name  string          // what Status calls it
	Store Documents       // required
	Parse logline.Options // of the lines, and of documents as JSON
	Input int             // given to every Batch
}

// documents reads a store.
type documents struct {
	book
	o DocumentsOptions
}

// ReadDocuments returns an Input that reads o.Store.
func ReadDocuments(o DocumentsOptions) (Input, error) {
	if _, err := logline.New(o.Parse); err != nil {
		return nil, err
	}
	d := &documents{o: o}
	d.st = Status{Name: o.Name, State: Waiting}
	return d, nil
}

// Run implements Input.
func (d *documents) Run(ctx context.Context, emit func(*Batch) error) (err error) {
	p, err := logline.New(d.o.Parse)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := d.o.Store.Close(); err == nil {
			err = cerr
		}
		d.set(Ended, d.Status().Problem)
	}()
	var strange strangeness
	pause := documentsRetry
	for {
		page, err := d.o.Store.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, fs.ErrNotExist):
			d.set(Waiting, err.Error())
			rest(ctx, missingPause)
			continue
		case err != nil:
			d.set(Failed, err.Error())
			rest(ctx, pause)
			pause = min(2*pause, documentsPause)
			continue
		}
		pause = documentsRetry
		n, problem, err := d.judge(page, p, &strange, emit)
		if kerr := d.o.Store.Judged(n); kerr != nil && problem == "" {
			problem = kerr.Error()
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if problem == "" {
			problem = d.o.Store.Note()
		}
		d.set(Following, problem)
	}
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// judge hands a page over and waits until it was judged. n is how many
// documents were.
func (d *documents) judge(page []Document, p *logline.Parser, strange *strangeness, emit func(*Batch) error) (n int, problem string, err error) {
	var waiting sync.WaitGroup
	size := int64(0)
	for n < len(page) && err == nil {
		b := newBatch(d.o.Input)
		k := b.documents(p, page[n:])
		for _, x := range page[n : n+k] {
			size += int64(len(x.Whole))
		}
		if s := strange.add(d.o.Name, b); s != "" {
			problem = s
		}
		d.add(b)
		waiting.Add(1)
		done := sync.OnceFunc(waiting.Done)
		b.done = done
		if err = emit(b); err != nil {
			done() // nobody judges it any more
			break
		}
		n += k
	}
	d.mu.Lock()
	d.st.Behind = d.o.Store.Behind() * (size / int64(max(len(page), 1)))
	d.mu.Unlock()
	waiting.Wait() // the judge outlives its inputs
	return n, problem, err
}

// documents fills b with documents and returns how many it took. The line that
// was logged counts; where it is none, the document does.
func (b *Batch) documents(p *logline.Parser, docs []Document) (n int) {
	p.SetArena(&b.arena)
	room := b.data
	for _, d := range docs {
		text, whole := d.Text, d.Whole
		if len(text) > logline.MaxLine {
			text = nil
		}
		if len(whole) > logline.MaxLine {
			whole = nil
		}
		if need := len(text) + len(whole); need > len(room) && n > 0 {
			break
		}
		n++
		if len(text) == 0 && len(whole) == 0 {
			b.Lines++
			b.Malformed++
			continue
		}
		lines, had, malformed, others := b.Lines, len(b.Requests), b.Malformed, b.Others
		for _, line := range [...][]byte{text, whole} {
			if len(line) == 0 || len(b.Requests) > had {
				continue
			}
			b.Malformed, b.Others = malformed, others
			k := copy(room, line)
			b.line(p, room[:k:k])
			room = room[k:]
		}
		b.Lines = lines + 1
	}
	b.Format = p.Format()
	return n
}
