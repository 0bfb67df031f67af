package source

import (
	"bytes"
	"io"
)

// chunker cuts a stream into pieces of whole lines.
type chunker struct {
	in      io.Reader
	carry   []byte // an unfinished line, to be put in front of the next piece
	skip    bool   // inside a line too long to be one: drop up to its newline
	ended   bool
	dropped int // lines dropped for their length since it was last read
}

// next fills buf with whole lines and returns how many bytes they take. A last
// line without a newline comes with the end of the stream. The error is nil as
// long as n may be used; io.EOF comes with n == 0.
func (c *chunker) next(buf []byte) (n int, err error) {
	for {
		if c.ended {
			return 0, io.EOF
		}
		n = copy(buf, c.carry)
		c.carry = c.carry[:0]
		err = nil
		for n < len(buf) && err == nil {
			var k int
			k, err = c.in.Read(buf[n:])
			n += k
		}
		if err == io.EOF {
			c.ended = true
		} else if err != nil {
			return 0, err
		}
		text := c.unskip(buf[:n])
		if c.ended {
			if n = copy(buf, text); n > 0 {
				return n, nil
			}
			return 0, io.EOF
		}
		end := bytes.LastIndexByte(text, '\n') + 1
		if end == 0 {
			// A whole buffer without a newline is no line.
			if !c.skip && len(text) > 0 {
				c.skip = true
				c.dropped++
			}
			continue
		}
		c.carry = append(c.carry, text[end:]...)
		return copy(buf, text[:end]), nil
	}
}

// unskip drops the rest of an over-long line from the front of text.
func (c *chunker) unskip(text []byte) []byte {
	if !c.skip {
		return text
	}
	i := bytes.IndexByte(text, '\n')
	if i < 0 {
		return nil
	}
	c.skip = false
	return text[i+1:]
}

// takeDropped returns how many lines were dropped since the last call.
func (c *chunker) takeDropped() int {
	n := c.dropped
	c.dropped = 0
	return n
}
