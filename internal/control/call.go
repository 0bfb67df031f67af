package control

import (
	"io"
	"net/netip"
	"strings"
)

// Size is a terminal's size in cells.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Terminal is the terminal that the caller sits at.
type Terminal struct {
	Size
	Env []string `json:"env"` // TERM, COLORTERM, LANG, LC_ALL, NO_COLOR; nothing else is taken
}

// request is the first frame of a connection.
type request struct {
	Args     []string  `json:"args"`
	Console  bool      `json:"console"`
	Terminal *Terminal `json:"terminal,omitempty"`

	From netip.Addr `json:"from,omitzero"`
}

// Peer is who calls, as the kernel knows them.
type Peer struct {
	UID  uint32
	Self bool // the same user as the daemon, or root
}

// Call is one command line, or a console, that somebody asks for.
type Call struct {
	Peer     Peer
	Args     []string
	Console  bool
	Terminal *Terminal // nil: none
	In       io.Reader
	Out, Err io.Writer
	Resizes  <-chan Size // the latest size only

	From netip.Addr // where the caller says they came from by SSH; invalid: nowhere
}

// SSHFrom is the address from which the person at this terminal came by SSH, as
// sshd left it in the environment; invalid when they did not.
func SSHFrom(getenv func(string) string) netip.Addr {
	from, _, _ := strings.Cut(getenv("SSH_CONNECTION"), " ")
	a, err := netip.ParseAddr(from)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
