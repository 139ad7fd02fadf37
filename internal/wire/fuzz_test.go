package wire

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzJSON: whatever the bytes, decoding neither panics nor fails otherwise than with an input error; what it accepts
// is encoded to JSON that decodes to the same again.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"InstanceArn":"arn:1","Name":"a","Count":3,"On":false,"Tags":[{"Key":"k","Value":""}],"Keys":["a"],"Grant":{"Refresh":{}},"Policy":{"a":[null]},"Extra":{"x:y":1},"Since":946684800.25}`,
		`{"InstanceArn":"a\u0000","Policy":"\ud83d\ude00"}`, `{"InstanceArn":null,"Tags":[null]}`, `{"instancearn":1}`,
		`[[[[`, `{"a":1,"a":1}`, `{} {}`, "\xef\xbb\xbf{}", `{"Since":-1e308,"Count":1e5}`, `{"Extra":{"\"":"\\"}}`, ``,
	} {
		f.Add([]byte(seed))
	}
	s := compile("Fuzz", reflect.TypeFor[createInput]())
	f.Fuzz(func(t *testing.T, body []byte) {
		var v createInput
		r := &reading{}
		_, err := r.decodeJSON(s, reflect.ValueOf(&v).Elem(), body)
		if err != nil {
			inputOnly(t, err)
			return
		}
		if err := r.validate(s, reflect.ValueOf(v)); err != nil {
			inputOnly(t, err)
		}
		once, err := s.appendJSON(nil, reflect.ValueOf(v))
		if err != nil {
			t.Fatal(err)
		}
		var again createInput
		if _, err := new(reading).decodeJSON(s, reflect.ValueOf(&again).Elem(), once); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		twice, err := s.appendJSON(nil, reflect.ValueOf(again))
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%s\n%s\n%v", once, twice, err)
		}
		s.record(reflect.ValueOf(v))
	})
}

// FuzzForm: the same for forms and query strings.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"RoleArn=a&DurationSeconds=900&Tags.member.1.Key=a&Tags.member.1.Value=b&Keys=&Names.entry.1.key=n&Names.entry.1.value=v&One.Key=a",
		"RoleArn=a&rolearn=b", "a=%zz", "a=%ff", "a;b", "Tags.member.999999999999=x", "Tags..=x", ".", "=", "&&", "Tags.member.-1=x",
		"Keys.member.1=a&Keys.member.2=b&Force=true&Until=2024-01-02T03:04:05Z",
	} {
		f.Add(seed)
	}
	s := compile("Fuzz", reflect.TypeFor[assumeInput]())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseParams(text, "form")
		if err != nil {
			inputOnly(t, err)
			return
		}
		for _, emptyAbsent := range []bool{false, true} {
			var v assumeInput
			r := &reading{}
			seen, err := r.decodeForm(s, reflect.ValueOf(&v).Elem(), p, emptyAbsent)
			if err == nil {
				r.require(s, seen)
				err = r.validate(s, reflect.ValueOf(v))
			}
			if err != nil {
				inputOnly(t, err)
			}
		}
	})
}

func inputOnly(t *testing.T, err error) {
	t.Helper()
	var m *malformed
	var v violations
	if !errors.As(err, &m) && !errors.As(err, &v) {
		t.Fatalf("%T: %v", err, err)
	}
	if err.Error() == "" || !utf8.ValidString(err.Error()) {
		t.Fatalf("message %q", err.Error())
	}
}
