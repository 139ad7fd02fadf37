package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A record is what the audit event shows of an input or output: all of it but the secrets, timestamps as RFC 3339 strings.

// record is a struct as a map, without its secrets.
func (s *shape) record(v reflect.Value) map[string]any {
	m := make(map[string]any, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		fv, ok := f.value(v)
		switch {
		case !ok:
		case f.hidden:
			m[f.name] = hidden
		default:
			m[f.name] = f.shape.recordValue(fv)
		}
	}
	return m
}

func (s *shape) recordValue(v reflect.Value) any {
	switch s.kind {
	case kindStruct:
		return s.record(v)
	case kindList:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = s.elem.recordValue(v.Index(i))
		}
		return list
	case kindMap:
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = s.elem.recordValue(it.Value())
		}
		return m
	case kindInt:
		return v.Int()
	case kindBool:
		return v.Bool()
	case kindTime:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	case kindDocument:
		return v.Interface().(jsontext.Value)
	}
	return v.String()
}

// sortFields settles the order of members in records.
func (s *shape) sortFields() {
	s.sorted = make([]int, len(s.fields))
	for i := range s.sorted {
		s.sorted[i] = i
	}
	slices.SortFunc(s.sorted, func(a, b int) int { return strings.Compare(s.fields[a].name, s.fields[b].name) })
}

// appendRecord appends the JSON of what recordValue gives.
func (s *shape) appendRecord(b []byte, v reflect.Value) ([]byte, error) {
	switch s.kind {
	case kindStruct:
		return s.appendRecordObject(b, v)
	case kindList:
		return appendEach(b, '[', ']', v.Len(), func(b []byte, i int) ([]byte, error) { return s.elem.appendRecord(b, v.Index(i)) })
	case kindMap:
		keys := sortedKeys(v)
		return appendEach(b, '{', '}', len(keys), func(b []byte, i int) ([]byte, error) {
			return s.elem.appendRecord(append(appendText(b, keys[i].String()), ':'), v.MapIndex(keys[i]))
		})
	case kindInt:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case kindBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case kindTime:
		b = v.Interface().(time.Time).UTC().AppendFormat(append(b, '"'), time.RFC3339Nano)
		return append(b, '"'), nil
	case kindDocument:
		return appendDocument(b, v.Interface().(jsontext.Value))
	}
	return appendText(b, v.String()), nil
}

func (s *shape) appendRecordObject(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for _, i := range s.sorted {
		f := &s.fields[i]
		fv, ok := f.value(v)
		if !ok {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.quoted...)
		if f.hidden {
			b = append(b, `"`+hidden+`"`...)
			continue
		}
		var err error
		if b, err = f.shape.appendRecord(b, fv); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return append(b, '}'), nil
}

// appendEach appends n items between brackets.
func appendEach(b []byte, before, after byte, n int, item func(b []byte, i int) ([]byte, error)) ([]byte, error) {
	b = append(b, before)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = item(b, i); err != nil {
			return nil, err
		}
	}
	return append(b, after), nil
}

// appendDocument checks, and leaves no blanks: text that is no JSON value could otherwise add members of its own to the event.
func appendDocument(b []byte, raw jsontext.Value) ([]byte, error) {
	if raw == nil {
		return append(b, "null"...), nil
	}
	b, err := jsontext.AppendFormat(b, raw, jsontext.AllowInvalidUTF8(true)) // in one line
	if err != nil {
		return nil, errors.New("wire: a document is not valid JSON")
	}
	return b, nil
}
