package source

import (
	"bytes"

	"levee/detect/logline"
)

// tooLong stands for a line that was dropped because it is longer than a whole
// buffer: the parser refuses it for its length, as it would the line itself.
var tooLong = bytes.Repeat([]byte{'.'}, logline.MaxLine+1)

// lineReader gives one line after the other.
type lineReader struct {
	chunker
	buf     []byte
	text    []byte // what of buf was not given yet
	pending int    // dropped lines still to be given
}

// next returns the next line without its newline, valid until the next call;
// io.EOF after the last.
func (l *lineReader) next() ([]byte, error) {
	for len(l.text) == 0 && l.pending == 0 {
		n, err := l.chunker.next(l.buf)
		l.pending = l.takeDropped()
		if err != nil && l.pending == 0 {
			return nil, err
		}
		l.text = l.buf[:n]
	}
	if l.pending > 0 {
		l.pending--
		return tooLong, nil
	}
	line := l.text
	if i := bytes.IndexByte(l.text, '\n'); i >= 0 {
		line, l.text = l.text[:i], l.text[i+1:]
	} else {
		l.text = nil
	}
	return line, nil
}
