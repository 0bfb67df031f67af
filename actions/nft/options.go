package nft

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Options describes a Filter. The zero value works.
type Options struct {
	Name  string // what receipts call it; default "nft"
	Table string // name of the inet table; default "levee"

	// Operators are addresses that reach SSHPorts whatever is blocked. KeepOpen
	// replaces them.
	Operators []netip.Prefix
	SSHPorts  []uint16 // default 22

	// Proxied reports whether a source is seen only through a trusted proxy. Its
	// packets never arrive here and a block would read as done without effect,
	// so it is refused; a deny list or a CDN's webhook reaches it. Nil: none is.
	Proxied func(netip.Prefix) bool

	NetNS int              // file descriptor of the network namespace; 0: this process's own
	Batch int              // elements in one transaction; default 10000
	Now   func() time.Time // default time.Now
}

func (o *Options) complete() error {
	o.Name = cmp.Or(o.Name, "nft")
	o.Table = cmp.Or(o.Table, "levee")
	if len(o.SSHPorts) == 0 {
		o.SSHPorts = []uint16{22}
	}
	o.Batch = cmp.Or(o.Batch, 10000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Table) > 30 {
		return errors.New("nft: the table's name is longer than 30 bytes")
	}
	if o.Batch < 1 || o.Batch > 20000 {
		return fmt.Errorf("nft: %d elements in a transaction; use 1 to 20000", o.Batch)
	}
	for _, p := range o.Operators {
		if !p.IsValid() || p.Addr().Is4In6() {
			return fmt.Errorf("nft: operator %s is no address", p)
		}
	}
	return nil
}
