package notify

import (
	"fmt"
	"time"

	"levee/actions/internal/safe"
	"levee/detect"
)

// Severity orders events.
type Severity int

// Severities, mildest first.
const (
	Info Severity = iota
	Warning
	Critical
)

func (s Severity) String() string {
	switch s {
	case Critical:
		return "critical"
	case Warning:
		return "warning"
	}
	return "info"
}

// Event is one piece of news.
type Event struct {
	Incident string // what groups news; empty: Service and Title do
	Service  string
	Title    string // what the incident is: "distributed_flood on shop.example.com"
	Text     string // this piece of news, one line
	Severity Severity
	Resolved bool // the incident is over
	Update   bool // Text says how it goes on: no reason for a message of its own, unless Severity has grown
	Urgent   bool // it does not wait for its distance to the message before
	Peer     bool // another host of the fleet says so, of an incident of its own: it joins what is told of the same attack here
	At       time.Time
}

// key is what news is grouped by.
func (e Event) key() string {
	if e.Incident != "" {
		return e.Incident
	}
	return e.Service + "\x00" + e.Title
}

// clean makes what strangers may have written fit for a message.
func (e Event) clean() Event {
	e.Incident, e.Service = safe.Text(e.Incident, 128), safe.Text(e.Service, 128)
	e.Title, e.Text = safe.Text(e.Title, 160), safe.Text(e.Text, 300)
	return e
}

// heavyRate is how many requests/s an attack makes before it wakes people: a scan
// or a few guessed passwords fail all the time and can wait for the morning.
const heavyRate = 50

// OfIncident is the news that a change of an incident makes.
func OfIncident(kind detect.EventKind, i *detect.Incident, at time.Time) Event {
	e := Event{
		Incident: i.ID, Service: i.Service, At: at, Severity: Warning, Resolved: kind == detect.IncidentClose,
		Title: fmt.Sprintf("%s on %s", i.Attack, i.Service),
	}
	switch {
	case !i.Attack.Hostile():
		e.Severity = Info
	case i.Rate >= heavyRate && (i.Rate > 5*i.Baseline || i.ErrorShare > 0.2):
		e.Severity = Critical
	}
	switch kind {
	case detect.IncidentOpen:
		e.Text = fmt.Sprintf("opened: %.0f requests/s, usual %.0f, %d sources", i.Rate, i.Baseline, i.Sources)
	case detect.IncidentClose:
		e.Text = fmt.Sprintf("over after %s, peak %.0f requests/s", i.Closed.Sub(i.Opened).Round(time.Second), i.Peak)
	default:
		e.Update = true
		e.Text = fmt.Sprintf("now %.0f requests/s, usual %.0f, %d sources, %d enrolled", i.Rate, i.Baseline, i.Sources, i.Enrolled)
	}
	return e
}
