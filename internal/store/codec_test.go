package store

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestPackJSON: the short ways give what the encoder gives, and read what it wrote.
func TestPackJSON(t *testing.T) {
	for _, v := range []any{
		[]string(nil), []string{}, []string{""}, []string{"a", "b c"}, []string{"<&>\"\\\u2028\u2029\x00\n\x7fé😀"}, []string{"\xff"}, []string{"a", "b\xc3"},
		map[string]string(nil), map[string]string{}, map[string]string{"b": "1", "a": ""}, []int(nil), (*int)(nil), map[string]int(nil),
	} {
		field := reflect.New(reflect.TypeOf(v))
		field.Elem().Set(reflect.ValueOf(v))
		want, wantErr := json.Marshal(field.Interface(), marshalOptions)
		b, err := packJSON(nil, field.Elem())
		if err != nil || wantErr != nil {
			if (err != nil) != (wantErr != nil) {
				t.Errorf("%#v: %v, want %v", v, err, wantErr)
			}
			continue
		}
		got, null, rest := packed(b).cut()
		if got != string(want) || null || rest != "" {
			t.Errorf("%#v: %v, want %s", v, got, want)
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := unpackJSON(back.Elem(), got, false); err != nil || !reflect.DeepEqual(back.Elem().Interface(), v) {
			t.Errorf("%#v comes back as %#v, %v", v, back.Elem().Interface(), err)
		}
	}
}

// TestUnpackStrings: the short way to read lists of strings takes nothing that the decoder refuses, and reads nothing otherwise.
func TestUnpackStrings(t *testing.T) {
	for _, text := range []string{
		`[]`, `[""]`, `["a"]`, `["a","b"]`, `["a",]`, `[,"a"]`, `["a""b"]`, `["a"`, `"a"]`, `["a" ,"b"]`, `["a", "b"]`, `[1]`, `[null]`, `["\u0061"]`,
		`["\""]`, `["a\\"]`, "[\"\n\"]", "[\"\xff\"]", `[`, `]`, ``, `{}`, `["a"]]`, `[["a"]]`, `["é"]`, "[\"\x7f\"]",
	} {
		var want, got []string
		wantErr := json.Unmarshal([]byte(text), &want)
		err := unpackJSON(reflect.ValueOf(&got).Elem(), text, false)
		if (err != nil) != (wantErr != nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v, %v", text, got, err, want, wantErr)
		}
	}
}

func TestPacked(t *testing.T) {
	long := make([]byte, 70_000)
	for i := range long {
		long[i] = 'x'
	}
	b := appendNull(nil)
	for _, n := range []int{0, 1, 126, 127, 128, 16382, 16383, 16384, 70_000} {
		b = appendBytes(b, long[:n])
	}
	for _, n := range []int64{0, 1, -1, 1 << 62, -1 << 63, 0x0102030405060708} {
		b = appendNumber(b, n)
	}
	p := packed(b)
	_, null, p := p.cut()
	if !null {
		t.Error("NULL is something")
	}
	for _, n := range []int{0, 1, 126, 127, 128, 16382, 16383, 16384, 70_000} {
		var v string
		if v, null, p = p.cut(); v != string(long[:n]) || null {
			t.Errorf("%d bytes come back as %d, null %v", n, len(v), null)
		}
	}
	for _, n := range []int64{0, 1, -1, 1 << 62, -1 << 63, 0x0102030405060708} {
		var v string
		if v, null, p = p.cut(); number(v) != n || null {
			t.Errorf("%d comes back as %d, null %v", n, number(v), null)
		}
	}
	if p != "" {
		t.Errorf("%d bytes are left", len(p))
	}
}
