package enforcer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"levee/actions"
)

// Client carries decisions out through a Server. It implements
// actions.Enforcer.
type Client struct {
	o ClientOptions
}

// ClientOptions describes a Client. Socket and Shape are required.
type ClientOptions struct {
	Socket string
	// Shape is an enforcer built from the same configuration as the server's.
	// Only its Name and Handles are used: it needs no rights and does nothing.
	Shape   actions.Enforcer
	Timeout time.Duration // one request; default 2m15s, a little longer than the server works
}

var (
	_ actions.Enforcer   = (*Client)(nil)
	_ actions.Doorkeeper = (*Client)(nil)
	_ actions.Excuser    = (*Client)(nil)
)

// NewClient returns a Client. The server need not run yet.
func NewClient(o ClientOptions) (*Client, error) {
	if o.Socket == "" || o.Shape == nil {
		return nil, errors.New("enforcer: a client needs a socket and the enforcer it stands for")
	}
	o.Timeout = cmp.Or(o.Timeout, 135*time.Second)
	return &Client{o}, nil
}

// Name returns the name of the enforcer behind the socket.
func (c *Client) Name() string { return c.o.Shape.Name() }

// Handles reports what the enforcer behind the socket would.
func (c *Client) Handles(d actions.Decision) bool { return c.o.Shape.Handles(d) }

// WhyNot says what the enforcer behind the socket would.
func (c *Client) WhyNot(d actions.Decision) string {
	if e, ok := c.o.Shape.(actions.Excuser); ok {
		return e.WhyNot(d)
	}
	return ""
}

// Apply asks for ds to be carried out.
func (c *Client) Apply(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return c.change(ctx, apply, ds)
}

// Revoke asks for ds to be lifted.
func (c *Client) Revoke(ctx context.Context, ds []actions.Decision) ([]actions.Receipt, error) {
	return c.change(ctx, revoke, ds)
}

func (c *Client) change(ctx context.Context, v verb, ds []actions.Decision) ([]actions.Receipt, error) {
	var all []actions.Receipt
	for part := range slices.Chunk(ds, itemsMost) {
		items := make([]item, len(part))
		for i, d := range part {
			items[i] = itemOf(d)
		}
		a, err := c.ask(ctx, request{Verb: v, Items: items})
		if err != nil {
			return all, err
		}
		all = append(all, a.Receipts...)
		if a.Error != "" {
			return all, errors.New(a.Error)
		}
	}
	return all, nil
}

// List asks what is held.
func (c *Client) List(ctx context.Context) ([]actions.Held, error) {
	a, err := c.ask(ctx, request{Verb: list})
	switch {
	case err != nil:
		return nil, err
	case a.NoList:
		return nil, actions.ErrNoList
	case a.Error != "":
		return nil, errors.New(a.Error)
	}
	return a.Held, nil
}

// Check asks whether all is well.
func (c *Client) Check(ctx context.Context) error {
	a, err := c.ask(ctx, request{Verb: check})
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	return err
}

// KeepOpen asks for SSH to stay open, where the enforcer can do so.
func (c *Client) KeepOpen(ctx context.Context, from []netip.Addr) error {
	if _, ok := c.o.Shape.(actions.Doorkeeper); !ok {
		return nil
	}
	a, err := c.ask(ctx, request{Verb: keep, From: from[:min(len(from), actions.DoorsMost)]})
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	return err
}

// ask makes one connection, one request, one answer.
func (c *Client) ask(ctx context.Context, q request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.o.Socket)
	if err != nil {
		return nil, fmt.Errorf("levee enforcer is not there: %w; start levee-enforcer.service, or \"levee enforcer\"", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	q.Version, q.Enforcer = version, c.Name()
	if err := send(conn, q); err != nil {
		return nil, fmt.Errorf("ask levee enforcer: %w", cmp.Or(context.Cause(ctx), err))
	}
	var a answer
	if err := receive(conn, frameMost, &a); err != nil {
		return nil, fmt.Errorf("levee enforcer gave no answer (may this user ask?): %w", cmp.Or(context.Cause(ctx), err))
	}
	return &a, nil
}
