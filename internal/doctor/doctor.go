// Package doctor looks a levee's surroundings over: what would keep it from
// seeing, deciding or acting, each with its mend.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"levee/actions"
	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/kernel"
	"levee/internal/source"
	"levee/internal/station"
	"levee/tui/sshd"
)

// State is how a check came out.
type State string

// States of a check. A warning leaves the exit code alone.
const (
	OK   State = "ok"
	Warn State = "warn"
	Bad  State = "bad"
)

// Finding is one line of the report.
type Finding struct {
	State State  `json:"state"`
	Check string `json:"check"`
	Says  string `json:"says"`
	Mend  string `json:"mend,omitempty"`
}

// Options says what is looked at.
type Options struct {
	Config   config.Config
	StateDir string
	HostKey  string // path of the SSH host key
	Socket   string // the daemon's
	Now      time.Time
	Host     kernel.Reader // of the kernel's figures; nil: os.ReadFile
}

// checkFor bounds one look at something that may not answer.
const checkFor = 10 * time.Second

// Examine looks everything over. It changes nothing.
func Examine(ctx context.Context, o Options) []Finding {
	if o.Host == nil {
		o.Host = os.ReadFile
	}
	var out []Finding
	out = append(out, configured(o))
	out = append(out, secrets(o.Config.SecretFiles)...)
	out = append(out, clock(o))
	out = append(out, state(o)...)
	for _, s := range o.Config.Sources {
		out = append(out, sourceFindings(ctx, s, o)...)
	}
	if len(o.Config.Sources) == 0 {
		out = append(out, Finding{Warn, "sources", "none is configured", "list log files under sources in levee.yaml, or name them: levee serve FILE"})
	}
	out = append(out, enforcers(ctx, o)...)
	if len(o.Config.Elasticsearch.URLs) > 0 {
		out = append(out, cluster(ctx, o)...)
		out = append(out, fleetFindings(ctx, o)...)
	}
	out = append(out, people(o)...)
	return append(out, Host(o.Host)...)
}

func configured(o Options) Finding {
	if o.Config.File == "" {
		return Finding{Warn, "configuration", "there is no levee.yaml; the defaults apply", "levee init writes one"}
	}
	if info, err := os.Stat(o.Config.File); err == nil && info.Mode().Perm()&0o002 != 0 {
		return Finding{Bad, "configuration", o.Config.File + " may be written by anybody", "chmod o-w " + o.Config.File}
	}
	return Finding{State: OK, Check: "configuration", Says: o.Config.File + " holds no mistake"}
}

// secrets looks at who may read the files that hold them.
func secrets(files []string) []Finding {
	var out []Finding
	for _, f := range files {
		info, err := os.Stat(f)
		switch {
		case err != nil:
			out = append(out, Finding{Bad, "secret", err.Error(), "restore it: levee does not start without"})
		case info.Mode().Perm()&0o007 != 0:
			out = append(out, Finding{Bad, "secret", fmt.Sprintf("%s is open to everybody (mode %04o)", f, info.Mode().Perm()), "chmod o-rwx " + f + ", and renew the secret if strangers use this machine"})
		}
	}
	if len(files) > 0 && len(out) == 0 {
		out = append(out, Finding{State: OK, Check: "secrets", Says: fmt.Sprintf("%d files, none open to everybody", len(files))})
	}
	return out
}

// clock asks the kernel whether the clock is disciplined: certificates, TTLs
// and logs of other hosts depend on it.
func clock(o Options) Finding {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err == nil && (state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0) {
		return Finding{Warn, "clock", "it is not synchronised (" + o.Now.UTC().Format(time.RFC3339) + ")", "run an NTP client, such as systemd-timesyncd or chrony"}
	}
	return Finding{State: OK, Check: "clock", Says: o.Now.UTC().Format(time.RFC3339)}
}

// writable returns why dir can't be written. A file system that went read-only
// after an error of its disk admits that to a write alone: one of a file without
// a name, which leaves nothing behind.
func writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return err
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return unix.Close(fd)
	}
	if errors.Is(err, unix.EROFS) {
		return err
	}
	return nil // not every file system knows such files
}

// least is how much room the ledger wants, in bytes.
const least = 256 << 20

func state(o Options) []Finding {
	info, err := os.Stat(o.StateDir)
	if err != nil {
		return []Finding{{Warn, "state", o.StateDir + " does not exist yet", "the first start makes it"}}
	}
	var out []Finding
	if info.Mode().Perm()&0o007 != 0 {
		out = append(out, Finding{Bad, "state", fmt.Sprintf("%s is open to everybody (mode %04o)", o.StateDir, info.Mode().Perm()), "chmod o-rwx " + o.StateDir})
	}
	switch err := writable(o.StateDir); {
	case errors.Is(err, unix.EROFS):
		out = append(out, Finding{Bad, "state", o.StateDir + " is on a file system that is read-only", "dmesg says why; mount it for writing: without it nothing can be decided"})
	case err != nil:
		out = append(out, Finding{Bad, "state", o.StateDir + " can't be written by this user", "run as levee's user, or chown it"})
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(o.StateDir, &disk); err == nil {
		if free := disk.Bavail * uint64(disk.Bsize); free < least {
			out = append(out, Finding{Bad, "disk", fmt.Sprintf("%d MiB are free under %s", free>>20, o.StateDir), "free some space: without it nothing can be decided"})
		}
	}
	if len(out) == 0 {
		out = append(out, Finding{State: OK, Check: "state", Says: o.StateDir})
	}
	if _, err := os.Stat(o.Socket); err != nil {
		out = append(out, Finding{Warn, "daemon", "none listens at " + o.Socket, "start levee serve"})
	} else {
		out = append(out, Finding{State: OK, Check: "daemon", Says: "its socket is " + o.Socket})
	}
	return out
}

// errEnough ends the reading of a log.
var errEnough = fmt.Errorf("enough was read")

// sourceFindings shows what the parser makes of a log's beginning.
func sourceFindings(ctx context.Context, s config.Source, o Options) []Finding {
	name := "source " + s.Label()
	if s.Elasticsearch != "" {
		return []Finding{tailed(ctx, name, s, o)}
	}
	if s.File == "" || s.File == "-" {
		return []Finding{{State: OK, Check: name, Says: "it waits for what is sent"}}
	}
	files, err := filepath.Glob(s.File)
	if err != nil || len(files) == 0 {
		return []Finding{{Bad, name, "no such file", "check the path, or that the server writes it"}}
	}
	var out []Finding
	for _, f := range files[:min(len(files), 3)] {
		good, bad, format := 0, 0, ""
		var shown []string
		err := source.ParseFile(ctx, f, source.ScanOptions{Parse: logline.Options{Format: s.Format, Service: s.Service, TrustedProxies: o.Config.TrustedProxies}},
			func(_ int, r *detect.Request, k detect.Kind, recognised string, _ error) error {
				if k == detect.Malformed {
					bad++
				} else {
					good++
				}
				if k == detect.Access && len(shown) < 3 {
					format = recognised
					shown = append(shown, fmt.Sprintf("%s %s %s %d", r.Source, r.Method, r.Target, r.Status))
				}
				if good+bad >= 1000 {
					return errEnough
				}
				return nil
			})
		switch {
		case err != nil && good+bad == 0:
			out = append(out, Finding{Bad, name, err.Error(), "let levee's user read it"})
		case good == 0 && bad == 0:
			out = append(out, Finding{Warn, name, f + " is empty", "make a request and look again"})
		case bad*10 > good:
			out = append(out, Finding{Bad, name, fmt.Sprintf("%s: %d of %d lines can't be read", f, bad, good+bad), "name its format: docs of levee parse"})
		default:
			out = append(out, Finding{State: OK, Check: name, Says: fmt.Sprintf("%s, format %s: %s", f, format, strings.Join(shown, " | "))})
		}
	}
	return out
}

func enforcers(ctx context.Context, o Options) []Finding {
	list, err := station.Checkups(o.Config, func() time.Time { return o.Now })
	if err != nil {
		return []Finding{{Bad, "enforcers", err.Error(), "mend levee.yaml"}}
	}
	if len(list) == 0 {
		return []Finding{{Warn, "enforcers", "none is configured: levee only watches", "give actions: nft, denylist or jenkins"}}
	}
	var out []Finding
	for _, e := range list {
		out = append(out, checkOne(ctx, e))
	}
	return out
}

func checkOne(ctx context.Context, e actions.Enforcer) Finding {
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	if c, ok := e.(io.Closer); ok {
		defer func() { _ = c.Close() }() // it was only looked at
	}
	if err := e.Check(ctx); err != nil {
		return Finding{State: Bad, Check: e.Name(), Says: err.Error()}
	}
	return Finding{State: OK, Check: e.Name(), Says: "it answers"}
}

func people(o Options) []Finding {
	c := o.Config.SSH
	if c.Listen == "" {
		return []Finding{{State: OK, Check: "ssh", Says: "off"}}
	}
	var out []Finding
	admins := 0
	for _, u := range c.Users {
		lines := make([]string, 0, len(u.Keys))
		for _, k := range u.Keys {
			lines = append(lines, string(k))
		}
		if _, err := sshd.ParseKeys(lines); err != nil {
			out = append(out, Finding{Bad, "ssh user " + u.Name, err.Error(), "replace the key in " + o.Config.Position(u.Line)})
		}
		if u.Role == "admin" {
			admins++
		}
	}
	if len(c.Users) == 0 {
		out = append(out, Finding{Bad, "ssh", "nobody may sign in", "list people under ssh.users"})
	} else if admins == 0 {
		out = append(out, Finding{Warn, "ssh", "nobody is admin: only this machine's own users can reload", "give one user the role admin"})
	}
	if _, err := os.Stat(o.HostKey); err != nil {
		return append(out, Finding{Warn, "ssh host key", "there is none yet", "the first start makes it"})
	}
	k, err := sshd.HostKey(o.HostKey)
	if err != nil {
		return append(out, Finding{State: Bad, Check: "ssh host key", Says: err.Error()})
	}
	return append(out, Finding{State: OK, Check: "ssh host key", Says: sshd.Fingerprint(k.PublicKey())})
}
