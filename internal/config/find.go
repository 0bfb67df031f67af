package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Find returns the levee.yaml to read: flag (--config), $LEVEE_CONFIG,
// ./levee.yaml, $XDG_CONFIG_HOME/levee/levee.yaml, /etc/levee/levee.yaml. The
// first two are taken at their word; of the others the first that exists. ""
// means that there is none, which is fine. env is os.Getenv.
func Find(flag string, env func(string) string) string {
	if flag != "" {
		return flag
	}
	if p := env("LEVEE_CONFIG"); p != "" {
		return p
	}
	places := []string{"levee.yaml"}
	if dir := base(env, "XDG_CONFIG_HOME", ".config"); dir != "" {
		places = append(places, filepath.Join(dir, "levee", "levee.yaml"))
	}
	places = append(places, "/etc/levee/levee.yaml")
	for _, p := range places {
		// One that exists and can't be read is not passed over: Load says why.
		if info, err := os.Stat(p); err == nil && !info.IsDir() || os.IsPermission(err) {
			return p
		}
	}
	return ""
}

// StateDir returns where the ledger, positions, baseline, host key and socket
// live: flag (--state), $LEVEE_STATE, the service manager's $STATE_DIRECTORY,
// $XDG_STATE_HOME/levee, or /var/lib/levee for a service without a home. It
// does not create it. env is os.Getenv.
func StateDir(flag string, env func(string) string) string {
	if flag != "" {
		return flag
	}
	if p := env("LEVEE_STATE"); p != "" {
		return p
	}
	if p, _, _ := strings.Cut(env("STATE_DIRECTORY"), ":"); p != "" {
		return p
	}
	if dir := base(env, "XDG_STATE_HOME", filepath.Join(".local", "state")); dir != "" {
		return filepath.Join(dir, "levee")
	}
	return ServiceState
}

// ServiceState is where the service keeps its state.
const ServiceState = "/var/lib/levee"

// FindState is StateDir for whoever looks for a levee that is there already:
// when nobody said where, and this user has none in which the file called name
// stands, it is the service's that has one. exists is whether a path leads to
// something.
func FindState(flag string, env func(string) string, name string, exists func(path string) bool) string {
	dir := StateDir(flag, env)
	told := flag != "" || env("LEVEE_STATE") != "" || env("STATE_DIRECTORY") != ""
	if !told && !exists(filepath.Join(dir, name)) && exists(filepath.Join(ServiceState, name)) {
		return ServiceState
	}
	return dir
}

// base returns a base directory of the XDG specification, or "" without a
// home. Relative paths are invalid there and are ignored.
func base(env func(string) string, name, below string) string {
	if dir := env(name); filepath.IsAbs(dir) {
		return dir
	}
	if home := env("HOME"); filepath.IsAbs(home) && home != "/" {
		return filepath.Join(home, below)
	}
	return ""
}

// most is more than any levee.yaml needs and little enough to parse at once.
const most = 1 << 20

// Load reads the file at path. The error is an Errors, and the Config then
// holds what could be read, for tools that go on to look at it.
func Load(path string) (Config, error) {
	text, err := readAtMost(path, most)
	if err != nil {
		return Default(), Errors{{File: path, What: reason(err), Mend: "check --config and $LEVEE_CONFIG, or run levee init to write one"}}
	}
	return parse(path, text, surroundings{env: os.LookupEnv, read: readAtMost})
}

// LoadWithoutSecrets is Load for whoever needs none of the secrets, and may
// have no right to read them: each that is given is a placeholder, and nothing
// is wrong about it.
func LoadWithoutSecrets(path string) (Config, error) {
	text, err := readAtMost(path, most)
	if err != nil {
		return Load(path) // which says what is wrong
	}
	return parse(path, text, surroundings{env: os.LookupEnv, read: readAtMost, noSecrets: true})
}

// placeholder stands for a secret that is not to be read: a URL, since some
// secrets are one.
const placeholder = "https://secret.invalid/"

// surroundings is what a value may refer to outside the file.
type surroundings struct {
	env       func(string) (string, bool)
	read      func(path string, most int64) ([]byte, error)
	noSecrets bool // secrets are placeholders
}

func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	return text, err
}

// reason is an error without the operation and the path, which the message
// around it says already.
func reason(err error) string {
	if pe, ok := err.(*os.PathError); ok {
		err = pe.Err
	}
	return "cannot be read: " + err.Error()
}

// Parse reads text as Load reads a file; name is what its errors call it.
func Parse(name string, text []byte) (Config, error) {
	return parse(name, text, surroundings{env: os.LookupEnv, read: readAtMost})
}
