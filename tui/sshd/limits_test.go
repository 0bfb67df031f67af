package sshd

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDoorIsBounded knocks from more addresses than its table holds, and lets
// people it knows in all the same.
func TestDoorIsBounded(t *testing.T) {
	now := time.Date(2026, 3, 14, 3, 12, 7, 0, time.UTC)
	d := newDoor(Limits{Strangers: 5, StrangersPer: 2, Rate: 1, Burst: 3}.withDefaults(), func() time.Time { return now })
	friend, stranger := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	if why := d.knock(friend); why != "" {
		t.Fatal(why)
	}
	if _, why := d.welcome(friend, "ana"); why != "" {
		t.Fatal(why)
	}
	for i := range 20_000 {
		if a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}); d.knock(a) == "" && i >= 5 {
			t.Fatalf("stranger %d was let in", i)
		}
	}
	if len(d.buckets) > mostBuckets {
		t.Errorf("%d addresses are remembered", len(d.buckets))
	}
	if why := d.knock(friend); why != "" {
		t.Errorf("somebody who signed in before is kept out: %s", why)
	}
	now = now.Add(time.Hour)
	if d.knock(stranger) == "" {
		t.Error("strangers who never left count no more")
	}
	for i := range 5 {
		d.leave(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	neighbour := netip.MustParseAddr("2001:db8::2")
	for i, c := range []struct {
		a    netip.Addr
		goes bool
	}{{stranger, true}, {neighbour, true}, {stranger, false}} {
		if why := d.knock(c.a); (why == "") != c.goes {
			t.Errorf("knock %d of one /64: %q", i, why)
		}
	}
}

func TestHostKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	made, err := HostKey(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	again, err := HostKey(path)
	if err != nil || Fingerprint(again.PublicKey()) != Fingerprint(made.PublicKey()) {
		t.Errorf("it is another key after a restart: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := HostKey(path); err == nil {
		t.Error("a key that others may read was taken")
	}
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := HostKey(path); err == nil {
		t.Error("nonsense was taken for a key")
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	for i, line := range []string{
		"ssh-dss AAAAB3NzaC1kc3MAAACBAAAA", "nonsense", "",
		`from="192.0.2.1" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPNsnWu0HXkghz2SJMeCCv8M2sAVJ0mDoIEfpmLQdj1 ana`,
	} {
		if _, err := ParseKeys([]string{line}); err == nil {
			t.Error(fmt.Sprint(i), line)
		}
	}
}
