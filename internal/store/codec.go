package store

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var errBadText = errors.New("text must be valid UTF-8 without NUL")

var timeType = reflect.TypeFor[time.Time]()

// codec chooses how a field's type is kept in SQL.
func codec(t reflect.Type) (Kind, func(reflect.Value) (any, error), func(reflect.Value, any) error) {
	switch {
	case t == timeType:
		return Time, bindTime, scanTime
	case t.Kind() == reflect.String:
		return Text, bindText, scanText
	case t.Kind() == reflect.Bool:
		return Bool, bindBool, scanBool
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		return Int, bindInt, scanInt
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !implementsJSON(t):
		return Bytes, bindBytes, scanBytes
	}
	return JSON, bindJSON, scanJSON
}

// implementsJSON tells raw JSON values, which are byte slices too, from bytes.
func implementsJSON(t reflect.Type) bool {
	_, has := t.MethodByName("MarshalJSON")
	return has
}

func bindText(f reflect.Value) (any, error) {
	s := f.String()
	if !validText(s) {
		return nil, errBadText
	}
	return s, nil
}

func scanText(f reflect.Value, v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("holds %T, not text", v)
	}
	f.SetString(s)
	return nil
}

func bindInt(f reflect.Value) (any, error) { return f.Int(), nil }

func scanInt(f reflect.Value, v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("holds %T, not an integer", v)
	}
	f.SetInt(n)
	return nil
}

func bindBool(f reflect.Value) (any, error) { return f.Bool(), nil }

func scanBool(f reflect.Value, v any) error {
	switch b := v.(type) {
	case bool:
		f.SetBool(b)
	case int64:
		f.SetBool(b != 0)
	default:
		return fmt.Errorf("holds %T, not a boolean", v)
	}
	return nil
}

func bindTime(f reflect.Value) (any, error) {
	t := f.Addr().Interface().(*time.Time)
	if t.IsZero() {
		return nil, nil
	}
	return t.UnixMicro(), nil
}

func scanTime(f reflect.Value, v any) error {
	if v == nil {
		f.SetZero()
		return nil
	}
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("holds %T, not a time", v)
	}
	*f.Addr().Interface().(*time.Time) = time.UnixMicro(n).UTC()
	return nil
}

func bindBytes(f reflect.Value) (any, error) {
	if f.IsNil() {
		return nil, nil
	}
	// The row is the caller's to change after this.
	return append(make([]byte, 0, f.Len()), f.Bytes()...), nil
}

func scanBytes(f reflect.Value, v any) error {
	if v == nil {
		f.SetZero()
		return nil
	}
	b, ok := v.([]byte)
	if !ok {
		return fmt.Errorf("holds %T, not bytes", v)
	}
	if b == nil {
		b = []byte{}
	}
	f.SetBytes(b)
	return nil
}

var marshalOptions = json.JoinOptions(json.Deterministic(true), json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true))

const nullJSON = "null"

// bindJSON spares the encoder what most JSON columns hold: nothing, or a list of strings.
func bindJSON(f reflect.Value) (any, error) {
	switch p := f.Addr().Interface().(type) {
	case *[]string:
		if text, ok := stringsJSON(*p); ok {
			return text, nil
		}
	default:
		if f.Kind() == reflect.Pointer && f.IsNil() && f.Type().NumMethod() == 0 {
			return nullJSON, nil
		}
	}
	b, err := json.Marshal(f.Addr().Interface(), marshalOptions)
	return string(b), err
}

// stringsJSON is a list of strings as the encoder writes it; not ok where that would refuse it.
func stringsJSON(list []string) (text string, ok bool) {
	if list == nil {
		return nullJSON, true
	}
	var room [256]byte
	b := append(room[:0], '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(b, s); err != nil {
			return "", false
		}
	}
	return string(append(b, ']')), true
}

func scanJSON(f reflect.Value, v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("holds %T, not JSON text", v)
	}
	if s == nullJSON {
		f.SetZero()
		return nil
	}
	return json.Unmarshal([]byte(s), f.Addr().Interface())
}
