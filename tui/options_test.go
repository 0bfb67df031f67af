package tui

import (
	"strings"
	"testing"
)

func TestOptionsAreChecked(t *testing.T) {
	good := Options{Theme: "light", Columns: []string{"score", "source"}, Keys: map[string]string{"hold": "z H", "mark": "space m"}, Filters: map[string]string{"a": "path:/login !state:blocked"}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		`theme "pink" is not known`:            {Theme: "pink"},
		`there is no action "blok"`:            {Keys: map[string]string{"blok": "b"}},
		`"b" is given to both block and allow`: {Keys: map[string]string{"allow": "b"}},
		`columns: there is no column "colour"`: {Columns: []string{"colour"}},
		`filters: x: score: "high" is no numb`: {Filters: map[string]string{"x": "score>high"}},
		`filter: a quote is open`:              {Filter: `"`},
	} {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

// What levee.yaml gives is what the console does: a saved filter scopes, a key
// that was moved acts on its new place and is free on its old one.
func TestOptionsAreUsed(t *testing.T) {
	d := sit(t, newFake(), 120, 36, plain, func(o *Options) {
		o.Keys, o.Columns = map[string]string{"hold": "H"}, []string{"source", "path"}
		o.Filters = map[string]string{"hosters": "asn:16276"}
	})
	d.sees("IP / PREFIX", "TOP PATH")
	d.misses("SCORE ")
	d.keys("H")
	d.sees("ORDER HELD: H releases")
	d.keys("z")
	d.sees(`no action on "z"`)
	d.write(":scope hosters")
	d.keys("enter")
	d.sees("/asn:16276 (charts too)")
}
