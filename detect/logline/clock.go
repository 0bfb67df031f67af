package logline

// clock reads timestamps and remembers the last one of each shape: lines of
// one second carry the same text, so most cost one comparison.
type clock struct {
	clf   [26]byte // "25/Oct/2016:14:49:33 +0200"
	clfNs int64
	iso   [19]byte // "2016-10-25T12:49:33"
	isoNs int64
	day   [11]byte // "25/Oct/2016"
	dayNs int64
}

const (
	second = int64(1e9)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// common reads "25/Oct/2016:14:49:33 +0200", with a fraction of a second after
// the seconds if there is one, and a zone that may be absent (read as UTC).
// b must hold nothing else.
func (c *clock) common(b []byte) (ns int64, ok bool) {
	if len(b) == len(c.clf) && string(b) == string(c.clf[:]) {
		return c.clfNs, true
	}
	if len(b) < 20 || b[11] != ':' {
		return 0, false
	}
	base, ok := c.date(b[:11])
	if !ok {
		return 0, false
	}
	t, ok := timeOfDay(b[12:20])
	if !ok {
		return 0, false
	}
	ns = base + t
	rest := b[20:]
	frac, rest := fraction(rest)
	if len(rest) > 0 && rest[0] == ' ' {
		rest = rest[1:]
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, false
	}
	ns += frac - offset
	if len(b) == len(c.clf) {
		copy(c.clf[:], b)
		c.clfNs = ns
	}
	return ns, true
}

// date reads "25/Oct/2016".
func (c *clock) date(b []byte) (ns int64, ok bool) {
	if string(b) == string(c.day[:]) {
		return c.dayNs, true
	}
	if b[2] != '/' || b[6] != '/' {
		return 0, false
	}
	d, ok1 := digits(b[0:2])
	m := month(b[3:6])
	y, ok2 := digits(b[7:11])
	if !ok1 || !ok2 || !validDate(y, m, d) {
		return 0, false
	}
	ns = daysFromCivil(y, m, d) * day
	copy(c.day[:], b)
	c.dayNs = ns
	return ns, true
}

// iso8601 reads "2016-10-25T12:49:33", the T may be a blank, followed by a
// fraction and a zone (Z, +02:00, +0200, none: UTC). b must hold nothing else.
func (c *clock) iso8601(b []byte) (ns int64, ok bool) {
	if len(b) < 19 {
		return 0, false
	}
	if string(b[:19]) == string(c.iso[:]) {
		ns = c.isoNs
	} else {
		if b[4] != '-' && b[4] != '/' || b[7] != b[4] || b[10] != 'T' && b[10] != ' ' && b[10] != 't' {
			return 0, false
		}
		y, ok1 := digits(b[0:4])
		m, ok2 := digits(b[5:7])
		d, ok3 := digits(b[8:10])
		t, ok4 := timeOfDay(b[11:19])
		if !ok1 || !ok2 || !ok3 || !ok4 || !validDate(y, m, d) {
			return 0, false
		}
		ns = daysFromCivil(y, m, d)*day + t
		copy(c.iso[:], b)
		c.isoNs = ns
	}
	frac, rest := fraction(b[19:])
	offset, ok := zone(rest)
	return ns + frac - offset, ok
}

// dateAndTime reads a date ("2018-01-01", "2018/01/01") and a time of day with
// or without a fraction that stand in two columns, in UTC.
func (c *clock) dateAndTime(date, clock []byte) (ns int64, ok bool) {
	if len(date) != 10 || len(clock) < 8 {
		return 0, false
	}
	var b [32]byte
	n := copy(b[:], date)
	b[n] = ' '
	n += 1 + copy(b[n+1:], clock)
	return c.iso8601(b[:n])
}

// timeOfDay reads "14:49:33"; a leap second counts as the second after :59.
func timeOfDay(b []byte) (ns int64, ok bool) {
	h, ok1 := digits(b[0:2])
	m, ok2 := digits(b[3:5])
	s, ok3 := digits(b[6:8])
	if !ok1 || !ok2 || !ok3 || b[2] != ':' || b[5] != ':' || h > 23 || m > 59 || s > 60 {
		return 0, false
	}
	return int64(h)*hour + int64(m)*minute + int64(s)*second, true
}

// fraction reads ".123" or ",123" in front of b: nanoseconds and what follows.
func fraction(b []byte) (ns int64, rest []byte) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, b
	}
	scale := second
	i := 1
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		scale /= 10
		ns += int64(b[i]-'0') * scale
	}
	return ns, b[i:]
}

// zone reads "+0200", "-07:00", "+00", "Z", "UTC", "GMT" or nothing, in
// nanoseconds east of UTC.
func zone(b []byte) (ns int64, ok bool) {
	switch len(b) {
	case 0:
		return 0, true
	case 1:
		return 0, b[0]|0x20 == 'z'
	case 3:
		if string(b) == "UTC" || string(b) == "GMT" {
			return 0, true
		}
	}
	sign := int64(1)
	switch b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	var m int
	mOK := true
	switch {
	case len(b) == 3:
	case len(b) == 5:
		m, mOK = digits(b[3:5])
	case len(b) == 6 && b[3] == ':':
		m, mOK = digits(b[4:6])
	default:
		return 0, false
	}
	h, hOK := digits(b[1:3])
	if !hOK || !mOK || h > 15 || m > 59 {
		return 0, false
	}
	return sign * (int64(h)*hour + int64(m)*minute), true
}

// month returns 1 to 12 for "Jan" to "Dec" in any case, 0 for anything else.
func month(b []byte) int {
	if len(b) != 3 {
		return 0
	}
	switch uint32(b[0]|0x20)<<16 | uint32(b[1]|0x20)<<8 | uint32(b[2]|0x20) {
	case 'j'<<16 | 'a'<<8 | 'n':
		return 1
	case 'f'<<16 | 'e'<<8 | 'b':
		return 2
	case 'm'<<16 | 'a'<<8 | 'r':
		return 3
	case 'a'<<16 | 'p'<<8 | 'r':
		return 4
	case 'm'<<16 | 'a'<<8 | 'y':
		return 5
	case 'j'<<16 | 'u'<<8 | 'n':
		return 6
	case 'j'<<16 | 'u'<<8 | 'l':
		return 7
	case 'a'<<16 | 'u'<<8 | 'g':
		return 8
	case 's'<<16 | 'e'<<8 | 'p':
		return 9
	case 'o'<<16 | 'c'<<8 | 't':
		return 10
	case 'n'<<16 | 'o'<<8 | 'v':
		return 11
	case 'd'<<16 | 'e'<<8 | 'c':
		return 12
	}
	return 0
}

// validDate keeps dates inside what nanoseconds in an int64 can say.
func validDate(y, m, d int) bool {
	if y < 1970 || y > 2200 || m < 1 || m > 12 || d < 1 {
		return false
	}
	last := 31
	switch m {
	case 4, 6, 9, 11:
		last = 30
	case 2:
		last = 28
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			last = 29
		}
	}
	return d <= last
}

// daysFromCivil counts days since 1970-01-01 in the Gregorian calendar
// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int64(era)*146097 + int64(doe) - 719468
}
