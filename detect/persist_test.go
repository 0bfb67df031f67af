package detect_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"levee/detect"
)

func TestBaselineSurvivesARestart(t *testing.T) {
	w := newWorld(30, 300)
	w.host = "www.shop.test"
	w.shop(60)
	a := detect.New(detect.Options{})
	feed(a, w.sorted())
	saved := a.Save([]byte("in front"))
	if !bytes.HasPrefix(saved, []byte("in front")) {
		t.Fatal("Save does not append")
	}
	saved = saved[len("in front"):]
	b := detect.New(detect.Options{})
	if err := b.Load(saved); err != nil {
		t.Fatal(err)
	}
	if again := b.Save(nil); !bytes.Equal(saved, again) {
		t.Errorf("saved again it has %d bytes instead of %d, or others", len(again), len(saved))
	}
	// A warm engine needs no minutes to see that a botnet is none of the usual traffic.
	w = newWorld(31, 40)
	w.host = "www.shop.test"
	w.began = w.began.Add(time.Hour)
	w.shop(60)
	w.busting(200, 2, 12, 25)
	if n := len(blocks(feed(b, w.sorted()))); n < 190 {
		t.Errorf("%d of 200 bots blocked", n)
	}
	if b.Snapshot().Learning {
		t.Error("still learning with a saved baseline")
	}
}

// TestABaselineOfTheFirstVersionIsRead: testdata/baseline-1 is what the engine
// that wrote hashes saved of the same shop.
func TestABaselineOfTheFirstVersionIsRead(t *testing.T) {
	first, err := os.ReadFile("testdata/baseline-1")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(30, 300)
	w.host = "www.shop.test"
	w.shop(60)
	a := detect.New(detect.Options{})
	feed(a, w.sorted())
	b := detect.New(detect.Options{Seed: 7})
	if err := b.Load(first); err != nil {
		t.Fatal(err)
	}
	want, got := a.Save(nil), b.Save(nil)
	if len(got) != len(want) {
		t.Fatalf("it comes back as %d bytes instead of %d", len(got), len(want))
	}
	differ := 0
	for i := range want {
		if got[i] != want[i] {
			differ++
		}
	}
	if differ > 16 { // that engine's hashes told two means a little differently, and there is the sum at the end
		t.Errorf("%d of %d bytes are others", differ, len(want))
	}
}

func TestDamagedBaselineIsRefused(t *testing.T) {
	a := detect.New(detect.Options{})
	feed(a, newTraffic(60, 120).batch(5000))
	saved := a.Save(nil)
	e := detect.New(detect.Options{})
	empty := e.Save(nil)
	for _, n := range []int{0, 3, 20, len(saved) / 2, len(saved) - 1} {
		if e.Load(saved[:n]) == nil {
			t.Errorf("the first %d bytes alone were taken", n)
		}
	}
	for i := 0; i < len(saved); i += 211 {
		bad := bytes.Clone(saved)
		bad[i] ^= 0x40
		if e.Load(bad) == nil {
			t.Errorf("byte %d was changed and nobody saw", i)
		}
	}
	if !bytes.Equal(e.Save(nil), empty) {
		t.Error("a refused baseline changed the engine")
	}
}
