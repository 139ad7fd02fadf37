package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// maxViolations bounds a refusal's text; whoever has ten mistakes can mend those first.
const maxViolations = 10

// step is one part of a member's path: a name, or an index of a list (1-based, as AWS counts).
type step struct {
	name  string
	index int
}

// trail is the path of the member at hand, written out only when a message needs it.
type trail []step

// String is the path as AWS writes it: tags.1.member.key.
func (t trail) String() string {
	var b strings.Builder
	for i, s := range t {
		if i > 0 {
			b.WriteByte('.')
		}
		if s.index > 0 {
			b.WriteString(strconv.Itoa(s.index))
			b.WriteString(".member")
			continue
		}
		if len(s.name) > 64 { // a map's key may be anything
			b.WriteString(strings.ToValidUTF8(s.name[:64], "") + "…")
			continue
		}
		b.WriteString(s.name)
	}
	return b.String()
}

// violations are the constraints an input breaks. As an error it reads as AWS's validation errors do.
type violations []string

func (v violations) Error() string {
	noun := "error"
	if len(v) > 1 {
		noun = "errors"
	}
	return fmt.Sprintf("%d validation %s detected: %s", len(v), noun, strings.Join(v, "; "))
}

func (v *violations) add(at trail, value, constraint string) {
	if len(*v) >= maxViolations {
		return
	}
	*v = append(*v, fmt.Sprintf("Value %sat '%s' failed to satisfy constraint: %s", value, at, constraint))
}

// reading is what decoding an input keeps: where it is, and which required members were not there. The JSON and the
// form decoder share it, and validation continues with it.
type reading struct {
	at      trail
	found   violations
	missing map[string]bool // paths of the absent required members
	opaque  bool            // the member at hand is
}

func (r *reading) enter(s step) { r.at = append(r.at, s) }
func (r *reading) leave()       { r.at = r.at[:len(r.at)-1] }

// require notes the required members of a struct that are not among those seen (one bit per field).
func (r *reading) require(s *shape, seen uint64) {
	for i := range s.fields {
		f := &s.fields[i]
		if !f.required || seen&(1<<i) != 0 {
			continue
		}
		r.enter(step{name: f.label})
		r.found.add(r.at, "null ", "Member must not be null")
		if r.missing == nil {
			r.missing = map[string]bool{}
		}
		r.missing[r.at.String()] = true
		r.leave()
	}
}

// validate judges a decoded input against its constraints, together with what decoding found missing.
func (r *reading) validate(s *shape, v reflect.Value) error {
	if s.bounded {
		r.structValue(s, v, false)
	}
	if len(r.found) > 0 {
		return r.found
	}
	return nil
}

// structValue checks the members; secret says that an outer member already hides the values.
func (r *reading) structValue(s *shape, v reflect.Value, secret bool) {
	for i := range s.fields {
		f := &s.fields[i]
		if f.limits == nil && f.each == nil && !f.union && !f.shape.bounded {
			continue
		}
		fv, ok := f.value(v)
		if !ok {
			continue
		}
		r.enter(step{name: f.label})
		// The zero value of a required member that was not given is not judged: it is reported as missing.
		if r.missing == nil || !r.missing[r.at.String()] {
			r.member(f, fv, secret || f.secret)
		}
		r.leave()
	}
}

func (r *reading) member(f *field, v reflect.Value, secret bool) {
	if f.limits != nil {
		for _, c := range f.limits.broken(f.shape, v) {
			r.found.add(r.at, shown(f.shape, v, secret), c)
		}
	}
	if f.each != nil {
		r.elements(f, v, secret)
	}
	if f.union {
		r.union(f, v)
	}
	if f.shape.bounded {
		r.inside(f.shape, v, secret)
	}
}

func (r *reading) inside(s *shape, v reflect.Value, secret bool) {
	switch s.kind {
	case kindStruct:
		r.structValue(s, v, secret)
	case kindList:
		for i := range v.Len() {
			r.enter(step{index: i + 1})
			r.inside(s.elem, v.Index(i), secret)
			r.leave()
		}
	case kindMap:
		for it := v.MapRange(); it.Next(); {
			r.enter(step{name: it.Key().String()})
			r.inside(s.elem, it.Value(), secret)
			r.leave()
		}
	}
}

// elements checks the elements of a list or the keys of a map.
func (r *reading) elements(f *field, v reflect.Value, secret bool) {
	judge := func(s *shape, e reflect.Value) bool {
		broken := f.each.broken(s, e)
		if len(broken) > 0 {
			r.found.add(r.at, shown(f.shape, v, secret), "Member must satisfy constraint: ["+strings.Join(broken, ", ")+"]")
		}
		return len(broken) == 0
	}
	switch f.shape.kind {
	case kindList:
		for i := range v.Len() {
			if !judge(f.shape.elem, v.Index(i)) {
				return
			}
		}
	case kindMap:
		for _, k := range v.MapKeys() {
			if !judge(&shape{kind: kindString}, k) {
				return
			}
		}
	}
}

func (r *reading) union(f *field, v reflect.Value) {
	set := 0
	for i := range f.shape.fields {
		if _, ok := f.shape.fields[i].value(v); ok {
			set++
		}
	}
	if set != 1 {
		names := make([]string, len(f.shape.fields))
		for i := range names {
			names[i] = f.shape.fields[i].name
		}
		r.found.add(r.at, "", "Member must have exactly one of these members set: ["+strings.Join(names, ", ")+"]")
	}
}

// shown is the value as a message may repeat it, with a space after it: never a secret, never much of it.
func shown(s *shape, v reflect.Value, secret bool) string {
	const most = 512
	if secret {
		return ""
	}
	var text string
	switch s.kind {
	case kindString:
		text = v.String()
	case kindInt:
		text = strconv.FormatInt(v.Int(), 10)
	case kindList:
		if s.elem.kind != kindString {
			return ""
		}
		parts := make([]string, 0, v.Len())
		for i := range v.Len() {
			parts = append(parts, v.Index(i).String())
		}
		text = "[" + strings.Join(parts, ", ") + "]"
	default:
		return ""
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return "'" + text + "' "
}
