package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"levee/detect/logline"
)

// ScanOptions says how recorded logs are read. The zero value recognises the
// format of each file by itself.
type ScanOptions struct {
	Parse    logline.Options              // its Origin is given to all files alike
	Stdin    io.Reader                    // what "-" reads; nil: the process's standard input
	Progress func(read, total int64)      // bytes taken from disk so far and in all (0 unknown); called from one goroutine, for every 256 KiB of text
	Failed   func(path string, err error) // called when a file can't be read or holds no request; not from the goroutine that calls each; may be nil
}

// Stats is what a Scan read.
type Stats struct {
	Files     int
	Bytes     int64 // taken from disk, compressed or not
	Lines     int64
	Requests  int64 // handed over: access and no_request lines
	Malformed int64
	Others    int64   // error lines, lines of other programs
	Failed    []error // one sentence a file that could not be read to its end, or in which nothing was recognised
}

// piece is a stretch of whole lines of one file, on its way to the parser.
type piece struct {
	*Batch
	n       int   // bytes of data in use
	dropped int   // over-long lines dropped before it
	end     error // the file ends here: io.EOF or why
}

// pipeline is how many pieces may wait between two stages: enough that no stage
// waits while another pauses for a moment, few enough that a piece is still in a
// cache when its turn comes.
const pipeline = 2

// Scan reads the files in the order given and hands their requests over in
// order. Reading with unpacking, parsing and the caller's judging run beside
// each other. each must Release its batch, also when it returns an error; an
// error ends the Scan and is returned. Files that can't be read are reported in
// Stats.Failed and the others go on.
func Scan(ctx context.Context, paths []string, o ScanOptions, each func(*Batch) error) (Stats, error) {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	// A wrong format is found before anything is read.
	if _, err := logline.New(o.Parse); err != nil {
		return Stats{}, err
	}
	s := &scan{o: o, paths: paths, total: totalSize(paths)}
	raw := make(chan piece, pipeline)
	parsed := make(chan *Batch, pipeline)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(raw)
		return s.readAll(ctx, raw)
	})
	g.Go(func() error {
		defer close(parsed)
		return s.parseAll(ctx, raw, parsed)
	})
	var judged error
	for b := range parsed {
		if judged != nil {
			b.recycle()
			continue
		}
		if judged = each(b); judged != nil {
			cancel()
		}
	}
	err := g.Wait()
	if judged != nil {
		err = judged
	}
	for p := range raw {
		p.recycle()
	}
	s.stats.Bytes = s.read.Load()
	return s.stats, err
}

type scan struct {
	o     ScanOptions
	paths []string
	total int64
	read  atomic.Int64
	stats Stats
}

// totalSize adds up the sizes of regular files; 0 when anything else is among
// them.
func totalSize(paths []string) (total int64) {
	for _, p := range paths {
		st, err := os.Stat(p)
		if p == "-" || err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			return 0
		}
		if err == nil && st.Mode().IsRegular() {
			total += st.Size()
		}
	}
	return total
}

// readAll reads every file, in order, into pieces.
func (s *scan) readAll(ctx context.Context, out chan<- piece) error {
	for i, path := range s.paths {
		end := s.readFile(ctx, i, path, out)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b := newBatch(i)
		if err := send(ctx, out, piece{Batch: b, end: end}); err != nil {
			b.recycle()
			return err
		}
	}
	return nil
}

// readFile reads one file and returns io.EOF, or a sentence saying why it ended
// early.
func (s *scan) readFile(ctx context.Context, i int, path string, out chan<- piece) error {
	l, err := openLog(path, s.o.Stdin, &s.read)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // read only: nothing can be lost
	c := &chunker{in: l}
	for {
		b := newBatch(i)
		n, err := c.next(b.data)
		dropped := c.takeDropped()
		if dropped > 0 && err == io.EOF { // the last line had no end
			if err := send(ctx, out, piece{Batch: b, dropped: dropped}); err != nil {
				b.recycle()
				return err
			}
			return io.EOF
		}
		if err != nil {
			b.recycle()
			if err == io.EOF {
				return io.EOF
			}
			return fmt.Errorf("%s is damaged or can't be read on (%w); what was read before counts", logline.Clean(path), err)
		}
		if err := send(ctx, out, piece{Batch: b, n: n, dropped: dropped}); err != nil {
			b.recycle()
			return err
		}
		if s.o.Progress != nil {
			s.o.Progress(s.read.Load(), s.total)
		}
	}
}

// parseAll parses pieces in order, with a new Parser for each file.
func (s *scan) parseAll(ctx context.Context, in <-chan piece, out chan<- *Batch) error {
	var p *logline.Parser
	var file Stats
	for x := range in {
		if p == nil {
			var err error
			if p, err = logline.New(s.o.Parse); err != nil {
				return err
			}
			file = Stats{}
		}
		x.parse(p, x.data[:x.n])
		x.Lines += x.dropped
		x.Malformed += x.dropped
		file.add(x.Batch)
		s.stats.add(x.Batch)
		if x.end != nil {
			s.endFile(x.Input, x.end, &file)
			p = nil
		}
		if err := send(ctx, out, x.Batch); err != nil {
			x.recycle()
			return err
		}
	}
	return nil
}

// endFile books the end of a file.
func (s *scan) endFile(i int, end error, file *Stats) {
	s.stats.Files++
	if end == io.EOF {
		end = unknownFormat(s.paths[i], file)
	}
	if end == nil {
		return
	}
	s.stats.Failed = append(s.stats.Failed, end)
	if s.o.Failed != nil {
		s.o.Failed(s.paths[i], end)
	}
}

// unknownFormat says that a log holds no request, nil when it holds one, or
// nothing at all.
func unknownFormat(name string, s *Stats) error {
	if name = logline.Clean(name); name == "-" {
		name = "standard input"
	}
	switch {
	case s.Requests > 0 || s.Malformed+s.Others == 0:
		return nil
	case s.Malformed > s.Others:
		return fmt.Errorf("%s: none of %d lines is in a known format; name it with --format, as a name or as your server's log_format string", name, s.Lines)
	}
	return fmt.Errorf("%s: none of %d lines is a request, they are of error logs or other programs; name the access log", name, s.Lines)
}

func (s *Stats) add(b *Batch) {
	s.Lines += int64(b.Lines)
	s.Requests += int64(len(b.Requests))
	s.Malformed += int64(b.Malformed)
	s.Others += int64(b.Others)
}

// send hands v over unless ctx ends first.
func send[T any](ctx context.Context, c chan<- T, v T) error {
	select {
	case c <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
