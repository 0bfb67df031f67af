package detect

import (
	"bytes"
	"strings"
)

// agentMemo remembers what was found out about a whole user agent.
type agentMemo struct {
	hash     uint64
	id       uint16
	tool     bool
	attacks  bool
	claims   bool
	signed   bool
	previews bool
}

// toolParts are names of programs that make requests by themselves, lower case.
var toolParts = words("curl/", "wget", "python", "go-http", "java/", "okhttp", "libwww", "httpclient", "http_client", "axios", "node-fetch", "undici", "aiohttp", "httpx", "scrapy",
	"nikto", "sqlmap", "nuclei", "zgrab", "masscan", "nmap", "gobuster", "dirbuster", "ffuf", "feroxbuster", "wpscan", "hydra", "headlesschrome", "phantomjs", "selenium", "slowhttptest", "goldeneye", "hulk", "apachebench", "siege", "wrk", "hey/", "vegeta", "k6/", "guzzle", "faraday", "perl", "ruby", "winhttp", "wordpress/", "postman", "insomnia", "loader", "bench")

// attackParts are names of programs made to attack or to scan.
var attackParts = words("nikto", "sqlmap", "nuclei", "zgrab", "masscan", "nmap", "gobuster", "dirbuster", "ffuf", "feroxbuster", "wpscan", "hydra", "slowhttptest", "goldeneye", "hulk", "l9explore", "acunetix", "nessus", "openvas", "dirb", "arachni", "jorgee", "morfeus", "havij")

// crawlerParts mark agents that say they are crawlers.
var crawlerParts = words("bot", "crawl", "spider", "slurp", "facebookexternalhit", "mediapartners", "feedfetcher", "archiver")

// contactParts mark agents that say where to complain.
var contactParts = words("http://", "https://", "@")

// previewParts name messengers that look at a link somebody is about to send or
// was sent, and mail services that fetch pictures for their readers.
var previewParts = words("whatsapp/", "telegrambot", "twitterbot", "slackbot", "discordbot", "facebookexternalhit", "linkedinbot", "skypeuripreview", "googleimageproxy", "yahoomailproxy")

// verifiableParts are crawlers whose addresses tell whether they are what they
// claim: their names are borrowed most.
var verifiableParts = words("googlebot", "bingbot", "applebot")

// lookAgent fills in the agent's part of f from agent a of hash h.
func (e *Engine) lookAgent(a []byte, h uint64, f *feature) {
	if len(a) == 0 {
		f.noAgent = true
		f.agent = e.emptyAgent
		return
	}
	f.agentSum = h
	m := &e.agentMemo[h&uint64(len(e.agentMemo)-1)]
	if m.hash == h {
		e.agents.uses[m.id]++
		f.agent, f.tool, f.attacks, f.claims, f.signed, f.previews = m.id, m.tool, m.attacks, m.claims, m.signed, m.previews
		return
	}
	var buf [256]byte
	low := lower(buf[:0], a)
	f.tool, f.attacks, f.claims = containsAny(low, toolParts), containsAny(low, attackParts), containsAny(low, crawlerParts)
	name := family(a)
	if f.tool && len(name) < len(a) {
		f.tool = containsAny(low[:min(len(name), len(low))], toolParts) // an app names itself first and its library after
	}
	f.signed = !f.tool && !f.attacks && containsAny(low, contactParts) && !containsAny(low, verifiableParts)
	f.previews = containsAny(low, previewParts)
	nh := hashBytes(name, saltFamily^e.opt.Seed)
	id := e.agents.find(nh)
	if id == 0 && e.agents.deserves(nh) {
		n := clip(name, 200)
		if len(name) < len(a) {
			n += "*"
		}
		id = e.agents.add(nh, n, clip(a, 200))
	}
	f.agent = id
	if id != 0 {
		*m = agentMemo{h, id, f.tool, f.attacks, f.claims, f.signed, f.previews}
	}
}

// family returns the part of a user agent that its program shares: the whole
// of a browser's, the product name of a program's (WordPress/ of
// "WordPress/6.1; https://some.site").
func family(a []byte) []byte {
	if bytes.HasPrefix(a, []byte("Mozilla/")) || bytes.HasPrefix(a, []byte("Opera/")) {
		return a
	}
	if i := bytes.IndexByte(a, '/'); i > 0 && i < 40 {
		return a[:i+1]
	}
	return a
}

// browser reports whether an agent calls itself a browser and says nothing else.
func (e *Engine) browser(f *feature) bool {
	return f.agent != 0 && !f.tool && !f.claims && !f.signed && strings.HasPrefix(e.agents.name(f.agent), "Mozilla/")
}

// app reports whether an agent is the name of a program of its own, a launcher
// or a phone's app: neither a browser's nor a general tool's.
func (e *Engine) app(f *feature) bool {
	if f.agent == 0 || f.tool || f.noAgent || f.claims || f.attacks {
		return false
	}
	n := e.agents.name(f.agent)
	return len(n) > 2 && n[len(n)-2:] == "/*"
}
