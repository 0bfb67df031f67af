package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// scalar is a value that is written as one text.
type scalar interface{ parse(text string) error }

// Size is a number of bytes, written 128MiB.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

func (s *Size) parse(text string) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			break
		}
		*s = Size(n * u.bytes)
		return nil
	}
	return wrong("write a whole number and a unit, for instance 128MiB", "%s is not a size", quote(text))
}

// Share is a part of a whole, 0 to 1, written 0.5%.
type Share float64

func (s *Share) parse(text string) error {
	number, ok := strings.CutSuffix(text, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil:
		return wrong("write a percentage, for instance 0.5%", "%s is not a share", quote(text))
	case !ok:
		return wrong("write a percentage, for instance "+number+"%", "%s has no unit", quote(text))
	case !(f >= 0 && f <= 100):
		return wrong("give 0% to 100%", "%s is no part of a whole", quote(text))
	}
	*s = Share(f / 100)
	return nil
}

// Rate is requests per second, written 50/s or 3000/min.
type Rate float64

func (r *Rate) parse(text string) error {
	number, unit, _ := strings.Cut(text, "/")
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	per := map[string]float64{"s": 1, "min": 60, "h": 3600}[strings.TrimSpace(unit)]
	switch {
	case err == nil && unit == "":
		return wrong("write "+number+"/s", "%s has no unit", quote(text))
	case err != nil || per == 0 || !(f > 0 && f <= 1e9):
		return wrong("write a positive number and /s, /min or /h, for instance 50/s", "%s is not a rate", quote(text))
	}
	*r = Rate(f / per)
	return nil
}

// parseDuration reads what time.ParseDuration does, and days: 90s, 1h30m, 7d.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return 0, wrong("write "+text+"s, or another of ms, m, h, d", "%s has no unit", quote(text))
		}
		return 0, wrong("write for instance 90s, 10m, 24h or 7d", "%s is not a duration", quote(text))
	}
	if d < 0 {
		return 0, wrong("give a positive one", "the duration %s is negative", text)
	}
	return d, nil
}

// parsePrefix reads an address or a prefix.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, wrong("write for instance 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32", "%s is not an address or prefix", quote(text))
	}
	if p != p.Masked() {
		return p, wrong("write "+p.Masked().String()+" or "+p.Addr().String(), "%s has bits set past its /%d", quote(text), p.Bits())
	}
	return p, nil
}

// Allow is one entry of the allow list: a prefix, an autonomous system, or
// every verified crawler.
type Allow struct {
	Prefix   netip.Prefix
	ASN      uint32
	Crawlers bool
	Line     int // of levee.yaml, for Config.Position
}

func (a *Allow) parse(text string) error {
	if text == "verified-crawlers" {
		a.Crawlers = true
		return nil
	}
	if number, ok := strings.CutPrefix(strings.ToLower(text), "asn:"); ok {
		n, err := strconv.ParseUint(strings.TrimPrefix(number, "as"), 10, 32)
		if err != nil || n == 0 {
			return wrong("write for instance asn:15169", "%s is not an autonomous system", quote(text))
		}
		a.ASN = uint32(n)
		return nil
	}
	p, err := parsePrefix(text)
	if err != nil {
		if text != "" && !strings.ContainsAny(text, ".:/0123456789") {
			return wrong(`write an address, a prefix, "asn:NUMBER" or verified-crawlers`, "%s cannot be allowed", quote(text))
		}
		return err
	}
	a.Prefix = p
	return nil
}

func (a *Allow) at(line int) { a.Line = line }

// Listen is a host:port to listen on; the host may be empty for all.
type Listen string

func (l *Listen) parse(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return wrong(`write for instance 127.0.0.1:9177 or ":2222"`, "%s is not an address to listen on", quote(text))
	}
	*l = Listen(text)
	return nil
}

// SyslogURL is udp://, tcp:// or tls://host:port.
type SyslogURL string

func (s *SyslogURL) parse(text string) error {
	scheme, rest, _ := strings.Cut(text, "://")
	var l Listen
	if scheme != "udp" && scheme != "tcp" && scheme != "tls" || l.parse(rest) != nil {
		return wrong("write udp://, tcp:// or tls:// and host:port, for instance udp://127.0.0.1:5514", "%s is not a syslog listener", quote(text))
	}
	*s = SyslogURL(text)
	return nil
}

// URL is an http or https URL without a password in it.
type URL string

func (u *URL) parse(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return wrong("write for instance https://host.example.com/", "%s is not an http or https URL", quote(text))
	}
	if _, ok := parsed.User.Password(); ok {
		return wrong("take it out and use the key for it, or its _file twin", "the URL for %s holds a password", parsed.Host)
	}
	*u = URL(text)
	return nil
}

// Index names indices, data streams or patterns of them, parted by commas.
type Index string

func (i *Index) parse(text string) error {
	for _, name := range strings.Split(text, ",") {
		bad := name == "" || strings.ContainsAny(name, `\/?"<>|# `) || strings.ToLower(name) != name || checkPrintable(name) != nil
		if bad || strings.Trim(name, "*.") == "" {
			return wrong("write for instance filebeat-*", "%s is not an index or a pattern of indices", quote(text))
		}
	}
	*i = Index(text)
	return nil
}

// AuthorizedKey is a public key as authorized_keys files hold it.
type AuthorizedKey string

func (k *AuthorizedKey) parse(text string) error {
	if _, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text)); err != nil || len(rest) > 0 {
		return wrong("write one line of a .pub file, for instance ssh-ed25519 AAAA…", "%s is not a public key", quote(text))
	}
	*k = AuthorizedKey(text)
	return nil
}

// choice accepts one of the given words.
func choice[T ~string](dst *T, text string, words ...string) error {
	for _, w := range words {
		if text == w {
			*dst = T(text)
			return nil
		}
	}
	mend, near := nearest(text, words)
	if !near {
		mend = "write one of these"
	}
	return wrong(mend, "%s is not one of %s", quote(text), strings.Join(words, ", "))
}

// Level is how far auto mode may go: observe, suggest, throttle or block.
type Level string

func (l *Level) parse(text string) error {
	return choice(l, text, "observe", "suggest", "throttle", "block")
}

// Severity is how grave news is: info, warning or critical.
type Severity string

func (s *Severity) parse(text string) error { return choice(s, text, "info", "warning", "critical") }

// OnStop is what becomes of blocks when the daemon is stopped: keep or lift.
type OnStop string

func (o *OnStop) parse(text string) error { return choice(o, text, "keep", "lift") }

// Role is what a person may do: viewer, operator or admin.
type Role string

func (r *Role) parse(text string) error { return choice(r, text, "viewer", "operator", "admin") }

// Theme is the console's colours: dark, light, contrast or colourblind.
type Theme string

func (t *Theme) parse(text string) error {
	return choice(t, text, "dark", "light", "contrast", "colourblind")
}

// Style is the syntax of a deny list: nginx, nginx-geo, nginx-map, plain,
// haproxy or haproxy-map.
type Style string

func (s *Style) parse(text string) error {
	return choice(s, text, "nginx", "nginx-geo", "nginx-map", "plain", "haproxy", "haproxy-map")
}

// Do is what a playbook's step does.
type Do string

var verbs = []string{"block", "throttle", "harden", "scale_up", "scale_down", "notify"}

func (d *Do) parse(text string) error { return choice(d, text, verbs...) }

// ChartGlyphs is what the console's chart is drawn with: braille or blocks.
type ChartGlyphs string

func (g *ChartGlyphs) parse(text string) error { return choice(g, text, "braille", "blocks") }
