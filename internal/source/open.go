package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"levee/detect/logline"
)

// maxWindow bounds what a .zst file may make the decoder allocate, in bytes.
const maxWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// log is an open recorded log: plain, or unpacked on the way.
type log struct {
	io.Reader
	close []func() error
}

// Close closes what was opened, in reverse order.
func (l *log) Close() error {
	var errs []error
	for i := len(l.close) - 1; i >= 0; i-- {
		errs = append(errs, l.close[i]())
	}
	return errors.Join(errs...)
}

// openLog opens a recorded log; "-" is stdin. Compression is told by content,
// not by name. read counts the bytes taken from disk. Errors are sentences
// that name the mend.
func openLog(path string, stdin io.Reader, read *atomic.Int64) (*log, error) {
	l := &log{}
	raw := stdin
	name := "standard input"
	if path != "-" {
		f, err := openFile(path)
		if err != nil {
			return nil, err
		}
		raw, name = f, path
		l.close = append(l.close, f.Close)
	}
	head := bufio.NewReaderSize(&counted{raw, read}, 64<<10)
	if err := l.unpack(head, name); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// openFile opens a regular file, a pipe or a device for reading.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(path, err)
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, explain(path, err)
	}
	if st.IsDir() {
		_ = f.Close()
		return nil, errDirectory(path)
	}
	return f, nil
}

// unpack looks at the first bytes and sets l.Reader to the plain text.
func (l *log) unpack(head *bufio.Reader, name string) error {
	magic, err := head.Peek(1024)
	if err != nil && err != io.EOF {
		return explain(name, err)
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := gzip.NewReader(head)
		if err != nil {
			return fmt.Errorf("%s: damaged gzip data (%w); check the file with gzip -t", logline.Clean(name), err)
		}
		l.close = append(l.close, z.Close)
		l.Reader = z
	case bytes.HasPrefix(magic, zstdMagic):
		z, err := zstd.NewReader(head, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("%s: damaged zstd data (%w); check the file with zstd -t", logline.Clean(name), err)
		}
		l.close = append(l.close, func() error { z.Close(); return nil })
		l.Reader = z
	default:
		if err := binary(name, magic); err != nil {
			return err
		}
		if bytes.HasPrefix(magic, []byte("\xef\xbb\xbf")) {
			if _, err := head.Discard(3); err != nil {
				return explain(name, err)
			}
		}
		l.Reader = head
	}
	return nil
}

// packed names compressions that are not read here, by their first bytes.
var packed = []struct{ magic, name, tool string }{
	{"BZh", "bzip2", "bzip2 -dc"},
	{"\xfd7zXZ", "xz", "xz -dc"},
	{"PK\x03\x04", "a zip archive", "unzip -p"},
	{"\x04\x22\x4d\x18", "lz4", "lz4 -dc"},
}

// binary refuses what can't be a log by its first bytes.
func binary(name string, head []byte) error {
	name = logline.Clean(name)
	for _, p := range packed {
		if bytes.HasPrefix(head, []byte(p.magic)) {
			return fmt.Errorf("%s is %s, which is not read here; unpack it: %s FILE | levee scan -", name, p.name, p.tool)
		}
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return fmt.Errorf("%s is UTF-16 text; turn it into UTF-8: iconv -f UTF-16 -t UTF-8 FILE | levee scan -", name)
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return fmt.Errorf("%s is a binary file, not a log; name an access log, such as /var/log/nginx/access.log", name)
	}
	return nil
}

func errDirectory(path string) error {
	path = logline.Clean(path)
	return fmt.Errorf("%s is a directory; name the log files in it, such as %s/*.log", path, path)
}

// explain turns a file error into one sentence with its mend.
func explain(path string, err error) error {
	path = logline.Clean(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist; check the path, or name the log the server writes (%w)", path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read by this user; run levee with the log's group (often adm) or grant it read access (%w)", path, fs.ErrPermission)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s can't be read (%w); check the disk and the path", path, err)
}

// counted adds up what is read through it.
type counted struct {
	io.Reader
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
