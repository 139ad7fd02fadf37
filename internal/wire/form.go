package wire

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxFormBody   = 1 << 20
	maxFormParams = 5000
	maxFormDepth  = 16 // dots in a name
)

// param is one name and value of a query string or a form.
type param struct{ name, value string }

// params are the parameters of a query string or a form, in their order, no name twice.
type params []param

// get returns a parameter's value.
func (p params) get(name string) (string, bool) {
	for i := range p {
		if p[i].name == name {
			return p[i].value, true
		}
	}
	return "", false
}

// parseParams reads application/x-www-form-urlencoded text strictly: wrong escapes, invalid UTF-8, semicolons (which
// some readers take for separators) and names that come twice, even in another case, are refused (RFC 6749 §3.1).
func parseParams(text, what string) (params, error) {
	if text == "" {
		return nil, nil
	}
	if strings.Count(text, "&") >= maxFormParams {
		return nil, &malformed{fmt.Sprintf("The %s has more than %d parameters.", what, maxFormParams)}
	}
	out := make(params, 0, strings.Count(text, "&")+1)
	folded := map[string]struct{}{} // without a size, so that a few names need no memory of the heap
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		if strings.IndexByte(part, ';') >= 0 {
			return nil, &malformed{"The " + what + " has an unescaped semicolon."}
		}
		name, err := unescape(rawName, what)
		if err != nil {
			return nil, err
		}
		value, err := unescape(rawValue, what)
		if err != nil {
			return nil, err
		}
		fold := strings.ToLower(name)
		if _, dup := folded[fold]; dup {
			return nil, &malformed{"The parameter " + quote(name) + " is given more than once."}
		}
		folded[fold] = struct{}{}
		out = append(out, param{name, value})
	}
	return out, nil
}

func unescape(s, what string) (string, error) {
	u, err := s, error(nil)
	if strings.IndexByte(s, '%') >= 0 || strings.IndexByte(s, '+') >= 0 { // most values are tokens, in which nothing is escaped
		u, err = url.QueryUnescape(s)
	}
	switch {
	case err != nil:
		return "", &malformed{"The " + what + " has a wrong percent escape."}
	case !utf8.ValidString(u):
		return "", &malformed{"The " + what + " is not valid UTF-8."}
	}
	return u, nil
}

// node is a form's parameters as the tree its dotted names describe: Tags.member.1.Key.
type node struct {
	set   bool
	value string
	kids  map[string]*node
}

// tree builds the tree. Signature parameters of a presigned query are not part of the input and are left out; of
// parameters that s does not know only the first part of the name is kept, for checkNames.
func (p params) tree(s *shape) (*node, error) {
	size := 1
	for _, q := range p {
		if q.signs() {
			continue
		}
		dots := strings.Count(q.name, ".")
		if dots > maxFormDepth {
			return nil, &malformed{"The parameter " + quote(q.name) + " is nested too deeply."}
		}
		size += 1 + dots
	}
	nodes := make([]node, 1, size) // one piece of memory for all, with room for every one: it never moves
	root := &nodes[0]
	for _, q := range p {
		if q.signs() {
			continue
		}
		n, name := root, q.name
		if first, _, _ := strings.Cut(name, "."); !s.has(first) {
			name = first
		}
		for part := range strings.SplitSeq(name, ".") {
			next := n.kids[part]
			if next == nil {
				nodes = append(nodes, node{})
				next = &nodes[len(nodes)-1]
				if n.kids == nil {
					n.kids = map[string]*node{}
				}
				n.kids[part] = next
			}
			n = next
		}
		n.set, n.value = true, q.value
	}
	return root, nil
}

// signs says that a parameter belongs to the signature of a presigned request.
func (q param) signs() bool { return len(q.name) >= 6 && strings.EqualFold(q.name[:6], "x-amz-") }

// formReader decodes a form into a struct by its shape.
type formReader struct {
	*reading
	// emptyAbsent takes a parameter without a value for absent, as RFC 6749 §3.1 asks.
	emptyAbsent bool
}

// decodeForm fills v from a form in the awsQuery notation and returns the members seen.
func (r *reading) decodeForm(s *shape, v reflect.Value, p params, emptyAbsent bool) (uint64, error) {
	root, err := p.tree(s)
	if err != nil {
		return 0, err
	}
	d := formReader{r, emptyAbsent}
	return d.structValue(s, v, root)
}

func (d formReader) structValue(s *shape, v reflect.Value, n *node) (seen uint64, err error) {
	if n.set && n.value != "" {
		return 0, d.mismatch(kindStruct)
	}
	for i := range s.fields {
		f := &s.fields[i]
		kid := n.kids[f.name]
		if kid == nil || (d.emptyAbsent && kid.value == "" && kid.kids == nil) {
			continue
		}
		d.enter(step{name: f.label})
		fv := v.Field(f.index)
		if f.pointer {
			fv.Set(reflect.New(f.shape.typ))
			fv = fv.Elem()
		}
		d.opaque = f.opaque
		if err := d.value(f.shape, fv, kid); err != nil {
			return 0, err
		}
		d.leave()
		seen |= 1 << i
	}
	if err := s.checkNames(n); err != nil {
		return 0, err
	}
	return seen, nil
}

// checkNames refuses names that differ from a member's only in case.
func (s *shape) checkNames(n *node) error {
	for name := range n.kids {
		if _, ok := s.byName[name]; ok {
			continue
		}
		if known, ok := s.lookalike(name); ok {
			return violations{fmt.Sprintf("Unknown parameter %s: the name is '%s', exactly so", quote(name), known)}
		}
	}
	return nil
}

func (d formReader) value(s *shape, v reflect.Value, n *node) error {
	switch s.kind {
	case kindStruct:
		seen, err := d.structValue(s, v, n)
		if err == nil {
			d.require(s, seen)
		}
		return err
	case kindList:
		return d.list(s, v, n)
	case kindMap:
		return d.mapping(s, v, n)
	}
	if n.kids != nil {
		return d.mismatch(s.kind)
	}
	return d.setText(s, v, n.value)
}

func (d formReader) mismatch(want kind) error {
	return &malformed{"The parameter '" + d.at.String() + "' must be " + want.expected() + "."}
}

// items returns the children of n under word ("member", "entry") in the order of their numbers, which must be 1, 2, 3, …
func (d formReader) items(n *node, word string) ([]*node, error) {
	list := n.kids[word]
	if list == nil || len(n.kids) != 1 || n.value != "" || (list.set && list.value != "") {
		return nil, d.mismatch(kindList)
	}
	items := make([]*node, len(list.kids))
	for number, kid := range list.kids {
		i, err := strconv.Atoi(number)
		if err != nil || i < 1 || i > len(items) || strconv.Itoa(i) != number {
			return nil, &malformed{"The elements of '" + d.at.String() + "' must be numbered 1, 2, 3 and so on."}
		}
		items[i-1] = kid
	}
	return items, nil
}

func (d formReader) list(s *shape, v reflect.Value, n *node) error {
	if n.kids == nil && n.value == "" { // how an empty list is written
		v.Set(reflect.MakeSlice(s.typ, 0, 0))
		return nil
	}
	items, err := d.items(n, "member")
	if err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(s.typ, len(items), len(items)))
	for i, kid := range items {
		d.enter(step{index: i + 1})
		if err := d.value(s.elem, v.Index(i), kid); err != nil {
			return err
		}
		d.leave()
	}
	return nil
}

func (d formReader) mapping(s *shape, v reflect.Value, n *node) error {
	v.Set(reflect.MakeMap(s.typ))
	if n.kids == nil && n.value == "" {
		return nil
	}
	items, err := d.items(n, "entry")
	if err != nil {
		return err
	}
	for _, kid := range items {
		k, val := kid.kids["key"], kid.kids["value"]
		if k == nil || val == nil || k.kids != nil {
			return d.mismatch(kindMap)
		}
		key := reflect.ValueOf(k.value).Convert(s.typ.Key())
		if v.MapIndex(key).IsValid() {
			return &malformed{"The parameter '" + d.at.String() + "' has the key " + quote(k.value) + " twice."}
		}
		e := reflect.New(s.elem.typ).Elem()
		d.enter(step{name: k.value})
		if err := d.value(s.elem, e, val); err != nil {
			return err
		}
		d.leave()
		v.SetMapIndex(key, e)
	}
	return nil
}

// setText sets a scalar from its text in a form, a query string or a header.
func (r *reading) setText(s *shape, v reflect.Value, text string) error {
	fits := false
	switch s.kind {
	case kindString:
		return r.set(v, text)
	case kindInt:
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if fits = err == nil && text[0] != '+'; fits {
			v.SetInt(i)
		}
	case kindBool:
		fits = text == "true" || text == "false"
		v.SetBool(text == "true")
	case kindTime:
		t, err := time.Parse(time.RFC3339Nano, text)
		fits = err == nil
		v.Set(reflect.ValueOf(t.UTC()))
	}
	if !fits {
		return &malformed{"The parameter '" + r.at.String() + "' must be " + s.kind.expected() + "."}
	}
	return nil
}
