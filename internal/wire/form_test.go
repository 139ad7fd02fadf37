package wire

import (
	"strings"
	"testing"
	"time"
)

func TestQueryDecode(t *testing.T) {
	h := newHouse(t)
	r := h.assume("RoleArn=arn%3Ax&DurationSeconds=900&Tags.member.2.Key=b&Tags.member.2.Value=+&Tags.member.1.Key=a&Tags.member.1.Value=" +
		"&Keys=&Names.entry.1.key=n&Names.entry.1.value=v&Force=true&Until=2024-01-02T03:04:05Z&One.Key=o&One.Value=p&Unknown.member.1=x")
	if r.Code != 200 {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	in := h.input.(*assumeInput)
	if in.RoleARN != "arn:x" || *in.Seconds != 900 || !*in.Force || in.One.Value != "p" || in.Names["n"] != "v" {
		t.Errorf("%+v", in)
	}
	if len(in.Tags) != 2 || in.Tags[0] != (tag{"a", ""}) || in.Tags[1] != (tag{"b", " "}) || in.Keys == nil || len(in.Keys) != 0 {
		t.Errorf("%+v", in)
	}
	if !in.Until.Equal(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("%v", in.Until)
	}
	id := h.finished[0].RequestID
	want := `<AssumeRoleResponse xmlns="https://sts.example/doc/"><AssumeRoleResult><SecretAccessKey>s&amp;&lt;</SecretAccessKey>` +
		`<Expiration>2023-11-14T22:13:20.123Z</Expiration><Tags><member><Key>k</Key><Value>v</Value></member></Tags>` +
		`<Names><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></Names>` +
		`</AssumeRoleResult><ResponseMetadata><RequestId>` + id + `</RequestId></ResponseMetadata></AssumeRoleResponse>`
	if r.Body.String() != want {
		t.Errorf("answer %s\n  want %s", r.Body, want)
	}
	if ct := r.Header().Get("Content-Type"); ct != "text/xml" {
		t.Errorf("content type %s", ct)
	}
}

func TestQueryRefusals(t *testing.T) {
	for _, c := range []struct{ form, code, says string }{
		{"", "ValidationError", "Value null at &#39;roleArn&#39;"},
		{"RoleArn=a&RoleArn=b", "MalformedInput", "&#39;RoleArn&#39; is given more than once"},
		{"RoleArn=a&rolearn=b", "MalformedInput", "&#39;rolearn&#39; is given more than once"},
		{"RoleArn=a&Action=AssumeRole", "MalformedInput", "&#39;Action&#39; is given more than once"},
		{"rolearn=a", "ValidationError", "Unknown parameter &#39;rolearn&#39;: the name is &#39;RoleArn&#39;"},
		{"RoleArn=a&Tags.member.1.key=a&Tags.member.1.Value=b", "ValidationError", "&#39;key&#39;"},
		{"RoleArn=a&DurationSeconds=899", "ValidationError", "Value &#39;899&#39; at &#39;durationSeconds&#39;"},
		{"RoleArn=a&DurationSeconds=9e2", "MalformedInput", "&#39;durationSeconds&#39; must be an integer"},
		{"RoleArn=a&DurationSeconds=%2B900", "MalformedInput", "&#39;durationSeconds&#39; must be an integer"},
		{"RoleArn=a&DurationSeconds=", "MalformedInput", "&#39;durationSeconds&#39; must be an integer"},
		{"RoleArn=a&Force=yes", "MalformedInput", "&#39;force&#39; must be true or false"},
		{"RoleArn=a&Until=soon", "MalformedInput", "&#39;until&#39; must be a timestamp"},
		{"RoleArn.x=a", "MalformedInput", "&#39;roleArn&#39; must be a string"},
		{"RoleArn=a&RoleArn.x=a", "MalformedInput", "&#39;roleArn&#39; must be a string"},
		{"RoleArn=a%00", "MalformedInput", "NUL"},
		{"RoleArn=%zz", "MalformedInput", "percent escape"},
		{"RoleArn=%ff", "MalformedInput", "UTF-8"},
		{"RoleArn=a;Force=true", "MalformedInput", "semicolon"},
		{"RoleArn=a&Tags=x", "MalformedInput", "&#39;tags&#39; must be a list"},
		{"RoleArn=a&Tags.1.Key=x", "MalformedInput", "&#39;tags&#39; must be a list"},
		{"RoleArn=a&Tags.member.2.Key=x&Tags.member.2.Value=x", "MalformedInput", "numbered 1, 2, 3"},
		{"RoleArn=a&Tags.member.01.Key=x", "MalformedInput", "numbered 1, 2, 3"},
		{"RoleArn=a&Tags.member.0.Key=x", "MalformedInput", "numbered 1, 2, 3"},
		{"RoleArn=a&Tags.member.1=x", "MalformedInput", "&#39;tags.1.member&#39; must be an object"},
		{"RoleArn=a&Tags.member.1.Key=x", "ValidationError", "Value null at &#39;tags.1.member.value&#39;"},
		{"RoleArn=a&One=x", "MalformedInput", "&#39;one&#39; must be an object"},
		{"RoleArn=a&Names.entry.1.key=x", "MalformedInput", "&#39;names&#39; must be a map"},
		{"RoleArn=a&Names.entry.1.key=x&Names.entry.1.value=1&Names.entry.2.key=x&Names.entry.2.value=2", "MalformedInput", "twice"},
		{"RoleArn=a&" + strings.Repeat("a.", 70) + "b=1", "MalformedInput", "nested too deeply"},
		{"RoleArn=a" + strings.Repeat("&", 6000) + "a=b", "MalformedInput", "more than 5000"},
	} {
		h := newHouse(t)
		r := h.assume(c.form)
		if r.Code != 400 || !strings.Contains(r.Body.String(), "<Type>Sender</Type><Code>"+c.code+"</Code>") || !strings.Contains(r.Body.String(), c.says) {
			t.Errorf("%.80s\n got %d %s\nwant %s: %s", c.form, r.Code, r.Body, c.code, c.says)
		}
		if h.input != nil {
			t.Errorf("%s reached the handler", c.form)
		}
	}
}

// TestOAuthForm: RFC 6749 forms, where an empty parameter is an absent one and errors have an error code.
func TestOAuthForm(t *testing.T) {
	h := newHouse(t)
	r := h.send("POST /oauth2/introspect", []string{"Content-Type: application/x-www-form-urlencoded"}, "token=t&client_id=c&token_type_hint=&x=y")
	if r.Code != 200 || r.Body.String() != `{"active":false}` {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if in := h.input.(*introspectInput); in.Token != "t" || in.ClientID != "c" || in.Hint != nil {
		t.Errorf("%+v", in)
	}
	for _, c := range []struct{ form, says string }{
		{"token=t", "'client_id'"},
		{"token=t&client_id=", "'client_id'"},
		{"token=t&client_id=c&client_id=c", "'client_id' is given more than once"},
		{"token=t&client_id=c&Client_id=c", "more than once"},
		{"Token=t&client_id=c", "Unknown parameter 'Token': the name is 'token'"},
		{`{"token":"t","client_id":"c"}`, "'token'"},
	} {
		r := h.send("POST /oauth2/introspect", nil, c.form)
		if r.Code != 400 || r.body["error"] != "invalid_request" || !strings.Contains(r.body["error_description"].(string), c.says) {
			t.Errorf("%s: %d %s, want %s", c.form, r.Code, r.Body, c.says)
		}
	}
}

// TestOpaqueMembers: NUL passes in what is tagged opaque, and in nothing that comes after it.
func TestOpaqueMembers(t *testing.T) {
	h := newHouse(t)
	if r := h.send("POST /oauth2/introspect", nil, "token=a%00b&client_id=c"); r.Code != 200 || h.input.(*introspectInput).Token != "a\x00b" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.token(`{"clientId":"c","grantType":"g","code":"a\u0000"}`); r.Code != 200 || *h.input.(*tokenInput).Code != "a\x00" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	for _, r := range []reply{
		h.send("POST /oauth2/introspect", nil, "token=t&client_id=a%00b"),
		h.send("POST /oauth2/introspect", nil, "token=t&client_id=c&token_type_hint=a%00b"),
		h.token(`{"clientId":"c","code":"\u0000","grantType":"g\u0000"}`),
		h.token(`{"clientId":"c","grantType":"g","code":"\u0000","scope":["a","\u0000"]}`),
		h.token(`{"clientId":"c","grantType":"g","assertion":"\u0000"}`),
	} {
		if message, _ := r.body["message"].(string); r.Code != 400 || !strings.Contains(message, "must not contain NUL") {
			t.Errorf("%d %s", r.Code, r.Body)
		}
	}
}

// TestOAuthFormQuery: a token in the URL ends up in logs; it is refused there.
func TestOAuthFormQuery(t *testing.T) {
	h := newHouse(t)
	r := h.send("POST /oauth2/introspect?token=t", nil, "token=t&client_id=c")
	if r.Code != 400 || r.body["error"] != "invalid_request" || h.input != nil {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}
