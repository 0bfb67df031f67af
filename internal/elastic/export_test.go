package elastic

import "testing"

// RealNodeURL is the node's address, for tests from outside the package.
func RealNodeURL(t testing.TB) string { return realNode(t).URL }
