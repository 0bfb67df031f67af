package detect

import (
	"levee/detect/sketch"
)

const (
	maxServices  = 64
	otherService = 0
	otherName    = "_other"
	plainName    = "default" // logs that name no host
)

// second is what happened in one second.
type second struct {
	requests uint32
	fresh    uint32 // never-seen sources
	status   [6]uint32
}

// service is the state of one service.
type service struct {
	name         string
	hash         uint64
	rate         series
	fails        series // refused logins
	missing      series // missing paths
	bare         series // requests of clients without a person's conduct
	slowFails    series // the same in steps of ten seconds, for what is too rare to show in one
	slowBare     series
	crowdSince   int64 // since when a crowd has been found
	crowdLast    int64
	crowdEnded   int64   // when the last crowd's incident closed
	crowdPeak    float64 // and the most requests/s it made
	failing      series  // answers 5xx
	lockedAt     int64   // the last second in which nobody could sign in
	failedAt     int64   // the last second in which a good part of the answers were
	broken       series  // requests that never finished or were none
	brokenStatus uint64  // how the last of them was answered
	person       share   // requests of clients with a person's conduct
	walks        share   // of those who followed links for eight pages, the ones who loaded no file
	assets       share   // requests for assets: whether the log shows them at all
	ring         [10]second
	took         sketch.Quantile // microseconds
	peers        sketch.Quantile // requests one client makes in a minute
	minutes      uint64
	distinct     [4]sketch.Distinct // a quarter of a minute each
	requests     uint64
	ownHash      uint64
	ownVotes     int
	ownFixed     bool
	factor       float64 // how many times the usual rate is expected now
	plan         []planned
	week         [168]share
	loud         [loudRoutes]uint16 // routes whose rate changed most this second
	loudBy       [loudRoutes]float64
	failRoute    uint16 // where logins were refused last
	tried        int64  // second of the last attribution
	wait         int64
	alarms       int // how many rang when it was last looked at
}

// votesOwn elects the host that most referers name (majority vote: Boyer and
// Moore 1981): where the log does not say which host was asked, it is the own
// site. After the first thousand clear votes it stands.
func (s *service) votesOwn(h uint64, sec int64) bool {
	if s.ownHash == h {
		if !s.ownFixed {
			s.ownVotes++
			s.ownFixed = s.ownVotes > 1000
		}
		return true
	}
	if !s.ownFixed {
		if s.ownVotes--; s.ownVotes <= 0 {
			s.ownHash, s.ownVotes = h, 1
		}
	}
	return false
}

// hostTrial counts what an unknown host answered, until it counts as a service.
type hostTrial struct {
	hash     uint64
	answered uint16
	sources  uint64
}

// maxHost is how long a host's name can be (RFC 1035), with a port.
const maxHost = 255 + 6

// serviceOf returns the index of the service that the host of r names, whose
// hash is h.
func (e *Engine) serviceOf(r *Request, h uint64) uint8 {
	if len(r.Host) == 0 {
		if r.Kind == NoRequest && e.busiest != 0 {
			return e.busiest // garbage names no host; it was meant for somebody
		}
		return e.plainService()
	}
	if h == e.lastHost {
		return e.lastService
	}
	for i := 1; i < len(e.services); i++ {
		if e.services[i].hash == h {
			e.lastHost, e.lastService = h, uint8(i)
			return uint8(i)
		}
	}
	if len(e.opt.Services) > 0 || len(r.Host) > maxHost || len(e.services) >= maxServices || r.Status < 200 || r.Status >= 400 {
		return otherService
	}
	// Not configured: a host counts once several clients got answers from it.
	t := &e.hosts[h&uint64(len(e.hosts)-1)]
	if t.hash != h {
		if t.answered > 0 {
			t.answered--
			return otherService
		}
		*t = hostTrial{hash: h}
	}
	k, _ := keyOf(r.Source)
	t.answered++
	t.sources |= bit(k.hash())
	if t.answered >= 20 && distinct64(t.sources) >= 4 {
		return e.addService(string(r.Host))
	}
	return otherService
}

func (e *Engine) plainService() uint8 {
	if e.plain == 0 {
		e.plain = e.addService(plainName)
	}
	return e.plain
}

// addService adds the service that hosts of that name are.
func (e *Engine) addService(name string) uint8 {
	if len(e.services) >= maxServices {
		return otherService
	}
	e.services = append(e.services, service{name: name, hash: hashBytes([]byte(name), saltHost^e.opt.Seed)})
	return uint8(len(e.services) - 1)
}

// loudRoutes is how many changed routes are looked at in one second.
const loudRoutes = 4

// heard notes that route id makes excess requests/s more than usual. Assets
// follow pages, so they count only when nothing else is as loud.
func (s *service) heard(id uint16, r *route, excess float64) {
	by := excess * excess / (r.rate.usual() + 1)
	if r.marks&routeAsset != 0 {
		by /= 16
	}
	i := loudRoutes - 1
	if by <= s.loudBy[i] {
		return
	}
	for ; i > 0 && s.loudBy[i-1] < by; i-- {
		s.loud[i], s.loudBy[i] = s.loud[i-1], s.loudBy[i-1]
	}
	s.loud[i], s.loudBy[i] = id, by
}
