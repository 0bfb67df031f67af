package station

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"levee/actions"
	"levee/internal/durable"
)

// knownLasts is how long an address is known after somebody who may act came
// from it.
const knownLasts = 30 * 24 * time.Hour

// known are the addresses from which people who may act came, with the last
// time. SSH stays open for them whatever is blocked: a block that locks out
// whoever could lift it is lifted by nobody. They survive a restart.
type known struct {
	path string
	log  *slog.Logger

	mu sync.Mutex
	at map[netip.Addr]time.Time
}

// openKnown reads the addresses known before. A file that can't be read is no
// reason not to start.
func openKnown(dir string, log *slog.Logger) *known {
	k := &known{path: filepath.Join(dir, "operators.json"), log: log, at: map[netip.Addr]time.Time{}}
	b, err := os.ReadFile(k.path)
	if err == nil {
		err = json.Unmarshal(b, &k.at)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.at = map[netip.Addr]time.Time{}
		log.Warn("where operators came from is learnt anew", "why", fmt.Errorf("read %s: %w", k.path, err))
	}
	return k
}

// met notes where somebody came from, on disk when it is news.
func (k *known) met(who actions.Actor, now time.Time) {
	a := who.Addr.Unmap().WithZone("")
	if !a.IsValid() || a.IsLoopback() || who.Role != actions.Operator && who.Role != actions.Admin {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	before, is := k.at[a]
	k.at[a] = now.UTC()
	if is && now.Sub(before).Abs() < 24*time.Hour {
		return
	}
	maps.DeleteFunc(k.at, func(_ netip.Addr, at time.Time) bool { return now.Sub(at) > knownLasts })
	if err := k.save(); err != nil {
		k.log.Warn("where operators come from was not saved", "error", err)
	}
}

func (k *known) save() error {
	b, err := json.Marshal(k.at)
	if err != nil {
		return err
	}
	return durable.Replace(k.path, b)
}

// addresses lists them, the latest first.
func (k *known) addresses() []netip.Addr {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := slices.SortedFunc(maps.Keys(k.at), func(a, b netip.Addr) int {
		return cmp.Or(k.at[b].Compare(k.at[a]), a.Compare(b))
	})
	return list[:min(len(list), actions.DoorsMost)]
}
