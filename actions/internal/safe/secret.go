package safe

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Secret is a value that prints as a placeholder wherever it is formatted or
// encoded. Reveal is the only way to its content: fmt calls no methods on
// unexported fields, so the content stands behind a pointer.
type Secret struct{ content *string }

const placeholder = "[secret]"

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{&value} }

// ReadSecret returns value when it is set, else the first line of file. A file
// that anybody may read is refused: it is no secret.
func ReadSecret(value, file string) (Secret, error) {
	if value != "" || file == "" {
		return NewSecret(value), nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	if info.Mode().Perm()&0o004 != 0 {
		return Secret{}, fmt.Errorf("read secret %s: anybody may read it; chmod o-r it", file)
	}
	if info.Size() > 64<<10 {
		return Secret{}, fmt.Errorf("read secret %s: longer than 64 KiB", file)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return Secret{}, fmt.Errorf("read secret: %w", err)
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	line = strings.TrimSpace(line)
	if line == "" {
		return Secret{}, fmt.Errorf("read secret %s: its first line is empty", file)
	}
	return NewSecret(line), nil
}

// Reveal returns the content.
func (s Secret) Reveal() string {
	if s.content == nil {
		return ""
	}
	return *s.content
}

// Empty reports whether there is no content.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Format prints the placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(placeholder)) }

// MarshalText encodes the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// Scrub replaces every occurrence of the secrets in text, plain, escaped for
// a URL or in base64 as an Authorization header carries it.
func Scrub(text string, secrets ...Secret) string {
	for _, s := range secrets {
		value := s.Reveal()
		if len(value) < 4 { // too short to be told from ordinary text
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value))} {
			text = strings.ReplaceAll(text, form, placeholder)
		}
	}
	return text
}
