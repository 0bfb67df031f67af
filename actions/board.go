package actions

import (
	"net/netip"
	"time"
)

// Board is what a console shows of the acts: an immutable snapshot.
type Board struct {
	Active    []Decision // in force, latest first, at most 1000; NActive counts all, Find looks one up
	NActive   int        // decisions in force
	Recent    []Decision // ended ones of the last day, latest first, at most 500
	Jobs      []Job      // latest first, at most 100
	Auto      AutoState
	Enforcers []EnforcerHealth
	Queue     int    // decisions with an intent on disk and no receipt yet
	Decided   uint64 // decisions begun since this levee started
	DryRun    bool

	find Finder
}

// Finder looks up the decision in force on a prefix.
type Finder interface {
	// FindActive returns the decision in force that covers p most narrowly.
	FindActive(p netip.Prefix) (Decision, bool)
}

// WithFinder returns b with f answering Find.
func (b *Board) WithFinder(f Finder) *Board {
	c := *b
	c.find = f
	return &c
}

// Find returns the block, throttle or allow in force that covers p most
// narrowly, however many there are. It takes about a microsecond.
func (b *Board) Find(p netip.Prefix) (Decision, bool) {
	if b.find != nil {
		return b.find.FindActive(p)
	}
	best := -1
	for i, d := range b.Active {
		q := d.Target.Prefix
		if q.IsValid() && q.Bits() <= p.Bits() && q.Contains(p.Addr()) &&
			(best < 0 || q.Bits() > b.Active[best].Target.Prefix.Bits()) {
			best = i
		}
	}
	if best < 0 {
		return Decision{}, false
	}
	return b.Active[best], true
}

// AutoState says what auto mode may do, has done and would do next.
type AutoState struct {
	Armed      bool   // false after "!" until armed again
	On         bool   // false: automation only suggests, whatever the levels
	DisarmedBy string // who stopped it, if not armed
	Since      time.Time
	Level      Level            // default level
	Services   map[string]Level // levels of single services
	Budget     Budget
	Used       Used
	Next       []string // what it would do next, one line each
	Why        []string // why it does not act, one line each: rule, value, mend
}

// Level is how far auto mode may go.
type Level string

// Levels, mildest first.
const (
	LevelObserve  Level = "observe"
	LevelSuggest  Level = "suggest"
	LevelThrottle Level = "throttle"
	LevelBlock    Level = "block"
)

// Budget bounds auto mode.
type Budget struct {
	BlocksPerMinute int     // default 6000
	ActiveBlocks    int     // default 50000
	UsualShare      float64 // 0 to 1; default 0.005
	ScaleUpsPerHour int     // default 4
}

// Used is how much of the budget is spent.
type Used struct {
	BlocksLastMinute int
	ActiveBlocks     int
	UsualShare       float64
	ScaleUpsLastHour int
}

// EnforcerHealth is one line of the health screen.
type EnforcerHealth struct {
	Name string
	OK   bool
	Note string // the mend when not OK
	At   time.Time

	Failed uint64 // decisions it did not take, or may not have, since this levee started
}

// Notice is one message of the console's message line.
type Notice struct {
	Seq   uint64
	Time  time.Time
	Level string // ok, info, say (a person's words), warn, error
	Text  string // sanitised
}
