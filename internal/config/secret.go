package config

import (
	"fmt"
	"log/slog"
)

// hidden is what a set secret prints as, whatever it is printed with.
const hidden = "(secret)"

// Secret is text that never shows by accident: printing, formatting, logging
// and marshalling it give "(secret)", or "" when it is not set.
//
// The text is behind a pointer because fmt does not ask the methods of what
// lies in unexported fields: there it prints an address.
type Secret struct{ text *string }

// NewSecret returns a Secret holding text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Set reports whether there is any text.
func (s Secret) Set() bool { return s.Reveal() != "" }

// String returns "(secret)" or "".
func (s Secret) String() string {
	if s.Set() {
		return hidden
	}
	return ""
}

// Format prints String for every verb, %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText keeps the text out of JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps the text out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (s *Secret) parse(text string) error {
	if text == "" {
		return wrong("give it, or leave the key out", "the secret is empty")
	}
	*s = NewSecret(text)
	return nil
}
