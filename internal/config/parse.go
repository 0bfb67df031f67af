package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parse reads text as the levee.yaml at path.
func parse(path string, text []byte, around surroundings) (Config, error) {
	c := Default()
	c.File = path
	d := &decoder{file: path, dir: filepath.Dir(path), around: around}
	if root := d.root(text); root != nil {
		d.structure(root, &c)
	}
	d.whole(&c)
	c.SecretFiles = d.secrets
	if len(d.errs) == 0 {
		return c, nil
	}
	slices.SortStableFunc(d.errs, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
	return c, d.errs
}

// root returns the mapping the file consists of, or nil when it is empty or no
// mapping. Duplicate keys pass here, so that all of them can be reported.
func (d *decoder) root(text []byte) ast.Node {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // some editors begin a file with it
	f, err := parseYAML(text)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			line := at.GetToken().Position.Line
			d.fail(line, at.GetMessage(), yamlMend(text, line))
		} else {
			d.fail(0, "no YAML: "+err.Error(), "compare it with docs/levee.yaml")
		}
		return nil
	}
	var body ast.Node
	for _, doc := range f.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType:
		case body != nil:
			d.fail(line(doc.Body), "a second YAML document begins here", "keep everything in the first; drop the line ---")
		default:
			body = doc.Body
		}
	}
	return body
}

// yamlMend is what is often wrong with a line that is no YAML.
func yamlMend(text []byte, line int) string {
	lines := strings.Split(string(text), "\n")
	l := lines[min(max(line-1, 0), len(lines)-1)]
	switch {
	case strings.HasPrefix(strings.TrimLeft(l, " "), "\t"):
		return "indent it with blanks, not with tabs"
	case strings.ContainsAny(l, "{[") && strings.Contains(strings.ReplaceAll(l, "\"${", ""), "${"):
		return "inside { } and [ ] a value with ${NAME} needs quotes"
	}
	return "mend the YAML there, or the line's indentation"
}

// parseYAML turns a panic of the parser, which is possible on text that is far
// from YAML, into an error.
func parseYAML(text []byte) (f *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	if deepest(text) > 64 {
		return nil, errors.New("it is nested deeper than 64 levels")
	}
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}

// deepest bounds how deep text can nest: brackets, and what indents or repeats
// indicators on one line. The parser recurses and has no limit of its own.
func deepest(text []byte) int {
	deep, brackets := 0, 0
	for l := range strings.Lines(string(text)) {
		marks := 0
		for i := range len(l) {
			switch l[i] {
			case '[', '{':
				brackets++
			case ']', '}':
				brackets = max(brackets-1, 0)
			case ',':
				if brackets > 0 { // what follows stands beside it, not within
					deep, marks = max(deep, marks/2), 0
				}
			case '-', '?', ':':
				if i+1 < len(l) && (l[i+1] == ' ' || l[i+1] == '\t' || l[i+1] == '\n') {
					marks++
				}
			}
			deep = max(deep, brackets)
		}
		deep = max(deep, marks/2, (len(l)-len(strings.TrimLeft(l, " ")))/2)
	}
	return deep
}

// line returns the line a node begins on.
func line(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return line(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return line(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
