package tui

import (
	"strconv"
	"strings"

	"levee/internal/status"
)

// peersShort is the fleet in the status bar: that this host stands alone, or
// how many decide as one and who leads.
func peersShort(p status.Peers, w int) string {
	switch {
	case !p.Configured || w < 50:
		return ""
	case p.Alone:
		return "  ALONE 1/" + strconv.Itoa(max(1, p.Share))
	case w < 100:
		return "  " + strconv.Itoa(len(p.Hosts)) + " hosts"
	case p.Leads:
		return "  " + strconv.Itoa(len(p.Hosts)) + " hosts, this one leads"
	case p.Leader == "":
		return "  " + strconv.Itoa(len(p.Hosts)) + " hosts, none leads"
	}
	return "  " + strconv.Itoa(len(p.Hosts)) + " hosts, " + middle(p.Leader, 16) + " leads"
}

// fleet tells on the Auto mode screen with whom this host decides.
func (t *writer) fleet(p status.Peers) {
	if !p.Configured {
		return
	}
	t.head("Fleet")
	switch {
	case p.Alone:
		t.pairIn(t.th.bad, "ALONE", "since "+clock(p.Since)+"Z with 1/"+strconv.Itoa(max(1, p.Share))+" of the budget: "+p.Note)
	case p.Leads:
		t.pair("leader", "this host, term "+strconv.FormatUint(p.Term, 10))
	case p.Leader != "":
		t.pair("leader", p.Leader+", term "+strconv.FormatUint(p.Term, 10)+": what this host's auto mode wants is asked of it")
	default:
		t.pairIn(t.th.warn, "leader", "none: no host sees fresh traffic")
	}
	t.pair("hosts", strconv.Itoa(len(p.Hosts))+": "+strings.Join(p.Hosts, " "))
	for _, n := range p.Notes {
		t.pairIn(t.th.warn, "·", n)
	}
}
