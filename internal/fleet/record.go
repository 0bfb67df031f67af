package fleet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"levee/actions"
)

// Kind says what a record is about.
type Kind string

// Kinds of Record. There is one document for each place that was ever decided
// about, one with the switches, one with the lease, one for each host and a few
// for the wishes of each host.
const (
	OfPlace    Kind = "place"    // what stands on a verb and target, or how it ended
	OfSwitches Kind = "switches" // whether auto mode is on and armed
	OfLease    Kind = "lease"    // who leads auto mode
	OfHost     Kind = "host"     // that a host is there
	OfWish     Kind = "wish"     // what a host's auto mode asks the leader for
)

// Record is what a document says. Its JSON is what is signed, byte for byte as
// it is stored.
type Record struct {
	Fleet string    `json:"fleet"`
	Kind  Kind      `json:"kind"`
	ID    string    `json:"id"`  // of its document: it is good for no other
	Rev   uint64    `json:"rev"` // grows with each version of the document
	At    time.Time `json:"at"`  // when it was signed, by the clock of By
	By    string    `json:"by"`  // the host that signed it

	Decision *actions.Decision `json:"decision,omitempty"` // OfPlace, without receipts
	Ended    *End              `json:"ended,omitempty"`    // OfPlace: it was ended before its time
	Only     string            `json:"only,omitempty"`     // OfPlace: the canary, the one host that enforces it so far

	Switches *actions.Switches `json:"switches,omitempty"`
	Lease    *Lease            `json:"lease,omitempty"`
	Leaving  bool              `json:"leaving,omitempty"` // OfHost: it stopped in good order
	Run      string            `json:"run,omitempty"`     // OfHost: which start of it
	Wish     *actions.Request  `json:"wish,omitempty"`
}

// End is how a decision was ended before its time.
type End struct {
	By actions.Actor `json:"by"`
	At time.Time     `json:"at"`
}

// Lease says who leads auto mode. It holds for as long as its document changes
// often enough; no clock of another host is asked.
type Lease struct {
	Host  string    `json:"host,omitempty"` // "" nobody does
	Term  uint64    `json:"term"`           // grows by one with each new leader
	Since time.Time `json:"since"`          // when the term began
}

// stands reports whether r is a place on which a decision is in force at now.
func (r *Record) stands(now time.Time) bool {
	return r.Ended == nil && (r.Decision.Expires.IsZero() || now.Before(r.Decision.Expires))
}

// until returns to when r may matter; the zero time for good. What was lifted
// matters until it would have ended: till then it could be put back.
func (r *Record) until() time.Time {
	if r.Decision == nil || r.Decision.Expires.IsZero() {
		return time.Time{}
	}
	until := r.Decision.Expires
	if r.Ended != nil && r.Ended.At.Add(exempts).After(until) {
		until = r.Ended.At.Add(exempts)
	}
	return until
}

// exempts is how long what a person unblocked is left alone, at least.
const exempts = time.Hour

// place names what at most one decision stands on.
func place(d *actions.Decision) string { return string(d.Verb) + " " + d.Target.Key() }

// docID names the document about name, of no other kind and fleet.
func docID(fleet string, k Kind, name string) string {
	h := sha256.New()
	for _, s := range []string{fleet, string(k), name} {
		h.Write(strconv.AppendInt(nil, int64(len(s)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(s))
	}
	return "fleet-" + hex.EncodeToString(h.Sum(nil)[:15])
}

// Keys sign and verify records: the first signs, all verify, so that a new key
// can be brought to one host after the other.
type Keys [][]byte

// shortestKey is how long a key must be, in bytes.
const shortestKey = 16

// ParseKeys reads a key file: one key a line, the one that signs first. Empty
// lines and those that begin with # are left out.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(line) < shortestKey {
			return nil, fmt.Errorf("a fleet key of %d characters is too short; make one with: openssl rand -hex 32", len(line))
		}
		keys = append(keys, []byte(line))
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no fleet key; make one with: openssl rand -hex 32, the same on every host")
	}
	return keys, nil
}

// purpose keeps a signature from being good for anything else made with the
// same key.
const purpose = "levee fleet record 1\n"

func mac(key, body []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// seal signs r.
func (k Keys) seal(r *Record) (body []byte, sum string, err error) {
	if body, err = json.Marshal(r); err != nil {
		return nil, "", fmt.Errorf("sign a record: %w", err)
	}
	return body, mac(k[0], body), nil
}

// aheadMost is how far the clock of a host that signs may be ahead of ours.
const aheadMost = 2 * time.Minute

// open verifies what a document says: signature, fleet, that it belongs to that
// document, and that it is of no time to come.
func (k Keys) open(fleet string, d Doc, now time.Time) (*Record, error) {
	signed := false
	for _, key := range k {
		signed = signed || hmac.Equal([]byte(mac(key, d.Record)), []byte(d.MAC))
	}
	if !signed {
		return nil, errors.New("its signature is not of this fleet's key")
	}
	r := new(Record)
	if err := json.Unmarshal(d.Record, r); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	switch {
	case r.Fleet != fleet:
		return nil, fmt.Errorf("it is of the fleet %q", r.Fleet)
	case r.ID != d.ID:
		return nil, errors.New("it was copied from another document")
	case r.At.Sub(now) > aheadMost:
		return nil, fmt.Errorf("it was signed %s from now, by the clock of %s", r.At.Sub(now).Round(time.Second), r.By)
	case r.Kind == OfPlace && (r.Decision == nil || r.ID != docID(fleet, OfPlace, place(r.Decision))),
		r.Kind == OfSwitches && r.Switches == nil, r.Kind == OfLease && r.Lease == nil, r.Kind == OfWish && r.Wish == nil:
		return nil, errors.New("it does not say what its kind must")
	}
	return r, nil
}

// bare is d as it is signed: what differs from host to host is left out.
func bare(d actions.Decision) *actions.Decision {
	d.Receipts = nil
	d.Effect, d.State = nil, actions.Intent
	d.Changed, d.EndedBy = d.Created, ""
	return &d
}
