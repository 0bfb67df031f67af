package enrich

import (
	"errors"
	"net"
)

// isNotFound reports whether DNS answered that there is no such name.
func isNotFound(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound
}
