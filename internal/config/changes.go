package config

import (
	"reflect"
	"slices"
	"strings"
)

// Changes lists the keys whose values differ between a and b, two levels deep
// (allow, detect.source_rate), in the order of the file. Where something stands
// in the file is no difference.
func Changes(a, b Config) []string {
	var out []string
	changes(&out, "", reflect.ValueOf(a), reflect.ValueOf(b), 2)
	return out
}

func changes(out *[]string, under string, a, b reflect.Value, levels int) {
	for i := range a.NumField() {
		key, ok := keyOf(a.Type().Field(i))
		if !ok || same(a.Field(i), b.Field(i)) {
			continue
		}
		if levels > 1 && a.Field(i).Kind() == reflect.Struct && keyed(a.Field(i).Type()) {
			changes(out, under+key+".", a.Field(i), b.Field(i), levels-1)
			continue
		}
		*out = append(*out, under+key)
	}
}

// keyOf is a field's key in the file; fields without one hold what was noted
// beside it.
func keyOf(f reflect.StructField) (string, bool) {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key, key != "" && key != "-"
}

// keyed reports whether t is a part of the file made of keys.
func keyed(t reflect.Type) bool {
	return slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool { _, ok := keyOf(f); return ok })
}

// same compares values without what was noted beside them.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Struct:
		if x, ok := a.Interface().(Allow); ok {
			x.Line = b.Interface().(Allow).Line
			return x == b.Interface()
		}
		if !keyed(a.Type()) {
			return reflect.DeepEqual(a.Interface(), b.Interface())
		}
		for i := range a.NumField() {
			if _, ok := keyOf(a.Type().Field(i)); ok && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); !v.IsValid() || !same(a.MapIndex(k), v) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// Same reports whether both sources say the same, wherever they stand in the
// file.
func (s Source) Same(x Source) bool {
	return same(reflect.ValueOf(s), reflect.ValueOf(x)) && s.FromStart == x.FromStart
}

// Take returns c with the values that from has under keys, which are named as
// Changes names them.
func Take(c, from Config, keys []string) Config {
	take("", reflect.ValueOf(&c).Elem(), reflect.ValueOf(from), keys)
	return c
}

func take(under string, to, from reflect.Value, keys []string) {
	for i := range to.NumField() {
		key, ok := keyOf(to.Type().Field(i))
		switch {
		case !ok:
		case slices.Contains(keys, under+key):
			to.Field(i).Set(from.Field(i))
		case under == "" && to.Field(i).Kind() == reflect.Struct:
			take(key+".", to.Field(i), from.Field(i), keys)
		}
	}
}
