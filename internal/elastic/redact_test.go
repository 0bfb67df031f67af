package elastic

import (
	"bytes"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"page=2&sort=price", "page=2&sort=price"},
		{"q=red+running+shoes+for+women+size+39", "q=red+running+shoes+for+women+size+39"},
		{"token=abc", "token=[redacted]"},
		{"a=1&access_token=abc&b=2", "a=1&access_token=[redacted]&b=2"},
		{"API-Key=1&x", "API-Key=[redacted]&x"},
		{"user%5Bpassword%5D=x;y=1", "user%5Bpassword%5D=[redacted];y=1"},
		{"reset=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln", "reset=[redacted]"},
		{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx", "[redacted]"},
		{"id=9f86d081884c7d659a2feaa0c55ad015", "id=[redacted]"},
		{"id=550e8400-e29b-41d4-a716-446655440000", "id=[redacted]"},
		{"from=2026-03-01T12:00:00Z&to=2026-03-02", "from=2026-03-01T12:00:00Z&to=2026-03-02"},
		{"slug=how-to-choose-a-pair-of-shoes-in-2026", "slug=how-to-choose-a-pair-of-shoes-in-2026"},
		{"token=", "token="},
		{"&&=&", "&&=&"},
	} {
		got, changed := Redact([]byte(c.in))
		if string(got) != c.want || changed != (c.in != c.want) {
			t.Errorf("Redact(%q) = %q, %v; want %q", c.in, got, changed, c.want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte("a=1&token=x&&b"))
	f.Fuzz(func(t *testing.T, q []byte) {
		in := bytes.Clone(q)
		got, _ := Redact(q)
		if !bytes.Equal(in, q) {
			t.Fatal("the query was written to")
		}
		if bytes.Count(got, []byte("&")) != bytes.Count(q, []byte("&")) && !bytes.Contains(got, []byte(redacted)) {
			t.Errorf("%q became %q", q, got)
		}
		if again, changed := Redact(got); changed && !bytes.Equal(again, got) {
			t.Errorf("%q, redacted twice, is %q and then %q", q, got, again)
		}
	})
}
