package enrich

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"levee/detect"
)

// Resolver is the part of net.Resolver that verification needs; tests replace it.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// crawlerDomains are the names under which crawlers' reverse DNS lies, as
// their operators document it.
var crawlerDomains = []string{
	".googlebot.com.", ".google.com.", ".googleusercontent.com.", ".search.msn.com.", ".yandex.ru.", ".yandex.net.",
	".yandex.com.", ".crawl.baidu.com.", ".crawl.baidu.jp.", ".applebot.apple.com.", ".crawl.yahoo.net.", ".petalsearch.com.",
}

// Limits of the verifier: a botnet can make it neither remember nor ask more.
const (
	verifyPending = 256
	verifyKept    = 4096
	verifyTimeout = 3 * time.Second
)

// verifier checks by reverse and forward DNS whether an address is a
// crawler's: the name must lie under a crawler's domain and lead back to the
// address. One question at a time, each asked once.
type verifier struct {
	resolver Resolver
	ask      chan netip.Addr

	mu    sync.Mutex
	known map[netip.Addr]detect.Crawler
	order []netip.Addr // known's keys, oldest first
}

func newVerifier(r Resolver) *verifier {
	return &verifier{resolver: r, ask: make(chan netip.Addr, verifyPending), known: map[netip.Addr]detect.Crawler{}}
}

// state returns what is known of a.
func (v *verifier) state(a netip.Addr) detect.Crawler {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known[a]
}

// claim asks about a in the background, once.
func (v *verifier) claim(a netip.Addr) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.known[a]; ok {
		return
	}
	select {
	case v.ask <- a:
		v.keep(a, detect.CrawlerUnknown)
	default: // too many waiting: asked when it claims again
	}
}

func (v *verifier) keep(a netip.Addr, c detect.Crawler) {
	if _, ok := v.known[a]; !ok {
		if len(v.order) >= verifyKept {
			delete(v.known, v.order[0])
			v.order = v.order[1:]
		}
		v.order = append(v.order, a)
	}
	v.known[a] = c
}

func (v *verifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-v.ask:
			c, ok := v.verify(ctx, a)
			v.mu.Lock()
			if ok {
				v.keep(a, c)
			} else if _, held := v.known[a]; held {
				delete(v.known, a)
				v.order = slices.DeleteFunc(v.order, func(b netip.Addr) bool { return a == b })
			}
			v.mu.Unlock()
		}
	}
}

// verify asks DNS about a; ok is false when DNS gave no answer that can be
// trusted (a time-out says nothing about the address).
func (v *verifier) verify(ctx context.Context, a netip.Addr) (c detect.Crawler, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	names, err := v.resolver.LookupAddr(ctx, a.String())
	if err != nil {
		if isNotFound(err) {
			return detect.CrawlerFalse, true
		}
		return detect.CrawlerUnknown, false
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".") {
			name += "."
		}
		if !slices.ContainsFunc(crawlerDomains, func(d string) bool { return strings.HasSuffix(strings.ToLower(name), d) }) {
			continue
		}
		back, err := v.resolver.LookupNetIP(ctx, "ip", name)
		if err != nil && !isNotFound(err) {
			return detect.CrawlerUnknown, false
		}
		if slices.ContainsFunc(back, func(b netip.Addr) bool { return b.Unmap() == a }) {
			return detect.CrawlerVerified, true
		}
	}
	return detect.CrawlerFalse, true
}
