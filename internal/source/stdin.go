package source

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"levee/detect/logline"
)

// readyWait is how long one wait for standard input lasts before the context
// is looked at again.
const readyWait = 100 * time.Millisecond

// stream follows a pipe until it ends.
type stream struct {
	book
	in    io.Reader
	parse logline.Options
	input int
}

// Stdin returns an Input that reads r, usually os.Stdin, until it ends. Lines
// are handed over as soon as they are whole.
func Stdin(r io.Reader, o logline.Options, input int) (Input, error) {
	if _, err := logline.New(o); err != nil {
		return nil, err
	}
	s := &stream{in: r, parse: o, input: input}
	s.st = Status{Name: "standard input", State: Waiting, Files: 1}
	return s, nil
}

// Run implements Input.
func (s *stream) Run(ctx context.Context, emit func(*Batch) error) error {
	defer func() { s.set(Ended, s.Status().Problem) }()
	p, err := logline.New(s.parse)
	if err != nil {
		return err
	}
	f, _ := s.in.(*os.File)
	var strange strangeness
	var carry []byte
	skip := false
	for ended := false; !ended; {
		if f != nil && !readable(f, readyWait) {
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		b := newBatch(s.input)
		n := copy(b.data, carry)
		k, err := s.in.Read(b.data[n:])
		if ctx.Err() != nil {
			b.recycle()
			return nil
		}
		if err != nil && err != io.EOF {
			b.recycle()
			return explain("standard input", err)
		}
		ended = err == io.EOF
		text := b.data[:n+k]
		end := bytes.LastIndexByte(text, '\n') + 1
		if ended {
			end = len(text)
		}
		carry = append(carry[:0], text[end:]...)
		text = text[:end]
		if skip && end > 0 {
			i := bytes.IndexByte(text, '\n')
			text, skip = text[i+1:], false
			if i < 0 {
				text = nil
			}
		}
		if len(carry) > logline.MaxLine {
			carry = carry[:0]
			if !skip {
				skip = true
				b.Lines, b.Malformed = 1, 1
			}
		}
		b.parse(p, text)
		if b.Lines == 0 {
			b.recycle()
			continue
		}
		s.set(Following, strange.add("-", b))
		s.add(b)
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}
