package station

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"levee/actions"
	"levee/actions/denylist"
	"levee/actions/jenkins"
	"levee/actions/nft"
	"levee/actions/notify"
	"levee/actions/webhook"
	"levee/internal/config"
	"levee/internal/enforcer"
)

// Privileged builds the enforcers that need rights on this host: the packet
// filter and the deny lists. `levee enforcer` runs them for others. proxied
// tells which sources the packet filter can't reach; nil when nobody knows.
func Privileged(c config.Config, now func() time.Time, proxied func(netip.Prefix) bool) ([]actions.Enforcer, error) {
	var list []actions.Enforcer
	if c.Actions.Nft.Enabled {
		e, err := nft.New(nft.Options{Now: now, Proxied: proxied, SSHPorts: sshPorts(c)})
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	for i, d := range c.Actions.Denylist {
		e, err := denylist.New(denylist.Options{Name: numbered("denylist", i), Path: d.Path, Style: denylist.Style(d.Style), Socket: d.Socket,
			Test: d.Test, Reload: d.Reload, Now: now})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Position(d.Line), err)
		}
		list = append(list, e)
	}
	return list, nil
}

// sshPorts are the ports on which people reach this host and levee by SSH.
func sshPorts(c config.Config) []uint16 {
	ports := []uint16{22}
	_, text, err := net.SplitHostPort(string(c.SSH.Listen))
	if err != nil {
		return ports // it does not listen
	}
	if own, err := strconv.ParseUint(text, 10, 16); err == nil && own != 22 && own != 0 {
		ports = append(ports, uint16(own))
	}
	return ports
}

// enforcers builds what the configuration says can act. Close closes those
// that hold something.
func (s *Station) enforcers() ([]actions.Enforcer, error) {
	c := s.o.Config.Actions
	list, err := Privileged(s.o.Config, s.o.Now, func(p netip.Prefix) bool { return s.judge.source(p).Proxied })
	if err != nil {
		return nil, err
	}
	if c.Enforcer != "" {
		for i, e := range list {
			if list[i], err = enforcer.NewClient(enforcer.ClientOptions{Socket: c.Enforcer, Shape: e}); err != nil {
				return nil, err
			}
		}
	}
	if c.Jenkins.URL != "" {
		e, err := jenkins.New(s.jenkinsOptions(c.Jenkins))
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	for i, w := range c.Webhook {
		e, err := webhook.New(webhook.Options{Name: numbered("webhook", i), URL: string(w.URL), Secret: w.Secret.Reveal(), Now: s.o.Now})
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	if len(s.o.Config.Notify) > 0 {
		o := NotifyOptions(s.o.Config)
		o.Now = s.o.Now
		if s.notifier, err = notify.New(o); err != nil {
			return nil, err
		}
		list = append(list, s.notifier)
	}
	for _, e := range list {
		if c, ok := e.(io.Closer); ok {
			s.closers = append(s.closers, c)
		}
	}
	return list, nil
}

// numbered names the first of its kind plainly and the others with a number.
func numbered(kind string, i int) string {
	if i == 0 {
		return kind
	}
	return fmt.Sprintf("%s %d", kind, i+1)
}

func (s *Station) jenkinsOptions(c config.Jenkins) jenkins.Options {
	o := jenkins.Options{
		URL: string(c.URL), User: c.User, Token: c.Token.Reveal(), Now: s.o.Now,
		Journal: filepath.Join(s.o.StateDir, "jenkins.json"),
		Jobs:    map[actions.Verb]jenkins.Job{},
	}
	for verb, j := range c.Jobs {
		o.Jobs[actions.Verb(verb)] = jenkins.Job{Job: j.Job, Parameters: j.Parameters}
	}
	return o
}

// NotifyOptions says who is told.
func NotifyOptions(c config.Config) notify.Options {
	var o notify.Options
	for _, n := range c.Notify {
		t := notify.Target{Name: n.Name, URL: n.URL.Reveal(), Escalation: n.Escalation}
		switch n.Least {
		case "warning":
			t.Least = notify.Warning
		case "critical":
			t.Least = notify.Critical
		}
		o.Targets = append(o.Targets, t)
	}
	return o
}
