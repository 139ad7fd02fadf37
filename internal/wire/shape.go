package wire

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// kind is what a shape is on the wire.
type kind uint8

const (
	kindString kind = iota
	kindInt
	kindBool
	kindTime
	kindDocument // any JSON, kept as it came
	kindStruct
	kindList
	kindMap // string keys
)

// expected names a kind in a message about a wrong one.
func (k kind) expected() string {
	return [...]string{"a string", "an integer", "true or false", "a timestamp", "a JSON value", "an object", "a list", "a map"}[k]
}

// shape is the compiled plan of one Go type: everything about it that decoding, validating and encoding ask.
type shape struct {
	kind   kind
	typ    reflect.Type
	elem   *shape // of lists and maps
	fields []field
	byName map[string]int
	sorted []int // fields by name
	// bounded says that the shape, or something inside it, has a constraint; others are not walked by validation.
	bounded bool
	// inBody says that some member travels in the body (not in a header or in the query).
	inBody bool
}

// field is one member of a struct shape.
type field struct {
	name    string // on the wire
	label   string // in messages: the name with a small first letter, as AWS writes it
	quoted  string // `"name":`
	index   int
	pointer bool
	shape   *shape

	required, resource, secret, union bool
	// opaque members are only ever hashed or verified, and never reach a database as text: they may hold NUL.
	opaque bool
	// hidden members are not shown in events: secrets, and paging tokens, with which somebody could go on with another's list.
	hidden bool

	query, header string
	limits, each  *limits
}

// value is the member's value without its pointer, and whether it is there at all. Values that have no pointer are
// there unless they are an absent list, map or document, or a zero time.
func (f *field) value(v reflect.Value) (reflect.Value, bool) {
	fv := v.Field(f.index)
	if f.pointer {
		return fv.Elem(), !fv.IsNil()
	}
	switch f.shape.kind {
	case kindList, kindMap, kindDocument:
		return fv, !fv.IsNil()
	case kindTime:
		return fv, !fv.IsZero()
	}
	return fv, true
}

// compiler builds the shapes of one type and remembers those it has met, so that types may be recursive.
type compiler struct {
	where string
	seen  map[reflect.Type]*shape
}

// compile makes the shape of a struct type; it panics where a tag or a type cannot be understood, because that is a
// programming error that must not wait for a request.
func compile(operation string, t reflect.Type) *shape {
	c := &compiler{where: operation, seen: map[reflect.Type]*shape{}}
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("wire: %s: %s is not a struct", operation, t))
	}
	s := c.shape(t)
	c.markBounded(s, map[*shape]bool{})
	return s
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	documentType = reflect.TypeFor[jsontext.Value]()
)

func (c *compiler) shape(t reflect.Type) *shape {
	if s, ok := c.seen[t]; ok {
		return s
	}
	s := &shape{typ: t}
	c.seen[t] = s
	switch {
	case t == timeType:
		s.kind = kindTime
	case t == documentType:
		s.kind = kindDocument
	case t.Kind() == reflect.String:
		s.kind = kindString
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		s.kind = kindInt
	case t.Kind() == reflect.Bool:
		s.kind = kindBool
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		s.kind, s.elem = kindList, c.shape(t.Elem())
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		s.kind, s.elem = kindMap, c.shape(t.Elem())
	case t.Kind() == reflect.Struct:
		s.kind = kindStruct
		c.structFields(s)
	default:
		panic(fmt.Sprintf("wire: %s: no wire form for Go type %s", c.where, t))
	}
	return s
}

func (c *compiler) structFields(s *shape) {
	s.byName = make(map[string]int, s.typ.NumField())
	for i := range s.typ.NumField() {
		sf := s.typ.Field(i)
		if !sf.IsExported() {
			continue
		}
		f := c.field(s.typ, sf)
		f.index = i
		if _, dup := s.byName[f.name]; dup {
			panic(fmt.Sprintf("wire: %s: %s has two members named %s", c.where, s.typ, f.name))
		}
		s.byName[f.name] = len(s.fields)
		s.fields = append(s.fields, f)
		s.inBody = s.inBody || (f.query == "" && f.header == "")
	}
	s.sortFields()
	if len(s.fields) > 64 {
		panic(fmt.Sprintf("wire: %s: %s has more than 64 members", c.where, s.typ))
	}
}

func (c *compiler) field(parent reflect.Type, sf reflect.StructField) field {
	fail := func(format string, args ...any) {
		panic(fmt.Sprintf("wire: %s: %s.%s: ", c.where, parent, sf.Name) + fmt.Sprintf(format, args...))
	}
	name := sf.Tag.Get("json")
	if name == "" || strings.ContainsAny(name, ",\"\\") {
		fail("needs a json tag with the wire name alone")
	}
	f := field{name: name, label: strings.ToLower(name[:1]) + name[1:], quoted: `"` + name + `":`}
	t := sf.Type
	if f.pointer = t.Kind() == reflect.Pointer; f.pointer {
		t = t.Elem()
	}
	f.shape = c.shape(t)
	if word := f.words(sf.Tag.Get("wire")); word != "" {
		fail("unknown word %q in the wire tag", word)
	}
	f.hidden = f.secret || f.label == "nextToken"
	if f.union = sf.Tag.Get("union") == "true"; f.union && f.shape.kind != kindStruct {
		fail("union on something that is no struct")
	}
	if f.opaque && (f.shape.kind != kindString || f.resource) {
		fail("opaque on something that is no string, or that names the resource")
	}
	if f.resource && f.shape.kind != kindString {
		fail("resource on something that is no string")
	}
	var err error
	if f.limits, err = parseLimits(sf.Tag, ""); err != nil {
		fail("%v", err)
	}
	if f.each, err = parseLimits(sf.Tag, "each-"); err != nil {
		fail("%v", err)
	}
	return f
}

// words takes up the words of a wire tag, and returns the first that means nothing.
func (f *field) words(tag string) (unknown string) {
	for word := range strings.SplitSeq(tag, ",") {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "", "idempotency":
		case "required":
			f.required = true
		case "resource":
			f.resource = true
		case "secret":
			f.secret = true
		case "opaque":
			f.opaque = true
		case "query":
			f.query = value
		case "header":
			f.header = value
		default:
			return word
		}
	}
	return ""
}

// markBounded sets bounded bottom-up; busy guards against recursive types, which are taken for bounded.
func (c *compiler) markBounded(s *shape, busy map[*shape]bool) bool {
	if busy[s] {
		return true
	}
	busy[s] = true
	defer delete(busy, s)
	if s.elem != nil {
		s.bounded = c.markBounded(s.elem, busy)
	}
	for i := range s.fields {
		f := &s.fields[i]
		inside := c.markBounded(f.shape, busy)
		s.bounded = s.bounded || inside || f.limits != nil || f.each != nil || f.union
	}
	return s.bounded
}

// resource is the value of the member tagged as the resource ARN, or "".
func (s *shape) resource(v reflect.Value) string {
	for i := range s.fields {
		if f := &s.fields[i]; f.resource {
			if fv, ok := f.value(v); ok {
				return fv.String()
			}
		}
	}
	return ""
}

func (s *shape) has(name string) bool {
	_, ok := s.byName[name]
	return ok
}

// lookalike returns the member whose name differs from name only in case. Such a name is refused: a reader that
// ignores case would take it for the member.
func (s *shape) lookalike(name string) (string, bool) {
	for i := range s.fields {
		if strings.EqualFold(s.fields[i].name, name) {
			return s.fields[i].name, true
		}
	}
	return "", false
}
