package command

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"levee/detect"
	"levee/detect/logline"
	"levee/internal/config"
	"levee/internal/jsonl"
	"levee/internal/source"
)

// LogOptions says how log lines are read.
type LogOptions struct {
	Format         string // auto, a name, or a log_format string
	TrustedProxies []netip.Prefix
	Service        string // where the log has no host
}

// ParseOptions tunes Parse.
type ParseOptions struct {
	LogOptions
	Output Format
	Stats  bool
}

// Parse prints what the parser makes of each line of the files, in order.
func Parse(ctx context.Context, s Streams, files []string, o ParseOptions) error {
	w := bufio.NewWriterSize(s.Out, 256<<10)
	m := newMeter(s, o.Stats)
	var buf []byte
	var failed []error
	rows := 0
	options, err := o.scan(s, config.Config{})
	if err != nil {
		return err
	}
	options.Progress = m.read
	for _, file := range files {
		each := func(line int, r *detect.Request, k detect.Kind, format string, perr error) error {
			malformed := 0
			if k == detect.Malformed {
				malformed = 1
			}
			m.count(1, malformed)
			buf = buf[:0]
			if o.Output == Table {
				buf = appendParsedText(buf, file, line, r, k, format, perr)
			} else {
				if o.Output == JSON {
					buf = append(buf, "[,"[min(rows, 1)], '\n')
				}
				buf = appendParsed(buf, file, line, r, k, format, perr)
			}
			rows++
			if o.Output != JSON {
				buf = append(buf, '\n')
			}
			_, err := w.Write(buf)
			return err
		}
		if err := source.ParseFile(ctx, file, options, each); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed = append(failed, err)
		}
	}
	if o.Output == JSON {
		if rows == 0 {
			_ = w.WriteByte('[') // a write error stays with the writer until Flush
		}
		_, _ = w.WriteString("\n]\n")
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	m.finish()
	return unread(s, failed, len(files), m)
}

// unread says what could not be read, a line each, and returns what scripts
// see of it.
func unread(s Streams, failed []error, files int, m *meter) error {
	if len(failed) == 1 && files == 1 {
		return failed[0]
	}
	for _, err := range failed {
		fmt.Fprintf(s.Err, "levee: %v\n", err)
	}
	switch {
	case len(failed) == files:
		return fmt.Errorf("none of %d inputs could be read", files)
	case len(failed) > 0:
		return Partialf("done, but %d of %d inputs could not be read", len(failed), files)
	case m.malformed > 0:
		return Partialf("done, but %d of %d lines are no log lines of a known format", m.malformed, m.lines)
	}
	return nil
}

// scan says how a log is read, with what c trusts beside o.
func (o LogOptions) scan(s Streams, c config.Config) (source.ScanOptions, error) {
	options := source.ScanOptions{
		Parse: logline.Options{Format: o.Format, TrustedProxies: slices.Concat(o.TrustedProxies, c.TrustedProxies), Service: o.Service},
		Stdin: s.In,
	}
	if _, err := logline.New(options.Parse); err != nil {
		return options, Wrong(err)
	}
	return options, nil
}

// appendParsed appends one line's JSON object. Fields the log does not have
// are absent.
func appendParsed(b []byte, file string, line int, r *detect.Request, k detect.Kind, format string, err error) []byte {
	b = append(b, `{"file":`...)
	b = jsonl.AppendString(b, []byte(file))
	b = append(b, `,"line":`...)
	b = strconv.AppendInt(b, int64(line), 10)
	if k == detect.Access || k == detect.NoRequest {
		b = appendFields(b, r)
	}
	if format != "" && k != detect.Malformed {
		b = append(b, `,"format":`...)
		b = jsonl.AppendString(b, []byte(format))
	}
	b = append(b, `,"kind":"`...)
	b = append(b, k.String()...)
	b = append(b, '"')
	if k == detect.Malformed && err != nil {
		b = append(b, `,"error":`...)
		b = jsonl.AppendString(b, []byte(err.Error()))
	}
	return append(b, '}')
}

func appendFields(b []byte, r *detect.Request) []byte {
	text := func(name string, v []byte) {
		if v != nil {
			b = append(b, name...)
			b = jsonl.AppendString(b, v)
		}
	}
	if r.Source.IsValid() {
		b = append(b, `,"ip":"`...)
		b = r.Source.AppendTo(b)
		b = append(b, '"')
	} else {
		text(`,"ip":`, r.Client)
	}
	if r.Time != 0 {
		b = append(b, `,"ts":"`...)
		b = time.Unix(0, r.Time).UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	text(`,"method":`, r.Method)
	text(`,"path":`, r.Target)
	if r.Status != 0 || r.Silent {
		b = append(b, `,"status":`...)
		b = strconv.AppendUint(b, uint64(r.Status), 10)
	}
	if r.Bytes >= 0 {
		b = append(b, `,"bytes":`...)
		b = strconv.AppendInt(b, r.Bytes, 10)
	}
	text(`,"ua":`, r.Agent)
	text(`,"referer":`, r.Referer)
	text(`,"host":`, r.Host)
	if r.Duration >= 0 {
		b = append(b, `,"duration_ms":`...)
		b = strconv.AppendFloat(b, float64(r.Duration)/1e6, 'f', -1, 64)
	}
	return b
}

func appendParsedText(b []byte, file string, line int, r *detect.Request, k detect.Kind, format string, err error) []byte {
	b = append(b, file...)
	b = append(b, ':')
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, "  "...)
	if k != detect.Access && k != detect.NoRequest {
		b = append(b, k.String()...)
		if err != nil {
			b = append(b, "  "...)
			b = append(b, err.Error()...)
		}
		return b
	}
	b = append(b, k.String()...)
	b = append(b, "  "...)
	b = append(b, format...)
	b = append(b, "  "...)
	b = time.Unix(0, r.Time).UTC().AppendFormat(b, time.RFC3339)
	b = append(b, ' ')
	b = r.Source.AppendTo(b)
	for _, v := range [][]byte{r.Method, r.Target} {
		b = append(b, ' ')
		b = append(b, v...)
	}
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(r.Status), 10)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, string(r.Agent))
	return b
}
