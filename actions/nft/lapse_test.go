package nft

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"levee/actions"
)

// TestABotnetThatEndsAtOnce lifts thousands of blocks that end together, once
// on time and once so late that their kernel timeouts end as well: what is left
// of them is not read one by one.
func TestABotnetThatEndsAtOnce(t *testing.T) {
	l := newLab(t)
	for _, late := range []time.Duration{0, slack} {
		now := time.Now()
		f := l.filter(t, Options{Now: func() time.Time { return now }})
		ds := make([]actions.Decision, 5000)
		for i := range ds {
			a := netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)})
			ds[i] = block(a.String()+"/32", time.Hour)
			ds[i].Expires = now.Add(time.Hour)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rs, err := f.Apply(ctx, ds)
		all(t, rs, err)
		now = now.Add(time.Hour + late) // for levee; in the kernel they stand
		rs, err = f.Revoke(ctx, ds)
		all(t, rs, err)
		if held, err := f.List(ctx); err != nil || len(held) != 0 {
			t.Errorf("%s late: %d are left, %v", late, len(held), err)
		}
		if f.reads > 3 { // at first, when they were lifted, for List
			t.Errorf("%s late: the sets were read %d times for %d blocks", late, f.reads, len(ds))
		}
	}
}

// TestOneThatLapsesAmongOthers renews blocks of which one is about to lapse, so
// that the kernel is read in between: the others must still be known to stand.
func TestOneThatLapsesAmongOthers(t *testing.T) {
	l := newLab(t)
	now := time.Now()
	f := l.filter(t, Options{Now: func() time.Time { return now }})
	at := func(i int, ttl time.Duration) actions.Decision {
		d := block(fmt.Sprintf("192.0.2.%d/32", i), ttl)
		d.Expires = now.Add(ttl)
		return d
	}
	ctx := context.Background()
	rs, err := f.Apply(ctx, []actions.Decision{at(5, time.Minute)})
	all(t, rs, err)
	now = now.Add(time.Minute + slack) // 5 lapses about now
	var ds []actions.Decision
	for i := range 10 {
		ds = append(ds, at(i, time.Hour))
	}
	rs, err = f.Apply(ctx, ds)
	all(t, rs, err)
	if held, err := f.List(ctx); err != nil || len(held) != 10 {
		t.Errorf("held %+v, %v", held, err)
	}
	rs, err = f.Revoke(ctx, ds)
	all(t, rs, err)
	if held, err := f.List(ctx); err != nil || len(held) != 0 {
		t.Errorf("lifted, and held still: %+v, %v", held, err)
	}
}
