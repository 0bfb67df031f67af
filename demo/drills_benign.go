package demo

import "time"

// benignDrills are surges and oddities that nobody may be blocked for.
var benignDrills = []Drill{
	{
		Name: "partner_api", Length: 4 * time.Minute,
		About: "a tournament partner that always polls the API doubles its pace for a final",
		Waves: []Wave{
			{
				Name: "partner", Always: true, Pool: Hosting, Sources: 4, Shared: 1, Every: 400 * time.Millisecond, Regular: true,
				Agents: []string{"bracketly-sync/1.9"}, Asks: []Ask{{Target: "/api/v1/leaderboards/{game}?since={n:86400}", Bytes: 7400, Cost: 0.4}},
			},
			{
				Name: "second partner", Pool: Hosting, Sources: 6, Shared: 2, Every: 500 * time.Millisecond, Regular: true,
				Agents: []string{"bracketly-sync/1.9"}, Asks: []Ask{{Target: "/api/v1/leaderboards/{game}?since={n:86400}", Bytes: 7400, Cost: 0.4}},
			},
		},
	},
	{
		Name: "monitor", Length: 3 * time.Minute,
		About: "a monitoring service checks from forty places every second or so",
		Waves: []Wave{{
			Name: "probes", Pool: Hosting, Subnets: 20, Sources: 40, Every: 3 * time.Second, Regular: true, Join: 3 * time.Second,
			Agents: []string{"StatusWatch/3.1 (+https://status.example.net/about)"},
			Asks:   []Ask{{Weight: 4, Target: "/health", Bytes: 15, Cost: 0.1}, {Target: "/", Bytes: 24000, Cost: 1}, {Method: "HEAD", Target: "/login", Cost: 0.5}},
		}},
	},
	{
		Name: "feed_readers", Length: 2 * time.Minute,
		About: "on the hour every feed reader asks at once",
		Waves: []Wave{{
			Name: "readers", Pool: Hosting, Subnets: 80, Sources: 900, Every: time.Minute, Requests: 1, Join: 12 * time.Second,
			Agents: []string{"FeedNest/1.8 (+https://feednest.example.net)", "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers)", "NetNewsWire (RSS Reader; https://netnewswire.com/)", "Tiny Tiny RSS/23.12", "Miniflux/2.2.0"},
			Asks:   []Ask{{Weight: 3, Target: "/news/feed.xml", Status: 304, Cost: 0.2}, {Target: "/news/feed.xml", Bytes: 18400, Cost: 0.3}},
		}},
	},
	{
		Name: "push_notification", Attack: "flash_crowd", Length: 2 * time.Minute,
		About: "a push message sends the app's players to one offer at once",
		Waves: []Wave{{
			Name: "players", Pool: Players, Sources: 3000, Every: 8 * time.Second, Requests: 2, Join: 25 * time.Second,
			Agents: []string{"PlayLauncher/5.1{n:2}.{n:4} (Android 15)", "PlayLauncher/5.1{n:2}.{n:4} (iOS 18)", "PlayLauncher/5.9.{n:4} (Windows 11)"},
			Asks:   []Ask{{Weight: 3, Target: "/api/v1/offers/summer-cup", Bytes: 3100, Cost: 0.5}, {Method: "POST", Target: "/api/v1/offers/summer-cup/claim", Bytes: 240, Cost: 0.6}},
		}},
	},
	{
		Name: "office_nat", Length: 4 * time.Minute,
		About: "a hundred and fifty people share an office's address at lunch, and thousands two carrier-grade NATs",
		Waves: []Wave{
			{
				Name: "office", Pool: Homes, Sources: 150, Shared: 1, Every: 60 * time.Second, Join: time.Minute,
				Visits: &Visits{Pages: 4, Again: true, Referers: []string{"", "https://www.google.com/"}},
			},
			{
				Name: "carrier", Pool: OneSubnet, Sources: 500, Shared: 2, Every: 90 * time.Second, Join: time.Minute,
				Visits: &Visits{Pages: 4, Again: true, Referers: []string{"", "https://www.google.com/"}},
			},
		},
	},
	{
		Name: "crowd_from_a_link", Attack: "flash_crowd", Length: 3 * time.Minute,
		About: "a news site links to one article and every visitor opens it first",
		Waves: []Wave{{
			Name: "readers", Pool: Homes, Sources: 4000, Span: Span{For: 150 * time.Second}, Join: 140 * time.Second,
			Visits: &Visits{Landing: "/news/new-ranked-season", Pages: 2, Referers: []string{"https://news.example.com/"}},
		}},
	},
	{
		Name: "retry_storm", Attack: "retry_storm", Also: []string{"flash_crowd"}, Length: 3 * time.Minute,
		About:  "the backend fails for forty seconds; launchers and people try again and again",
		Outage: Span{From: 10 * time.Second, For: 40 * time.Second},
		Waves: []Wave{
			{
				Name: "launchers", Pool: Players, Sources: 900, Span: Span{From: 12 * time.Second, For: 45 * time.Second}, Every: 2 * time.Second, Join: 4 * time.Second,
				Agents: []string{"PlayLauncher/5.1{n:2}.{n:4} (Windows 11)", "PlayLauncher/5.1{n:2}.{n:4} (Android 15)"},
				Asks:   []Ask{{Method: "POST", Target: "/api/v1/session/heartbeat", Status: 204, Cost: 0.3}, {Target: "/api/v1/friends", Bytes: 1900, Cost: 0.3}},
			},
			{
				Name: "people", Pool: Players, Sources: 700, Span: Span{From: 12 * time.Second, For: 50 * time.Second}, Join: 20 * time.Second,
				Visits: &Visits{Pages: 3},
			},
		},
	},
	{
		Name: "behind_cdn", Length: 3 * time.Minute,
		About: "an app region arrives through eight addresses of a CDN that sends no client address",
		Waves: []Wave{
			{
				Name: "cdn", Always: true, Pool: Hosting, Subnets: 2, Sources: 400, Shared: 8, Every: 60 * time.Second, Join: time.Minute,
				Visits: &Visits{Pages: 4, Again: true, Referers: []string{"", "https://www.google.com/"}},
			},
		},
	},
}
