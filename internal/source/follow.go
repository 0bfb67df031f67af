package source

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"levee/detect"
	"levee/detect/logline"
)

// follower reads one open file as it grows.
type follower struct {
	path    string // what it was called when last seen under a name we follow
	id      fileID
	file    *os.File
	parser  *logline.Parser
	strange strangeness
	offset  int64 // where the next unread line begins
	mark    fingerprint
	size    int64     // when last looked
	skip    bool      // inside a line too long to be one
	seen    time.Time // when it last had something new, or was renamed
}

// adopt opens path for following from its start.
func adopt(path string, o logline.Options) (*follower, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() && !st.IsDir() {
		return nil, fmt.Errorf("%s is a pipe or a device and can't be followed; read it from standard input: levee watch - < %s", path, path)
	}
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	f, err := follow(path, file, o)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return f, nil
}

func follow(path string, file *os.File, o logline.Options) (*follower, error) {
	st, err := file.Stat()
	if err != nil {
		return nil, explain(path, err)
	}
	head := make([]byte, 1024)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, explain(path, err)
	}
	if bytes.HasPrefix(head, gzipMagic) || bytes.HasPrefix(head, zstdMagic) {
		return nil, fmt.Errorf("%s is packed and can't be followed; read it with levee scan", path)
	}
	if err := binary(path, head[:n]); err != nil {
		return nil, err
	}
	p, err := logline.New(o)
	if err != nil {
		return nil, err
	}
	prime(p, file)
	f := &follower{path: path, id: identify(path, st), file: file, parser: p, size: st.Size(), seen: time.Now()}
	if f.mark, err = mark(file, markLength); err != nil {
		return nil, explain(path, err)
	}
	return f, nil
}

// prime lets a parser see the header at the start of a file that is read from
// further on: W3C logs say there what their columns are.
func prime(p *logline.Parser, file *os.File) {
	buf := make([]byte, 16<<10)
	n, err := file.ReadAt(buf, 0)
	if err != nil && err != io.EOF {
		return // whoever reads on will say so
	}
	var r detect.Request
	for rest := buf[:n]; len(rest) > 0 && rest[0] == '#'; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		_, _ = p.Parse(rest[:i], &r) // what is no header is no matter here
		rest = rest[i+1:]
	}
}

// at is the position to keep once everything read so far was judged.
func (f *follower) at() position {
	return position{Path: f.path, Offset: f.offset, Mark: f.mark}
}

// resume sets the offset to a kept position if it is one of this very file.
func (f *follower) resume(p position) bool {
	if p.Offset > f.size || !p.Mark.matches(f.file) {
		return false
	}
	f.offset = p.Offset
	return true
}

// toEnd starts behind the last whole line: what is being written when we come
// counts as new.
func (f *follower) toEnd() error {
	const back = 64 << 10
	from := max(0, f.size-back)
	tail := make([]byte, f.size-from)
	n, err := f.file.ReadAt(tail, from)
	if err != nil && err != io.EOF {
		return explain(f.path, err)
	}
	f.offset = f.size
	if i := bytes.LastIndexByte(tail[:n], '\n'); i >= 0 {
		f.offset = from + int64(i) + 1
	} else if from == 0 {
		f.offset = 0
	}
	return nil
}

// look notices truncation: the file became shorter than what was read, or
// begins with other bytes than it did.
func (f *follower) look() error {
	st, err := f.file.Stat()
	if err != nil {
		return explain(f.path, err)
	}
	grown := st.Size() != f.size
	f.size = st.Size()
	if f.size < f.offset || f.size < f.mark.Bytes || grown && !f.mark.matches(f.file) {
		f.offset, f.skip = 0, false
		f.mark = fingerprint{}
	}
	if f.mark.Bytes < markLength && f.size > f.mark.Bytes {
		if f.mark, err = mark(f.file, markLength); err != nil {
			return explain(f.path, err)
		}
	}
	return nil
}

// behind is how many bytes were written and not read.
func (f *follower) behind() int64 { return max(0, f.size-f.offset) }

// next reads the next piece of whole lines, nil when there is none yet. With
// last, an unfinished line counts too: nobody writes on.
func (f *follower) next(input int, last bool) (*Batch, error) {
	for f.behind() > 0 {
		b := newBatch(input)
		n, err := f.file.ReadAt(b.data, f.offset)
		if err != nil && err != io.EOF {
			b.recycle()
			return nil, explain(f.path, err)
		}
		text := b.data[:n]
		end := bytes.LastIndexByte(text, '\n') + 1
		if last && err == io.EOF && !f.skip {
			end = n
		}
		switch {
		case end == 0 && n <= logline.MaxLine && !f.skip:
			b.recycle()
			return nil, nil // a line that is still being written
		case end == 0:
			// Longer than a line may be: count it once and drop it as it comes.
			f.offset += int64(n)
			if f.skip {
				b.recycle()
				continue
			}
			f.skip = true
			b.Lines, b.Malformed = 1, 1
		default:
			f.offset += int64(end)
			text = text[:end]
			if f.skip {
				text = text[bytes.IndexByte(text, '\n')+1:]
				f.skip = false
			}
			b.parse(f.parser, text)
		}
		return b, nil
	}
	return nil, nil
}

func (f *follower) close() { _ = f.file.Close() } // read only: nothing can be lost
