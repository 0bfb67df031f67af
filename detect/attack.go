package detect

// Attack names what is going on. The names are shared by verdicts, playbooks,
// events and alert rules.
type Attack string

// Attacks, in the order in which the first that fits becomes the name; the
// others that fit are traits.
const (
	SlowRequests      Attack = "slow_requests"
	ProtocolAbuse     Attack = "protocol_abuse"
	LoginAbuse        Attack = "login_abuse"
	Scan              Attack = "scan"
	PrefixFlood       Attack = "prefix_flood"
	PulseFlood        Attack = "pulse_flood"
	CacheBusting      Attack = "cache_busting"
	Scraping          Attack = "scraping"
	SingleSourceFlood Attack = "single_source_flood"
	DistributedFlood  Attack = "distributed_flood"

	// Not attacks: they get servers or attention, never blocks.
	FlashCrowd Attack = "flash_crowd"
	RetryStorm Attack = "retry_storm"
	Unclear    Attack = "unclear"
)

// Attacks lists every name, in order.
var Attacks = []Attack{
	SlowRequests, ProtocolAbuse, LoginAbuse, Scan, PrefixFlood, PulseFlood, CacheBusting, Scraping,
	SingleSourceFlood, DistributedFlood, FlashCrowd, RetryStorm, Unclear,
}

// Hostile reports whether a is an attack: flash crowds, retry storms and
// unclear surges are not, and nothing blocks for them.
func (a Attack) Hostile() bool {
	switch a {
	case FlashCrowd, RetryStorm, Unclear, "":
		return false
	}
	return true
}

// Measure is what a verdict recommends.
type Measure string

// Measures, mildest first.
const (
	Observe      Measure = "observe"       // watch it; nothing to do
	ScaleUp      Measure = "scale_up"      // usual clients in unusual number: add servers
	Throttle     Measure = "throttle"      // slow the signature where requests arrive
	Harden       Measure = "harden"        // extra measures for the service (challenge, cache, stricter limits)
	BlockSource  Measure = "block"         // block this source
	BlockSources Measure = "block_sources" // block the enrolled sources of an incident one by one
	BlockPrefix  Measure = "block_prefix"  // block a whole prefix: at least 90 % of its active addresses match
)
