package wire

import (
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

func TestJSONDecode(t *testing.T) {
	h := newHouse(t)
	r := h.create(`{"InstanceArn":"arn:1","Name":"a","Count":3,"On":false,"Status":"ENABLED","Tags":[{"Key":"k","Value":""}],
		"Keys":[],"Grant":{"Redirect":null,"Refresh":{}},"Policy":{"Version":"2012","x":[null]},"Extra":{"x:y":null},
		"Since":946684800.25,"Revision":9007199254740993,"Later":{"deep":[1]},"n":null}`)
	if r.Code != 200 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	in := h.input.(*createInput)
	if in.ARN != "arn:1" || *in.Name != "a" || *in.Count != 3 || *in.On || *in.Status != "ENABLED" || *in.Revision != 9007199254740993 {
		t.Errorf("scalars: %+v", in)
	}
	if len(in.Tags) != 1 || in.Tags[0].Key != "k" || in.Keys == nil || len(in.Keys) != 0 {
		t.Errorf("lists: %+v", in)
	}
	if in.Grant == nil || in.Grant.Redirect != nil || in.Grant.Refresh == nil {
		t.Errorf("union: %+v", in.Grant)
	}
	if string(in.Policy) != `{"Version":"2012","x":[null]}` || string(in.Extra["x:y"]) != "null" {
		t.Errorf("documents: %s %s", in.Policy, in.Extra)
	}
	if in.Since.UnixMilli() != 946684800250 {
		t.Errorf("timestamp: %v", in.Since)
	}
	if got := h.finished[0].Resources; len(got) != 1 || got[0] != "arn:1" {
		t.Errorf("resources: %v", got)
	}
	want := `{"ApplicationArn":"arn:x","Tags":[{"Key":"k","Value":"<v>"}],"CreatedDate":1700000000.123,"Policy":{"a":[1]},"Extra":{"x:a":1,"x:b":2},"On":false}`
	if r.Body.String() != want {
		t.Errorf("answer %s\n  want %s", r.Body, want)
	}
	if ct := r.Header().Get("Content-Type"); ct != "application/x-amz-json-1.1" {
		t.Errorf("content type %s", ct)
	}
}

// TestJSONStrings: strings as they stand, escaped ones and those of bodies too large to share come out as encoding/json reads them.
func TestJSONStrings(t *testing.T) {
	for _, padding := range []int{0, maxShared} {
		type pair struct{ Name, Value string }
		want := []pair{{"", "plain"}, {"é", "\u00e9\n"}, {`a\"b`, "x"}, {"last", "äöü"}}
		body := strings.Repeat(" ", padding)
		for _, p := range want {
			quoted, err := json.Marshal(p.Value)
			if err != nil {
				t.Fatal(err)
			}
			if p.Value == "x" {
				quoted = []byte(`"\u0078"`)
			}
			body += ` ,"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.Name) + `" : ` + string(quoted)
		}
		body = "{" + strings.TrimLeft(body, " ,") + strings.Repeat(" ", padding) + "}"
		d := &jsonReader{body: []byte(body)}
		d.dec.Reset(strings.NewReader(body))
		if _, err := d.dec.ReadToken(); err != nil {
			t.Fatal(err)
		}
		var got []pair
		for d.dec.PeekKind() == '"' {
			var p pair
			for _, s := range []*string{&p.Name, &p.Value} {
				raw, err := d.dec.ReadValue()
				if err != nil {
					t.Fatal(err)
				}
				if *s, err = d.unquote(raw); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, p)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("padding %d: %s", padding, diff)
		}
	}
}

// TestRecordedDocument: a client's own line breaks do not reach the audit log, and text that is more or less than one value not at all.
func TestRecordedDocument(t *testing.T) {
	got, err := appendDocument([]byte("x"), jsontext.Value("{\n\t\"a\": [1, 2],\r\n \"b\": \"\\u0041\"}"))
	if want := `x{"a":[1,2],"b":"A"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "{", `{},"more":1`, `{"a":1,"a":2}`} {
		if got, err := appendDocument(nil, jsontext.Value(bad)); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

func TestJSONAbsent(t *testing.T) {
	h := newHouse(t)
	h.create(`{"InstanceArn":"arn:1","Name":null,"Tags":null,"Grant":null,"Policy":null,"Extra":null,"Since":null}`)
	in, ok := h.input.(*createInput)
	if !ok || in.Name != nil || in.Tags != nil || in.Grant != nil || in.Policy != nil || in.Extra != nil || in.Since != nil {
		t.Errorf("null is not absent: %+v", in)
	}
}

// TestJSONRefusals lists bodies that cannot be read, with what the message must name.
func TestJSONRefusals(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for _, c := range []struct{ body, code, says string }{
		{`{"InstanceArn":1}`, "SerializationException", "'instanceArn' must be a string, not a number"},
		{`{"InstanceArn":"arn:1","Count":"3"}`, "SerializationException", "'count' must be an integer, not a string"},
		{`{"InstanceArn":"arn:1","Count":1.5}`, "SerializationException", "'count' must be an integer"},
		{`{"InstanceArn":"arn:1","Count":1e2}`, "SerializationException", "'count'"},
		{`{"InstanceArn":"arn:1","Count":99999999999999999999}`, "SerializationException", "'count'"},
		{`{"InstanceArn":"arn:1","On":"true"}`, "SerializationException", "'on' must be true or false, not a string"},
		{`{"InstanceArn":"arn:1","Since":"2020-01-01"}`, "SerializationException", "'since' must be a timestamp"},
		{`{"InstanceArn":"arn:1","Since":1e300}`, "SerializationException", "'since'"},
		{`{"InstanceArn":"arn:1","Tags":{}}`, "SerializationException", "'tags' must be a list, not an object"},
		{`{"InstanceArn":"arn:1","Tags":[null]}`, "SerializationException", "'tags.1.member' must be an object, not null"},
		{`{"InstanceArn":"arn:1","Tags":[{"Key":[],"Value":""}]}`, "SerializationException", "'tags.1.member.key' must be a string, not a list"},
		{`{"InstanceArn":"arn:1","Keys":["a",null]}`, "SerializationException", "'keys.2.member'"},
		{`{"InstanceArn":"arn:1","Extra":[]}`, "SerializationException", "'extra' must be a map"},
		{`{"InstanceArn":"arn:1","Grant":"x"}`, "SerializationException", "'grant' must be an object"},
		{`{"InstanceArn":"arn:\u0000"}`, "SerializationException", "NUL"},
		{`{"InstanceArn":"arn:1","InstanceArn":"arn:2"}`, "SerializationException", "'InstanceArn' is given more than once"},
		{`{"InstanceArn":"arn:1","Insta\u006eceArn":"arn:2"}`, "SerializationException", "more than once"},
		{`{"InstanceArn":"arn:1","x":{"y":1,"y":2}}`, "SerializationException", "more than once"},
		{`{"InstanceArn":"arn:1","Policy":{"y":1,"y":2}}`, "SerializationException", "more than once"},
		{`{"instanceArn":"arn:1"}`, "ValidationException", "Unknown member 'instanceArn': the name is 'InstanceArn'"},
		{`{"InstanceArn":"arn:1","Tags":[{"key":"a","Value":""}]}`, "ValidationException", "'key': the name is 'Key'"},
		{`[]`, "SerializationException", "must be an object, not a list"},
		{`null`, "SerializationException", "must be an object, not null"},
		{`"x"`, "SerializationException", "must be an object"},
		{`{"InstanceArn":"arn:1"} {}`, "SerializationException", "data after"},
		{`{"InstanceArn":"arn:1"}x`, "SerializationException", "data after"},
		{`{"InstanceArn":"arn:1"`, "SerializationException", "ends inside"},
		{`{"InstanceArn":"arn:1",}`, "SerializationException", "not valid JSON at byte"},
		{`{'InstanceArn':1}`, "SerializationException", "not valid JSON"},
		{`{"InstanceArn":nope}`, "SerializationException", "not valid JSON"},
		{"{\"InstanceArn\":\"arn:\xff\"}", "SerializationException", "not valid UTF-8"},
		{`{"InstanceArn":"arn:\ud800"}`, "SerializationException", ""},
		{"\xef\xbb\xbf{}", "SerializationException", "JSON"},
		{`{"x":` + deep + `}`, "SerializationException", "nested deeper than 64"},
		{`{"InstanceArn":"arn:1","Keys":["a"` + strings.Repeat(`,"a"`, 10_000) + `]}`, "SerializationException", "'keys' has more than 10000"},
		{`{"InstanceArn":"arn:1","Extra":{"` + strings.Repeat("x", 200) + `":{"a":1,"a":1}}}`, "SerializationException", "more than once"},
		{`Action=Foo`, "SerializationException", "JSON"},
	} {
		h := newHouse(t)
		r := h.create(c.body)
		if r.Code != 400 || r.body["__type"] != c.code || !strings.Contains(r.body["Message"].(string), c.says) {
			t.Errorf("%.80s\n got %d %s\nwant %s: %s", c.body, r.Code, r.Body, c.code, c.says)
		}
		if h.input != nil {
			t.Errorf("%s reached the handler", c.body)
		}
	}
}

func TestValidation(t *testing.T) {
	for _, c := range []struct{ body, says string }{
		{`{}`, "1 validation error detected: Value null at 'instanceArn' failed to satisfy constraint: Member must not be null"},
		{``, "Value null at 'instanceArn'"},
		{`{"InstanceArn":null}`, "Value null at 'instanceArn'"},
		{`{"InstanceArn":"ar"}`, "2 validation errors detected: Value 'ar' at 'instanceArn' failed to satisfy constraint: Member must have length greater than or equal to 3"},
		{`{"InstanceArn":"ab arn:1"}`, "Member must satisfy regular expression pattern: a|arn:.*"},
		{`{"InstanceArn":"arn:12345678901234567890"}`, "1 validation error detected: Value 'arn:12345678901234567890' at 'instanceArn' failed to satisfy constraint: Member must have length less than or equal to 20"},
		{`{"InstanceArn":"arn:1","Count":0}`, "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{`{"InstanceArn":"arn:1","Count":11}`, "less than or equal to 10"},
		{`{"InstanceArn":"arn:1","Status":"enabled"}`, "Value 'enabled' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"},
		{`{"InstanceArn":"arn:1","Tags":[{"Key":"a","Value":""},{"Key":"","Value":""}]}`, "Value '' at 'tags.2.member.key'"},
		{`{"InstanceArn":"arn:1","Tags":[{"Key":"a"}]}`, "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
		{`{"InstanceArn":"arn:1","Tags":[{"Value":"v"}]}`, "1 validation error detected: Value null at 'tags.1.member.key'"},
		{`{"InstanceArn":"arn:1","Tags":[{},{},{},{}]}`, "Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 3"},
		{`{"InstanceArn":"arn:1","Keys":["abc","ABCD"]}`, "Value '[abc, ABCD]' at 'keys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3"},
		{`{"InstanceArn":"arn:1","Extra":{"y":1}}`, "at 'extra' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy regular expression pattern: x:.*]"},
		{`{"InstanceArn":"arn:1","Grant":{}}`, "Value at 'grant' failed to satisfy constraint: Member must have exactly one of these members set: [Redirect, Refresh]"},
		{`{"InstanceArn":"arn:1","Grant":{"Later":{}}}`, "exactly one"},
		{`{"InstanceArn":"arn:1","Grant":{"Redirect":{"Uris":["a"]},"Refresh":{}}}`, "exactly one"},
		{`{"InstanceArn":"arn:1","Grant":{"Redirect":{"Uris":["a","b","c"]}}}`, "Value '[a, b, c]' at 'grant.redirect.uris'"},
	} {
		h := newHouse(t)
		r := h.create(c.body)
		if r.Code != 400 || r.body["__type"] != "ValidationException" || !strings.Contains(r.body["Message"].(string), c.says) {
			t.Errorf("%.80s\n got %d %s\nwant %s", c.body, r.Code, r.Body, c.says)
		}
		if _, both := r.body["message"]; both {
			t.Errorf("%s: a modelled error has only Message: %s", c.body, r.Body)
		}
		if h.input != nil {
			t.Errorf("%s reached the handler", c.body)
		}
	}
}

// TestSecretsStayOut: no message, and no audit record, repeats a secret.
func TestSecretsStayOut(t *testing.T) {
	const secret = "sesame-open"
	h := newHouse(t)
	for _, r := range []reply{
		h.create(`{"InstanceArn":"arn:1","Name":"` + secret + `"}`),
		h.token(`{"clientId":"c","grantType":"g","assertion":"` + strings.Repeat(secret, 9) + `"}`),
		h.token(`{"clientId":"c","grantType":"g","assertion":["` + secret + `"]}`),
		h.token(`{"clientId":"c","grantType":"g","assertion":"` + secret + ``),
		h.token(`{"clientId":"c","grantType":"g","assertion":"` + secret + "\xff\"}"),
		h.send("POST /oauth2/introspect", nil, "token="+secret+"&token="+secret),
		h.send("POST /oauth2/introspect", nil, "token.x="+secret),
		h.send("GET /assignment/roles?account_id=1&max_result=0", []string{"x-amz-sso_bearer_token: " + secret}, ""),
	} {
		if r.Code != 400 || strings.Contains(r.Body.String(), secret) {
			t.Errorf("%d %s", r.Code, r.Body)
		}
	}
	if r := h.token(`{"clientId":"c","grantType":"g","code":"` + secret + `","scope":["a"]}`); r.Code != 200 {
		t.Fatal(r.Body)
	}
	c := h.finished[len(h.finished)-1]
	want := map[string]any{"clientId": "c", "grantType": "g", "code": hidden, "scope": []any{"a"}}
	if diff := cmp.Diff(want, c.RequestParameters()); diff != "" {
		t.Error(diff)
	}
	wantOut := map[string]any{"accessToken": hidden, "tokenType": "Bearer", "expiresIn": int64(3600), "scope": []any{"openid"}}
	if diff := cmp.Diff(wantOut, c.ResponseElements()); diff != "" {
		t.Error(diff)
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, f := range map[string]func(){
		"no json tag": func() { compileOf[struct{ A string }]() },
		"bad length": func() {
			compileOf[struct {
				A string `json:"a" len:"1-3"`
			}]()
		},
		"unknown word": func() {
			compileOf[struct {
				A string `json:"a" wire:"requird"`
			}]()
		},
		"a type without wire form": func() {
			compileOf[struct {
				A chan int `json:"a"`
			}]()
		},
		"union of no struct": func() {
			compileOf[struct {
				A string `json:"a" union:"true"`
			}]()
		},
		"no struct": func() { compileOf[string]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: compiled", name)
				}
			}()
			f()
		}()
	}
}

func compileOf[T any]() *shape { return compile("X", reflect.TypeFor[T]()) }

// TestRecursiveType: shapes may contain themselves.
func TestRecursiveType(t *testing.T) {
	type tree struct {
		Name string `json:"name" len:"1..3"`
		Kids []tree `json:"kids"`
	}
	s := compileOf[tree]()
	var v tree
	r := &reading{}
	if _, err := r.decodeJSON(s, reflect.ValueOf(&v).Elem(), []byte(`{"name":"a","kids":[{"name":"long"}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := r.validate(s, reflect.ValueOf(v)); err == nil || !strings.Contains(err.Error(), "'kids.1.member.name'") {
		t.Error(err)
	}
}

// TestRecord: what the audit event shows of an input of every kind.
func TestRecord(t *testing.T) {
	h := newHouse(t)
	h.create(`{"InstanceArn":"arn:1","Name":"n","Count":3,"On":true,"Tags":[{"Key":"k","Value":"v"}],"Grant":{"Redirect":{"Uris":["u"]}},
		"Policy":{"a":1},"Extra":{"x:a":[]},"Since":946684800.25}`)
	want := map[string]any{"InstanceArn": "arn:1", "Name": hidden, "Count": int64(3), "On": true,
		"Tags":  []any{map[string]any{"Key": "k", "Value": "v"}},
		"Grant": map[string]any{"Redirect": map[string]any{"Uris": []any{"u"}}}, "Policy": jsontext.Value(`{"a":1}`),
		"Extra": map[string]any{"x:a": jsontext.Value("[]")}, "Since": "2000-01-01T00:00:00.25Z"}
	if diff := cmp.Diff(want, h.finished[0].RequestParameters()); diff != "" {
		t.Error(diff)
	}
	sameRecord(t, h.finished[0])
	if c := new(Call); c.RequestParameters() != nil || c.ResponseElements() != nil {
		t.Error("a call that was not decoded has parameters")
	}
}

// sameRecord: a record as JSON is what encoding its map gives.
func sameRecord(t *testing.T, c *Call) {
	t.Helper()
	options := json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	for _, form := range []struct {
		made  func(b []byte) ([]byte, error)
		value map[string]any
	}{{c.AppendRequest, c.RequestParameters()}, {c.AppendResponse, c.ResponseElements()}} {
		want, wantErr := json.Marshal(form.value, options)
		if form.value == nil {
			want = nil
		}
		raw, err := form.made(nil)
		got := raw
		if err == nil && raw != nil {
			got, err = json.Marshal(jsontext.Value(raw), options) // as the audit log writes it
		}
		if (err != nil) != (wantErr != nil) || err == nil && string(got) != string(want) {
			t.Errorf("got %s %v\nwant %s %v", got, err, want, wantErr)
		}
	}
}

func TestRecordJSON(t *testing.T) {
	type inner struct {
		Z *string                   `json:"z"`
		A string                    `json:"a"`
		M map[string]jsontext.Value `json:"M"`
		S *string                   `json:"s" wire:"secret"`
	}
	type all struct {
		Text  string         `json:"text"`
		Path  *string        `json:"Path" wire:"query=p"`
		Lists [][]string     `json:"lists"`
		Deep  []inner        `json:"deep"`
		Doc   jsontext.Value `json:"doc"`
		Since time.Time      `json:"since"`
		Far   *int64         `json:"far"`
		On    bool           `json:"on"`
	}
	op := func(v any) *Call {
		s := compile("X", reflect.TypeFor[all]())
		return &Call{Operation: &Operation{plan: &plan{in: s, out: s}}, Input: v, Output: v}
	}
	for _, v := range []*all{
		{},
		{Text: "a\"\\\u2028<\xff\x00", Path: new("p"), Lists: [][]string{nil, {}, {"a", "b"}}, Far: new(int64(-1 << 62)), On: true},
		{Deep: []inner{{}, {Z: new(""), S: new("secret"), M: map[string]jsontext.Value{"b": nil, "a": []byte(` { "x" : [ 1e2 , "\u00e9\xff" ] } `)}}}},
		{Since: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600)), Doc: []byte("\t1.50 ")},
		{Doc: []byte(`1,"doc":2`)}, {Doc: []byte(`{"a":1,"a":2}`)}, {Doc: []byte("")}, {Doc: []byte("{")},
		{Deep: []inner{{M: map[string]jsontext.Value{"\xff": []byte("1"), "\xfe": []byte("1")}}}},
	} {
		sameRecord(t, op(v))
		if raw, _ := op(v).AppendRequest(nil); strings.Contains(string(raw), "secret") {
			t.Errorf("a secret in %s", raw)
		}
	}
}

// TestSnapshotForms: DecodeRequest, DecodeOutput and EncodeJSON see what serving sees, without judging it.
func TestSnapshotForms(t *testing.T) {
	h := newHouse(t)
	r := httptest.NewRequest("POST", "/token?aws_iam=t", strings.NewReader(`{"clientId":"c","grantType":"g","assertion":"`+strings.Repeat("x", 50)+`"}`))
	c, err := h.DecodeRequest(r)
	if err != nil || c.Operation.Name != "CreateTokenWithIAM" {
		t.Fatal(c, err)
	}
	if b, err := c.Operation.EncodeJSON(c.Input); err != nil || !strings.HasPrefix(string(b), `{"clientId":"c","grantType":"g","assertion":"x`) {
		t.Errorf("%s %v", b, err)
	}
	out, err := c.Operation.DecodeOutput([]byte(`{"accessToken":"a","later":1}`))
	if b, err2 := c.Operation.EncodeJSON(out); err != nil || err2 != nil || string(b) != `{"accessToken":"a"}` {
		t.Errorf("%s %v %v", b, err, err2)
	}
	if _, err := c.Operation.EncodeJSON(t); err == nil {
		t.Error("a foreign type was encoded")
	}
	if _, err := h.DecodeRequest(httptest.NewRequest("POST", "/token?aws_iam=t", strings.NewReader(`{}`))); err == nil {
		t.Error("a missing member was not reported")
	}
	if _, err := h.DecodeRequest(httptest.NewRequest("GET", "/x", nil)); err == nil {
		t.Error("an unknown path was decoded")
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Code: "C", Message: "m", Reason: "r", Cause: errForeign}
	if e.Error() != "C: m (r): the disk is on fire" || !errors.Is(e, errForeign) {
		t.Error(e)
	}
}
