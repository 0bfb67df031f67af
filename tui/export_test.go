package tui

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every screen with rows can leave the console as CSV and as JSON, and both
// hold the same.
func TestSheetsOfEveryScreen(t *testing.T) {
	for keys, want := range map[string]string{"1": "36 suspects", "2": "36 suspects", "3": "1 incident", "4": "3 decisions", "5": "3 jobs", "6": "4 decisions", "1 j enter": "12 requests"} {
		d := sit(t, newFake(), 120, 36, plain)
		d.keys(keys)
		sh := d.m.sheet()
		if sh == nil || sh.what != want {
			t.Errorf("%s: %v, want %s", keys, sh, want)
			continue
		}
		rows, err := csv.NewReader(bytes.NewReader(sh.csv())).ReadAll()
		if err != nil || len(rows) != len(sh.rows)+1 {
			t.Fatalf("%s: %d rows of CSV for %d, %v", keys, len(rows), len(sh.rows), err)
		}
		text, err := sh.json()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != len(sh.rows) {
			t.Fatalf("%s: %d lines of JSON for %d rows", keys, len(lines), len(sh.rows))
		}
		for _, l := range lines {
			var o map[string]any
			if err := json.Unmarshal([]byte(l), &o); err != nil || len(o) != len(sh.head) {
				t.Fatalf("%s: %q: %v", keys, l, err)
			}
		}
	}
	d := sit(t, newFake(), 80, 24, plain)
	d.keys("7 J")
	d.sees("there are no rows on this screen to copy")
}

// What an attacker wrote leaves the console as harmless as it is shown.
func TestSheetsAreHarmless(t *testing.T) {
	for _, h := range hostile {
		f := newFake()
		f.snap.Suspects[0].TopAgent, f.snap.Suspects[0].TopPath = h, "=HYPERLINK("+h
		d := sit(t, f, 80, 24, plain)
		j, err := d.m.sheet().json()
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{string(d.m.sheet().csv()), string(j)} {
			if i := strings.IndexFunc(out, func(r rune) bool {
				return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e
			}); i >= 0 {
				t.Fatalf("%q leaves as %q", h, out[i:min(i+40, len(out))])
			}
		}
		if rows, err := csv.NewReader(bytes.NewReader(d.m.sheet().csv())).ReadAll(); err != nil || len(rows) != 37 || rows[1][7][0] == '=' {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
	}
}

func TestExportWritesANewFile(t *testing.T) {
	dir := t.TempDir()
	d := sit(t, newFake(), 120, 36, plain, func(o *Options) { o.Save = SaveNew })
	file := filepath.Join(dir, "out.json")
	d.write(":export " + file)
	d.keys("enter")
	d.sees("36 suspects written to")
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 36 || !strings.Contains(string(text), `"source":"203.0.113.0/24","score":97,`) {
		t.Fatalf("%v: %.200s", err, text)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", st.Mode(), err)
	}
	d.write(":export " + file)
	d.keys("enter")
	d.sees("nothing was written, give another name")
	if again, _ := os.ReadFile(file); !bytes.Equal(again, text) {
		t.Fatal("the file was written again")
	}
	d.write(":export " + filepath.Join(dir, "out.xls"))
	d.keys("enter")
	d.sees(`"xls" is no format`)

	d = sit(t, newFake(), 120, 36, plain)
	d.write(":export x.csv")
	d.keys("enter")
	d.sees("which writes no files for you")
}

// A clipboard that would be cut off is not told as a copy.
func TestCopyTellsWhatIsTooMuch(t *testing.T) {
	var out bytes.Buffer
	f := crowded()
	d := sit(t, f, 120, 36, plain, func(o *Options) { o.Terminal = &out })
	d.keys("C")
	d.sees("too much for a terminal's clipboard")
	if out.Len() > 0 {
		t.Fatal("a part was copied")
	}
	d.keys("/ 1 9 8 . 1 8 . 0 . 1 enter J")
	d.sees("as JSON")
	if !strings.HasPrefix(out.String(), "\x1b]52;c;") {
		t.Fatalf("%.40q", out.String())
	}
}
