package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decoder walks a parsed file beside the Config it fills and gathers what is
// wrong instead of stopping at the first.
type decoder struct {
	file, dir string
	around    surroundings
	errs      Errors
	secrets   []string // files that secrets were read from
}

func (d *decoder) fail(line int, what, mend string) {
	d.errs = append(d.errs, Error{d.file, line, what, mend})
}

// refuse reports err, a *problem, about key at line.
func (d *decoder) refuse(line int, key string, err error) {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{err.Error(), "write another value"}
	}
	what := p.what
	if key != "" {
		what = key + ": " + what
	}
	d.fail(line, what, p.mend)
}

// structure fills the struct dst points to from a mapping.
func (d *decoder) structure(n ast.Node, dst any) {
	d.value(n, "", reflect.ValueOf(dst).Elem())
}

// value fills v from n; key is the name it stands under, for messages.
func (d *decoder) value(n ast.Node, key string, v reflect.Value) {
	switch n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return // "key:" with nothing behind it leaves the default
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		d.fail(line(n), orFile(key)+": anchors, aliases and tags are not read here", "write the value out")
		return
	}
	switch {
	case isScalar(v):
		d.scalar(n, key, v)
	case v.Kind() == reflect.Struct:
		if entries, ok := d.mapping(n, key); ok {
			d.fields(n, entries, v)
		}
	case v.Kind() == reflect.Map:
		if entries, ok := d.mapping(n, key); ok {
			d.entries(entries, v)
		}
	case v.Kind() == reflect.Slice:
		d.list(n, key, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, key, v.Elem())
	}
}

func orFile(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	line  int
	value ast.Node
}

// mapping returns a mapping's entries without the duplicates, which it reports.
func (d *decoder) mapping(n ast.Node, key string) ([]entry, bool) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		d.fail(line(n), orFile(key)+" holds "+kind(n)+" where keys with values belong", "write for instance key: value")
		return nil, false
	}
	var entries []entry
	first := make(map[string]int)
	for _, mv := range values {
		name, ok := text(mv.Key)
		at := line(mv.Key)
		if !ok {
			d.fail(at, "this key is no plain text", "write one word, then a colon")
			continue
		}
		if before, dup := first[name]; dup {
			d.fail(at, fmt.Sprintf("%s stands here twice, first in line %d", quote(name), before), "keep one of the two")
			continue
		}
		first[name] = at
		entries = append(entries, entry{name, at, mv.Value})
	}
	return entries, true
}

// fields fills a struct's fields by their yaml tags.
func (d *decoder) fields(n ast.Node, entries []entry, v reflect.Value) {
	byKey := make(map[string]reflect.Value)
	var known []string
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("yaml")
		if tag == "-" {
			continue
		}
		byKey[tag] = v.Field(i)
		known = append(known, tag)
		if _, secret := v.Field(i).Interface().(Secret); secret {
			known = append(known, tag+"_file")
		}
	}
	lines := make(map[string]int, len(entries))
	for _, e := range entries {
		lines[e.key] = e.line
		f, ok := byKey[e.key]
		if ok {
			d.value(e.value, e.key, f)
			continue
		}
		if twin, ok := strings.CutSuffix(e.key, "_file"); ok {
			if f, ok := byKey[twin]; ok && f.Type() == reflect.TypeFor[Secret]() {
				d.secretFile(e, f)
				continue
			} else if ok {
				d.fail(e.line, "unknown key "+quote(e.key), fmt.Sprintf("did you mean %q? Only secrets have a _file twin", twin))
				continue
			}
		}
		d.fail(e.line, "unknown key "+quote(e.key), suggest(e.key, known))
	}
	for _, key := range known {
		if l, both := lines[key+"_file"]; both && lines[key] > 0 {
			d.fail(l, key+" and "+key+"_file are both given", "keep one of the two")
		}
	}
	if f := v.FieldByName("Line"); f.IsValid() {
		f.SetInt(int64(line(n)))
	}
	if c, ok := v.Addr().Interface().(checked); ok {
		c.check(&place{d, line(n), lines})
	}
}

// entries fills a map from text to whatever it holds.
func (d *decoder) entries(entries []entry, v reflect.Value) {
	m := reflect.MakeMapWithSize(v.Type(), len(entries))
	for _, e := range entries {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(e.value, e.key, item)
		if err := checkKey(v.Type(), e.key); err != nil {
			d.refuse(e.line, "", err)
			continue
		}
		m.SetMapIndex(reflect.ValueOf(e.key).Convert(v.Type().Key()), item)
	}
	v.Set(m)
}

func (d *decoder) list(n ast.Node, key string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(line(n), key+" holds "+kind(n)+" where a list belongs", "write […], or one item a line after a dash")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		d.value(item, key, items.Index(i))
	}
	v.Set(items)
}
