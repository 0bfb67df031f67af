package demo

import "time"

// mainDrills are the five of the scenario. Sizes are for the default 150
// ordinary requests/s and four servers.
var mainDrills = []Drill{
	{
		Name: "single_source_flood", Attack: "single_source_flood", Length: 100 * time.Second,
		About: "one host asks for the store's search as fast as it can",
		Waves: []Wave{{
			Name: "flooder", Hostile: true, Pool: Documented, Sources: 1, Every: 2500 * time.Microsecond,
			Agents: []string{"python-requests/2.32.3"},
			Asks:   []Ask{{Target: "/search?q={game}", Bytes: 12000, Cost: 0.6}},
		}},
	},
	{
		Name: "distributed_flood", Attack: "distributed_flood", Also: []string{"cache_busting"}, Length: 110 * time.Second,
		About: "six hundred hijacked home devices ask for one leaderboard past every cache",
		Waves: []Wave{{
			Name: "botnet", Hostile: true, Pool: Homes, Sources: 600, Every: 1200 * time.Millisecond, Join: 12 * time.Second,
			Agents: []string{
				"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36",
				"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/95.0.4638.69 Safari/537.36",
				"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36",
			},
			Asks: []Ask{{Target: "/leaderboards/mythic-arena?cb={hex:10}", Bytes: 19000, Cost: 1}},
		}},
	},
	{
		Name: "login_abuse", Attack: "login_abuse", Length: 120 * time.Second,
		About: "stolen passwords are tried from 120 hosts",
		Waves: []Wave{{
			Name: "stuffers", Hostile: true, Pool: Hosting, Subnets: 9, Sources: 120, Every: 1500 * time.Millisecond, Join: 15 * time.Second,
			Agents: []string{"Go-http-client/1.1", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0"},
			Asks:   []Ask{{Method: "POST", Target: "/login", Status: 401, Bytes: 6350, Cost: 1, Rare: 1, RareAs: 302}},
		}},
	},
	{
		Name: "scan", Attack: "scan", Length: 110 * time.Second,
		About: "fifteen hosts of one provider look for forgotten files and admin pages",
		Waves: []Wave{{
			Name: "scanners", Hostile: true, Pool: Hosting, Subnets: 2, Sources: 15, Every: 180 * time.Millisecond, Join: 5 * time.Second,
			Agents: []string{"Mozilla/5.0 (compatible; Nuclei - Open-source project)", "Mozilla/5.0 zgrab/0.x", "sqlmap/1.8.4#stable (https://sqlmap.org)"},
			Asks:   []Ask{{Target: "{probe}", Status: 404, Cost: 0.2, Rare: 4, RareAs: 400}},
		}},
	},
	{
		Name: "flash_crowd", Attack: "flash_crowd", Length: 170 * time.Second,
		About: "a streamer shows a new game and thousands come to look",
		Waves: []Wave{
			{
				Name: "newcomers", Pool: Homes, Sources: 8800, Span: Span{For: 130 * time.Second}, Join: 120 * time.Second,
				Visits: &Visits{Landing: "/store/starfall-odyssey", Pages: 3,
					Referers: []string{"https://www.twitch.example/nova_plays", "https://www.twitch.example/nova_plays", "https://social.example.net/p/{n:90000}", "https://forum.example.net/t/88123", ""}},
			},
			{
				Name: "regulars", Pool: Players, Sources: 2200, Span: Span{For: 130 * time.Second}, Join: 120 * time.Second,
				Visits: &Visits{Landing: "/store/starfall-odyssey", Pages: 4, Referers: []string{"", "https://www.twitch.example/nova_plays"}},
			},
		},
	},
}
