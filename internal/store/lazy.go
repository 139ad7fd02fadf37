package store

import (
	"fmt"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Lazy is a field's value in a JSON column that is not decoded before somebody asks for it: for what few readers of a row look at.
// The zero value holds T's zero value. It is a value: what Get returns is the caller's own.
type Lazy[T any] struct {
	text  string // JSON as the database has it; empty if value counts
	value *T     // nil: T's zero value
}

// LazyOf is the Lazy that holds a value, which must not be modified any more.
func LazyOf[T any](value T) Lazy[T] { return Lazy[T]{value: &value} }

// Get returns the value. The error is that of a text that the database holds and T does not take.
func (l Lazy[T]) Get() (value T, err error) {
	switch {
	case l.value != nil:
		return *l.value, nil
	case l.text == "" || l.text == nullJSON:
		return value, nil
	}
	if err := json.Unmarshal([]byte(l.text), &value); err != nil {
		return value, fmt.Errorf("store: a column's JSON: %w", err)
	}
	return value, nil
}

// Equal says whether both hold the same: whether they would be the same text in the database.
func (l Lazy[T]) Equal(other Lazy[T]) bool {
	a, errA := l.json()
	b, errB := other.json()
	return errA == nil && errB == nil && string(a) == string(b)
}

// MarshalJSONTo writes the value as the database would have it, in whatever form it has it now.
func (l Lazy[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	text, err := l.json()
	if err != nil {
		return err
	}
	return enc.WriteValue(text)
}

// lazyOptions leave out what is zero, which decoding brings back: a row is kept in memory as its text.
var lazyOptions = json.JoinOptions(marshalOptions, json.OmitZeroStructFields(true))

func (l *Lazy[T]) json() (jsontext.Value, error) {
	value, err := l.Get()
	if err != nil {
		return nil, err
	}
	return json.Marshal(&value, lazyOptions)
}

// lazyColumn is any *Lazy.
type lazyColumn interface {
	appendText(dst []byte) ([]byte, error)
	setText(text string)
}

func (l *Lazy[T]) setText(text string) { *l = Lazy[T]{text: text} }

func (l *Lazy[T]) appendText(dst []byte) ([]byte, error) {
	if l.text != "" {
		return appendText(dst, l.text), nil
	}
	text, err := l.json()
	return appendBytes(dst, text), err
}

var lazyType = reflect.TypeFor[lazyColumn]()

func isLazy(t reflect.Type) bool { return reflect.PointerTo(t).Implements(lazyType) }

func packLazy(dst []byte, f reflect.Value) ([]byte, error) {
	return f.Addr().Interface().(lazyColumn).appendText(dst)
}

func unpackLazy(f reflect.Value, v string, _ bool) error {
	f.Addr().Interface().(lazyColumn).setText(v)
	return nil
}
