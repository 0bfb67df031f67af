package denylist

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"

	"levee/actions/internal/safe"
)

// payloadLimit keeps one exchange with HAProxy inside its default 16 KiB
// buffer.
const payloadLimit = 8 << 10

// tellSocket brings a running HAProxy's map in step with next. It always sends
// the whole map as a new version and commits it in one step, so that a HAProxy
// that was restarted or touched by hand is right again, and no request meets
// half a change.
func (l *List) tellSocket(ctx context.Context, next book) error {
	ctx, cancel := context.WithTimeout(ctx, l.o.Limit)
	defer cancel()
	answer, err := l.ask(ctx, "prepare map "+l.o.Path+"\n")
	if err != nil {
		return err
	}
	version, ok := strings.CutPrefix(strings.TrimSpace(answer), "New version created: ")
	if !ok {
		return fmt.Errorf("HAProxy does not know map %s: %s; name the file in its configuration and reload it", l.o.Path, safe.Text(answer, 200))
	}
	send := func(payload string) error {
		answer, err := l.ask(ctx, "add map @"+version+" "+l.o.Path+" <<\n"+payload+"\n")
		if err == nil && strings.TrimSpace(answer) != "" {
			err = fmt.Errorf("HAProxy refused an entry: %s", safe.Text(answer, 200))
		}
		return err
	}
	var payload strings.Builder
	for line := range strings.Lines(string(effect(render(l.o.Style, next)))) {
		if payload.Len()+len(line) > payloadLimit {
			if err := send(payload.String()); err != nil {
				return err
			}
			payload.Reset()
		}
		payload.WriteString(line)
	}
	if payload.Len() > 0 {
		if err := send(payload.String()); err != nil {
			return err
		}
	}
	answer, err = l.ask(ctx, "commit map @"+version+" "+l.o.Path+"\n")
	if err == nil && strings.TrimSpace(answer) != "" {
		err = fmt.Errorf("HAProxy did not commit: %s", safe.Text(answer, 200))
	}
	return err
}

// ask sends one command and reads the whole answer; HAProxy closes the
// connection after it.
func (l *List) ask(ctx context.Context, command string) (string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", l.o.Socket)
	if err != nil {
		return "", fmt.Errorf("HAProxy's runtime socket: %w; is \"stats socket\" with level admin configured?", err)
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return "", fmt.Errorf("HAProxy's runtime socket: %w", err)
		}
	}
	if _, err := io.WriteString(conn, command); err != nil {
		return "", fmt.Errorf("HAProxy's runtime socket: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 64<<10))
	if err != nil {
		return "", fmt.Errorf("HAProxy's runtime socket: %w", err)
	}
	return string(answer), nil
}
