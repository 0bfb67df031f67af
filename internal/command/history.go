package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"levee/actions"
	"levee/actions/ledger"
	"levee/detect"
)

// decisionRow is a decision in ECS names.
type decisionRow struct {
	Time      string            `json:"@timestamp"` // when it began
	ID        string            `json:"event.id"`
	Action    string            `json:"event.action"`
	Reason    string            `json:"event.reason,omitempty"`
	SourceIP  string            `json:"source.ip,omitempty"`
	Prefix    string            `json:"source.prefix,omitempty"`
	Service   string            `json:"url.domain,omitempty"`
	Signature *detect.Signature `json:"levee.signature,omitempty"`
	State     actions.State     `json:"levee.state"`
	TTL       float64           `json:"levee.ttl_s,omitempty"`
	Expires   string            `json:"levee.expires,omitempty"`
	Attack    detect.Attack     `json:"levee.attack,omitempty"`
	Score     float64           `json:"levee.score,omitempty"`
	Evidence  []string          `json:"levee.evidence,omitempty"`
	Incident  string            `json:"levee.incident,omitempty"`
	Request   string            `json:"levee.request"`
	User      string            `json:"user.name"`
	Role      actions.Role      `json:"user.roles,omitempty"`
	Via       string            `json:"levee.via,omitempty"`
	Key       string            `json:"levee.ssh_key,omitempty"`
	EndedBy   string            `json:"levee.ended_by,omitempty"`
	DryRun    bool              `json:"levee.dry_run,omitempty"`
	Host      string            `json:"levee.host,omitempty"` // of a fleet: the host that decided
	Receipts  []receiptRow      `json:"levee.receipts,omitempty"`
}

type receiptRow struct {
	Enforcer string `json:"enforcer"`
	OK       bool   `json:"ok"`
	Unknown  bool   `json:"unknown,omitempty"`
	Note     string `json:"note,omitempty"`
}

func newDecisionRow(d *actions.Decision) decisionRow {
	r := decisionRow{Time: stamp(d.Created), ID: d.ID, Action: string(d.Verb), Reason: d.Reason, Service: d.Target.Service,
		Signature: d.Target.Signature, State: d.State, TTL: d.TTL.Seconds(), Attack: d.Attack, Score: d.Score, Evidence: d.Evidence,
		Incident: d.Incident, Request: d.Request, User: d.Actor.Name, Role: d.Actor.Role, Via: d.Actor.Via, Key: d.Actor.Key,
		EndedBy: d.EndedBy, DryRun: d.DryRun, Host: d.Host}
	if p := d.Target.Prefix; p.IsSingleIP() {
		r.SourceIP = p.Addr().String()
	} else if p.IsValid() {
		r.Prefix = p.String()
	}
	if !d.Expires.IsZero() {
		r.Expires = stamp(d.Expires)
	}
	for _, c := range d.Receipts {
		r.Receipts = append(r.Receipts, receiptRow{c.Enforcer, c.OK, c.Unknown, c.Note})
	}
	return r
}

// list prints rows in one of the formats of -o. A row of the table is what
// line makes of it, with control characters made harmless.
func list[T any](w io.Writer, f Format, head string, rows []T, line func(T) string) error {
	b := bufio.NewWriter(w)
	switch f {
	case Table:
		if head != "" {
			_, _ = fmt.Fprintln(b, head) // an error stays with b until Flush
		}
		for _, r := range rows {
			_, _ = fmt.Fprintln(b, oneLine(strings.TrimRight(line(r), " ")))
		}
	default:
		for i, r := range rows {
			text, err := json.Marshal(r)
			if err != nil {
				return fmt.Errorf("write results: %w", err)
			}
			if f == JSON {
				_, _ = b.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
			}
			_, _ = b.Write(text)
			if f == JSONL {
				_ = b.WriteByte('\n')
			}
		}
		if f == JSON {
			_, _ = b.WriteString([]string{"[]\n", "\n]\n"}[min(len(rows), 1)])
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

func writeDecisions(s Streams, f Format, ds []actions.Decision) error {
	rows := make([]decisionRow, 0, len(ds))
	for i := range ds {
		rows = append(rows, newDecisionRow(&ds[i]))
	}
	head := fmt.Sprintf("%-24s  %-14s  %-9s %-22s %-9s %-8s %-10s %s", "BEGUN", "ID", "VERB", "TARGET", "STATE", "TTL", "BY", "REASON")
	return list(s.Out, f, head, rows, func(r decisionRow) string {
		ttl := "-"
		if r.TTL > 0 {
			ttl = (time.Duration(r.TTL) * time.Second).String()
		}
		by := r.User
		if r.Host != "" {
			by += "@" + r.Host
		}
		target := r.SourceIP + r.Prefix
		if target == "" {
			target = r.Service
		}
		if r.Signature != nil {
			target = "signature " + target
		}
		return fmt.Sprintf("%-24s  %-14s  %-9s %-22s %-9s %-8s %-10s %s", r.Time, r.ID, r.Action, target, r.State, ttl, by, r.Reason)
	})
}

func decisionsVerb(run Runner) *cobra.Command {
	var q ledger.Query
	var format, target, action string
	var since time.Duration
	c := verb(run, "decisions", "list decisions, latest first", "Lists decisions from the ledger, latest first: what was done, by whom, why, and what became of it.", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			f, err := ParseFormat(format)
			if err != nil {
				return err
			}
			if target != "" {
				if q.Target, err = actions.ParsePrefix(target); err != nil {
					return Usagef("--target: %v", err)
				}
			}
			if since < 0 {
				return Usagef("--since %s: a time can't be negative; write for instance 2h", since)
			}
			if q.Limit < 1 || q.Limit > 100_000 {
				return Usagef("--limit %d: give 1 to 100000", q.Limit)
			}
			if since > 0 {
				q.Since = h.Station.Status().Now.Add(-since)
			}
			if q.Verb, err = parseVerb(action); err != nil {
				return err
			}
			q.Incident = h.Station.Snapshot().IncidentID(q.Incident)
			ds, err := h.Station.Decisions(ctx, q)
			if err != nil {
				return err
			}
			return writeDecisions(s, f, ds)
		})
	fl := c.Flags()
	fl.BoolVar(&q.Active, "active", false, "only those in force")
	fl.StringVar(&target, "target", "", "only those on this address or prefix, or around or inside it")
	fl.StringVar(&action, "verb", "", "only this verb: "+verbNames())
	fl.StringVar(&q.Incident, "incident", "", "only those about this incident")
	fl.StringVar(&q.Actor, "by", "", "only those of this person, or auto")
	fl.StringVar(&q.Request, "request", "", "only those of this request")
	fl.DurationVar(&since, "since", 0, "only those begun within this time, such as 2h")
	fl.IntVar(&q.Limit, "limit", 100, "at most so many")
	output(c, &format)
	return c
}

// parseVerb checks the value of --verb; "" is every verb.
func parseVerb(s string) (actions.Verb, error) {
	if v := actions.Verb(s); s == "" || slices.Contains(actions.Verbs, v) {
		return v, nil
	}
	return "", Usagef("--verb %s: no such verb; use %s", s, verbNames())
}

// verbNames lists the verbs a decision may have.
func verbNames() string {
	names := make([]string, len(actions.Verbs))
	for i, v := range actions.Verbs {
		names[i] = string(v)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// incidentLine is an incident in ECS names.
type incidentLine struct {
	Row
	short   string
	Opened  string  `json:"event.start"`
	Closed  string  `json:"event.end,omitempty"`
	Rate    float64 `json:"levee.rate"`
	Usual   float64 `json:"levee.usual_rate"`
	Sources int     `json:"levee.sources"`
}

func incidentsVerb(run Runner) *cobra.Command {
	var format string
	c := verb(run, "incidents", "list incidents: open ones, and those that closed in the last hour", "", noArguments,
		func(_ context.Context, h Host, s Streams, _ []string) error {
			f, err := ParseFormat(format)
			if err != nil {
				return err
			}
			var rows []incidentLine
			for _, in := range h.Station.Snapshot().Incidents {
				e := detect.Event{Time: in.Changed, Kind: detect.IncidentOpen, Incident: &in}
				if !in.Closed.IsZero() {
					e.Kind = detect.IncidentClose
				}
				row := incidentLine{Row: incidentRow(e), short: in.ShortID(), Opened: stamp(in.Opened), Rate: in.Rate, Usual: in.Baseline, Sources: in.Sources}
				if !in.Closed.IsZero() {
					row.Closed = stamp(in.Closed)
				}
				rows = append(rows, row)
			}
			head := fmt.Sprintf("%-24s  %-6s  %-20s %-22s %-20s %s", "OPENED", "STATE", "ATTACK", "SERVICE", "ID", "TRAFFIC")
			return list(s.Out, f, head, rows, func(r incidentLine) string {
				state := "open"
				if r.Closed != "" {
					state = "closed"
				}
				return fmt.Sprintf("%-24s  %-6s  %-20s %-22s %-20s %.0f/s, usual %.0f/s, %d sources; %s", r.Opened, state, r.Attack, r.Service, r.short, r.Rate, r.Usual, r.Sources, r.because())
			})
		})
	output(c, &format)
	return c
}

func auditVerb(run Runner) *cobra.Command {
	var format string
	var limit int
	var after int64
	c := verb(run, "audit", "print the audit: every act, by whom, with which key", "Prints the latest rows of the audit, or with --after those behind a row, oldest first.", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			f, err := ParseFormat(format)
			if err != nil {
				return err
			}
			if limit < 1 || limit > 100_000 {
				return Usagef("--limit %d: give 1 to 100000", limit)
			}
			rows, err := h.Station.Audit(ctx, after, limit)
			if err != nil {
				return err
			}
			return list(s.Out, f, fmt.Sprintf("%8s  %-24s  %-10s %-14s %-10s %s", "ROW", "TIME", "KIND", "DECISION", "BY", "WHAT"), rows, func(r ledger.AuditRow) string {
				return fmt.Sprintf("%8d  %-24s  %-10s %-14s %-10s %s", r.Seq, stamp(r.Time), r.Kind, r.Decision, r.Actor, r.Words())
			})
		})
	c.Flags().IntVar(&limit, "limit", 50, "at most so many rows")
	c.Flags().Int64Var(&after, "after", -1, "begin behind this row; -1: the latest")
	output(c, &format)
	c.AddCommand(auditVerifyVerb(run))
	return c
}

func auditVerifyVerb(run Runner) *cobra.Command {
	var heads []string
	c := verb(run, "verify", "check that the audit was not changed", "Compares every row with its hash, the decisions with what the audit adds up to, and with --head the history\nwith what was published before.", noArguments,
		func(ctx context.Context, h Host, s Streams, _ []string) error {
			var known []ledger.Head
			for _, text := range heads {
				head, err := ledger.ParseHead(text)
				if err != nil {
					return Wrong(err)
				}
				known = append(known, head)
			}
			r, err := h.Station.VerifyAudit(ctx, known...)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "ok: %d rows and %d decisions are as they were written, %d published heads agree; head %s\n", r.Rows, r.Decisions, r.Heads, r.Head)
			return err
		})
	c.Flags().StringSliceVar(&heads, "head", nil, "a head published before, SEQ:HEX (repeatable)")
	return c
}

// WriteList prints rows in one of the formats of -o; a row of the table is
// what line makes of it, with control characters made harmless.
func WriteList[T any](w io.Writer, f Format, rows []T, line func(T) string) error {
	return list(w, f, "", rows, line)
}
