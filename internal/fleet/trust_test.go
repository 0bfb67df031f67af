package fleet

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"levee/actions"
)

// blockID is the document of a block.
func blockID(target string) string {
	return docID("shop", OfPlace, "block "+target+"/32")
}

// forge signs r as the fleet would, or with another key.
func forge(t *testing.T, keys Keys, r Record) Doc {
	t.Helper()
	body, sum, err := keys.seal(&r)
	must(t, err)
	return Doc{ID: r.ID, Record: body, MAC: sum}
}

func decided(target string, who actions.Actor, term uint64) *actions.Decision {
	r := request(actions.Block, who, target)
	now := time.Now().UTC()
	return &actions.Decision{ID: "d-forged" + target, Request: "r-forged", Verb: actions.Block, Target: r.Targets[0], State: actions.Intent, Actor: who,
		Reason: "forged", Created: now, Changed: now, TTL: time.Hour, Expires: now.Add(time.Hour), Host: "edge-a", Term: term}
}

// TestWhoWritesTheIndexOwnsNoFirewall writes into the index what somebody
// could who has the rights to, and no key.
func TestWhoWritesTheIndexOwnsNoFirewall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, func(x *site) { x.allow = []actions.Rule{{Value: "192.0.2.0/24", From: "levee.yaml:1"}} })
		place := func(target string) Record {
			return Record{Fleet: "shop", Kind: OfPlace, ID: blockID(target), Rev: 1, At: time.Now().UTC(), By: "edge-a", Decision: decided(target, ana, 0)}
		}
		other := Keys{[]byte("another key another key another!")}

		unsigned := place("198.51.100.1")
		body, err := json.Marshal(unsigned)
		must(t, err)
		s.attack(Doc{ID: unsigned.ID, Record: body, MAC: ""})
		s.attack(forge(t, other, place("198.51.100.2")))
		copied := forge(t, testKeys, place("198.51.100.3"))
		copied.ID = blockID("198.51.100.4")
		s.attack(copied)
		foreign := place("198.51.100.5")
		foreign.Fleet = "another"
		s.attack(forge(t, testKeys, foreign))
		future := place("198.51.100.6")
		future.At = time.Now().Add(time.Hour)
		s.attack(forge(t, testKeys, future))
		tampered := forge(t, testKeys, place("198.51.100.7"))
		tampered.Record = []byte(strings.Replace(string(tampered.Record), "198.51.100.7/32", "198.51.100.0/24", 1))
		s.attack(tampered)
		s.attack(Doc{ID: "garbage", Record: []byte("{"), MAC: "zz"})
		// Signed by a host of the fleet that was taken over, against the
		// guardrails of the others.
		s.attack(forge(t, testKeys, place("192.0.2.9")))
		wide := place("198.51.100.8")
		wide.Decision.Target = actions.Target{Prefix: prefix(t, "0.0.0.0/1")}
		wide.ID = docID("shop", OfPlace, "block 0.0.0.0/1")
		s.attack(forge(t, testKeys, wide))
		long := place("198.51.100.10")
		long.Decision.Expires = time.Now().Add(24 * 365 * time.Hour)
		s.attack(forge(t, testKeys, long))
		pass(3 * time.Second)

		for _, x := range []*site{a, b, c} {
			if x.count() != 1 || !x.holds("198.51.100.10") {
				t.Errorf("%s enforces %v", x.name, x.wall.held)
			}
			if d, _ := x.d.FindActive(long.Decision.Target.Prefix); time.Until(d.Expires) > 24*time.Hour {
				t.Errorf("%s: it ends in %s, more than its max_ttl", x.name, time.Until(d.Expires))
			}
			if n := x.n.State().Bad; n != 7 {
				t.Errorf("%s refused %d records, want 7", x.name, n)
			}
			told := 0
			for _, n := range x.d.Notices(0) {
				if strings.Contains(n.Text, "a record of the fleet was refused") {
					told++
				}
			}
			if told != 1 {
				t.Errorf("%s told %d times", x.name, told)
			}
			if !x.told("is not carried out here: ") {
				t.Errorf("%s does not say what its guardrails refused", x.name)
			}
		}
	})
}

func prefix(t *testing.T, s string) (p netip.Prefix) {
	t.Helper()
	must(t, p.UnmarshalText([]byte(s)))
	return p
}

// TestReplay puts old records back that were good once: a block that was
// lifted, automation armed before it was stopped, an older lease.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		all := []*site{a, b, c}
		_, err := a.block(ana, "198.51.100.1")
		must(t, err)
		must(t, a.d.Disarm(t.Context(), ana))
		pass(2 * time.Second)
		must(t, a.d.Arm(t.Context(), ana))
		pass(2 * time.Second)
		block, armed, lease := s.doc(blockID("198.51.100.1")), s.doc(docID("shop", OfSwitches, "")), s.doc(docID("shop", OfLease, ""))
		b.unblock(bo, "198.51.100.1")
		must(t, b.d.Disarm(t.Context(), bo))
		lead, _ := leader(t, a, b, c)
		lead.stop()
		pass(3 * time.Second) // another term
		for _, d := range []Doc{block, armed, lease} {
			s.attack(d)
		}
		pass(3 * time.Second)
		check := func(when string) {
			t.Helper()
			for _, x := range all {
				if x == lead {
					continue
				}
				if x.holds("198.51.100.1") {
					t.Errorf("%s: %s holds again what was lifted", when, x.name)
				}
				if x.d.Switches().Armed {
					t.Errorf("%s: %s is armed again", when, x.name)
				}
			}
		}
		check("replayed")
		if r, err := testKeys.open("shop", s.doc(blockID("198.51.100.1")), time.Now()); err != nil || r.Ended == nil {
			t.Errorf("what was put back is not mended: %+v, %v", r, err)
		}
		// Even to hosts that have just been started.
		for _, x := range all {
			x.kill()
		}
		for _, d := range []Doc{block, armed, lease} {
			s.attack(d)
		}
		for _, x := range all {
			if x != lead {
				x.door.set(false)
				x.start()
			}
		}
		pass(5 * time.Second)
		check("after a restart")
	})
}

// TestOldTerm has a leader that was followed go on deciding, as one does that
// was stopped for a while and does not know.
func TestOldTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b, c := three(t, nil)
		lead, rest := leader(t, a, b, c)
		old := lead.n.State().Term
		lead.kill()
		pass(10 * time.Second)
		next, _ := leader(t, rest...)
		term := next.n.State().Term
		for i, x := range []struct {
			target string
			term   uint64
			want   bool
		}{{"198.51.100.1", old, false}, {"198.51.100.2", term, true}, {"198.51.100.3", 0, true}} {
			s.attack(forge(t, testKeys, Record{Fleet: "shop", Kind: OfPlace, ID: blockID(x.target), Rev: 1, At: time.Now(), By: lead.name,
				Decision: decided(x.target, actions.Auto, x.term)}))
			pass(2 * time.Second)
			for _, y := range rest {
				if y.holds(x.target) != x.want {
					t.Errorf("%d: %s holds a decision of term %d in term %d: %t", i, y.name, x.term, term, !x.want)
				}
			}
		}
	})
}

// TestKeysAreChangedOneHostAtATime follows docs/operations.md.
func TestKeysAreChangedOneHostAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, c := three(t, nil)
		next := []byte("fedcba9876543210fedcba9876543210")
		old := testKeys[0]
		target := 0
		for _, keys := range []Keys{{old, next}, {next, old}, {next}} {
			for _, x := range []*site{a, b, c} {
				x.o.Keys = keys
				x.restart()
				pass(8 * time.Second)
				target++
				_, err := x.block(ana, addr(target))
				must(t, err)
				pass(2 * time.Second)
				for _, y := range []*site{a, b, c} {
					if !y.holds(addr(target)) {
						t.Fatalf("%s does not follow %s with keys of step %d", y.name, x.name, target)
					}
				}
			}
		}
	})
}

func TestParseKeys(t *testing.T) {
	keys, err := ParseKeys("# of 2026\n0123456789abcdef\n\n  fedcba9876543210 \n")
	if err != nil || len(keys) != 2 || string(keys[1]) != "fedcba9876543210" {
		t.Errorf("%q, %v", keys, err)
	}
	for text, want := range map[string]string{"": "there is no fleet key", "# nothing\n": "there is no fleet key", "short\n": "too short"} {
		if _, err := ParseKeys(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "openssl rand -hex 32") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzOpen feeds documents to a host: whatever they hold, only what is signed
// is believed.
func FuzzOpen(f *testing.F) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := Record{Fleet: "shop", Kind: OfLease, ID: docID("shop", OfLease, ""), Rev: 1, At: now, Lease: &Lease{Term: 1}}
	body, sum, err := testKeys.seal(&r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.ID, body, sum)
	f.Add(r.ID, []byte(`{"kind":"place"}`), "")
	f.Fuzz(func(t *testing.T, id string, body []byte, sum string) {
		got, err := testKeys.open("shop", Doc{ID: id, Record: body, MAC: sum}, now)
		if err == nil && mac(testKeys[0], body) != sum {
			t.Fatalf("believed: %+v", got)
		}
		// And with a signature: whatever a host of the fleet says, no panic.
		if got, err = testKeys.open("shop", Doc{ID: id, Record: body, MAC: mac(testKeys[0], body)}, now); err == nil && got.Kind == OfPlace && got.Decision == nil {
			t.Fatalf("a place without a decision: %+v", got)
		}
	})
}
