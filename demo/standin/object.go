package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// object is one exported bean: its properties in Jenkins' own order.
type object []property

type property struct {
	name  string
	value any // nil, bool, int64, float64, string, object, []any, reference
}

// reference is a bean that a parent shows in brief, and in full where depth or
// tree ask for it.
type reference struct {
	brief object
	full  func() object
}

// shape resolves references: depth levels of them in full, or what tree names.
func shape(v any, depth int, tree *node) any {
	switch v := v.(type) {
	case reference:
		switch {
		case tree != nil:
			return shape(v.full(), depth, tree)
		case depth > 0:
			return shape(v.full(), depth-1, nil)
		}
		return v.brief
	case []any:
		if tree != nil && tree.ranged {
			from := min(max(tree.from, 0), len(v))
			v = v[from:max(from, min(tree.to, len(v)))]
		}
		out := make([]any, len(v))
		for i := range v {
			out[i] = shape(v[i], depth, tree)
		}
		return out
	case object:
		var out object
		for _, p := range v {
			sub := (*node)(nil)
			if tree != nil && p.name != "_class" {
				if sub = tree.children[p.name]; sub == nil {
					continue
				}
			} else if tree == nil && strings.HasPrefix(p.name, "~") {
				continue // only shown when tree names it
			}
			out = append(out, property{p.name, shape(p.value, depth, sub)})
		}
		if tree == nil {
			return out
		}
		for _, p := range v { // hidden properties, named by tree
			if name, hidden := strings.CutPrefix(p.name, "~"); hidden && tree.children[name] != nil {
				out = append(out, property{name, shape(p.value, depth, tree.children[name])})
			}
		}
		return out
	}
	return v
}

// MarshalJSON keeps the order of the properties.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		value, err := marshal(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// python writes v as a Python literal: the API's /api/python.
func python(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case string:
		b.WriteString(strconv.QuoteToASCII(v))
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			python(b, x)
		}
		b.WriteByte(']')
	case object:
		b.WriteByte('{')
		for i, p := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.QuoteToASCII(p.name) + ":")
			python(b, p.value)
		}
		b.WriteByte('}')
	default:
		fmt.Fprint(b, v)
	}
}

// node is one name of a tree expression.
type node struct {
	children map[string]*node
	ranged   bool
	from, to int
}

var errTree = errors.New("malformed tree expression")

// parseTree reads "a,b[c,d[e]]{0,10}".
func parseTree(s string) (*node, error) {
	root := &node{children: map[string]*node{}}
	rest, err := root.list(s, 0)
	if err == nil && rest != "" {
		err = errTree
	}
	return root, err
}

func (n *node) list(s string, depth int) (string, error) {
	if depth > 32 {
		return "", errTree
	}
	for {
		end := strings.IndexAny(s, ",[]{}")
		if end < 0 {
			end = len(s)
		}
		if end == 0 {
			return "", errTree
		}
		child := &node{children: map[string]*node{}}
		n.children[s[:end]] = child
		s = s[end:]
		var err error
		if strings.HasPrefix(s, "[") {
			if s, err = child.list(s[1:], depth+1); err != nil {
				return "", err
			}
			if !strings.HasPrefix(s, "]") {
				return "", errTree
			}
			s = s[1:]
		}
		if strings.HasPrefix(s, "{") {
			if s, err = child.slice(s[1:]); err != nil {
				return "", err
			}
		}
		if !strings.HasPrefix(s, ",") {
			return s, nil
		}
		s = s[1:]
	}
}

// slice reads "0,10}", "10}" or "3,}".
func (n *node) slice(s string) (string, error) {
	inside, rest, ok := strings.Cut(s, "}")
	if !ok {
		return "", errTree
	}
	from, to, pair := strings.Cut(inside, ",")
	n.ranged, n.to = true, 1<<30
	var err error
	if from != "" {
		if n.from, err = strconv.Atoi(from); err != nil {
			return "", errTree
		}
	}
	if !pair {
		n.to = n.from + 1
	} else if to != "" {
		if n.to, err = strconv.Atoi(to); err != nil {
			return "", errTree
		}
	}
	return rest, nil
}
