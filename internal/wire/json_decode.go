package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxDepth    = 64       // nesting of a body
	maxElements = 10_000   // of one list or map; far above what any operation takes
	maxShared   = 16 << 10 // of a body whose strings are parts of one copy: a string of a large one must not keep all of it
)

// jsonReader decodes one body into one struct by its shape.
type jsonReader struct {
	reading
	dec jsontext.Decoder
	buf bytes.Buffer
	tmp []byte

	body []byte
	text string // the body, once there is a string in it that is a part of it as it stands
}

var jsonReaders = sync.Pool{New: func() any { return new(jsonReader) }}

// decodeJSON fills v, a struct of shape s, from a JSON object; an empty body is an empty object. It returns the members
// seen, one bit per field. The errors are *malformed, or violations for a name that is wrong only in case.
func (r *reading) decodeJSON(s *shape, v reflect.Value, body []byte) (seen uint64, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return 0, nil
	}
	if err := checkDepth(body); err != nil {
		return 0, err
	}
	d := jsonReaders.Get().(*jsonReader)
	defer func() {
		*r = d.reading
		d.reading, d.buf, d.body, d.text = reading{}, bytes.Buffer{}, nil, "" // the pool must not keep what was read
		d.dec.Reset(&d.buf)
		if clear(d.tmp[:cap(d.tmp)]); cap(d.tmp) > 64<<10 {
			d.tmp = nil
		}
		jsonReaders.Put(d)
	}()
	d.reading = *r
	d.buf, d.body = *bytes.NewBuffer(body), body
	d.dec.Reset(&d.buf)
	if seen, err = d.structValue(s, v); err != nil {
		return 0, err
	}
	if _, err := d.dec.ReadToken(); err == nil || !errors.Is(err, io.EOF) {
		return 0, &malformed{"The request body has data after the JSON value."}
	}
	return seen, nil
}

// checkDepth refuses bodies that nest too deeply, before anything recursive reads them.
func checkDepth(body []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString:
			if c == '\\' {
				i++
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return &malformed{fmt.Sprintf("The request body is nested deeper than %d levels.", maxDepth)}
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// syntax turns the tokenizer's error into a message that names the place and repeats nothing of the body but names.
func (d *jsonReader) syntax(err error) error {
	var se *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		name := ""
		if errors.As(err, &se) {
			name = se.JSONPointer.LastToken()
		}
		return &malformed{"The member " + quote(name) + " is given more than once."}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &malformed{"The request body ends inside a JSON value."}
	case errors.As(err, &se) && strings.Contains(se.Err.Error(), "UTF-8"):
		return &malformed{fmt.Sprintf("The request body is not valid UTF-8 at byte %d.", se.ByteOffset)}
	case errors.As(err, &se):
		return &malformed{fmt.Sprintf("The request body is not valid JSON at byte %d.", se.ByteOffset)}
	}
	return &malformed{"The request body is not valid JSON."}
}

// mismatch is a value of the wrong type.
func (d *jsonReader) mismatch(want kind, got jsontext.Kind) error {
	found := map[jsontext.Kind]string{'n': "null", 'f': "false", 't': "true", '"': "a string", '0': "a number",
		'{': "an object", '[': "a list"}[got]
	if found == "" { // not JSON at all
		if _, err := d.dec.ReadToken(); err != nil {
			return d.syntax(err)
		}
		found = "something else"
	}
	if len(d.at) == 0 {
		return &malformed{"The request body must be " + want.expected() + ", not " + found + "."}
	}
	return &malformed{"The member '" + d.at.String() + "' must be " + want.expected() + ", not " + found + "."}
}

func (d *jsonReader) structValue(s *shape, v reflect.Value) (seen uint64, err error) {
	if k := d.dec.PeekKind(); k != '{' {
		return 0, d.mismatch(kindStruct, k)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return 0, d.syntax(err)
	}
	for d.dec.PeekKind() != '}' {
		i, err := d.name(s)
		if err != nil {
			return 0, err
		}
		if i < 0 {
			if err := d.dec.SkipValue(); err != nil {
				return 0, d.syntax(err)
			}
			continue
		}
		f := &s.fields[i]
		d.enter(step{name: f.label})
		present, err := d.member(f, v.Field(f.index))
		if err != nil {
			return 0, err
		}
		d.leave()
		if present {
			seen |= 1 << i
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return 0, d.syntax(err)
	}
	return seen, nil
}

// name reads a member's name and returns its field's number, -1 for a name the shape does not have.
func (d *jsonReader) name(s *shape) (int, error) {
	raw, err := d.dec.ReadValue()
	if err != nil {
		return 0, d.syntax(err)
	}
	if d.tmp, err = jsontext.AppendUnquote(d.tmp[:0], raw); err != nil {
		return 0, d.syntax(err)
	}
	if i, ok := s.byName[string(d.tmp)]; ok {
		if f := &s.fields[i]; f.query != "" || f.header != "" {
			return -1, nil // it travels elsewhere; in the body it is an unknown member
		}
		return i, nil
	}
	if known, ok := s.lookalike(string(d.tmp)); ok {
		return 0, violations{fmt.Sprintf("Unknown member %s: the name is '%s', exactly so", quote(string(d.tmp)), known)}
	}
	return -1, nil
}

// member decodes a member's value; null is the same as absent.
func (d *jsonReader) member(f *field, v reflect.Value) (present bool, err error) {
	if d.dec.PeekKind() == 'n' {
		_, err := d.dec.ReadToken()
		if err != nil {
			return false, d.syntax(err)
		}
		return false, nil
	}
	if f.pointer {
		v.Set(reflect.New(f.shape.typ))
		v = v.Elem()
	}
	d.opaque = f.opaque
	return true, d.value(f.shape, v)
}

func (d *jsonReader) value(s *shape, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		seen, err := d.structValue(s, v)
		if err == nil {
			d.require(s, seen)
		}
		return err
	case kindList:
		return d.list(s, v)
	case kindMap:
		return d.mapping(s, v)
	case kindDocument:
		raw, err := d.dec.ReadValue()
		if err != nil {
			return d.syntax(err)
		}
		v.SetBytes(bytes.Clone(raw))
		return nil
	}
	return d.scalar(s, v)
}

func (d *jsonReader) list(s *shape, v reflect.Value) error {
	if k := d.dec.PeekKind(); k != '[' {
		return d.mismatch(kindList, k)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	v.Grow(4)
	v.SetLen(0) // not nil: the list is there
	for d.dec.PeekKind() != ']' {
		n := v.Len()
		if n >= maxElements {
			return d.tooMany()
		}
		v.Grow(1)
		v.SetLen(n + 1)
		e := v.Index(n)
		e.SetZero()
		d.enter(step{index: n + 1})
		if err := d.value(s.elem, e); err != nil {
			return err
		}
		d.leave()
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

func (d *jsonReader) tooMany() error {
	return &malformed{fmt.Sprintf("The member '%s' has more than %d elements.", d.at, maxElements)}
}

func (d *jsonReader) mapping(s *shape, v reflect.Value) error {
	if k := d.dec.PeekKind(); k != '{' {
		return d.mismatch(kindMap, k)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	v.Set(reflect.MakeMap(s.typ))
	for d.dec.PeekKind() != '}' {
		raw, err := d.dec.ReadValue()
		if err != nil {
			return d.syntax(err)
		}
		if d.tmp, err = jsontext.AppendUnquote(d.tmp[:0], raw); err != nil {
			return d.syntax(err)
		}
		if v.Len() >= maxElements {
			return d.tooMany()
		}
		key := string(d.tmp)
		e := reflect.New(s.elem.typ).Elem()
		d.enter(step{name: key})
		if err := d.value(s.elem, e); err != nil {
			return err
		}
		d.leave()
		v.SetMapIndex(reflect.ValueOf(key).Convert(s.typ.Key()), e)
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

func (d *jsonReader) scalar(s *shape, v reflect.Value) error {
	k := d.dec.PeekKind()
	if want := s.kind; (want == kindString && k != '"') || ((want == kindInt || want == kindTime) && k != '0') ||
		(want == kindBool && k != 't' && k != 'f') {
		return d.mismatch(s.kind, k)
	}
	raw, err := d.dec.ReadValue()
	if err != nil {
		return d.syntax(err)
	}
	switch s.kind {
	case kindString:
		text, err := d.unquote(raw)
		if err != nil {
			return d.syntax(err)
		}
		return d.set(v, text)
	case kindBool:
		v.SetBool(k == 't')
		return nil
	case kindInt:
		n, err := strconv.ParseInt(string(raw), 10, v.Type().Bits())
		if err != nil {
			return &malformed{"The member '" + d.at.String() + "' must be an integer in its range."}
		}
		v.SetInt(n)
		return nil
	}
	return d.timestamp(v, string(raw))
}

// unquote is the text of the string just read. Where nothing in it is escaped it is a part of one copy of the body, which all of them share.
func (d *jsonReader) unquote(raw []byte) (string, error) {
	end := d.dec.InputOffset()
	if start := end - int64(len(raw)); len(d.body) <= maxShared && start >= 0 && bytes.IndexByte(raw, '\\') < 0 && len(raw) >= 2 {
		if d.text == "" {
			d.text = string(d.body)
		}
		return d.text[start+1 : end-1], nil
	}
	var err error
	d.tmp, err = jsontext.AppendUnquote(d.tmp[:0], raw)
	return string(d.tmp), err
}

// set sets a string. NUL is refused: no member of any service has a use for it, and databases differ about it. A token, though, is no less
// readable with it than any other that nobody has issued.
func (r *reading) set(v reflect.Value, s string) error {
	if !r.opaque && strings.IndexByte(s, 0) >= 0 {
		return &malformed{"The member '" + r.at.String() + "' must not contain NUL."}
	}
	v.SetString(s)
	return nil
}

// timestamp reads epoch seconds with an optional fraction, to the microsecond.
func (r *reading) timestamp(v reflect.Value, raw string) error {
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.Abs(f) > 253402300799 { // the end of year 9999
		return &malformed{"The member '" + r.at.String() + "' must be a timestamp in seconds."}
	}
	v.Set(reflect.ValueOf(time.UnixMicro(int64(math.Round(f * 1e6))).UTC()))
	return nil
}
