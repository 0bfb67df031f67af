// Package kernel reads what the kernel counts of connections that no server,
// and so no access log, ever sees: what it drops because a backlog or a table
// is full.
package kernel

import (
	"strconv"
	"strings"
)

// Counts are the kernel's counters, in connections or packets since boot, of
// this process's network namespace. What a kernel does not count is 0.
type Counts struct {
	ListenDrops    uint64 // a listener's accept queue was full, or its SYN was dropped for another reason
	SynDrops       uint64 // the SYN backlog was full and SYN cookies are off
	SynCookies     uint64 // the SYN backlog was full and cookies were sent
	ConntrackDrops uint64 // connections that could not be tracked
	PacketDrops    uint64 // packets dropped before the kernel looked at them

	Conntrack, ConntrackMost int64 // connections tracked now, and the most; 0 unknown
}

// Reader reads a whole file, as os.ReadFile does.
type Reader func(path string) ([]byte, error)

// Read reads the counters with read. A file that is not there, or not as
// proc(5) has it, counts nothing.
func Read(read Reader) Counts {
	ext := netstat(read)
	c := Counts{ListenDrops: ext["ListenDrops"], SynDrops: ext["TCPReqQFullDrop"], SynCookies: ext["TCPReqQFullDoCookies"]}
	for _, row := range table(read, "/proc/net/stat/nf_conntrack") {
		c.ConntrackDrops += row["insert_failed"] + row["drop"] + row["early_drop"]
	}
	if b, err := read("/proc/net/softnet_stat"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 {
				c.PacketDrops += hex(f[1])
			}
		}
	}
	c.Conntrack, c.ConntrackMost = number(read, "/proc/sys/net/netfilter/nf_conntrack_count"), number(read, "/proc/sys/net/netfilter/nf_conntrack_max")
	return c
}

func number(read Reader, path string) int64 {
	b, err := read(path)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func hex(text string) uint64 {
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// netstat reads the TcpExt counters of proc_pid_net(5).
func netstat(read Reader) map[string]uint64 {
	out := map[string]uint64{}
	b, err := read("/proc/net/netstat")
	if err != nil {
		return out
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i := 1; i < min(len(f), len(names)); i++ {
			if n, err := strconv.ParseUint(f[i], 10, 64); err == nil {
				out[names[i]] = n
			}
		}
	}
	return out
}

// table reads a file of one line of names and a line of hexadecimal numbers
// for each processor.
func table(read Reader, path string) []map[string]uint64 {
	b, err := read(path)
	if err != nil {
		return nil
	}
	var names []string
	var rows []map[string]uint64
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if names == nil {
			names = f
			continue
		}
		row := map[string]uint64{}
		for i := range min(len(f), len(names)) {
			row[names[i]] = hex(f[i])
		}
		rows = append(rows, row)
	}
	return rows
}
