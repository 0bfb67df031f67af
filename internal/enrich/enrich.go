// Package enrich looks addresses up beside the stream (GeoIP, ASN, crawler
// verification) and hands detect plain facts. Its answers never wait: what is
// not known yet is unknown, and is asked for in the background.
package enrich

import (
	"context"
	"net/netip"

	"levee/detect"
)

// Options tunes an Enricher. The zero value knows the published crawler ranges
// and nothing else.
type Options struct {
	Databases []string // MaxMind databases (.mmdb): ASN, country or city
	Resolver  Resolver // nil: crawlers are verified by published ranges alone
}

// Enricher answers what is known of an address.
type Enricher struct {
	geo *geo
	dns *verifier
}

// New opens the databases. Its error names the file and the mend.
func New(o Options) (*Enricher, error) {
	g, err := openGeo(o.Databases)
	if err != nil {
		return nil, err
	}
	e := &Enricher{geo: g}
	if o.Resolver != nil {
		e.dns = newVerifier(o.Resolver)
	}
	return e, nil
}

// Run verifies crawlers by DNS and reopens databases that changed, until ctx
// ends.
func (e *Enricher) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.geo.watch(ctx)
	}()
	if e.dns != nil {
		e.dns.run(ctx)
	}
	<-done
	e.geo.close()
}

// Claim says that a claims to be a crawler: where nothing is known of it, DNS
// is asked in the background.
func (e *Enricher) Claim(a netip.Addr) {
	if a = a.Unmap(); e.dns != nil && !inPublishedRange(a) {
		e.dns.claim(a)
	}
}

// Facts returns what is known of a now. It never blocks and asks nobody.
func (e *Enricher) Facts(a netip.Addr) detect.Facts {
	a = a.Unmap()
	f := e.geo.lookup(a)
	switch {
	case inPublishedRange(a):
		f.Crawler = detect.CrawlerVerified
	case e.dns != nil:
		f.Crawler = e.dns.state(a)
	}
	return f
}
