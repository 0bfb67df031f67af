package logline

import "strings"

// Format describes a format that can be asked for by name.
type Format struct {
	Name string // as --format and levee.yaml take it
	Text string // one line for people
}

// entry is a format with its reader.
type entry struct {
	reader
	name string
	text string
}

// catalogue lists the formats in the order in which they are tried. Readers
// that keep state between lines are made anew for each Parser.
func catalogue() []entry {
	return []entry{
		{clf{}, "combined", "nginx and Apache combined, common and vhost variants"},
	}
}

// Formats lists every format that can be asked for by name.
func Formats() []Format {
	var fs []Format
	for _, e := range catalogue() {
		fs = append(fs, Format{e.name, e.text})
	}
	return fs
}

// names joins the names of all formats for an error message.
func names() string {
	var ns []string
	for _, f := range Formats() {
		ns = append(ns, f.Name)
	}
	return strings.Join(ns, ", ")
}
