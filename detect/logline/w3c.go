package logline

import (
	"bytes"
	"strings"

	"levee/detect"
)

// maxColumns bounds what a #Fields line may define.
const maxColumns = 64

// w3c reads the W3C extended log format: a #Fields line says what the columns
// after it are (https://www.w3.org/TR/WD-logfile.html).
type w3c struct {
	columns []field
	spaces  escaping  // how user agents hold blanks
	earlier [][]field // columns that stood in other #Fields lines, latest first
}

// maxEarlier bounds how many earlier #Fields lines are remembered.
const maxEarlier = 4

// iisColumns is what IIS writes unless it is told otherwise: a log that was cut
// in front still reads.
var iisColumns = columnsOf("date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken")

func (w *w3c) read(p *Parser, line []byte, r *detect.Request) (detect.Kind, bool) {
	if len(line) > 0 && line[0] == '#' {
		return detect.Other, w.directive(line)
	}
	if len(line) == 0 || line[0]-'0' > 9 && line[0] != '"' {
		return 0, false
	}
	if w.columns != nil {
		if k, ok := w.row(p, line, w.columns, r); ok {
			return k, true
		}
	}
	// Rows of another layout, between or in front of #Fields lines: servers that
	// are set up anew do not always write one.
	for _, c := range w.earlier {
		if k, ok := w.row(p, line, c, r); ok {
			return k, true
		}
	}
	return w.row(p, line, iisColumns, r)
}

// row reads a line whose columns are known.
func (w *w3c) row(p *Parser, line []byte, columns []field, r *detect.Request) (detect.Kind, bool) {
	var v values
	n := 0
	for rest := line; len(rest) > 0; n++ {
		if n == len(columns) {
			return 0, false
		}
		var b []byte
		b, rest = column(rest)
		if columns[n] == number {
			if _, ok := size(b); !ok {
				return 0, false
			}
			continue
		}
		v.set(columns[n], b)
	}
	if n != len(columns) {
		return 0, false
	}
	if _, ok := address(v.at[client]); !ok && !absent(v.at[client]) {
		return 0, false
	}
	if b := v.at[duration]; bytes.IndexByte(b, '.') >= 0 {
		v.at[seconds] = b // as the standard has it
	} else {
		v.at[millis] = b // as IIS has it
	}
	p.again(r)
	p.escapes = w.spaces
	k, ok := p.assemble(&v, r)
	if ok {
		p.name = "w3c"
	}
	return k, ok
}

// directive reads a line that begins with #; false when it is none of W3C's.
func (w *w3c) directive(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("#Fields:"))
	if !ok {
		return bytes.HasPrefix(line, []byte("#Software:")) || bytes.HasPrefix(line, []byte("#Version:")) ||
			bytes.HasPrefix(line, []byte("#Date:")) || bytes.HasPrefix(line, []byte("#Remark:"))
	}
	if w.columns != nil {
		w.earlier = append([][]field{w.columns}, w.earlier[:min(len(w.earlier), maxEarlier-1)]...)
	}
	w.columns, w.spaces = columnsOf(string(rest)), plusSigns
	if bytes.Contains(rest, []byte("x-edge-location")) {
		w.spaces = percents // CloudFront
	}
	return true
}

// columnsOf reads the names in a #Fields line.
func columnsOf(names string) []field {
	cs := make([]field, 0, maxColumns)
	for _, n := range strings.Fields(names) {
		if len(cs) == maxColumns {
			break
		}
		cs = append(cs, w3cColumns[strings.ToLower(n)])
	}
	return cs
}

// w3cColumns names the columns that are read, in lower case.
var w3cColumns = map[string]field{
	"date": clock1, "date-local": clock1, "time": clock2, "time-local": clock2, "c-ip": client, "x-forwarded-for": forwarded,
	"cs(x-forwarded-for)": forwarded, "cs-username": user, "cs-method": method, "cs-uri": target, "cs-uri-stem": path,
	"cs-uri-query": query, "cs-version": proto, "cs-protocol-version": proto, "sc-status": code, "sc-bytes": length,
	"cs(user-agent)": agent, "cs(referer)": referer, "cs(referrer)": referer, "cs-host": host, "cs(host)": host,
	"time-taken": duration, "timetakenms": duration, "x-host-header": host, "s-port": number, "sc-substatus": number, "sc-win32-status": number, "cs-bytes": number,
}

// column cuts a column and the blanks after it off b. A column in quotes may
// hold blanks, and quotes written twice.
func column(b []byte) (c, rest []byte) {
	end := 0
	if b[0] == '"' {
		for end = 1; end < len(b); end++ {
			if b[end] != '"' {
				continue
			}
			if end+1 < len(b) && b[end+1] == '"' {
				end++
				continue
			}
			break
		}
		if end < len(b) && (end+1 == len(b) || b[end+1] == ' ' || b[end+1] == '\t') {
			return b[1:end], skipBlanks(b[end+1:])
		}
		end = 0 // not closed: the quote is part of a plain value
	}
	for end < len(b) && b[end] != ' ' && b[end] != '\t' {
		end++
	}
	return b[:end], skipBlanks(b[end:])
}

func skipBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}
