package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"levee/detect"
)

// Config is levee.yaml with its defaults filled in.
type Config struct {
	File        string   `yaml:"-"` // where it was read from; "" when only defaults apply
	SecretFiles []string `yaml:"-"` // the files its secrets were read from

	Sources        []Source                 `yaml:"sources"`
	TrustedProxies []netip.Prefix           `yaml:"trusted_proxies"`
	Allow          []Allow                  `yaml:"allow"`
	Detect         Detect                   `yaml:"detect"`
	Auto           Auto                     `yaml:"auto"`
	Playbooks      map[detect.Attack][]Step `yaml:"playbooks"`
	Actions        Actions                  `yaml:"actions"`
	Notify         []Notify                 `yaml:"notify"`
	Heartbeat      Heartbeat                `yaml:"heartbeat"`
	Elasticsearch  Elasticsearch            `yaml:"elasticsearch"`
	Fleet          Peers                    `yaml:"fleet"`
	SSH            SSH                      `yaml:"ssh"`
	Metrics        Metrics                  `yaml:"metrics"`
	Console        Console                  `yaml:"console"`
}

// Source is one place requests come from: exactly one of File, Syslog, Beats
// and Elasticsearch is set.
type Source struct {
	Name          string    `yaml:"name"`          // how it is shown and asked for; default: its place
	File          string    `yaml:"file"`          // path or glob
	Syslog        SyslogURL `yaml:"syslog"`        // udp://, tcp:// or tls://host:port to listen on
	Beats         Listen    `yaml:"beats"`         // host:port to listen on for Filebeat and Logstash
	Elasticsearch Index     `yaml:"elasticsearch"` // index, pattern or data stream to tail
	Format        string    `yaml:"format"`        // auto, a format's name, or a log_format string; default auto
	Service       string    `yaml:"service"`       // for logs without a host
	MayAct        *bool     `yaml:"may_act"`       // nil: see Trusted
	TLS           TLS       `yaml:"tls"`           // of a Syslog tls:// or Beats listener
	FromStart     bool      `yaml:"-"`             // read a file from its start on first sight; set by levee demo
	Line          int       `yaml:"-"`             // of levee.yaml
}

// TLS secures a listener. ClientCA makes it mutual.
type TLS struct {
	Cert     string `yaml:"cert"`      // PEM file
	Key      string `yaml:"key"`       // PEM file
	ClientCA string `yaml:"client_ca"` // PEM file; clients must show a certificate it signed
}

// Place returns what the source reads or listens on.
func (s Source) Place() string {
	for _, p := range []string{s.File, string(s.Syslog), string(s.Beats), string(s.Elasticsearch)} {
		if p != "" {
			return p
		}
	}
	return ""
}

// Label returns the source's name, or its place when it has none.
func (s Source) Label() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Place()
}

// Trusted reports whether auto mode may act on what only this source says:
// may_act when given, else true for files and for mutual TLS.
func (s Source) Trusted() bool {
	if s.MayAct != nil {
		return *s.MayAct
	}
	return s.File != "" || s.TLS.ClientCA != ""
}

// Detect tunes the detector.
type Detect struct {
	MaxMemory  Size     `yaml:"max_memory"`  // for tables and sketches; default 128MiB
	GeoIP      []string `yaml:"geoip"`       // .mmdb files: ASN, country
	SourceRate Rate     `yaml:"source_rate"` // one source may make before rate is evidence; default 50/s
}

// Auto bounds auto mode.
type Auto struct {
	Level    Level                  `yaml:"level"`   // default suggest
	TTL      time.Duration          `yaml:"ttl"`     // of auto mode's first block; default 10m
	MaxTTL   time.Duration          `yaml:"max_ttl"` // it doubles up to; default 24h
	Budget   Budget                 `yaml:"budget"`
	Services map[string]AutoService `yaml:"services"` // by host
}

// AutoService is what differs for one service.
type AutoService struct {
	Level Level `yaml:"level"` // "": the default level
}

// Budget bounds what auto mode may do.
type Budget struct {
	BlocksPerMinute int   `yaml:"blocks_per_minute"`  // default 6000
	ActiveBlocks    int   `yaml:"active_blocks"`      // default 50000
	UsualShare      Share `yaml:"usual_share"`        // of usual traffic all blocks may touch; default 0.5%
	ScaleUpsPerHour int   `yaml:"scale_ups_per_hour"` // default 4
}

// Step is one step of a playbook.
type Step struct {
	Do    Do            `yaml:"do"`
	After time.Duration `yaml:"after"` // since the incident opened; default 0
	When  When          `yaml:"when"`
	Line  int           `yaml:"-"`
}

// When holds a step's conditions; all that are set must be met.
type When struct {
	ExcessShare Share `yaml:"excess_share"` // at least this much of the incident's highest excess is still there
}

// Actions configures what levee can do to traffic.
type Actions struct {
	DryRun   bool       `yaml:"dry_run"`  // write everything down, do nothing
	OnStop   OnStop     `yaml:"on_stop"`  // what becomes of blocks when levee serve is stopped; default keep
	Enforcer string     `yaml:"enforcer"` // socket of `levee enforcer`, which then changes nft and denylist; default: this process does
	Nft      Nft        `yaml:"nft"`
	Denylist []Denylist `yaml:"denylist"`
	Jenkins  Jenkins    `yaml:"jenkins"`
	Webhook  []Webhook  `yaml:"webhook"`
}

// Nft is the packet filter of this host.
type Nft struct {
	Enabled bool `yaml:"enabled"`
}

// Denylist is a file of deny rules that another program includes.
type Denylist struct {
	Path   string   `yaml:"path"`
	Style  Style    `yaml:"style"`  // default nginx
	Socket string   `yaml:"socket"` // HAProxy's runtime socket, for its styles
	Test   []string `yaml:"test"`   // argument vector run before Reload; no shell
	Reload []string `yaml:"reload"` // argument vector; no shell
	Line   int      `yaml:"-"`
}

// Jenkins is a controller whose jobs carry acts out. It is off while URL is "".
type Jenkins struct {
	URL   URL            `yaml:"url"`
	User  string         `yaml:"user"`
	Token Secret         `yaml:"token"`
	Jobs  map[string]Job `yaml:"jobs"` // by verb: block, unblock, throttle, harden, scale_up, scale_down, notify
}

// Job is a Jenkins job and what its parameters are filled with.
type Job struct {
	Job        string            `yaml:"job"` // folder/name
	Parameters map[string]string `yaml:"parameters"`
	Line       int               `yaml:"-"`
}

// Webhook receives every decision, signed with Secret.
type Webhook struct {
	URL    URL    `yaml:"url"`
	Secret Secret `yaml:"secret"`
}

// Notify is one place to tell people; the URL often holds a token, so it is a
// secret as a whole.
type Notify struct {
	Name       string   `yaml:"name"` // how it is shown; default: the service, and the host where that is no secret
	URL        Secret   `yaml:"url"`
	Least      Severity `yaml:"least"`      // told from this severity on; default info
	Escalation bool     `yaml:"escalation"` // told only what nobody acknowledged for ten minutes
}

// Heartbeat is somebody outside who raises the alarm when levee stays silent.
// It is off while URL is not set. The URL often holds a token, so it is a
// secret as a whole.
type Heartbeat struct {
	URL   Secret        `yaml:"url"`   // http or https, asked for with GET while levee is well
	Every time.Duration `yaml:"every"` // 5 s to 1 h; default 1m
}

// Elasticsearch is the cluster events go to. It is off while URLs is empty.
type Elasticsearch struct {
	URLs     []URL         `yaml:"urls"`
	APIKey   Secret        `yaml:"api_key"`
	User     string        `yaml:"user"` // with Password, instead of APIKey
	Password Secret        `yaml:"password"`
	CA       string        `yaml:"ca"`       // PEM file; default: the system's roots
	Timeout  time.Duration `yaml:"timeout"`  // for one request and its whole answer; 1s to 1m, default 15s
	Requests Share         `yaml:"requests"` // of the requests to publish too; default none
	Spool    Size          `yaml:"spool"`    // bytes on disk that wait while the cluster is away; 16MiB or more, default 512MiB
	Fleet    Fleet         `yaml:"fleet"`
	Fields   Fields        `yaml:"fields"`
}

// Fleet is where all hosts' access logs are, for the console's Fleet screen
// and a source's history.
type Fleet struct {
	Index  Index         `yaml:"index"`  // default: that of the elasticsearch sources, else filebeat-*,logs-*.access-*
	Window time.Duration `yaml:"window"` // what the figures cover; 10s to 1h, default 5m
	Every  time.Duration `yaml:"every"`  // how often they are asked for while somebody looks; default 5s
}

// Fields names the fields of those access logs where they are not ECS's.
type Fields struct {
	Time   string `yaml:"time"`   // default @timestamp
	Source string `yaml:"source"` // default source.ip
	Status string `yaml:"status"` // default http.response.status_code
	Method string `yaml:"method"` // default http.request.method
	Path   string `yaml:"path"`   // default url.path
	Agent  string `yaml:"agent"`  // default user_agent.original
	Host   string `yaml:"host"`   // default url.domain
	User   string `yaml:"user"`   // default user.name
}

// Peers are the hosts that decide as one through Elasticsearch. It is off while
// Key is not set.
type Peers struct {
	Name   string        `yaml:"name"`   // of the fleet; default levee
	Key    Secret        `yaml:"key"`    // signs decisions, the same on every host; a second line is accepted too
	Host   string        `yaml:"host"`   // of this host, no two the same; default the host's name
	Canary time.Duration `yaml:"canary"` // how long an incident's first automatic blocks stand on one host alone; 0s: not at all; default 15s
}

// SSH is the console over SSH. It is off while Listen is "".
type SSH struct {
	Listen      Listen          `yaml:"listen"`
	Users       []User          `yaml:"users"`
	Authorities []AuthorizedKey `yaml:"trusted_ca"` // sign OpenSSH certificates of the users named
}

// User is a person who may sign in.
type User struct {
	Name string          `yaml:"name"`
	Role Role            `yaml:"role"` // default viewer
	Keys []AuthorizedKey `yaml:"keys"`
	Line int             `yaml:"-"`
}

// Metrics is the Prometheus endpoint. It is off while Listen is "".
type Metrics struct {
	Listen Listen `yaml:"listen"`
}

// Console is how the console looks and is used. Names of actions and columns
// and the filters are the console's to check.
type Console struct {
	Theme   Theme             `yaml:"theme"`   // default dark
	Chart   ChartGlyphs       `yaml:"chart"`   // braille or blocks; default: what the terminal says of itself
	Mouse   bool              `yaml:"mouse"`   // wheel scrolls, click selects
	Columns []string          `yaml:"columns"` // of the suspects, in order; default: what fits
	Keys    map[string]string `yaml:"keys"`    // action → keys parted by blanks, instead of its own
	Filters map[string]string `yaml:"filters"` // saved filters by name
	Line    int               `yaml:"-"`
}

// Default returns what applies without a levee.yaml.
func Default() Config {
	return Config{
		Detect: Detect{MaxMemory: 128 << 20, SourceRate: 50},
		Auto: Auto{
			Level: "suggest", TTL: 10 * time.Minute, MaxTTL: 24 * time.Hour,
			Budget: Budget{BlocksPerMinute: 6000, ActiveBlocks: 50000, UsualShare: 0.005, ScaleUpsPerHour: 4},
		},
		Heartbeat:     Heartbeat{Every: time.Minute},
		Elasticsearch: Elasticsearch{Timeout: 15 * time.Second, Spool: 512 << 20, Fleet: Fleet{Window: 5 * time.Minute, Every: 5 * time.Second}},
		Fleet:         Peers{Name: "levee", Canary: 15 * time.Second},
	}
}

// FleetIndex returns where all hosts' access logs are.
func (c Config) FleetIndex() string {
	if c.Elasticsearch.Fleet.Index != "" {
		return string(c.Elasticsearch.Fleet.Index)
	}
	var tailed []string
	for _, s := range c.Sources {
		if s.Elasticsearch != "" {
			tailed = append(tailed, string(s.Elasticsearch))
		}
	}
	if len(tailed) == 0 {
		return "filebeat-*,logs-*.access-*"
	}
	return strings.Join(tailed, ",")
}

// Services returns the hosts that count as services, sorted, or nil when none
// is listed under auto.services and whatever is seen to answer counts.
func (c Config) Services() []string {
	if len(c.Auto.Services) == 0 {
		return nil
	}
	var hosts []string
	for h := range c.Auto.Services {
		hosts = append(hosts, h)
	}
	for _, s := range c.Sources {
		if s.Service != "" {
			hosts = append(hosts, s.Service)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// Source returns the source of that name or place.
func (c Config) Source(name string) (Source, bool) {
	i := slices.IndexFunc(c.Sources, func(s Source) bool { return s.Name == name || s.Place() == name })
	if i < 0 {
		return Source{}, false
	}
	return c.Sources[i], true
}

// Position names a line of the file as people quote it: levee.yaml:12.
func (c Config) Position(line int) string {
	if c.File == "" {
		return "the defaults"
	}
	return filepath.Base(c.File) + ":" + strconv.Itoa(line)
}
