package store

import (
	"errors"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var errBadText = errors.New("text must be valid UTF-8 without NUL")

var timeType = reflect.TypeFor[time.Time]()

// codec is how a field goes into a packed row and comes out of it.
type codec struct {
	pack   func(dst []byte, field reflect.Value) ([]byte, error)
	unpack func(field reflect.Value, value string, null bool) error
}

// codecOf chooses how a field's type is kept in SQL.
func codecOf(t reflect.Type) (Kind, codec) {
	switch {
	case t == timeType:
		return Time, codec{packTime, unpackTime}
	case t.Kind() == reflect.String:
		return Text, codec{packText, unpackText}
	case t.Kind() == reflect.Bool:
		return Bool, codec{packBool, unpackBool}
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return Int, codec{packInt, unpackInt}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !implementsJSON(t):
		return Bytes, codec{packBytes, unpackBytes}
	}
	if isLazy(t) {
		return JSON, codec{packLazy, unpackLazy}
	}
	return JSON, codec{packJSON, unpackJSON}
}

// implementsJSON tells raw JSON values, which are byte slices too, from bytes.
func implementsJSON(t reflect.Type) bool {
	_, has := t.MethodByName("MarshalJSON")
	return has
}

func packText(dst []byte, f reflect.Value) ([]byte, error) {
	s := f.String()
	if !validText(s) {
		return dst, errBadText
	}
	return appendText(dst, s), nil
}

func unpackText(f reflect.Value, v string, _ bool) error {
	f.SetString(v)
	return nil
}

func packInt(dst []byte, f reflect.Value) ([]byte, error) { return appendNumber(dst, f.Int()), nil }

func unpackInt(f reflect.Value, v string, _ bool) error {
	f.SetInt(number(v))
	return nil
}

func packBool(dst []byte, f reflect.Value) ([]byte, error) { return appendTruth(dst, f.Bool()), nil }

func unpackBool(f reflect.Value, v string, _ bool) error {
	f.SetBool(number(v) != 0)
	return nil
}

func packTime(dst []byte, f reflect.Value) ([]byte, error) {
	t := f.Addr().Interface().(*time.Time)
	if t.IsZero() {
		return appendNull(dst), nil
	}
	return appendNumber(dst, t.UnixMicro()), nil
}

func unpackTime(f reflect.Value, v string, null bool) error {
	if null {
		f.SetZero()
		return nil
	}
	*f.Addr().Interface().(*time.Time) = time.UnixMicro(number(v)).UTC()
	return nil
}

func packBytes(dst []byte, f reflect.Value) ([]byte, error) {
	if f.IsNil() {
		return appendNull(dst), nil
	}
	return appendBytes(dst, f.Bytes()), nil
}

func unpackBytes(f reflect.Value, v string, null bool) error {
	if null {
		f.SetZero()
		return nil
	}
	f.SetBytes(append(make([]byte, 0, len(v)), v...))
	return nil
}

var marshalOptions = json.JoinOptions(json.Deterministic(true), json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true))

const nullJSON = "null"

// packJSON spares the encoder what most JSON columns hold: nothing, or a list of strings.
func packJSON(dst []byte, f reflect.Value) ([]byte, error) {
	var room [256]byte
	switch p := f.Addr().Interface().(type) {
	case *[]string:
		if text, ok := appendStringsJSON(room[:0], *p); ok {
			return appendBytes(dst, text), nil
		}
	default:
		if f.Kind() == reflect.Pointer && f.IsNil() && f.Type().NumMethod() == 0 {
			return appendText(dst, nullJSON), nil
		}
	}
	text, err := json.Marshal(f.Addr().Interface(), marshalOptions)
	return appendBytes(dst, text), err
}

// appendStringsJSON appends a list of strings as the encoder writes it; not ok where that would refuse it.
func appendStringsJSON(b []byte, list []string) (text []byte, ok bool) {
	if list == nil {
		return append(b, nullJSON...), true
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(b, s); err != nil {
			return nil, false
		}
	}
	return append(b, ']'), true
}

func unpackJSON(f reflect.Value, v string, _ bool) error {
	if v == nullJSON {
		f.SetZero()
		return nil
	}
	into := f.Addr().Interface()
	if list, ok := into.(*[]string); ok {
		if plain, ok := plainStringsJSON(v); ok {
			*list = plain
			return nil
		}
	}
	return json.Unmarshal([]byte(v), into)
}

// plainStringsJSON reads a list of strings as appendStringsJSON writes those that need no escapes; not ok for every other text.
func plainStringsJSON(text string) (list []string, ok bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' || !utf8.ValidString(text) {
		return nil, false
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] == '\\' {
			return nil, false
		}
	}
	rest := text[1 : len(text)-1]
	list = make([]string, 0, strings.Count(rest, `"`)/2)
	for rest != "" {
		if len(list) > 0 {
			if rest[0] != ',' {
				return nil, false
			}
			rest = rest[1:]
		}
		if rest == "" || rest[0] != '"' {
			return nil, false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return nil, false
		}
		list = append(list, rest[1:1+end])
		rest = rest[end+2:]
	}
	return list, true
}
