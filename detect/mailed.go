package detect

// Links sent to many are read by machines first: a mail provider's proxies fetch
// the pictures, a gateway's scanner follows every link before its reader may, a
// messenger shows what is behind one. Each address comes for a request or a few
// and never again, calls itself a browser and fetches no style. What tells them
// from a flood is where they go and how much they are: to pages that the site
// published a moment ago, never far above what it is used to.

const (
	// untriedSeconds is for how long a route counts as one that nobody asked before.
	untriedSeconds = 900
	// fewRequests is how many requests, the redirects among them, a machine makes
	// that looks at a link for somebody.
	fewRequests = 4
	// bearable is how many times its usual rate a service is taken to bear from
	// whoever reads links to new pages, half of it to others, and bearableLeast
	// what any does, requests/s.
	bearable      = 4
	bearableLeast = 10
)

// untried reports whether a route is one that nobody asked before the last
// quarter of an hour, though there was time to: of such, the usual traffic tells
// nothing.
func (e *Engine) untried(id uint16) bool {
	since := e.sec - untriedSeconds
	if id == 0 { // met once so far
		return e.sec-e.start >= 240
	}
	return e.routes[id].first > max(since, e.start+120)
}

// readsLinks reports whether an excess is of machines that look at links for
// those they were sent to.
func (e *Engine) readsLinks(svc uint8, c *cause, k *crowd) bool {
	excess, usual := c.rate-c.usual, e.services[svc].rate.usual()
	if k.often > 0.1 || k.mixed >= 0.5 || k.post >= 0.2 || k.odd >= 0.2 || k.err4 >= 0.3 || k.err5 >= 0.3 {
		return false
	}
	switch {
	case k.previews >= 0.6:
		return excess < max(bearableLeast, usual)
	case k.sent < 0.5:
		return false
	case k.untried >= 0.8:
		return excess < max(bearableLeast, bearable*usual)
	}
	return excess < max(bearableLeast, bearable/2*usual)
}
