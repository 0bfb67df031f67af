package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"levee/actions"
)

// Head is the end of the audit: publish it, and what comes before can't be
// rewritten without Verify seeing it.
type Head struct {
	Seq  int64 // rows ever written
	Hash [sha256.Size]byte
}

// String is the head as events carry it: "SEQ:HEX".
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, hex.EncodeToString(h.Hash[:])) }

// ParseHead reads what Head.String wrote.
func ParseHead(s string) (Head, error) {
	var h Head
	var hash []byte
	if _, err := fmt.Sscanf(s, "%d:%x", &h.Seq, &hash); err != nil || len(hash) != len(h.Hash) {
		return Head{}, fmt.Errorf("audit head %q: want SEQ:HEX as levee publishes it", s)
	}
	copy(h.Hash[:], hash)
	return h, nil
}

// row is one row of the audit.
type row struct {
	Seq      int64
	At       int64
	Kind     string
	Decision string
	Actor    string
	Body     []byte
	Hash     []byte
}

// chain returns r's hash after prev. Lengths are hashed too, so that nothing
// can move from one column to its neighbour.
func (r *row) chain(prev [sha256.Size]byte) [sha256.Size]byte {
	b := make([]byte, 0, 256+len(r.Body))
	b = append(b, prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(r.At))
	for _, s := range []string{r.Kind, r.Decision, r.Actor} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = append(b, r.Body...)
	return sha256.Sum256(b)
}

// change is what may differ between a decision as it began and as it is now.
type change struct {
	State    actions.State     `json:"state"`
	Expires  time.Time         `json:"expires,omitzero"`
	TTL      time.Duration     `json:"ttl"`
	EndedBy  string            `json:"ended_by,omitempty"`
	Receipts []actions.Receipt `json:"receipts,omitempty"`
	Effect   *actions.Effect   `json:"effect,omitempty"`
}

func changeOf(d *actions.Decision) change {
	return change{State: d.State, Expires: d.Expires, TTL: d.TTL, EndedBy: d.EndedBy, Receipts: d.Receipts, Effect: d.Effect}
}

func (c change) apply(d *actions.Decision) {
	d.State, d.Expires, d.TTL, d.EndedBy, d.Receipts, d.Effect = c.State, c.Expires, c.TTL, c.EndedBy, c.Receipts, c.Effect
}

// setting is the body of a switch's row.
type setting struct {
	Key   string        `json:"key"`
	Value string        `json:"value"`
	Actor actions.Actor `json:"actor"`
}

// changed is the body of the row of a decision's change.
type changed struct {
	change
	Actor actions.Actor `json:"actor"`
}

// committed is the body of a confirmed plan's row.
type committed struct {
	*actions.Commitment
	Actor actions.Actor `json:"actor"`
}

// encode returns e's row, without its number and hash.
func encode(e *actions.Entry) (row, error) {
	r := row{At: e.At.UnixNano(), Kind: string(e.Kind), Decision: e.Decision.ID, Actor: e.Actor.Name}
	var body any
	switch e.Kind {
	case actions.Opened:
		body = &e.Decision
	case actions.Changed, actions.Renewed:
		body = changed{changeOf(&e.Decision), e.Actor}
		if e.Kind == actions.Changed {
			r.Kind = string(e.Decision.State)
		}
	case actions.Committed:
		body = committed{e.Commitment, e.Actor}
	case actions.Set:
		body = setting{e.Key, e.Value, e.Actor}
	default:
		return row{}, fmt.Errorf("entry of unknown kind %q", e.Kind)
	}
	var err error
	r.Body, err = json.Marshal(body)
	return r, err
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readHead(ctx context.Context, q queryer) (Head, error) {
	var h Head
	var hash []byte
	err := q.QueryRowContext(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&h.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, nil
	}
	if err == nil && len(hash) != len(h.Hash) {
		err = fmt.Errorf("%w: audit row %d has no hash", ErrCorrupt, h.Seq)
	}
	copy(h.Hash[:], hash)
	return h, err
}

// Head returns the end of the audit as it is on disk.
func (l *Ledger) Head(ctx context.Context) (Head, error) {
	h, err := readHead(ctx, l.read)
	if err != nil {
		return Head{}, fmt.Errorf("read head of ledger %s: %w", l.path, err)
	}
	return h, nil
}
