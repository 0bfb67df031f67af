package status

import (
	"fmt"
	"time"

	"levee/detect"
)

// Past is what Elasticsearch remembers of one source, for whoever asks whether
// it is a customer. It is immutable.
type Past struct {
	Configured bool
	Problem    string        // why there is nothing newer, in one line with its mend; "" all is well
	At         time.Time     // when the cluster was asked; zero: it has not answered yet
	Over       time.Duration // what it covers: the time before At
	Requests   uint64
	Named      uint64    // requests that named an account
	First      time.Time // zero when there was nothing
	Last       time.Time
	Days       []Day // those with requests, oldest first
	Statuses   []detect.Share
	Paths      []detect.Share
	Agents     []detect.Share
	Accounts   []detect.Share // busiest first, at most 10
}

// Day is the requests of a day, UTC.
type Day struct {
	Time     time.Time
	Requests uint64
}

// manyAccounts is how many accounts a household or a person rarely has.
const manyAccounts = 10

// Customer says in a few words whether the source looks like a customer, as
// far as accounts and days tell; likely is for those whom a block would hurt.
func (p Past) Customer() (words string, likely bool) {
	days := fmt.Sprintf("seen on %d of %d days", len(p.Days), max(int((p.Over+23*time.Hour)/(24*time.Hour)), 1))
	switch {
	case p.Requests == 0:
		return "not seen before: no customer that is known", false
	case len(p.Accounts) >= manyAccounts:
		return days + ", names ten accounts or more: an office, a carrier's gateway, or somebody who guesses", true
	case p.Named > 0 && len(p.Days) >= 2:
		return fmt.Sprintf("LOOKS LIKE A CUSTOMER: %s, named an account in %d requests", days, p.Named), true
	case p.Named > 0:
		return fmt.Sprintf("named an account in %d requests, on one day only: a new customer, or a guess", p.Named), false
	case len(p.Days) >= 3:
		return days + ", no account named: a regular visitor", true
	}
	return days + ", no account named: not known as a customer", false
}
