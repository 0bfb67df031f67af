package actions

import (
	"slices"
	"time"

	"levee/detect"
)

// Playbooks say what auto mode does about each attack. An attack without a
// playbook of its own has the one of DefaultPlaybooks.
type Playbooks map[detect.Attack][]Step

// Step is one thing to do about an incident, once its wait is over and while
// its condition holds. Block goes on for as long as the incident does; the
// others are done once and renewed.
type Step struct {
	Do    Verb          // block, throttle, harden, scale_up, scale_down, notify
	After time.Duration // since the incident opened
	When  Condition
}

// Condition must hold for a Step. Its zero value always does.
type Condition struct {
	ExcessShare float64 // at least this share (0 to 1) of the incident's peak excess is still there
	ErrorShare  float64 // at least this share (0 to 1) of the matching requests fails
	Sources     int     // at least so many sources match
}

func (c Condition) holds(in *detect.Incident) bool {
	return remaining(in) >= c.ExcessShare && in.ErrorShare >= c.ErrorShare && in.Sources >= c.Sources
}

// remaining is the share of the highest excess that is still there, 0 to 1; 1
// for an incident that never exceeded its baseline (abuse needs no volume).
func remaining(in *detect.Incident) float64 {
	peak := in.Peak - in.Baseline
	if peak <= 0 {
		return 1
	}
	return min(1, max(0, (in.Rate-in.Baseline)/peak))
}

// DefaultPlaybooks returns what auto mode does when levee.yaml says nothing.
// What is no attack gets servers and a message, never a block.
func DefaultPlaybooks() Playbooks {
	sources := []Step{{Do: Notify}, {Do: Block}}
	flood := []Step{{Do: Notify}, {Do: Block}, {Do: Throttle},
		{Do: ScaleUp, After: 30 * time.Second, When: Condition{ExcessShare: 0.5}}}
	crowd := []Step{{Do: Notify}, {Do: ScaleUp}}
	return Playbooks{
		detect.SlowRequests:      {{Do: Notify}, {Do: Block}, {Do: Harden, After: 30 * time.Second, When: Condition{ExcessShare: 0.5}}},
		detect.ProtocolAbuse:     sources,
		detect.LoginAbuse:        {{Do: Notify}, {Do: Block}, {Do: Harden, After: time.Minute, When: Condition{Sources: 20}}},
		detect.Scan:              sources,
		detect.PrefixFlood:       flood,
		detect.PulseFlood:        flood,
		detect.CacheBusting:      {{Do: Notify}, {Do: Block}, {Do: Throttle}, {Do: Harden, After: 30 * time.Second, When: Condition{ExcessShare: 0.5}}},
		detect.Scraping:          sources,
		detect.SingleSourceFlood: sources,
		detect.DistributedFlood:  flood,
		detect.FlashCrowd:        crowd,
		detect.RetryStorm:        crowd,
		detect.Unclear:           {{Do: Notify}},
	}
}

// steps returns the playbook of a, without acts that what is no attack must
// never get.
func (p Playbooks) steps(a detect.Attack) []Step {
	steps, ok := p[a]
	if !ok {
		steps = defaults[a]
	}
	if !a.Hostile() {
		steps = slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Do == Block || s.Do == Throttle })
	}
	return steps
}

var defaults = DefaultPlaybooks()

// does returns a's step that does v, if there is one.
func (p Playbooks) does(a detect.Attack, v Verb) (Step, bool) {
	steps := p.steps(a)
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Do == v })
	if i < 0 {
		return Step{}, false
	}
	return steps[i], true
}
