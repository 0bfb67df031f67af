package daemon

import (
	"os"
	"os/user"
	"strconv"
	"testing"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/control"
)

// TestSocketRoles: only the daemon's own user and root are admins on the
// socket; others are what levee.yaml says of their login name, or may look.
func TestSocketRoles(t *testing.T) {
	other, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("this system has no user nobody")
	}
	uid, err := strconv.ParseUint(other.Uid, 10, 32)
	check(t, err)
	d := &Daemon{}
	for _, c := range []struct {
		name  string
		users []config.User
		peer  control.Peer
		role  actions.Role
	}{
		{"the daemon's own user", nil, control.Peer{UID: uint32(os.Geteuid()), Self: true}, actions.Admin},
		{"somebody else", nil, control.Peer{UID: uint32(uid)}, actions.Viewer},
		{"an operator of levee.yaml", []config.User{{Name: other.Username, Role: "operator"}}, control.Peer{UID: uint32(uid)}, actions.Operator},
		{"somebody of another name", []config.User{{Name: "ana", Role: "admin"}}, control.Peer{UID: uint32(uid)}, actions.Viewer},
	} {
		d.conf.Store(&config.Config{SSH: config.SSH{Users: c.users}})
		a, err := d.identify(c.peer, "cli")
		check(t, err)
		if a.Role != c.role {
			t.Errorf("%s: %s", c.name, a.Role)
		}
	}
	if a, err := d.identify(control.Peer{UID: 3_999_999_999}, "cli"); err == nil {
		t.Errorf("a user this system does not know is %+v", a)
	}
}
