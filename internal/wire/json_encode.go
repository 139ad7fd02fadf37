package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// appendJSON appends v in its JSON form: absent members left out, timestamps as epoch seconds.
func (s *shape) appendJSON(b []byte, v reflect.Value) ([]byte, error) {
	switch s.kind {
	case kindStruct:
		return s.appendObject(b, v)
	case kindList:
		return s.appendList(b, v)
	case kindMap:
		return s.appendMap(b, v)
	case kindDocument:
		raw := v.Interface().(jsontext.Value)
		if !raw.IsValid() {
			return nil, errors.New("wire: a document in the output is not valid JSON")
		}
		return append(b, raw...), nil
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case kindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case kindTime:
		return appendEpoch(b, v.Interface().(time.Time)), nil
	}
	return appendText(b, v.String()), nil
}

func (s *shape) appendObject(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for i := range s.fields {
		f := &s.fields[i]
		fv, ok := f.value(v)
		if !ok || f.query != "" || f.header != "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.quoted...)
		var err error
		if b, err = f.shape.appendJSON(b, fv); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return append(b, '}'), nil
}

func (s *shape) appendList(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = s.elem.appendJSON(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendMap writes the entries in the order of their keys, so that an answer is the same every time.
func (s *shape) appendMap(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, k.String()), ':')
		var err error
		if b, err = s.elem.appendJSON(b, v.MapIndex(k)); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.String() < b.String():
			return -1
		case a.String() > b.String():
			return 1
		}
		return 0
	})
	return keys
}

// appendText quotes a string; bytes that are no UTF-8 become the replacement character.
func appendText(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// appendEpoch writes epoch seconds, with milliseconds where there are any, as AWS does.
func appendEpoch(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(b, ms/1000, 10)
	}
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', 3, 64)
}
