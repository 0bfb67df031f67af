package enrich

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"levee/detect"
)

// geoPoll is how often the databases' modification times are looked at.
const geoPoll = 30 * time.Second

// geo reads MaxMind databases, read again when their files change. A reader
// that was replaced goes with the last look-up that holds it.
type geo struct {
	dbs []*database
}

type database struct {
	path   string
	seen   fileMark
	reader atomic.Pointer[maxminddb.Reader]
}

type fileMark struct {
	size int64
	at   time.Time
}

// record is what levee reads of a database row; absent fields stay empty.
type record struct {
	ASN     uint32 `maxminddb:"autonomous_system_number"`
	ASName  string `maxminddb:"autonomous_system_organization"`
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
}

func openGeo(paths []string) (*geo, error) {
	g := &geo{}
	for _, p := range paths {
		d := &database{path: p}
		if err := d.open(); err != nil {
			return nil, err
		}
		g.dbs = append(g.dbs, d)
	}
	return g, nil
}

// open reads the whole file, so that a database overwritten in place never
// changes under a look-up.
func (d *database) open() error {
	st, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("open GeoIP database %s: %w; mend detect.geoip in levee.yaml", d.path, err)
	}
	b, err := os.ReadFile(d.path)
	if err != nil {
		return fmt.Errorf("read GeoIP database %s: %w; mend its permissions", d.path, err)
	}
	r, err := maxminddb.OpenBytes(b)
	if err != nil {
		return fmt.Errorf("read GeoIP database %s: %w; fetch it anew", d.path, err)
	}
	d.seen = fileMark{st.Size(), st.ModTime()}
	d.reader.Store(r)
	return nil
}

func (g *geo) lookup(a netip.Addr) detect.Facts {
	var f detect.Facts
	for _, d := range g.dbs {
		res := d.reader.Load().Lookup(a)
		if !res.Found() {
			continue
		}
		var r record
		if res.Decode(&r) != nil {
			continue // a damaged row says nothing
		}
		if r.ASN != 0 {
			f.ASN, f.ASName = r.ASN, r.ASName
		}
		if r.Country.ISO != "" {
			f.Country = r.Country.ISO
		}
	}
	return f
}

// watch reopens databases whose files changed. One that can't be read keeps
// its last good state.
func (g *geo) watch(ctx context.Context) {
	tick := time.NewTicker(geoPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, d := range g.dbs {
				if st, err := os.Stat(d.path); err == nil && (fileMark{st.Size(), st.ModTime()}) != d.seen {
					_ = d.open() // half-written: tried again at the next tick
				}
			}
		}
	}
}

func (g *geo) close() {
	for _, d := range g.dbs {
		_ = d.reader.Load().Close() // from bytes: nothing to release
	}
}
