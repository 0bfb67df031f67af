package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"levee/actions"
	"levee/internal/config"
)

// ownKeys are the keys of levee.yaml that change while the daemon runs, beside
// those of the station.
var ownKeys = []string{"ssh.users", "ssh.trusted_ca", "console", "actions.on_stop"}

// own reports whether key is one of ownKeys or below one.
func own(key string) bool {
	return slices.ContainsFunc(ownKeys, func(k string) bool { return key == k || strings.HasPrefix(key, k+".") })
}

// unchanged begins the error of a reload.
const unchanged = "reload: nothing changed: "

// Reload reads levee.yaml again: all of it is right, or nothing changes. What
// can change while levee runs holds at once; sessions are not dropped, except
// of those who may not be here any more. What waits for another start is said.
func (d *Daemon) Reload(ctx context.Context) (string, error) {
	d.reload.Lock()
	defer d.reload.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if d.o.Load == nil {
		return "", errors.New("reload: there is no levee.yaml to read; restart with --config")
	}
	next, err := d.o.Load()
	if err != nil {
		return "", fmt.Errorf(unchanged+"%w", err)
	}
	directory, err := newDirectory(next.SSH)
	if err != nil {
		return "", fmt.Errorf(unchanged+"%w", err)
	}
	if err := ConsoleOptions(next.Console).Check(); err != nil {
		return "", fmt.Errorf(unchanged+"console: %w", err)
	}
	before := d.st.Board()
	now, later, err := d.st.Reconfigure(next)
	if err != nil {
		return "", fmt.Errorf(unchanged+"%w", err)
	}
	was := *d.conf.Load()
	for _, key := range config.Changes(was, next) {
		if own(key) {
			now = append(now, key)
		}
	}
	later = slices.DeleteFunc(later, own)
	is := config.Take(was, next, now)
	d.conf.Store(&is)
	if d.ssh != nil {
		d.ssh.SetDirectory(directory)
	}
	d.shown(ctx, before)
	return reloaded(now, later), nil
}

// shown waits a moment until the board is another one, so that whoever asks
// next sees what holds already.
func (d *Daemon) shown(ctx context.Context, before *actions.Board) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n < 50 && d.st.Board() == before; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reloaded says what a reload did.
func reloaded(now, later []string) string {
	said := "levee.yaml is reloaded: "
	if len(now) == 0 {
		said += "nothing that holds at once differs"
	} else {
		said += strings.Join(now, ", ")
	}
	if len(later) > 0 {
		said += "; changes of " + strings.Join(later, ", ") + " wait for a restart, which keeps every decision"
	}
	return said
}
