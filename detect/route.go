package detect

import "bytes"

// Marks of a route: what the path says about who asks for it.
const (
	routeAsset uint8 = 1 << iota // style, script, image, font: what a browser fetches after a page
	routeAPI                     // answers programs, so assets are not to be expected
	routeFeed                    // feeds, robots.txt, sitemaps: asked for by programs
	routeLogin                   // takes credentials
	routeProbe                   // asked for by scanners on every site
)

// route is a path template of one service with its own baseline.
type route struct {
	service uint8
	marks   uint8
	first   int64 // second it was first met; 0 known from an earlier run
	rate    series
	person  share // requests of clients with a person's conduct
	repeat  share // requests a minute that one client makes here
	fresh   share // requests with a query never seen before
	random  share // requests with a random-looking query
	odd     share // requests with methods sites have little use for
	failing share // answers 5xx
}

// routeMemo remembers the route of whole paths, so that a template is built
// once for a path and not at each request.
type routeMemo struct {
	hash  uint64
	id    uint16
	marks uint8
}

// pathHash is the hash of a path of one service, from the path's own.
func pathHash(service uint8, path uint64) uint64 { return mix(path, uint64(service)) }

// routeOf returns the route of path, whose hash is h, and its marks. Paths whose
// template was never met before have no route of their own yet and share id 0.
func (e *Engine) routeOf(service uint8, path []byte, h uint64) (uint16, uint8, uint64) {
	m := &e.memo[h&uint64(len(e.memo)-1)]
	if m.hash == h {
		e.routeWords.uses[m.id]++
		return m.id, m.marks, h
	}
	marks := markPath(path)
	t := e.template(path, marks)
	th := e.routeHash(service, t)
	id := e.routeWords.find(th)
	if id == 0 {
		if !e.routeWords.deserves(th) {
			return 0, marks, h
		}
		id = e.routeWords.add(th, string(t), "")
		if id == 0 {
			return 0, marks, h
		}
		e.routes[id] = route{service: service, marks: markPath(t) | marks&routeAsset, first: e.sec}
		if e.sec-e.start > 120 {
			e.routes[id].rate.n = learnSpan // nobody asked it so far: that is what is usual
		}
		e.countChild(t)
	}
	*m = routeMemo{h, id, marks}
	return id, marks, h
}

// routeHash is the hash of a path template of one service.
func (e *Engine) routeHash(service uint8, template []byte) uint64 {
	return hashBytes(template, saltRoute^uint64(service)<<8^e.opt.Seed)
}

// maxChildren is how many literal names one folder may have before its names
// are taken for values (products, users) and become one *.
const maxChildren = 48

// template writes path into e.tmpl with its varying parts replaced by *.
func (e *Engine) template(path []byte, marks uint8) []byte {
	t := e.tmpl[:0]
	if len(path) > 256 {
		path = path[:256]
	}
	for len(path) > 0 && len(t) < 120 {
		seg := path
		if i := bytes.IndexByte(path[1:], '/'); i >= 0 {
			seg = path[:i+1]
		}
		path = path[len(seg):]
		last := len(path) == 0
		name := seg
		if len(name) > 0 && name[0] == '/' {
			name = name[1:]
			t = append(t, '/')
		}
		switch {
		case last && marks&routeAsset != 0:
			t = append(t, '*')
			if i := bytes.LastIndexByte(name, '.'); i >= 0 {
				t = append(t, name[i:]...)
			}
		case varying(name):
			t = append(t, '*')
		default:
			if c := &e.children[hashBytes(t, saltFolder^e.opt.Seed)&uint64(len(e.children)-1)]; *c >= maxChildren {
				// A folder with so many names: only those that already are routes keep theirs.
				t = append(t, '*')
			} else {
				t = append(t, name...)
			}
		}
	}
	e.tmpl = t
	return t
}

// countChild notes a new literal name under its folder.
func (e *Engine) countChild(t []byte) {
	i := bytes.LastIndexByte(t, '/')
	if i < 0 || bytes.IndexByte(t[i:], '*') >= 0 {
		return
	}
	c := &e.children[hashBytes(t[:i+1], saltFolder^e.opt.Seed)&uint64(len(e.children)-1)]
	if *c < 255 {
		*c++
	}
}

// varying reports whether a path segment looks like a value and not a name.
func varying(s []byte) bool {
	if len(s) > 28 {
		return true
	}
	if len(s) <= 3 && len(s) > 0 && (s[0] == 'v' || s[0] == 'V') {
		return false
	}
	hyphens := 0
	for _, c := range s {
		if c >= '0' && c <= '9' || c == '%' || c >= 0x80 {
			return true
		}
		if c == '-' || c == '_' || c == '+' {
			hyphens++
		}
	}
	return hyphens >= 3
}

var assetSuffixes = map[string]bool{
	"css": true, "js": true, "mjs": true, "map": true, "png": true, "jpg": true, "jpeg": true, "gif": true, "webp": true, "avif": true,
	"svg": true, "ico": true, "woff": true, "woff2": true, "ttf": true, "otf": true, "eot": true, "mp4": true, "webm": true, "mp3": true,
	"m4s": true, "ts": true, "wasm": true,
}

func words(s ...string) [][]byte {
	w := make([][]byte, len(s))
	for i := range s {
		w[i] = []byte(s[i])
	}
	return w
}

var (
	apiParts   = words("/api", "/graphql", "/rest/", "/rpc", "/v1/", "/v2/", "/v3/", "/ajax", "/socket", "/ws", ".json", "/gateway", "/launcher", "/client", "/sdk", "/telemetry", "/collect", "/metrics", "/health", "/status", "/ping", "/webhook", "/manifest", "/version")
	feedParts  = words("/feed", "/rss", "/atom", ".rss", ".atom", ".xml", "/robots.txt", "/sitemap", "/.well-known/", "/ads.txt")
	loginParts = words("login", "signin", "sign-in", "sign_in", "logon", "/auth", "oauth", "/session", "/token", "passw", "xmlrpc.php", "/otp", "/2fa", "/mfa", "/verify", "anmeld", "j_security_check", "j_spring_security")
	renewParts = words("refresh", "renew", "/token") // a program shows a token here, nobody guesses a password
	probeParts = words("/.env", "/.git", "/.svn", "/.aws", "/.ssh", "/.hta", "/.vscode", "/.ds_store", "/wp-login.php", "/wp-admin", "/wp-content/plugins", "/wp-config", "/wp-json/wp/v2/users",
		"/xmlrpc.php", "phpmyadmin", "/pma/", "/administrator/", "/manager/html", "/solr/", "/actuator", "/server-status", "/cgi-bin/", "/boaform", "/hnap1", "phpunit", "eval-stdin", ".bak", ".sql", "/backup",
		"/shell.php", "/c99.php", "/r57.php", "/cmd.php", "/config.php", "/owa/auth", "/ecp/", "/autodiscover", "/remote/login", "/_ignition", "/telescope", "/debug/default", "invokefunction", "/id_rsa",
		"/web.config", "/dockerfile", "docker-compose", "/phpinfo", "/info.php", "/etc/passwd", "../", "..%2f", "%2e%2e", "/vendor/", "/laravel.log", "/setup.php", "/install.php", "/console/", "/jenkins/", "/sftp", "/.htpasswd", "/upload.php", "/swagger", "/v2/_catalog")
)

// markPath tells from a path's words what it is for.
func markPath(path []byte) (m uint8) {
	var buf [192]byte
	low := lower(buf[:0], path)
	if i := bytes.LastIndexByte(low, '.'); i >= 0 && len(low)-i <= 7 && bytes.IndexByte(low[i:], '/') < 0 && assetSuffixes[string(low[i+1:])] {
		return routeAsset
	}
	if containsAny(low, loginParts) && !containsAny(low, renewParts) {
		m |= routeLogin
	}
	if containsAny(low, probeParts) {
		m |= routeProbe
	}
	if containsAny(low, feedParts) {
		m |= routeFeed
	} else if containsAny(low, apiParts) || containsAny(low, renewParts) {
		m |= routeAPI
	}
	return m
}

// lower appends s in lower case to dst, as far as dst's capacity goes.
func lower(dst, s []byte) []byte {
	for _, c := range s[:min(len(s), cap(dst))] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

func containsAny(s []byte, parts [][]byte) bool {
	for _, p := range parts {
		if bytes.Contains(s, p) {
			return true
		}
	}
	return false
}
