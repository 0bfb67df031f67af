package daemon

import (
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"

	"levee/actions"
	"levee/internal/config"
	"levee/internal/control"
	"levee/tui/sshd"
)

// newDirectory is who may sign in, from levee.yaml.
func newDirectory(c config.SSH) (*sshd.Directory, error) {
	d := &sshd.Directory{}
	for _, u := range c.Users {
		keys, err := sshd.ParseKeys(lines(u.Keys))
		if err != nil {
			return nil, fmt.Errorf("ssh: user %s: %w", u.Name, err)
		}
		d.Users = append(d.Users, sshd.User{Name: u.Name, Role: actions.Role(u.Role), Keys: keys})
	}
	var err error
	if d.Authorities, err = sshd.ParseKeys(lines(c.Authorities)); err != nil {
		return nil, fmt.Errorf("ssh: trusted_ca: %w", err)
	}
	return d, nil
}

func lines(keys []config.AuthorizedKey) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, string(k))
	}
	return out
}

// errLeft is the answer to whoever's account is gone.
var errLeft = errors.New("your account on this machine is gone")

// identify says who calls on the control socket: the daemon's own user and
// root are admins, everybody else is what levee.yaml says of their login name,
// or may only look.
func (d *Daemon) identify(p control.Peer, via string) (actions.Actor, error) {
	name := "uid " + strconv.FormatUint(uint64(p.UID), 10)
	u, err := user.LookupId(strconv.FormatUint(uint64(p.UID), 10))
	switch {
	case err == nil:
		name = u.Username
	case !p.Self:
		return actions.Actor{}, errLeft
	}
	a := actions.Actor{Name: name, Role: actions.Viewer, Via: via}
	users := d.conf.Load().SSH.Users
	if i := slices.IndexFunc(users, func(u config.User) bool { return u.Name == name }); i >= 0 {
		a.Role = actions.Role(users[i].Role)
	}
	if p.Self {
		a.Role = actions.Admin
	}
	return a, nil
}
