package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// zeroPrefix is looked up to see whether the judge answers.
var zeroPrefix = netip.MustParsePrefix("192.0.2.0/32")

// Notifier speaks to the service manager (sd_notify(3)). Its zero value
// speaks to nobody.
type Notifier struct {
	Socket   string        // $NOTIFY_SOCKET; an abstract one begins with @
	Watchdog time.Duration // $WATCHDOG_USEC; 0: none
}

// NewNotifier reads what the service manager said. env is os.Getenv.
func NewNotifier(env func(string) string) Notifier {
	n := Notifier{Socket: env("NOTIFY_SOCKET")}
	if us, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
		n.Watchdog = time.Duration(us) * time.Microsecond
	}
	return n
}

// tell sends a state. Nobody waits for it and nothing depends on it.
func (n Notifier) tell(state string) {
	if n.Socket == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.Socket, Net: "unixgram"})
	if err != nil {
		return // the manager went away
	}
	_, _ = c.Write([]byte(state))
	_ = c.Close()
}

// every is how often the watchdog hears from us: twice as often as it must.
func (n Notifier) every() time.Duration {
	if n.Watchdog == 0 {
		return time.Minute
	}
	return max(n.Watchdog/2, 100*time.Millisecond)
}

// monotonic is what a notify-reload service sends with RELOADING=1.
func monotonic() string {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return ""
	}
	return fmt.Sprintf("MONOTONIC_USEC=%d", t.Nano()/1000)
}
