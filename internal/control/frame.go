package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Frame types.
const (
	frameCall   = 'R'
	frameInput  = 'I'
	frameEnd    = 'E'
	frameResize = 'W'
	frameOut    = 'O'
	frameErr    = 'X'
	frameDone   = 'D'
)

// mostFrame bounds a frame's payload, in bytes.
const mostFrame = 256 << 10

var errFrame = errors.New("the other end does not speak levee's protocol; is it another version of levee?")

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	b := make([]byte, 5, 5+len(payload))
	b[0] = kind
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload)))
	_, err := w.Write(append(b, payload...))
	return err
}

// readFrame reads one frame. It allocates what the frame really holds, never
// what a header promises past mostFrame.
func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > mostFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes: %w", n, errFrame)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return head[0], payload, nil
}

// frameWriter sends what is written as frames of one kind.
type frameWriter struct {
	kind byte
	send func(kind byte, payload []byte) error
}

func (w frameWriter) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		part := p[n:min(len(p), n+mostFrame)]
		if err := w.send(w.kind, part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return len(p), nil
}
