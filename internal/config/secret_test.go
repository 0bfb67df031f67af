package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretsNeverShow(t *testing.T) {
	const word = "hunter2"
	c := Default()
	c.Actions.Jenkins.Token = NewSecret(word)
	c.Notify = []Notify{{URL: NewSecret("slack://" + word)}}

	var out bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, format+"\n", c)
		fmt.Fprintf(&out, format+"\n", &c.Actions.Jenkins.Token)
		fmt.Fprintf(&out, format+"\n", struct{ unexported Config }{c})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("loaded", "config", c, "token", c.Actions.Jenkins.Token)
	slog.New(slog.NewTextHandler(&out, nil)).Info("loaded", "config", c)
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	if y, err := yaml.Marshal(c); err != nil {
		t.Fatal(err)
	} else {
		out.Write(y)
	}
	if strings.Contains(out.String(), word) || strings.Contains(out.String(), fmt.Sprintf("%x", word)) {
		t.Errorf("the secret shows in:\n%s", out.String())
	}
	if !strings.Contains(out.String(), hidden) {
		t.Error("nothing stands where the secret was")
	}
	if c.Actions.Jenkins.Token.Reveal() != word {
		t.Error("Reveal does not give the secret")
	}
	if got := NewSecret("").String(); got != "" {
		t.Errorf("an unset secret prints %q", got)
	}
}

func TestErrorsDoNotQuoteSecrets(t *testing.T) {
	_, err := read(`notify: [{url: "hunter2-without-scheme"}]`)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
