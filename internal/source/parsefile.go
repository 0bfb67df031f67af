package source

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"levee/detect"
	"levee/detect/logline"
)

// ParseFile parses one recorded log line by line, in order: line counts from 1,
// format is what was recognised, err says what is wrong with a malformed line.
// The request is valid during the call only. An error of each ends it and is
// returned, any other error says why the file could not be read.
func ParseFile(ctx context.Context, path string, o ScanOptions, each func(line int, r *detect.Request, k detect.Kind, format string, err error) error) error {
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	p, err := logline.New(o.Parse)
	if err != nil {
		return err
	}
	var read atomic.Int64
	l, err := openLog(path, o.Stdin, &read)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // read only: nothing can be lost
	lines := &lineReader{chunker: chunker{in: l}, buf: make([]byte, chunkSize)}
	total := totalSize([]string{path})
	var r detect.Request
	for n := 1; ; n++ {
		line, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s is damaged or can't be read on (%w); what was read before counts", logline.Clean(path), err)
		}
		k, perr := p.Parse(line, &r)
		if err := each(n, &r, k, p.Format(), perr); err != nil {
			return err
		}
		p.Reset()
		if o.Progress != nil && n%1024 == 0 {
			o.Progress(read.Load(), total)
		}
	}
}
