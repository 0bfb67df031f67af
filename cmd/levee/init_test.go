package main

import "testing"

func TestUsableKey(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINPNsnWu0HXkghz2SJMeCCv8M2sAVJ0mDoIEfpmLQdj1 ana@laptop"
	for _, c := range []struct {
		user, key string
		ok        bool
	}{
		{"", "", true}, {"ana", key, true}, {"ana", "", false}, {"", key, false}, {"ana", "ssh-ed25519 nonsense", false}, {"ana", "ssh-dss AAAAB3NzaC1kc3MAAACBAAAA", false},
	} {
		if err := usableKey(c.user, c.key); (err == nil) != c.ok {
			t.Errorf("%q %q: %v", c.user, c.key, err)
		}
	}
}
