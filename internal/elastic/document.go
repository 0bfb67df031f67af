package elastic

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"levee/actions"
	"levee/detect"
	"levee/internal/status"
)

// ecsVersion is the version of the Elastic Common Schema the fields follow.
const ecsVersion = "8.17.0"

// Doc is one document on its way. The same ID twice is the same document:
// sending it again changes nothing.
type Doc struct {
	Index   string
	ID      string
	Version int64 // external version of a document that is replaced by newer ones; 0: it is created once
	Body    []byte
}

// Origin names the levee that writes.
type Origin struct {
	Host    string // observer.name
	Version string // of levee
}

type fields map[string]any

// doc assembles a document. What key names is this document and no other.
func (o Origin) doc(index string, at time.Time, f fields, key ...string) (Doc, error) {
	f["@timestamp"] = stamp(at)
	f["ecs.version"] = ecsVersion
	f["event.module"] = "levee"
	f["event.dataset"] = "levee." + index[len("levee-"):]
	f["observer.name"] = o.Host
	f["observer.type"] = "levee"
	f["observer.version"] = o.Version
	maps.DeleteFunc(f, func(_ string, v any) bool { return v == nil || v == "" })
	for k, v := range f {
		if x, ok := v.(float64); ok {
			f[k] = math.Round(x*1e4) / 1e4 // people read them in messages
		}
	}
	body, err := json.Marshal(f)
	if err != nil {
		return Doc{}, fmt.Errorf("write a document for %s: %w", index, err)
	}
	h := sha256.New()
	for _, k := range append([]string{index, o.Host}, key...) {
		h.Write(strconv.AppendInt(nil, int64(len(k)), 10))
		h.Write([]byte(k))
	}
	return Doc{Index: index, ID: base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]), Body: body}, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Stats returns one second of traffic: a document for all services together
// (service.name _all) and one for each.
func (o Origin) Stats(s *detect.Snapshot, b *actions.Board, st status.Status) ([]Doc, error) {
	at := s.Now
	if at.Unix() <= 0 { // no line was seen yet, and the detector's time begins with the first
		at = st.Now
	}
	second := strconv.FormatInt(at.Unix(), 10)
	all := traffic(s.Total)
	open := 0
	for _, i := range s.Incidents {
		if i.Closed.IsZero() {
			open++
		}
	}
	maps.Copy(all, fields{"event.kind": "metric", "service.name": "_all",
		"levee.suspects": s.NSuspects, "levee.incidents": open, "levee.active": b.NActive, "levee.shed": st.Shed,
		"levee.queue": st.QueueLen, "levee.data_age_s": st.DataAge.Seconds(), "levee.learning": s.Learning, "levee.memory_bytes": s.Memory.Bytes,
		"levee.auto.on": b.Auto.On, "levee.auto.armed": b.Auto.Armed, "levee.auto.level": string(b.Auto.Level)})
	d, err := o.doc(StatsStream, at, all, second, "_all")
	if err != nil {
		return nil, err
	}
	docs := []Doc{d}
	for _, x := range s.Services {
		f := traffic(x.Traffic)
		f["event.kind"], f["service.name"] = "metric", x.Name
		if d, err = o.doc(StatsStream, at, f, second, x.Name); err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}

func traffic(t detect.Traffic) fields {
	f := fields{"levee.rate": t.Rate, "levee.error_share": t.ErrorShare, "levee.new_sources": t.NewSources,
		"levee.sources": t.Sources, "levee.requests": t.Requests, "levee.status.unknown": t.Status[0]}
	for i := 1; i < len(t.Status); i++ {
		f[fmt.Sprintf("levee.status.%dxx", i)] = t.Status[i]
	}
	if t.Baseline > 0 {
		f["levee.baseline"] = t.Baseline
	}
	if t.P95 >= 0 {
		f["levee.p50_ms"], f["levee.p95_ms"] = 1e3*t.P50.Seconds(), 1e3*t.P95.Seconds()
	}
	return f
}

// Verdict returns what the detector said at one moment.
func (o Origin) Verdict(e detect.Event) (Doc, error) {
	f := fields{"event.action": string(e.Kind), "event.kind": "alert", "event.category": []string{"intrusion_detection", "web"}}
	at := e.Time.UTC().Format(time.RFC3339Nano)
	if s := e.Suspect; s != nil {
		setSource(f, actions.Target{Prefix: s.Key})
		maps.Copy(f, fields{"event.type": []string{"indicator"}, "levee.attack": string(s.Attack), "levee.traits": s.Traits, "levee.score": s.Score,
			"levee.evidence": words(s.Evidence), "levee.incident": s.Incident, "url.domain": s.Service, "levee.rate": s.Rate,
			"levee.error_share": s.ErrorShare, "levee.requests": s.Hits, "levee.paths": s.Paths, "levee.agents": s.Agents,
			"levee.top_path": string(first(redactURL([]byte(s.TopPath)))), "levee.top_agent": s.TopAgent,
			"source.as.organization.name": s.ASName, "source.geo.country_iso_code": s.Country,
			"message": fmt.Sprintf("%s: %s, score %.0f", actions.Target{Prefix: s.Key}, s.Attack, s.Score)})
		if s.ASN != 0 {
			f["source.as.number"] = s.ASN
		}
		return o.doc(EventsStream, e.Time, f, "suspect", at, s.Key.String(), string(s.Attack))
	}
	i := e.Incident
	measures := make([]string, len(i.Measures))
	for n, m := range i.Measures {
		measures[n] = string(m)
	}
	maps.Copy(f, fields{"event.type": []string{"info"}, "levee.attack": string(i.Attack), "levee.traits": i.Traits, "levee.evidence": words(i.Evidence),
		"levee.incident": i.ID, "levee.signature": i.Signature, "levee.excess_share": i.Excess, "levee.collateral_share": i.Collateral,
		"url.domain": i.Service, "levee.rate": i.Rate, "levee.baseline": i.Baseline, "levee.peak": i.Peak, "levee.sources": i.Sources,
		"levee.enrolled": i.Enrolled, "levee.measures": measures, "levee.error_share": i.ErrorShare, "event.created": stamp(i.Opened),
		"message": fmt.Sprintf("%s %s: %s, %.0f requests/s instead of %.0f", e.Kind, i.Service, i.Attack, i.Rate, i.Baseline)})
	return o.doc(EventsStream, e.Time, f, string(e.Kind), at, i.ID)
}

// Notice returns a message of the console's message line.
func (o Origin) Notice(n actions.Notice) (Doc, error) {
	return o.doc(EventsStream, n.Time, fields{"event.action": "notice", "event.kind": "event", "log.level": n.Level, "message": n.Text},
		"notice", n.Time.UTC().Format(time.RFC3339Nano), n.Text)
}

// Decision returns an event for one row of the ledger's audit, and the
// decision as it is now for the index of decisions. kind is the row's kind, a
// state most often; seq its number.
func (o Origin) Decision(d actions.Decision, kind string, seq int64, at time.Time) (event, current Doc, err error) {
	f := fields{"event.kind": "event", "event.action": action(d, kind), "event.category": []string{"network"}, "event.type": []string{"change"},
		"event.outcome": outcome(d, kind), "message": fmt.Sprintf("%s %s: %s by %s", d.Verb, d.Target, kind, d.Actor.Name)}
	decisionFields(f, d)
	f["levee.decision.state"], f["levee.decision.seq"] = kind, seq
	if event, err = o.doc(EventsStream, at, f, "decision", d.ID, strconv.FormatInt(seq, 10), kind); err != nil {
		return Doc{}, Doc{}, err
	}
	f = fields{"event.kind": "state", "event.action": string(d.Verb)}
	decisionFields(f, d)
	f["levee.decision.seq"] = seq
	if current, err = o.doc(DecisionsIndex, d.Created, f, "decision", d.ID); err != nil {
		return Doc{}, Doc{}, err
	}
	// The audit's numbers grow, and never twice in one ledger.
	current.Version = seq
	return event, current, nil
}

// action names what happened to d the way `levee scan` does.
func action(d actions.Decision, kind string) string {
	switch {
	case (kind == string(actions.Expired) || kind == string(actions.Undone)) && d.Verb == actions.Block:
		return string(actions.Unblock)
	case d.Verb == actions.ScaleUp || d.Verb == actions.ScaleDown:
		return "scale"
	}
	return string(d.Verb)
}

func outcome(d actions.Decision, kind string) string {
	switch actions.State(kind) {
	case actions.Failed:
		return "failure"
	case actions.Applied, actions.Verified, actions.Expired, actions.Undone:
		return "success"
	}
	return "unknown"
}

func decisionFields(f fields, d actions.Decision) {
	setSource(f, d.Target)
	if d.Target.Signature != nil {
		f["levee.signature"] = d.Target.Signature
	}
	receipts := make([]string, len(d.Receipts))
	for i, r := range d.Receipts {
		receipts[i] = r.Enforcer + ": " + r.Note
	}
	maps.Copy(f, fields{"url.domain": d.Target.Service, "levee.attack": string(d.Attack), "levee.score": d.Score, "levee.evidence": d.Evidence,
		"levee.incident": d.Incident, "levee.ttl_s": d.TTL.Seconds(), "user.name": d.Actor.Name, "user.roles": []string{string(d.Actor.Role)},
		"levee.decision.id": d.ID, "levee.decision.request": d.Request, "levee.decision.state": string(d.State), "levee.decision.reason": d.Reason,
		"levee.decision.dry_run": d.DryRun, "levee.decision.ended_by": d.EndedBy, "levee.decision.created": stamp(d.Created),
		"levee.decision.returns": d.Returns, "levee.decision.target": d.Target.Key(), "levee.decision.receipts": receipts, "levee.decision.via": d.Actor.Via})
	if !d.Expires.IsZero() {
		f["levee.decision.expires"] = stamp(d.Expires)
	}
	if d.Host != "" {
		f["levee.decision.host"], f["levee.decision.term"] = d.Host, d.Term
	}
	if d.Effect != nil {
		f["levee.decision.predicted"], f["levee.decision.measured"] = d.Effect.Predicted, d.Effect.Measured
	}
}

// setSource names one address source.ip and a wider prefix source.prefix.
func setSource(f fields, t actions.Target) {
	switch {
	case !t.Prefix.IsValid():
	case t.Prefix.IsSingleIP():
		f["source.ip"], f["source.address"] = t.Prefix.Addr().String(), t.Prefix.Addr().String()
	default:
		f["source.prefix"], f["source.address"] = t.Prefix.Masked().String(), t.Prefix.Masked().String()
	}
}

func words(ev []detect.Evidence) []string {
	out := make([]string, len(ev))
	for i, e := range ev {
		out[i] = e.Text
	}
	return out
}

func first(b []byte, _ bool) []byte { return b }
