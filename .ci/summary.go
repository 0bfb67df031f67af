//go:build ignore

// Summary reads `go test -json` from standard input, prints each package's
// line and the output of what failed, and exits with 1 when a test failed or
// skipped although the machine could have run it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// unavoidable are the reasons for a skip that this machine can't remove.
var unavoidable = regexp.MustCompile(`kernel|\.\./shared|shared/jenkins|a user whom file modes bind|the race detector slows|minutes long|no Python 3\.12`)

type event struct {
	Action, Package, Test, Output string
}

func main() {
	out := map[string][]string{}
	passed, failed, skipped, bad := 0, 0, 0, 0
	sc := bufio.NewScanner(os.Stdin)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		var e event
		if json.Unmarshal(sc.Bytes(), &e) != nil {
			fmt.Println(sc.Text()) // the go command's own words
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if e.Test == "" {
				fmt.Print(e.Output)
				continue
			}
			out[key] = append(out[key], e.Output)
			continue
		case "pass":
			if e.Test != "" {
				passed++
			}
		case "fail":
			if e.Test != "" {
				failed++
				fmt.Printf("--- FAIL %s\n%s", key, strings.Join(out[key], ""))
			} else {
				bad++
			}
		case "skip":
			if e.Test == "" {
				continue
			}
			skipped++
			if why := strings.Join(out[key], ""); !unavoidable.MatchString(why) {
				bad++
				fmt.Printf("--- SKIP that could be avoided: %s\n%s", key, why)
			}
		}
		delete(out, key)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed+bad > 0 || passed == 0 {
		os.Exit(1)
	}
}
