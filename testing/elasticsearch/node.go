// Package elasticsearch starts a real Elasticsearch node for tests. The node
// is the small distribution that Elastic publishes on Maven Central for
// integration tests; es.sh fetches, completes and runs it.
package elasticsearch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// User and Password sign in to a node started with Secure.
const (
	User     = "levee"
	Password = "changeme123"
)

// ErrMissing says that this machine can't run a node.
var ErrMissing = errors.New("without Java 17 and Maven no node can run")

// Options says how a node is started.
type Options struct {
	Secure bool // users and API keys; else everybody may do everything
	Port   int  // 0: a free one
}

// Node is a running node. It ends with Stop, and also when the process that
// started it dies: the script holds on to a pipe.
type Node struct {
	URL  string
	Port int

	held io.Closer
	cmd  *exec.Cmd
}

// Start starts a node and waits until it answers, ten seconds when the
// distribution is there already. It returns ErrMissing where it can't run.
func Start(o Options) (*Node, error) {
	if err := able(); err != nil {
		return nil, err
	}
	if o.Port == 0 {
		var err error
		if o.Port, err = freePort(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("bash", script(), "hold")
	cmd.Env = append(os.Environ(), "ES_PORT="+strconv.Itoa(o.Port))
	if o.Secure {
		cmd.Env = append(cmd.Env, "ES_SECURITY=1")
	}
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	n := &Node{Port: o.Port, held: in, cmd: cmd}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "http://") {
			n.URL = lines.Text()
			return n, nil
		}
	}
	_ = in.Close()
	return nil, fmt.Errorf("start node: %w: %s", cmd.Wait(), said.String())
}

func able() error {
	for _, tool := range []string{"bash", "javac", "mvn", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w (no %s)", ErrMissing, tool)
		}
	}
	return nil
}

func script() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "es.sh")
}

// Libraries returns the directory of the distribution's Java libraries, for
// tests that need no node. It returns ErrMissing where they can't be had.
func Libraries() (string, error) {
	if err := able(); err != nil {
		return "", err
	}
	cmd := exec.Command("bash", script(), "lib")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("unpack Elasticsearch: %w: %s", err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Halt ends the node and keeps its data, as when its machine is restarted.
func (n *Node) Halt() error { return n.say("down") }

// Again starts a node that was halted, with the data it had, and waits until it
// answers.
func (n *Node) Again() error { return n.say("again") }

func (n *Node) say(verb string) error {
	cmd := exec.Command("bash", script(), verb)
	cmd.Env = n.cmd.Env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("node, %s: %w: %s", verb, err, out)
	}
	return nil
}

// Stop ends the node and waits until it is gone. Its data go with it.
func (n *Node) Stop() error {
	if err := n.held.Close(); err != nil {
		return fmt.Errorf("stop node: %w", err)
	}
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("stop node: %w", err)
	}
	return nil
}

// freePort asks the kernel for a port of loopback that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
