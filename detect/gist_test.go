package detect

import (
	"encoding/binary"
	"testing"
)

// TestASeedPartsTextsThatHashAlike: who knows the seed can swap the halves of a
// product and has two texts of one hash. With a seed that nobody knows the two
// part.
func TestASeedPartsTextsThatHashAlike(t *testing.T) {
	const known, unknown = 0, 0x1234567890abcdef
	one := []byte("/account/settings/privacy/export")
	h := saltPath ^ uint64(len(one))*mixB
	other := append([]byte(nil), one...)
	a, b := binary.LittleEndian.Uint64(one), binary.LittleEndian.Uint64(one[8:])
	binary.LittleEndian.PutUint64(other, b^mixB^mixA^h)
	binary.LittleEndian.PutUint64(other[8:], a^h^mixA^mixB)
	if string(one) == string(other) || hashBytes(one, saltPath^known) != hashBytes(other, saltPath^known) {
		t.Fatalf("%q and %q do not hash alike", one, other)
	}
	if hashBytes(one, saltPath^unknown) == hashBytes(other, saltPath^unknown) {
		t.Error("they hash alike with another seed, too")
	}
}

func TestGist(t *testing.T) {
	take := func(target, referer, host string) gist {
		r := Request{Target: []byte(target), Referer: []byte(referer), Host: []byte(host), Method: []byte("GET"), Agent: []byte("a")}
		r.Prepare(3)
		return r.gist
	}
	page := take("/shoes?size=42&color=red", "", "www.shop.test")
	for name, want := range map[string]bool{
		"the same path":                    take("/shoes?size=43&color=blue", "", "www.shop.test").path == page.path,
		"the same keys":                    take("/hats?size=1&color=blue", "", "").shape == page.shape,
		"another value is another query":   take("/shoes?size=43&color=red", "", "").query != page.query,
		"other keys are another shape":     take("/shoes?size=42&colour=red", "", "").shape != page.shape,
		"an empty query is none":           take("/shoes?", "", "").query == 0,
		"a drawn value":                    take("/s?q=3f9a88c1", "", "").random && !page.random,
		"a referer of the own site":        take("/", "https://www.shop.test/shoes?x=1", "www.shop.test").ownRef,
		"its path is that of the page":     take("/", "https://www.shop.test/shoes?x=1", "").refPath == page.path,
		"a referer of another site":        !take("/", "https://news.test/", "www.shop.test").ownRef,
		"a referer without a scheme":       take("/", "www.shop.test", "www.shop.test").ownRef,
		"no host asked, no own site known": !take("/", "https://www.shop.test/", "").ownRef,
	} {
		if !want {
			t.Errorf("%s: no", name)
		}
	}
}
