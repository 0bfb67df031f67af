package daemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"levee/internal/config"
)

// Reload reads levee.yaml again: all of it is right, or nothing changes. Who
// may sign in and act changes at once, without dropping sessions except of
// those who may not be here any more. What the rest needs is said.
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
		return "", fmt.Errorf("reload: nothing changed: %w", err)
	}
	directory, err := newDirectory(next.SSH)
	if err != nil {
		return "", fmt.Errorf("reload: nothing changed: %w", err)
	}
	now := *d.conf.Load()
	rest := waiting(now, next)
	now.SSH.Users, now.SSH.Authorities = next.SSH.Users, next.SSH.Authorities
	d.conf.Store(&now)
	if d.ssh != nil {
		d.ssh.SetDirectory(directory)
	}
	if len(rest) > 0 {
		return "users and keys are reloaded; changes of " + strings.Join(rest, ", ") + " wait for a restart, which keeps every decision", nil
	}
	return "levee.yaml is reloaded", nil
}

// waiting lists the parts that differ and can't change while levee runs.
func waiting(now, next config.Config) []string {
	now.File, next.File = "", ""
	now.SSH.Users, next.SSH.Users = nil, nil
	now.SSH.Authorities, next.SSH.Authorities = nil, nil
	var out []string
	a, b := reflect.ValueOf(now), reflect.ValueOf(next)
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "-" && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			out = append(out, name)
		}
	}
	return out
}
