package demo

import "time"

// hostileDrills are the harder attacks: each hides from one simple signal.
var hostileDrills = []Drill{
	{
		Name: "pulses", Attack: "pulse_flood", Also: []string{"distributed_flood"}, Length: 4 * time.Minute,
		About: "eighty hosts strike for four seconds and are silent for twenty-six",
		Waves: []Wave{{
			Name: "pulsers", Hostile: true, Pool: Hosting, Subnets: 20, Sources: 80, Every: 100 * time.Millisecond, Span: Span{For: 4 * time.Minute},
			Pulse: Pulse{On: 4 * time.Second, Off: 26 * time.Second}, Agents: []string{"okhttp/4.12.0"},
			Asks: []Ask{{Target: "/store", Bytes: 31000, Cost: 1}},
		}},
	},
	{
		Name: "rotating_ipv6", Attack: "prefix_flood", Also: []string{"distributed_flood", "cache_busting"}, Length: 2 * time.Minute,
		About: "one host with an IPv6 /48 takes a new address for every request",
		Waves: []Wave{{
			Name: "rotator", Hostile: true, Pool: Rotating, Fresh: true, Sources: 10, Every: 40 * time.Millisecond,
			Agents: []string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"},
			Asks:   []Ask{{Target: "/api/v1/leaderboards/{game}?page={n:50}", Bytes: 2300, Cost: 0.6}},
		}},
	},
	{
		Name: "residential_botnet", Attack: "cache_busting", Also: []string{"distributed_flood"}, Length: 3 * time.Minute,
		About: "home devices change user agent and query with every request",
		Waves: []Wave{{
			Name: "devices", Hostile: true, Pool: Homes, Sources: 900, Every: 1200 * time.Millisecond, Join: 20 * time.Second, AgentEach: true,
			Asks: []Ask{{Target: "/search?q={text:9}&s={hex:6}", Bytes: 11000, Cost: 1}},
		}},
	},
	{
		Name: "slow_credentials", Attack: "login_abuse", Length: 12 * time.Minute,
		About: "a thousand home devices try one password every two minutes each",
		Waves: []Wave{{
			Name: "patient", Hostile: true, Pool: Homes, Sources: 1000, Every: 2 * time.Minute,
			Asks: []Ask{{Method: "POST", Target: "/login", Referer: origin + "/login", Status: 401, Bytes: 6350, Cost: 1, Rare: 1, RareAs: 302}},
		}},
	},
	{
		Name: "slow_requests", Attack: "slow_requests", Length: 3 * time.Minute,
		About: "sixty hosts hold connections open and let them time out",
		Waves: []Wave{{
			Name: "loris", Hostile: true, Pool: Hosting, Subnets: 6, Sources: 60, Every: 1500 * time.Millisecond, Join: 10 * time.Second,
			Agents: []string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36"},
			Asks: []Ask{
				{Weight: 3, Method: "POST", Target: "/api/v1/matchmaking/queue", Status: 408, Cost: 2},
				{Method: "GET", Target: "/store/{game}", Status: 499, Cost: 2},
			},
		}},
	},
	{
		Name: "method_flood", Attack: "protocol_abuse", Also: []string{"distributed_flood", "single_source_flood"}, Length: 2 * time.Minute,
		About: "HEAD and OPTIONS requests in numbers nobody needs",
		Waves: []Wave{{
			Name: "heads", Hostile: true, Pool: Hosting, Subnets: 12, Sources: 150, Every: 400 * time.Millisecond, Join: 8 * time.Second,
			Asks: []Ask{{Weight: 2, Method: "HEAD", Target: "/", Cost: 0.8}, {Method: "OPTIONS", Target: "/api/v1/friends", Status: 204, Cost: 0.5}},
		}},
	},
	{
		Name: "api_flood", Attack: "distributed_flood", Length: 3 * time.Minute,
		About: "what looks like launchers asks only for the dearest API call",
		Waves: []Wave{{
			Name: "false launchers", Hostile: true, Pool: Homes, Sources: 700, Every: 1500 * time.Millisecond, Join: 15 * time.Second,
			Agents: []string{"PlayLauncher/5.{n:3}.{n:4} (Windows 11)", "PlayLauncher/5.{n:3}.{n:4} (Android 15)"},
			Asks:   []Ask{{Target: "/api/v1/achievements?player={player}", Bytes: 5200, Cost: 1.5}},
		}},
	},
	{
		Name: "pingback_flood", Attack: "cache_busting", Also: []string{"distributed_flood"}, Length: 2 * time.Minute,
		About: "WordPress sites are made to verify pingbacks from here",
		Waves: []Wave{{
			Name: "reflectors", Hostile: true, Pool: Hosting, Subnets: 60, Sources: 800, Every: 2 * time.Second, Join: 10 * time.Second,
			Agents: []string{
				"WordPress/6.{n:5}; https://blog.example.org; verifying pingback from 203.0.113.{n:250}",
				"WordPress/5.{n:9}; http://shop.example.net; verifying pingback from 203.0.113.{n:250}",
			},
			Asks: []Ask{{Target: "/?{n:99999999}={n:99999999}", Bytes: 24000, Cost: 1}},
		}},
	},
	{
		Name: "hosting_prefix", Attack: "prefix_flood", Also: []string{"distributed_flood", "scraping"}, Length: 6 * time.Minute,
		About: "two whole /24s of a hosting company copy the profiles, slowly",
		Waves: []Wave{{
			Name: "copiers", Hostile: true, Pool: Hosting, Subnets: 2, Sources: 480, Every: 4 * time.Second, Join: 20 * time.Second,
			Asks: []Ask{{Target: "/profile/{player}", Bytes: 14000, Cost: 1}},
		}},
	},
	{
		Name: "one_request_each", Attack: "distributed_flood", Also: []string{"cache_busting"}, Length: 90 * time.Second,
		About: "tens of thousands of addresses come once each",
		Waves: []Wave{{
			Name: "swarm", Hostile: true, Pool: Homes, Fresh: true, Sources: 40, Every: 80 * time.Millisecond,
			Agents: []string{"Mozilla/5.0 (Linux; Android 9; TV-BOX) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.93 Safari/537.36"},
			Asks:   []Ask{{Target: "/store/{game}?ref={hex:6}", Bytes: 27000, Cost: 1}},
		}},
	},
	{
		Name: "backend_outage_attack", Attack: "distributed_flood", Also: []string{"retry_storm"}, Length: 2 * time.Minute,
		About:  "the backend fails for twenty seconds while a botnet floods the login page",
		Outage: Span{From: 30 * time.Second, For: 20 * time.Second},
		Waves: []Wave{{
			Name: "botnet", Hostile: true, Pool: Homes, Sources: 500, Every: time.Second, Join: 8 * time.Second,
			Agents: []string{"Mozilla/5.0 (X11; Linux i686; rv:91.0) Gecko/20100101 Firefox/91.0"},
			Asks:   []Ask{{Target: "/login", Bytes: 6200, Cost: 1}},
		}},
	},
}
