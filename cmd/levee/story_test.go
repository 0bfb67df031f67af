package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"levee": main})
}

// TestStories runs the conversations in testdata/script, each in a directory
// of its own with the real program.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LEVEE_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.WorkDir)
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":    cmdCode,
			"traffic": cmdTraffic,
			"await":   cmdAwait,
			"append":  cmdAppend,
			"binary":  cmdBinary,
			"endless": cmdEndless,
		},
	})
}

// cmdCode runs a program and wants an exit code: code 2 levee scan …
// Its output is kept for stdout and stderr as exec keeps it.
func cmdCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program [args…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		if _, serr := fmt.Sscanf(err.Error(), "exit status %d", &got); serr != nil {
			ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
		}
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdTraffic writes an access log: traffic FILE SECONDS ATTACKER RATE has ten
// ordinary visitors all along and, in the second half, ATTACKER with RATE
// requests a second to one path.
func cmdTraffic(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: traffic FILE SECONDS ATTACKER RATE")
	}
	seconds, err := strconv.Atoi(args[1])
	ts.Check(err)
	rate, err := strconv.Atoi(args[3])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), accessLog(time.Date(2026, 3, 10, 10, 0, 0, 0, time.UTC), seconds, args[2], rate), 0o600))
}

func accessLog(start time.Time, seconds int, attacker string, rate int) []byte {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	var b bytes.Buffer
	for s := range seconds {
		at := start.Add(time.Duration(s) * time.Second).Format("02/Jan/2006:15:04:05 -0700")
		for v := range 10 {
			page := fmt.Sprintf("/news/%d", (s*7+v*13)%90)
			ip := fmt.Sprintf("192.0.2.%d", 1+(s/20*10+v)%200)
			switch (s + v) % 4 {
			case 0:
				fmt.Fprintf(&b, "%s - - [%s] \"GET %s HTTP/1.1\" 200 5120 \"https://play.example.com/\" %q\n", ip, at, page, browser)
			case 1:
				fmt.Fprintf(&b, "%s - - [%s] \"GET /assets/app.css HTTP/1.1\" 200 900 \"https://play.example.com%s\" %q\n", ip, at, page, browser)
			}
		}
		for range rate {
			if s >= seconds/2 {
				fmt.Fprintf(&b, "%s - - [%s] \"GET /search HTTP/1.1\" 200 120 \"-\" \"curl/8.5.0\"\n", attacker, at)
			}
		}
	}
	return b.Bytes()
}

// cmdAwait waits for a file to hold a text: await FILE TEXT
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE TEXT")
	}
	var b []byte
	for range 600 {
		b, _ = os.ReadFile(ts.MkAbs(args[0])) // not there yet: looked for again
		if bytes.Contains(b, []byte(args[1])) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s never held %q; it holds:\n%s", args[0], args[1], b)
}

// cmdAppend appends one file to another: append FROM TO
func cmdAppend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FROM TO")
	}
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.Write(b)
	ts.Check(err)
	ts.Check(f.Close())
}

// cmdBinary writes a file that is no text: binary FILE
func cmdBinary(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: binary FILE")
	}
	b := make([]byte, 64<<10)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// cmdEndless writes a file of one line that never ends: endless FILE
func cmdEndless(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: endless FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte("a"), 3<<20), 0o600))
}
