package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// isScalar reports whether v is written as one text.
func isScalar(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(scalar); ok {
		return true
	}
	switch v.Interface().(type) {
	case netip.Prefix, time.Duration:
		return true
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return true
	}
	return false
}

func (d *decoder) scalar(n ast.Node, key string, v reflect.Value) {
	raw, ok := text(n)
	if !ok {
		d.fail(line(n), key+" holds "+kind(n)+" where one value belongs", "write "+key+": value")
		return
	}
	if v.Type() == reflect.TypeFor[Secret]() && d.around.noSecrets {
		raw = placeholder
	}
	full, err := expand(raw, d.around.env)
	if err == nil {
		err = set(v, full)
	}
	if err != nil {
		d.refuse(line(n), key, err)
		return
	}
	if p, ok := v.Addr().Interface().(interface{ at(line int) }); ok {
		p.at(line(n))
	}
}

// set parses text into v.
func set(v reflect.Value, text string) error {
	if s, ok := v.Addr().Interface().(scalar); ok {
		return s.parse(text)
	}
	switch p := v.Addr().Interface().(type) {
	case *netip.Prefix:
		prefix, err := parsePrefix(text)
		if err == nil {
			*p = prefix
		}
		return err
	case *time.Duration:
		long, err := parseDuration(text)
		if err == nil {
			*p = long
		}
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return wrong("write true or false", "%s is neither true nor false", quote(text))
		}
		v.SetBool(text == "true")
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil || i < 0 {
			return wrong("write for instance 6000", "%s is not a whole number", quote(text))
		}
		v.SetInt(int64(i))
	default:
		if err := checkPrintable(text); err != nil {
			return err
		}
		v.SetString(text)
	}
	return nil
}

// checkPrintable refuses control characters: what is configured ends up on
// terminals and in logs.
func checkPrintable(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return wrong("take it out", "%s holds a control character", quote(text))
	}
	return nil
}

// maxSecret is far more than any token or password has.
const maxSecret = 64 << 10

// secretFile reads a secret from the file its twin key names.
func (d *decoder) secretFile(e entry, v reflect.Value) {
	name, ok := text(e.value)
	if !ok {
		d.fail(e.line, e.key+" holds "+kind(e.value)+" where a file's path belongs", "write "+e.key+": /etc/levee/…")
		return
	}
	if d.around.noSecrets {
		v.Set(reflect.ValueOf(NewSecret(placeholder)))
		return
	}
	name, err := expand(name, d.around.env)
	if err == nil {
		err = checkPrintable(name)
	}
	if err != nil {
		d.refuse(e.line, e.key, err)
		return
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(d.dir, name)
	}
	content, err := d.around.read(name, maxSecret)
	if err != nil {
		d.fail(e.line, fmt.Sprintf("%s: %s %s", e.key, name, reason(err)), "create it, readable for the user levee runs as")
		return
	}
	secret := strings.TrimRight(string(content), "\r\n")
	if secret == "" {
		d.fail(e.line, fmt.Sprintf("%s: %s is empty", e.key, name), "write the secret into it")
		return
	}
	v.Set(reflect.ValueOf(NewSecret(secret)))
	d.secrets = append(d.secrets, name)
}

// text returns a scalar as it was written, without its quotes.
func text(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(s.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	case *ast.MappingKeyNode:
		return text(s.Value)
	}
	return "", false
}

// kind names what a node is, for messages.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	}
	if _, ok := text(n); ok {
		return "one value"
	}
	return "something else"
}
