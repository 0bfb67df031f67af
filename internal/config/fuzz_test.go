package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// FuzzLoad holds that no text makes the reader panic, that an error always
// names the file, a line inside it and a mend, on a line of its own, and that
// what loads without error keeps the bounds the rest of levee relies on.
func FuzzLoad(f *testing.F) {
	if text, err := os.ReadFile(example); err == nil {
		f.Add(string(text))
	}
	for _, seed := range []string{"", "a", "auto: {ttl: 90}", "allow: [", "? a\n: b", "- - - -", "a: &x [*x]", "<<: {a: b}",
		"auto: !!str x", "auto:\n  ttl: |\n    90s\n", "\"\\x00\": 1", "sources:\n- {file: ${HOST}}", "%YAML 1.2\n---\nallow: []\n...\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(text)
		var all Errors
		if err != nil && !errors.As(err, &all) {
			t.Fatalf("an error of another kind: %v", err)
		}
		// The parser counts a carriage return as a line break too.
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
		for _, e := range all {
			if e.File == "" || e.What == "" || e.Mend == "" || e.Line < 0 || e.Line > lines {
				t.Errorf("%+v of %d lines", e, lines)
			}
			if strings.ContainsAny(e.Error(), "\n\x1b") {
				t.Errorf("more than one harmless line: %q", e.Error())
			}
		}
		if err == nil && (c.Auto.TTL <= 0 || c.Auto.MaxTTL < c.Auto.TTL || c.Detect.SourceRate <= 0) {
			t.Errorf("out of bounds: %+v", c)
		}
	})
}
