package config

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

const example = "../../docs/levee.yaml"

// secretFiles answers for the secrets the example names.
var secretFiles = surroundings{
	env: func(string) (string, bool) { return "", false },
	read: func(path string, _ int64) ([]byte, error) {
		switch filepath.Base(path) {
		case "slack", "pagerduty", "pagerduty-lead":
			return []byte("slack://hook:token@webhook"), nil
		case "heartbeat-url":
			return []byte("https://hc-ping.example.com/token"), nil
		}
		return []byte("token of " + filepath.Base(path)), nil
	},
}

func TestTheExampleLoads(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(example, text, secretFiles)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Sources); n != 4 {
		t.Errorf("%d sources", n)
	}
	for i, want := range []bool{true, false, true, false} {
		if got := c.Sources[i].Trusted(); got != want {
			t.Errorf("source %s may act: %t, want %t", c.Sources[i].Label(), got, want)
		}
	}
	if s, ok := c.Source("shop"); !ok || s.File != "/var/log/nginx/access.log" {
		t.Errorf("source shop is %+v", s)
	}
	if got := c.Position(c.Allow[0].Line); got != "levee.yaml:35" {
		t.Errorf("the first allow entry stands at %s", got)
	}
	if got := c.Actions.Jenkins.Token.Reveal(); got != "token of jenkins-token" {
		t.Errorf("the Jenkins token is %q", got)
	}
	if got := c.Services(); !reflect.DeepEqual(got, []string{"shop.example.com"}) {
		t.Errorf("services %q", got)
	}
	if f := c.Console.Filters["login"]; f != "path:/login !state:blocked" || c.Console.Keys["hold"] != "z H" || c.Console.Theme != "dark" || len(c.Console.Columns) != 9 {
		t.Errorf("console %+v", c.Console)
	}
	if n := c.Notify; len(n) != 4 || n[1].Name != "on-call" || n[1].Least != "critical" || !n[2].Escalation || n[0].Escalation {
		t.Errorf("notify %+v", n)
	}
	step := c.Playbooks["distributed_flood"][2]
	if step.Do != "scale_up" || step.After != 30*time.Second || step.When.ExcessShare != 0.5 {
		t.Errorf("third step %+v", step)
	}
}

// TestTheExampleTellsTheDefaults keeps "default" in the example true: the
// values it shows as defaults are those Default gives.
func TestTheExampleTellsTheDefaults(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parse(example, text, secretFiles)
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	d.Detect.GeoIP, d.Auto.Services = c.Detect.GeoIP, c.Auto.Services
	if !reflect.DeepEqual(c.Detect, d.Detect) || !reflect.DeepEqual(c.Auto, d.Auto) {
		t.Errorf("the example shows %+v %+v, the defaults are %+v %+v", c.Detect, c.Auto, d.Detect, d.Auto)
	}
}

// TestTheExampleShowsEveryKey finds keys that were added to Config and not to
// the example.
func TestTheExampleShowsEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(text)
	var walk func(t reflect.Type, path string) []string
	walk = func(rt reflect.Type, path string) (missing []string) {
		for rt.Kind() == reflect.Slice || rt.Kind() == reflect.Map || rt.Kind() == reflect.Pointer {
			rt = rt.Elem()
		}
		if rt.Kind() != reflect.Struct || rt.PkgPath() != reflect.TypeFor[Config]().PkgPath() {
			return nil
		}
		for i := range rt.NumField() {
			f := rt.Field(i)
			key := f.Tag.Get("yaml")
			if key == "" || key == "-" {
				continue
			}
			if !containsKey(shown, key) {
				missing = append(missing, path+key)
			}
			missing = append(missing, walk(f.Type, path+key+".")...)
		}
		return missing
	}
	for _, key := range walk(reflect.TypeFor[Config](), "") {
		t.Errorf("docs/levee.yaml does not show %s", key)
	}
}

// containsKey reports whether text holds key as a word: keys stand before a
// colon, with a _file twin, or in a comment that names them.
func containsKey(text, key string) bool {
	letter := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] == '_' || text[i] >= 'a' && text[i] <= 'z')
	}
	for i := 0; i+len(key) <= len(text); i++ {
		if text[i:i+len(key)] == key && !letter(i-1) && (!letter(i+len(key)) || hasFile(text[i+len(key):])) {
			return true
		}
	}
	return false
}

func hasFile(rest string) bool { return len(rest) >= 6 && rest[:6] == "_file:" }
