package enforcer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"levee/actions"
	"levee/detect"
)

const (
	// version of the conversation; both sides are one binary.
	version = 1
	// frameMost bounds a request or an answer: 100,000 entries fit.
	frameMost = 32 << 20
	// itemsMost bounds the decisions of one request.
	itemsMost = 10000
)

type verb string

const (
	apply  verb = "apply"
	revoke verb = "revoke"
	list   verb = "list"
	check  verb = "check"
	keep   verb = "keep_open"
)

// request is what a client asks.
type request struct {
	Version  int    `json:"v"`
	Verb     verb   `json:"verb"`
	Enforcer string `json:"enforcer"`
	Items    []item `json:"items,omitempty"`

	From []netip.Addr `json:"from,omitempty"` // of keep_open: single addresses, never a range
}

// item is as much of a decision as an enforcer needs. Reasons, evidence and
// names stay where they are: this side has no use for strangers' text.
type item struct {
	ID        string            `json:"id"`
	Verb      actions.Verb      `json:"verb"`
	Prefix    netip.Prefix      `json:"prefix,omitzero"`
	Signature *detect.Signature `json:"signature,omitempty"`
	Service   string            `json:"service,omitempty"`
	TTL       time.Duration     `json:"ttl,omitempty"`
	Expires   time.Time         `json:"expires,omitzero"`
}

func itemOf(d actions.Decision) item {
	return item{d.ID, d.Verb, d.Target.Prefix, d.Target.Signature, d.Target.Service, d.TTL, d.Expires}
}

func (i item) decision() actions.Decision {
	return actions.Decision{
		ID: i.ID, Verb: i.Verb, TTL: i.TTL, Expires: i.Expires,
		Target: actions.Target{Prefix: i.Prefix, Signature: i.Signature, Service: i.Service},
	}
}

// answer is what a server says.
type answer struct {
	Error    string            `json:"error,omitempty"`
	NoList   bool              `json:"no_list,omitempty"` // Error is actions.ErrNoList
	Receipts []actions.Receipt `json:"receipts,omitempty"`
	Held     []actions.Held    `json:"held,omitempty"`
}

// send writes one frame.
func send(w io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if len(body) > frameMost {
		return fmt.Errorf("%d bytes in one message, %d are the most", len(body), frameMost)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err = w.Write(append(frame, body...))
	return err
}

// receive reads one frame of at most limit bytes into v. Memory is taken as
// bytes arrive, not as a length promises.
func receive(r io.Reader, limit uint32, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > limit {
		return fmt.Errorf("a message of %d bytes, %d are the most", n, limit)
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(n)); err != nil {
		return err
	}
	d := json.NewDecoder(&body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if d.More() {
		return errors.New("decode: more than one value")
	}
	return nil
}
