package elastic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"levee/internal/durable"
)

// position is how far a Tail judged, kept in a small file that is replaced
// atomically.
type position struct {
	Started bool      `json:"started"`
	Newest  time.Time `json:"newest"`        // time of the newest document judged, not after the present
	From    time.Time `json:"from,omitzero"` // earlier documents are not judged
	Shards  []*reach  `json:"shards"`

	by map[string]*reach
}

func shardKey(uuid string, shard int) string { return fmt.Sprintf("%s/%d", uuid, shard) }

func (p *position) load(path string) error {
	*p = position{by: map[string]*reach{}}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the position in Elasticsearch: %w; name another state directory with --state", err)
	}
	if err := json.Unmarshal(b, p); err != nil {
		return fmt.Errorf("the position in Elasticsearch in %s is damaged (%w); remove the file to begin with what comes", path, err)
	}
	for _, r := range p.Shards {
		if r == nil {
			return fmt.Errorf("the position in Elasticsearch in %s is damaged; remove the file to begin with what comes", path)
		}
		p.by[shardKey(r.UUID, r.Shard)] = r
	}
	return nil
}

// of returns how far a shard was judged; of a new one, nothing was.
func (p *position) of(index, uuid string, shard int) *reach {
	key := shardKey(uuid, shard)
	r := p.by[key]
	if r == nil {
		r = &reach{Index: index, UUID: uuid, Shard: shard, Floor: -1}
		p.by[key] = r
		p.Shards = append(p.Shards, r)
	}
	return r
}

// prune forgets indices that are gone for so long that their documents would
// be too late if they came back.
func (p *position) prune(now time.Time) {
	kept := p.Shards[:0]
	for _, r := range p.Shards {
		if now.Sub(r.Seen) > 2*tailLate {
			delete(p.by, shardKey(r.UUID, r.Shard))
			continue
		}
		kept = append(kept, r)
	}
	p.Shards = kept
}

func (p *position) save(path string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep the position in Elasticsearch: %w", err)
	}
	if err := durable.Replace(path, b); err != nil {
		return fmt.Errorf("keep the position in Elasticsearch: %w; check the space and the rights of the state directory", err)
	}
	return nil
}
