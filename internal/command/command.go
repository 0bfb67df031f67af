// Package command holds levee's verbs: what the shell, `ssh HOST VERB` and the
// console's `:` all run. A verb takes typed options and Streams; signals and
// terminals are its callers' business. The verbs that act on a running station
// are one tree with its flags, see Verbs: the shell sends them to the daemon,
// and Execute runs them there.
package command

import (
	"errors"
	"fmt"
	"io"
)

// Exit codes, as scripts may rely on them.
const (
	ExitDone    = 0
	ExitFailed  = 1 // one line on standard error says what, where and the mend
	ExitUsage   = 2 // wrong usage or configuration
	ExitPartial = 3 // done, with input that could not be read (counted and shown)
)

// Streams is where a verb reads and writes. Results go to Out, everything else
// to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Progress bool // Err is a terminal: show progress of long work
	Color    bool // Out is a terminal that wants colour
	Width    int  // of the terminal Out is, in cells; 0 when it is none
}

type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Usagef returns an error that ends the program with ExitUsage.
func Usagef(format string, a ...any) error {
	return &exitError{ExitUsage, fmt.Errorf(format, a...)}
}

// Partialf returns an error that ends the program with ExitPartial: the work
// was done, some input could not be read.
func Partialf(format string, a ...any) error {
	return &exitError{ExitPartial, fmt.Errorf(format, a...)}
}

// Wrong marks err, for instance from a configuration file, as wrong usage.
func Wrong(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{ExitUsage, err}
}

// Told returns an error that ends the program with code, after what went wrong
// has been told already.
func Told(code int) error { return &exitError{code, errTold} }

var errTold = errors.New("told already")

// IsTold reports whether err needs no more words.
func IsTold(err error) bool { return errors.Is(err, errTold) }

// ExitCode returns the code err ends the program with.
func ExitCode(err error) int {
	if err == nil {
		return ExitDone
	}
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return ExitFailed
}

// Format is how a verb that lists prints its rows.
type Format string

// Formats of -o.
const (
	Table Format = "table"
	JSON  Format = "json"
	JSONL Format = "jsonl"
)

// ParseFormat checks the value of -o.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Table, JSON, JSONL:
		return f, nil
	case "":
		return Table, nil
	}
	return "", Usagef("-o %s: no such format; use table, json or jsonl", s)
}
