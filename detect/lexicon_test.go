package detect

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestLexiconFindsWhatItHolds checks the lexicon against a map while words come
// and go.
func TestLexiconFindsWhatItHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLexicon(16)
		for _, h := range rapid.SliceOfN(rapid.Uint64Range(1, 60), 1, 300).Draw(t, "hashes") {
			h *= 0x9e3779b97f4a7c15
			if l.find(h) == 0 {
				if id := l.add(h, "w", ""); id != 0 && l.find(h) != id {
					t.Fatalf("a word just added has id %d, found %d", id, l.find(h))
				}
			}
			for id := 1; id < len(l.words); id++ {
				if got := l.find(l.words[id].hash); got != uint16(id) {
					t.Fatalf("word %d is found as %d", id, got)
				}
			}
			if len(l.words) > 16 {
				t.Fatalf("%d words in a lexicon of 16", len(l.words))
			}
		}
	})
}

func TestTemplates(t *testing.T) {
	e := New(Options{MaxMemory: 4 << 20})
	for path, want := range map[string]string{
		"/":                                  "/",
		"/products/amber-lamp-1200":          "/products/*",
		"/blog/2024/05/how-to-choose-one":    "/blog/*/*/*",
		"/api/v1/products/77":                "/api/v1/products/*",
		"/static/app.3f9a.css":               "/static/*.css",
		"/login":                             "/login",
		"/a/really-long-name-of-some-page/x": "/a/*/x",
		"/3f9a88c1aa":                        "/*",
	} {
		if got := string(e.template([]byte(path), markPath([]byte(path)))); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}

func TestManyNamesBecomeOne(t *testing.T) {
	e := New(Options{MaxMemory: 16 << 20})
	svc := e.plainService()
	names := map[uint16]bool{}
	for round := range 3 {
		for i := range 26 * 26 * 26 {
			path := []byte{'/', 'u', '/', byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676)}
			id, _, _ := e.routeOf(svc, path, hashBytes(path, uint64(svc)))
			if round == 2 {
				names[id] = true
			}
		}
	}
	if len(names) > maxChildren+8 {
		t.Errorf("%d routes for one folder of values", len(names))
	}
}

func TestRandomText(t *testing.T) {
	for s, want := range map[string]bool{
		"3f9a88c1": true, "1773136800123": true, "aXk3PqZ9": true, "qwrtzpsd": true, "AbCdEfGh": true,
		"lamp": false, "red+lamp": false, "jackets": false, "2": false, "page-12": false, "": false, "shoes": false, "2024-05-01": false,
	} {
		if got := randomText([]byte(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}

func TestSeriesAlarmsOnChangesAndNotOnNoise(t *testing.T) {
	for _, mean := range []float64{2, 30, 1500} {
		e := &Engine{rng: 7}
		var s series
		noisy := func(m float64) uint32 { // a sum of uniforms: noise of about a square root
			x := 0.0
			for range 12 {
				x += float64(e.random()>>11) / (1 << 53)
			}
			return uint32(max(0, m+(x-6)*1.3*math.Sqrt(m)))
		}
		for i := range int64(3000) {
			s.cur = noisy(mean)
			s.close(i, false)
			if _, ok := s.alarm(2, 1); ok && i > 20 {
				t.Fatalf("mean %.0f: false alarm in second %d: %+v", mean, i, s)
			}
		}
		late := int64(-1)
		for i := range int64(30) {
			s.cur = noisy(2.5*mean + 3)
			s.close(3000+i, false)
			if _, ok := s.alarm(2, 1); ok {
				late = i
				break
			}
		}
		if late < 0 || late > 12 {
			t.Errorf("mean %.0f: a rate two and a half times as high is found after %d s", mean, late)
		}
	}
}
