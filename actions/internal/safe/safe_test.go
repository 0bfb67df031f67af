package safe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain words", 64, "plain words"},
		{"a\x1b[31mred\x1b[0m", 64, "a [31mred [0m"},
		{"one\r\ntwo\x00three", 64, "one two three"},
		{"\u202egnp.exe\u2066", 64, "gnp.exe"},
		{"c1\u009b31m", 64, "c1 31m"},
		{"bad\xffutf", 64, "bad utf"},
		{"line\u2028sep", 64, "line sep"},
		{"cut here please", 8, "cut here…"},
	} {
		if got := Text(c.in, c.limit); got != c.want {
			t.Errorf("Text(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestLinesKeepsLinesOnly(t *testing.T) {
	if got, want := Lines("a\n\tb\r\x1b]0;title\x07c\u202e"), "a\n\tb]0;titlec"; got != want {
		t.Errorf("Lines = %q, want %q", got, want)
	}
}

func FuzzText(f *testing.F) {
	f.Add("x\x1b[2J", 10)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<16 {
			return
		}
		got := Text(s, limit)
		if !utf8.ValidString(got) || len(got) > limit+len("…") {
			t.Fatalf("Text(%q, %d) = %q", s, limit, got)
		}
		for _, r := range got {
			if !Printable(r) {
				t.Fatalf("Text(%q) left %U", s, r)
			}
		}
	})
}

func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret("hunter22")
	held := struct {
		Token  Secret
		hidden Secret
	}{s, s}
	encoded, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x", held, held, held, s, s, s), string(encoded)} {
		if strings.Contains(text, "hunter22") || strings.Contains(text, "68756e") {
			t.Errorf("the secret shows in %q", text)
		}
	}
	if got := Scrub("GET https://u:hunter22@h/?k=hunter22", s); strings.Contains(got, "hunter22") {
		t.Errorf("Scrub left it: %q", got)
	}
}

func TestReadSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if s, err := ReadSecret("", write("good", "abc\nsecond\n", 0o600)); err != nil || s.Reveal() != "abc" {
		t.Errorf("good file: %q, %v", s.Reveal(), err)
	}
	if s, err := ReadSecret("given", "/does/not/exist"); err != nil || s.Reveal() != "given" {
		t.Errorf("value wins: %q, %v", s.Reveal(), err)
	}
	for name, path := range map[string]string{
		"open to all": write("open", "abc", 0o644),
		"empty":       write("empty", "\n", 0o600),
		"missing":     filepath.Join(dir, "none"),
	} {
		if _, err := ReadSecret("", path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
