//go:build !unix

package source

import (
	"os"
	"time"
)

// readable can't tell here and lets the read wait.
func readable(*os.File, time.Duration) bool { return true }
