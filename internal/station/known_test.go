package station

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"levee/actions"
)

func TestWhereOperatorsCameFrom(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	from := func(a string, r actions.Role) actions.Actor {
		return actions.Actor{Name: "ana", Role: r, Via: "ssh", Addr: netip.MustParseAddr(a)}
	}
	k := openKnown(dir, log)
	k.met(from("192.0.2.1", actions.Operator), now)
	k.met(from("::ffff:192.0.2.2", actions.Admin), now.Add(time.Hour))
	k.met(from("192.0.2.3", actions.Viewer), now) // may not act: gets no door
	k.met(from("127.0.0.1", actions.Admin), now)
	k.met(actions.Actor{Name: "bo", Role: actions.Admin, Via: "console"}, now)
	want := "[192.0.2.2 192.0.2.1]"
	if got := fmt.Sprint(k.addresses()); got != want {
		t.Errorf("known: %s, want %s", got, want)
	}
	k = openKnown(dir, log) // after a restart
	if got := fmt.Sprint(k.addresses()); got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}
	k.met(from("2001:db8::5", actions.Operator), now.Add(knownLasts+30*time.Minute))
	if got := fmt.Sprint(k.addresses()); got != "[2001:db8::5 192.0.2.2]" {
		t.Errorf("a month later: %s", got)
	}
	for i := range 300 {
		k.met(from(fmt.Sprintf("198.51.%d.%d", i/200, i%200), actions.Operator), now.Add(knownLasts))
	}
	if n := len(k.addresses()); n != actions.DoorsMost {
		t.Errorf("%d addresses", n)
	}

	if err := os.WriteFile(filepath.Join(dir, "operators.json"), []byte("{nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openKnown(dir, log).addresses(); len(got) != 0 {
		t.Errorf("from a broken file: %v", got)
	}
}
