package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/elastic/go-lumber/lj"
	chatter "github.com/elastic/go-lumber/log"
	lumber "github.com/elastic/go-lumber/server/v2"

	"levee/detect/logline"
)

// Bounds of a Beats input.
const (
	beatsConns     = 256              // connections at a time
	beatsTimeout   = 30 * time.Second // how long one may be silent within a frame
	beatsKeepalive = 3 * time.Second  // how often a sender is told that its events are still being judged
)

// BeatsOptions says where to listen for Filebeat's and Logstash's own
// protocol, lumberjack version 2 and, of Logstash's output, version 1.
type BeatsOptions struct {
	Name    string // what Status calls it; default: Address
	Address string // host:port
	TLS     *tls.Config
	Parse   logline.Options // of each event's message
	Input   int             // given to every Batch
}

// silent takes what the server says of every connection: it would go through
// the console.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
func (silent) Print(...any)          {}

func init() { chatter.Logger = silent{} }

// beats listens for lumberjack. A sender's events are acknowledged when the
// last of them was judged: until then they are the sender's, who sends them
// again if levee or the connection dies.
type beats struct {
	book
	o     BeatsOptions
	ready chan struct{} // closed once listening
	addr  net.Addr      // set before ready is closed
}

// Beats returns an Input that listens on o.Address. Where it can't, Run says
// so.
func Beats(o BeatsOptions) (Input, error) {
	if _, err := logline.New(o.Parse); err != nil {
		return nil, err
	}
	if _, port, err := net.SplitHostPort(o.Address); err != nil || port == "" {
		return nil, fmt.Errorf("beats address %q is not one; write it like 127.0.0.1:5044", o.Address)
	}
	if o.Name == "" {
		o.Name = "beats " + o.Address
	}
	b := &beats{o: o, ready: make(chan struct{})}
	b.st = Status{Name: o.Name, State: Waiting}
	return b, nil
}

// Run implements Input.
func (b *beats) Run(ctx context.Context, emit func(*Batch) error) error {
	p, err := logline.New(b.o.Parse)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", b.o.Address)
	if err != nil {
		err = fmt.Errorf("can't listen for Beats on %s (%w); choose a free port, above 1024 without privileges", b.o.Address, err)
		b.set(Failed, err.Error())
		return err
	}
	b.addr = l.Addr()
	close(b.ready)
	// The server's own TLS would shake hands while it accepts, so that one slow
	// sender kept the others out.
	if b.o.TLS != nil {
		l = tls.NewListener(l, b.o.TLS)
	}
	in := make(chan *lj.Batch)
	ctx, end := context.WithCancel(ctx)
	sorted, gone := newSorter(ctx, &limited{Listener: l, room: make(chan struct{}, beatsConns)}, in)
	s, err := lumber.NewWithListener(sorted, lumber.Channel(in), lumber.Timeout(beatsTimeout), lumber.Keepalive(beatsKeepalive))
	if err != nil {
		end()
		_ = l.Close()
		gone()
		return fmt.Errorf("listen for Beats on %s: %w", b.o.Address, err)
	}
	defer func() {
		end()
		_ = s.Close() // what was not acknowledged is sent again; closes the listener too
		gone()
		b.set(Ended, b.Status().Problem)
	}()
	b.set(Following, "")
	var strange strangeness
	for {
		select {
		case <-ctx.Done():
			return nil
		case x := <-in:
			if err := b.judge(x, p, &strange, emit); err != nil {
				return err
			}
		}
	}
}

// judge hands one sender's events over. The last Batch that is released
// acknowledges them.
func (b *beats) judge(x *lj.Batch, p *logline.Parser, strange *strangeness, emit func(*Batch) error) error {
	var left atomic.Int32
	text := make([]byte, 0, 64<<10)
	unknown := 0
	for _, e := range x.Events {
		m, ok := message(e)
		if !ok || len(m) > logline.MaxLine {
			unknown++
			continue
		}
		at := len(text)
		text = append(append(text, m...), '\n')
		// One event is one line, whatever is in it.
		for i, c := range text[at : len(text)-1] {
			if c == '\n' || c == '\r' {
				text[at+i] = ' '
			}
		}
	}
	var all []*Batch
	for len(text) > 0 || unknown > 0 {
		y := newBatch(b.o.Input)
		n := copy(y.data, text)
		n = bytes.LastIndexByte(y.data[:n], '\n') + 1
		y.parse(p, y.data[:n])
		text = text[n:]
		y.Lines += unknown
		y.Malformed += unknown
		unknown = 0
		y.done = func() {
			if left.Add(-1) == 0 {
				x.ACK()
			}
		}
		all = append(all, y)
	}
	left.Store(int32(len(all)))
	if len(all) == 0 {
		x.ACK()
	}
	for i, y := range all {
		if problem := strange.add(b.o.Name, y); problem != "" || b.Status().Problem != "" {
			b.set(Following, problem)
		}
		b.add(y)
		if err := emit(y); err != nil {
			for _, y := range all[i+1:] {
				y.recycle()
			}
			return err
		}
	}
	return nil
}

// message returns what an event says: the line as it stood in the log, or the
// event itself as JSON when the sender took it apart already.
func message(e any) ([]byte, bool) {
	f, ok := e.(map[string]any)
	if !ok {
		return nil, false
	}
	if m, ok := f["message"].(string); ok && strings.TrimSpace(m) != "" {
		return []byte(m), true
	}
	if ev, ok := f["event"].(map[string]any); ok {
		if m, ok := ev["original"].(string); ok && m != "" {
			return []byte(m), true
		}
	}
	j, err := json.Marshal(f)
	return j, err == nil
}
