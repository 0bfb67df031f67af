package daemon

import (
	"errors"
	"io"
	"testing"

	"levee/internal/config"
)

// TestReloadAndSayFromAConsole: an admin reads levee.yaml again and sees each
// mistake, or what changed; an operator can't. What one says all see.
func TestReloadAndSayFromAConsole(t *testing.T) {
	l := start(t, nil)
	_, bos, boTypes := console(t, l.as("bo", l.bo))
	_, anas, anaTypes := console(t, l.as("ana", l.ana))
	_, seen, types := console(t, l.as("carol", l.carol))
	write := func(keys io.Writer, text string) {
		t.Helper()
		for _, k := range text { // as they are typed, not pasted
			_, err := keys.Write([]byte(string(k)))
			check(t, err)
		}
	}
	l.mu.Lock()
	l.loadErr = errors.New("levee.yaml:12: unknown key \"alow\"\nlevee.yaml:14: unknown key \"levl\"")
	l.mu.Unlock()
	write(types, ":reload\r")
	eventually(t, "each mistake showed", func() bool { return seen.has("levee.yaml:12: unknown key") && seen.has("levee.yaml:14: unknown key") })
	run(t, l.as("bo", l.bo), "", "auto").want(t, 0, "level suggest")
	l.mu.Lock()
	l.loadErr = nil
	l.mu.Unlock()
	l.change(func(c *config.Config) { c.Auto.Level, c.Detect.MaxMemory = "block", 99<<20 })
	write(anaTypes, ":reload\r")
	eventually(t, "an operator was refused", func() bool { return anas.has("only an admin") })
	run(t, l.as("bo", l.bo), "", "auto").want(t, 0, "level suggest")
	_, again, typesAgain := console(t, l.as("carol", l.carol))
	write(typesAgain, ":reload\r")
	eventually(t, "what changed showed", func() bool {
		return again.has("levee.yaml is reloaded: auto.level") && again.has("changes of detect.max_memory wait")
	})
	run(t, l.as("bo", l.bo), "", "auto").want(t, 0, "level block")
	write(boTypes, ":say look at /login\r")
	eventually(t, "everybody reads it", func() bool { return bos.has("bo says: look at /login") && anas.has("bo says: look at /login") })
}
