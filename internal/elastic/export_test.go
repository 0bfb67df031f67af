package elastic

import "testing"

// RealNodeURL is the node's address, for tests from outside the package.
func RealNodeURL(t testing.TB) string { return realNode(t).URL }

// Superuser returns a client that may do everything on the node, Blank too and
// empties it, NewKey returns an API key of one of levee's roles.
var (
	Superuser = superuser
	Blank     = blank
	NewKey    = key
)

// Way leads to the node and can be cut.
type Way struct{ c *cuttable }

// NewWay returns a way to the node.
func NewWay(t testing.TB) Way { return Way{newCuttable(t, realNode(t).URL)} }

func (w Way) URL() string { return w.c.url }
func (w Way) Cut()        { w.c.cut() }
func (w Way) Mend()       { w.c.mend() }
