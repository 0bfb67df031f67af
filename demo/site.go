package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Host is the service the simulated log belongs to. nginx's combined format
// does not carry it.
const Host = "play.example.com"

const origin = "https://" + Host

var (
	games = strings.Fields(`starfall-odyssey iron-harvesters duskwood-tales neon-drift castle-of-echoes
		pixel-raiders orbit-zero mythic-arena frostline-survival garden-of-gears ashen-crown turbo-snails
		deep-signal paper-kingdoms lantern-keepers voidrunners harbor-tycoon mossback skyforge-legends
		quiet-circuit thunder-league ember-and-oak last-caravan glasshouse tidecallers`)
	news = strings.Fields(`patch-4-12-notes summer-cup-schedule new-ranked-season server-maintenance-window
		developer-diary-9 community-spotlight balance-changes-may esports-finals-recap anti-cheat-update
		season-pass-preview creator-program matchmaking-explained bug-bounty-results spring-sale-picks
		cross-play-arrives accessibility-options photo-mode-contest soundtrack-release modding-tools-beta
		year-in-review`)
	nicks = strings.Fields(`Raven Nova Pixel Ghost Comet Badger Frost Ember Zephyr Onyx Lynx Maple Drift Echo
		Jinx Quartz Saffron Tango Umbra Vex Willow Yonder Marlin Cobalt`)

	gameRank = newPopularity(len(games), 1.0)
	newsRank = newPopularity(len(news), 1.1)

	// styles and scripts every page pulls in, with the hashes of the current build.
	assets = []string{
		"/assets/app.5f31c2d8.css", "/assets/vendor.90be117a.js", "/assets/app.1c44e0d3.js",
		"/assets/fonts/inter-400.woff2", "/assets/fonts/inter-700.woff2", "/assets/logo.3d9f.svg",
	}

	// probes are what automated scanners ask servers of any kind for.
	probes = strings.Fields(`/wp-login.php /wp-admin/setup-config.php /xmlrpc.php /.env /.env.production /.git/config
		/.git/HEAD /.aws/credentials /phpmyadmin/index.php /pma/ /admin/login /admin.php /administrator/
		/actuator/env /actuator/heapdump /server-status /cgi-bin/luci /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php
		/config.json /config.php.bak /backup.zip /backup.tar.gz /db.sql /dump.sql /api/swagger.json /swagger-ui/index.html
		/graphql /v2/_catalog /solr/admin/cores /manager/html /owa/auth/logon.aspx /remote/login /telescope/requests
		/_ignition/health-check /debug/pprof/ /console /.DS_Store /.htpasswd /id_rsa /web.config /composer.json
		/docker-compose.yml /.vscode/sftp.json /storage/logs/laravel.log /phpinfo.php /test.php /old/index.php
		/jenkins/script /hudson /api/v1/../../etc/passwd /static/..%2f..%2fetc/passwd /?id=1%27%20OR%201=1--
		/search?q=%3Cscript%3Ealert(1)%3C/script%3E /login?next=//evil.example /api/v1/users?limit=10000
		/wp-json/wp/v2/users /boaform/admin/formLogin /HNAP1/ /autodiscover/autodiscover.xml /shell.php /upload.php`)
)

// assetCost is what serving a static file costs, in pages.
const assetCost = 0.08

// page is one kind of page: how often people choose it, and what comes with it.
type page struct {
	weight int
	target string   // template
	bytes  float64  // median
	images []string // templates, fetched by browsers
	calls  []string // templates of the API calls its script makes
}

// pages are what people visit, by weight.
var pages = []page{
	{weight: 16, target: "/", bytes: 24000, images: []string{"/img/hero/{game}.webp", "/img/covers/{game}.webp", "/img/covers/{game}.webp"}, calls: []string{"/api/v1/featured"}},
	{weight: 12, target: "/store", bytes: 31000, images: []string{"/img/covers/{game}.webp", "/img/covers/{game}.webp", "/img/covers/{game}.webp"}},
	{weight: 24, target: "/store/{game}", bytes: 27000, images: []string{"/img/shots/{game}-{n:6}.webp", "/img/shots/{game}-{n:6}.webp"}, calls: []string{"/api/v1/reviews?game={game}&page=1"}},
	{weight: 14, target: "/leaderboards/{game}", bytes: 19000, images: []string{"/img/avatars/{n:900}.webp", "/img/avatars/{n:900}.webp"}, calls: []string{"/api/v1/leaderboards/{game}?page={n:5}"}},
	{weight: 5, target: "/news", bytes: 15000, images: []string{"/img/news/{news}.webp"}},
	{weight: 9, target: "/news/{news}", bytes: 17000, images: []string{"/img/news/{news}.webp"}},
	{weight: 9, target: "/profile/{player}", bytes: 14000, images: []string{"/img/avatars/{n:900}.webp"}, calls: []string{"/api/v1/achievements?player={player}"}},
	{weight: 5, target: "/search?q={game}", bytes: 12000},
	{weight: 3, target: "/account", bytes: 9000, calls: []string{"/api/v1/friends"}},
	{weight: 3, target: "/login", bytes: 6200},
}

var pageRank = func() popularity {
	var p popularity
	total := 0.0
	for _, g := range pages {
		total += float64(g.weight)
		p = append(p, total)
	}
	return p
}()

// Browsers, in the order of their popularity; built rather than listed because
// a log of real people never shows a dozen versions only.
var browsers = func() []string {
	var all []string
	for v := 138; v >= 129; v-- {
		all = append(all,
			fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", v),
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", v),
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.%d Mobile/15E148 Safari/604.1", v%6, v%6),
			fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/%d.0", v+2, v+2),
			fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.0.0", v, v),
			fmt.Sprintf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.%d Safari/605.1.15", v%6),
			fmt.Sprintf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", v),
			fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", v+2, v+2),
		)
	}
	return all
}()

var browserRank = newPopularity(len(browsers), 0.9)

func browser(r *rand.Rand) string { return browsers[browserRank.draw(r)] }

// launcher is the user agent of the platform's desktop and mobile apps.
func launcher(r *rand.Rand) string {
	return fmt.Sprintf("PlayLauncher/5.%d.%d (%s)", 9+r.IntN(3), r.IntN(4),
		pick(r, []string{"Windows 11", "Windows 10", "macOS 15", "Android 15", "Android 14", "iOS 18"}))
}
