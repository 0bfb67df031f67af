package actions

import (
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
)

// exemptions are what people unblocked, each with the time until which auto
// mode leaves it alone. An exempt address exempts every prefix around it, and
// an exempt prefix every address in it.
type exemptions struct {
	prefixes *bart.Table[time.Time]
	others   map[string]time.Time // by Target.Key
}

func newExemptions() exemptions {
	return exemptions{new(bart.Table[time.Time]), map[string]time.Time{}}
}

func (e exemptions) add(key string, until time.Time) {
	if p, err := netip.ParsePrefix(key); err == nil {
		e.prefixes.Insert(p, until)
		return
	}
	e.others[key] = until
}

// until returns the end of the exemption that holds for t at now, if one does.
func (e exemptions) until(t Target, now time.Time) (time.Time, bool) {
	p := t.Prefix
	if !p.IsValid() {
		until := e.others[t.Key()]
		return until, now.Before(until)
	}
	for _, until := range e.prefixes.Supernets(p) {
		if now.Before(until) {
			return until, true
		}
	}
	for _, until := range e.prefixes.Subnets(p) {
		if now.Before(until) {
			return until, true
		}
	}
	return time.Time{}, false
}

// forget drops what is over.
func (e exemptions) forget(now time.Time) {
	var over []netip.Prefix
	for p, until := range e.prefixes.All() {
		if !now.Before(until) {
			over = append(over, p)
		}
	}
	for _, p := range over {
		e.prefixes.Delete(p)
	}
	for key, until := range e.others {
		if !now.Before(until) {
			delete(e.others, key)
		}
	}
}
