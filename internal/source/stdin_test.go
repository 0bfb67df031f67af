package source

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"levee/detect/logline"
)

func TestStdinHandsLinesOverAtOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	in, err := Stdin(r, logline.Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := run(t, in, false)
	put := func(s string) {
		t.Helper()
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
	}
	put(logLine(0) + logLine(1)[:20])
	f.wants(1)
	put(logLine(1)[20:])
	f.wants(2)
	put(strings.Repeat("x", 2*logline.MaxLine))
	until(t, "the endless line is counted", func() bool { return in.Status().Malformed == 1 })
	put("y\n" + strings.TrimSuffix(logLine(2), "\n"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f.wants(3)
	f.ready(Ended)
	if st := in.Status(); st.Lines != 4 || st.Malformed != 1 {
		t.Errorf("%+v", st)
	}
}

func TestStdinStopsWhileNothingComes(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := Stdin(r, logline.Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	run(t, in, false).stop()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStdinSaysThatItDoesNotKnowTheFormat(t *testing.T) {
	in, err := Stdin(bytes.NewReader(bytes.Repeat([]byte("noise\n"), 2*unreadable)), logline.Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := run(t, in, false)
	f.ready(Ended)
	if p := in.Status().Problem; !strings.Contains(p, "standard input") || !strings.Contains(p, "--format") {
		t.Errorf("%q", p)
	}
	if _, err := Stdin(nil, logline.Options{Format: "nonsense"}, 0); err == nil {
		t.Error("a wrong format was taken")
	}
}
