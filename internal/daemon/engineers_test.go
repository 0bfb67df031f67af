package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"levee/detect"
	"levee/internal/config"
	"levee/internal/station"
	"levee/tui/sshd"
)

// benchChild names the directory in which this program is a daemon, for
// BenchmarkEngineers: the clients' work must not count as the daemon's.
const benchChild = "LEVEE_BENCH_DAEMON"

// benchDaemon serves the levee.yaml in dir until standard input ends.
func benchDaemon(dir string) error {
	conf, err := config.Load(filepath.Join(dir, "levee.yaml"))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop() }() // its end is what counts
	return Run(ctx, Options{Profile: true, Station: station.Options{Config: conf, StateDir: filepath.Join(dir, "s"), Name: "bench", AutoOn: true},
		Limits: sshd.Limits{Rate: 1000, Burst: 1000, SessionsPer: 500, Sessions: 500, ConnsPer: 500, Connections: 500, Strangers: 500, StrangersPer: 500},
		Ready:  func(a Addresses) { fmt.Println(a.SSH, a.Metrics) }})
}

// engineersHere is how many people look on.
const engineersHere = 50

// engineers is a daemon under attack and those who look at it.
type engineers struct {
	b       *testing.B
	pid     int
	address string
	metrics string
	key     key
	log     *os.File
	bytes   atomic.Int64
	first   []time.Duration // connect to first frame, one after the other
	clients []*gossh.Client
	keys    io.WriteCloser // of the first console
	echo    *echoScreen
}

// BenchmarkEngineers measures what fifty consoles cost a daemon under attack:
// processor time of the screens, bytes, memory, and how fast a key is answered.
// BenchmarkDetectorBesideEngineers has what they cost the detector.
func BenchmarkEngineers(b *testing.B) {
	const people, rate = engineersHere, 2000
	span := 15 * time.Second
	for range b.N {
		e := startEngineers(b)
		e.visitors(time.Now().Add(-past))
		ctx, calm := context.WithCancel(context.Background())
		var writing sync.WaitGroup
		writing.Go(func() { e.attack(ctx, rate) })
		e.attacked()
		alone := e.share(span)
		before := e.memory()
		for range people {
			e.join()
		}
		time.Sleep(2 * time.Second)
		e.bytes.Store(0)
		began := time.Now()
		with := e.share(span)
		sent := float64(e.bytes.Load()) / time.Since(began).Seconds()
		grown := e.memory() - before
		e.attacked() // still: consoles have another pace in calm
		echo := e.keysEchoed(200)
		calm()
		writing.Wait()

		slices.Sort(e.first)
		b.ReportMetric(100*(with-alone), "%core-screens")
		b.ReportMetric(sent/people/1000, "kB/s-each")
		b.ReportMetric(float64(grown)/people/(1<<20), "MiB-each")
		b.ReportMetric(float64(echo[len(echo)*99/100].Milliseconds()), "ms-echo-p99")
		b.ReportMetric(float64(e.first[len(e.first)/2].Milliseconds()), "ms-first-frame-p50")
		b.ReportMetric(float64(e.first[len(e.first)-1].Milliseconds()), "ms-first-frame-max")
		b.ReportMetric(0, "ns/op")
	}
}

func startEngineers(b *testing.B) *engineers {
	b.Helper()
	dir := b.TempDir()
	e := &engineers{b: b, key: newKey(b)}
	var err error
	e.log, err = os.Create(filepath.Join(dir, "access.log"))
	check(b, err)
	b.Cleanup(func() { _ = e.log.Close() })
	var users strings.Builder // as many as there are consoles: what one may take of the processor has bounds
	for i := range engineersHere {
		fmt.Fprintf(&users, "\n  {name: e%d, role: operator, keys: [%q]}, ", i, e.key.line())
	}
	yaml := fmt.Sprintf("sources: [{file: %q, service: shop.example.com}]\nauto: {level: block}\nactions: {denylist: [{path: %q, style: plain}]}\n"+
		"metrics: {listen: \"127.0.0.1:0\"}\nssh: {listen: \"127.0.0.1:0\", users: [%s]}\n", e.log.Name(), filepath.Join(dir, "deny"), users.String())
	check(b, os.WriteFile(filepath.Join(dir, "levee.yaml"), []byte(yaml), 0o600))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchChild+"="+dir)
	cmd.Stderr = os.Stderr
	stop, err := cmd.StdinPipe()
	check(b, err)
	out, err := cmd.StdoutPipe()
	check(b, err)
	check(b, cmd.Start())
	b.Cleanup(func() { _ = stop.Close(); _ = cmd.Wait() })
	e.pid = cmd.Process.Pid
	_, err = fmt.Fscan(out, &e.address, &e.metrics)
	check(b, err)
	return e
}

// past is how long visitors came before the attack did.
const past = 10 * time.Minute

// visitors writes a past of visitors alone, from then on, and returns its end:
// without one, the attack is what the detector takes for usual.
func (e *engineers) visitors(from time.Time) time.Time {
	e.b.Helper()
	end := from.Add(past)
	for at := from; at.Before(end); at = at.Add(time.Second) {
		_, err := e.log.Write(lines50(500, 0, at))
		check(e.b, err)
	}
	return end
}

// attacked waits until an attack's incident stands open: in calm, consoles are
// drawn less often.
func (e *engineers) attacked() {
	e.b.Helper()
	c := e.dial("e0")
	defer func() { _ = c.Close() }()
	var out []byte
	for range 60 {
		s, err := c.NewSession()
		check(e.b, err)
		out, err = s.Output("incidents -o json")
		check(e.b, err)
		var all []struct {
			Attack detect.Attack `json:"levee.attack"`
			Closed string        `json:"event.end"`
		}
		check(e.b, json.Unmarshal(out, &all))
		for _, in := range all {
			if in.Attack.Hostile() && in.Closed == "" {
				return
			}
		}
		time.Sleep(500 * time.Millisecond)
	}
	e.b.Fatalf("no attack is seen: %s", out)
}

// dial signs in as one of the engineers.
func (e *engineers) dial(name string) *gossh.Client {
	e.b.Helper()
	conn, err := net.Dial("tcp", e.address)
	check(e.b, err)
	sc, chans, reqs, err := gossh.NewClientConn(&counted{conn, &e.bytes}, e.address, &gossh.ClientConfig{User: name,
		Auth: []gossh.AuthMethod{gossh.PublicKeys(e.key)}, HostKeyCallback: gossh.InsecureIgnoreHostKey()}) // it is our own child
	check(e.b, err)
	return gossh.NewClient(sc, chans, reqs)
}

// attack writes rate lines a second: visitors, and 400 sources that flood.
func (e *engineers) attack(ctx context.Context, rate int) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := e.log.Write(lines50(rate/20, 0.75, time.Now())); err != nil {
				return
			}
		}
	}
}

// lines50 is n lines of one moment; flood is the share of the attack, in quarters.
func lines50(n int, flood float64, at time.Time) []byte {
	var b bytes.Buffer
	stamp := at.UTC().Format("02/Jan/2006:15:04:05 -0700")
	for i := range n {
		if float64(i%4) >= 4*flood {
			fmt.Fprintf(&b, "192.0.2.%d - - [%s] \"GET /news/%d HTTP/1.1\" 200 5120 \"https://shop.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\"\n", 1+rand.IntN(250), stamp, rand.IntN(90))
			continue
		}
		fmt.Fprintf(&b, "198.18.%d.%d - - [%s] \"GET /search?q=%d HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", rand.IntN(2), rand.IntN(200), stamp, rand.IntN(1e6))
	}
	return b.Bytes()
}

// join opens one more console and waits for its first frame.
func (e *engineers) join() {
	e.b.Helper()
	began := time.Now()
	c := e.dial(fmt.Sprintf("e%d", len(e.clients)))
	e.clients = append(e.clients, c)
	s, err := c.NewSession()
	check(e.b, err)
	seen := &echoScreen{wake: make(chan struct{}, 1)}
	s.Stdout = seen
	keys, err := s.StdinPipe()
	check(e.b, err)
	check(e.b, s.RequestPty("xterm-256color", 36, 120, gossh.TerminalModes{}))
	check(e.b, s.Shell())
	seen.await(e.b, "STOP")
	e.first = append(e.first, time.Since(began))
	if e.keys == nil {
		e.keys, e.echo = keys, seen
	}
}

// keysEchoed types into the prompt of one console and returns how long each
// key took to be seen, sorted.
func (e *engineers) keysEchoed(n int) []time.Duration {
	var took []time.Duration
	_, err := e.keys.Write([]byte("/"))
	check(e.b, err)
	time.Sleep(300 * time.Millisecond)
	for i := range n {
		mark := string(rune('A' + i%26))
		e.echo.reset()
		began := time.Now()
		_, err := e.keys.Write([]byte(mark))
		check(e.b, err)
		e.echo.await(e.b, mark)
		took = append(took, time.Since(began))
		if i%20 == 19 { // a line of that many fits
			_, err := e.keys.Write([]byte{21}) // ctrl-u empties it
			check(e.b, err)
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(took)
	return took
}

// share is the share of one core that the daemon takes over a time.
func (e *engineers) share(over time.Duration) float64 {
	began, cpu := time.Now(), e.cpu()
	time.Sleep(over)
	return (e.cpu() - cpu) / time.Since(began).Seconds()
}

// cpu is the daemon's processor time, in seconds.
func (e *engineers) cpu() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.pid))
	check(e.b, err)
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err := strconv.ParseFloat(f[11], 64)
	check(e.b, err)
	system, err := strconv.ParseFloat(f[12], 64)
	check(e.b, err)
	return (user + system) / 100
}

// memory is the daemon's resident memory, in bytes.
func (e *engineers) memory() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", e.pid))
	check(e.b, err)
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	check(e.b, err)
	return pages * int64(os.Getpagesize())
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// echoScreen keeps what a terminal was sent since reset.
type echoScreen struct {
	mu   sync.Mutex
	b    bytes.Buffer
	wake chan struct{}
}

func (s *echoScreen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b.Len() > 1<<20 {
		s.b.Reset()
	}
	s.b.Write(p)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *echoScreen) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.Reset()
}

func (s *echoScreen) await(b *testing.B, text string) {
	b.Helper()
	patience := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		ok := bytes.Contains(s.b.Bytes(), []byte(text))
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.wake:
		case <-patience:
			s.mu.Lock()
			b.Fatalf("%q never showed in:\n%q", text, s.b.String())
		}
	}
}
