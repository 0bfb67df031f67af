package jsonl

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAppendString holds it to what encoding/json reads: whatever a log says,
// one line stays one object.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", `"quoted\"`, "\x00\x1b\x7f\n", "\xff\xfe", "日本", "\u2028\u202e", "a\"\\\x00\xff\u2028"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		b := AppendString(nil, v)
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q became %s: %v", v, b, err)
		}
		if strings.ContainsAny(string(b), "\n\x1b\x7f") {
			t.Fatalf("%q became %q", v, b)
		}
		if utf8.Valid(v) && got != string(v) {
			t.Fatalf("%q reads back as %q", v, got)
		}
	})
}
