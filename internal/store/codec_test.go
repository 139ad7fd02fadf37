package store

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestBindJSON: the short ways give what the encoder gives.
func TestBindJSON(t *testing.T) {
	for _, v := range []any{
		[]string(nil), []string{}, []string{""}, []string{"a", "b c"}, []string{"<&>\"\\\u2028\u2029\x00\n\x7fé😀"}, []string{"\xff"}, []string{"a", "b\xc3"},
		map[string]string(nil), map[string]string{}, map[string]string{"b": "1", "a": ""}, []int(nil), (*int)(nil), map[string]int(nil),
	} {
		field := reflect.New(reflect.TypeOf(v))
		field.Elem().Set(reflect.ValueOf(v))
		want, wantErr := json.Marshal(field.Interface(), marshalOptions)
		got, err := bindJSON(field.Elem())
		if (err != nil) != (wantErr != nil) || err == nil && got != string(want) {
			t.Errorf("%#v: %v %v, want %s %v", v, got, err, want, wantErr)
		}
	}
}
