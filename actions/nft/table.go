package nft

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// table is the shape of inet levee: its sets, chain and rules.
type table struct {
	t     *nftables.Table
	chain *nftables.Chain
	sets  map[string]*nftables.Set
}

func newTable(name string) *table {
	t := &nftables.Table{Family: nftables.TableFamilyINet, Name: name}
	accept := nftables.ChainPolicyAccept
	s := &table{t: t, sets: map[string]*nftables.Set{}, chain: &nftables.Chain{
		Name: "sources", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw, Policy: &accept,
	}}
	for _, n := range append([]string{operators4, operators6}, setNames...) {
		set := &nftables.Set{Table: t, Name: n, KeyType: nftables.TypeIPAddr, Interval: interval(n)}
		if n == addresses6 || n == networks6 || n == operators6 {
			set.KeyType = nftables.TypeIP6Addr
		}
		if n == operators4 || n == operators6 {
			set.Interval = true
		} else {
			set.HasTimeout, set.Counter = true, true
		}
		s.sets[n] = set
	}
	return s
}

const (
	operators4 = "operators4"
	operators6 = "operators6"
)

// open connects to the packet filter. A transaction of 10,000 elements is
// larger than the usual send buffer.
func (f *Filter) open(more ...nftables.SockOption) (*nftables.Conn, error) {
	options := []nftables.ConnOption{nftables.WithSockOptions(append(more, func(c *netlink.Conn) error {
		if err := c.SetWriteBuffer(8 << 20); err != nil {
			return err
		}
		return c.SetReadBuffer(8 << 20)
	})...)}
	if f.o.NetNS > 0 {
		options = append(options, nftables.WithNetNSFd(f.o.NetNS))
	}
	c, err := nftables.New(options...)
	if err != nil {
		return nil, f.explain("connect to the packet filter", err)
	}
	return c, nil
}

// inLargePieces makes the kernel answer this socket's dumps in 32 KiB pieces.
// It sizes them by the largest buffer the socket ever read with, the library
// begins with a page, and each piece walks the set from its start: 100,000
// elements take 5 s in pages and under 1 s so. A harmless question (which
// generation is the ruleset?) gives something to read with a large buffer.
func inLargePieces(c *netlink.Conn) error {
	_, err := c.Send(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN), Flags: netlink.Request},
		Data:   []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0},
	})
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		_, _, failed = unix.Recvfrom(int(fd), make([]byte, 32<<10), 0)
		return failed != unix.EAGAIN
	})
	return errors.Join(err, failed)
}

// explain says what a refusal means.
func (f *Filter) explain(what string, err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("nft: %s: this process lacks CAP_NET_ADMIN; run \"levee enforcer\" with it (AmbientCapabilities=CAP_NET_ADMIN in its unit) or as root", what)
	}
	if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT) {
		return fmt.Errorf("nft: %s: this kernel has no nf_tables: %w", what, err)
	}
	return fmt.Errorf("nft: %s: %w", what, err)
}

// build makes the table what it should be, in one transaction. Elements that
// stand in its sets stay.
func (f *Filter) build() error {
	c, err := f.open()
	if err != nil {
		return err
	}
	s := f.table
	c.AddTable(s.t)
	for _, name := range append([]string{operators4, operators6}, setNames...) {
		if err := c.AddSet(s.sets[name], nil); err != nil {
			return f.explain("add set "+name, err)
		}
	}
	if err := f.letIn(c); err != nil {
		return err
	}
	c.AddChain(s.chain)
	c.FlushChain(s.chain)
	for _, exprs := range f.rules() {
		c.AddRule(&nftables.Rule{Table: s.t, Chain: s.chain, Exprs: exprs})
	}
	if err := c.Flush(); err != nil {
		return f.explain("build table inet "+s.t.Name, err)
	}
	return nil
}

// rules are the chain, top to bottom: loopback and operators' SSH pass, blocked
// sources are dropped.
func (f *Filter) rules() [][]expr.Any {
	loopback := append([]byte("lo"), make([]byte, unix.IFNAMSIZ-2)...)
	rules := [][]expr.Any{{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: loopback},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}}
	for _, name := range []string{operators4, operators6} {
		for _, port := range f.o.SSHPorts {
			rules = append(rules, append(f.source(name),
				&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
				&expr.Verdict{Kind: expr.VerdictAccept}))
		}
	}
	for _, name := range setNames {
		rules = append(rules, append(f.source(name), &expr.Verdict{Kind: expr.VerdictDrop}))
	}
	return rules
}

// source matches packets whose source address stands in a set.
func (f *Filter) source(name string) []expr.Any {
	family, offset, length := byte(unix.NFPROTO_IPV4), uint32(12), uint32(4)
	set := f.table.sets[name]
	if set.KeyType == nftables.TypeIP6Addr {
		family, offset, length = unix.NFPROTO_IPV6, 8, 16
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{family}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length},
		&expr.Lookup{SourceRegister: 1, SetName: set.Name, SetID: set.ID},
	}
}

// Remove takes the whole table away, and with it every block.
func (f *Filter) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.open()
	if err != nil {
		return err
	}
	if there, err := f.exists(c); err != nil || !there {
		return err
	}
	c.DelTable(f.table.t)
	if err := c.Flush(); err != nil {
		return f.explain("remove table inet "+f.o.Table, err)
	}
	f.ready = false
	clear(f.inner) // they waited inside what is gone too
	return nil
}

func (f *Filter) exists(c *nftables.Conn) (bool, error) {
	all, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return false, f.explain("list tables", err)
	}
	for _, t := range all {
		if t.Name == f.o.Table {
			return true, nil
		}
	}
	return false, nil
}
