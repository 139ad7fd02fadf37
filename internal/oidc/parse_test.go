package oidc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// allMembers are the members of CreateTokenWithIAM, from its type.
func allMembers() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[CreateTokenWithIAMInput]()) {
		names = append(names, f.Tag.Get("json"))
	}
	return names
}

// object writes members in order, each name with its JSON value, so that names can stand twice.
func object(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, ",%q:%s", pairs[i], pairs[i+1])
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}

// pairsOf is a request as name and JSON value, one after the other.
func pairsOf(t *testing.T, in params) (pairs []string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(in)) {
		b, err := json.Marshal(in[name])
		must(t, err)
		pairs = append(pairs, name, string(b))
	}
	return pairs
}

// TestMembers: every member × every grant: missing, empty, of another type, twice, in another case, of another grant. Each fault is
// named, and nothing is consumed.
func TestMembers(t *testing.T) {
	h := newHouse(t)
	for _, g := range grantTypes {
		w := h.newWorld(t)
		r := rows[slices.IndexFunc(rows, func(r row) bool { return r.grant == g.name })]
		good := with(r.make(w), params{"clientId": w.client.ARN})
		for _, m := range allMembers() {
			t.Run(g.name+"/"+m, func(t *testing.T) { memberFaults(t, w, g, good, m) })
		}
		w.create(t, w.caller, good).granted(t)
	}
}

func memberFaults(t *testing.T, w *world, g *grantType, good params, m string) {
	refuse := func(body string) {
		t.Helper()
		a := w.create(t, w.caller, body)
		a.refused(t, "InvalidRequestException", m)
		if !strings.Contains(a.str("message"), m) {
			t.Errorf("%s: the client hears %q", body, a.str("message"))
		}
	}
	value, present := good[m]
	required := m == "clientId" || m == "grantType" || slices.Contains(g.required, m)
	belongs := required || m == "scope" || slices.Contains(g.optional, m)
	if !present {
		value = "some-value"
		if m == "scope" {
			value = []string{"openid"}
		}
	}
	text, err := json.Marshal(value)
	must(t, err)
	rest := pairsOf(t, with(good, params{m: nil}))
	if required {
		refuse(object(rest...))
		refuse(object(append(rest, m, "null")...))
	}
	if belongs && m != "scope" {
		refuse(object(append(rest, m, `""`)...))
	}
	if !belongs {
		refuse(object(append(rest, m, string(text))...))
		refuse(object(append(rest, m, `""`)...))
	}
	for _, wrong := range []string{"1", "true", "{}", `[1]`, `{"a":"b"}`, `["a"]`, `"a"`, `[["a"]]`, "1.5e300", `[null]`} {
		isList := strings.HasPrefix(wrong, `["`)
		if m == "scope" && isList || m != "scope" && wrong == `"a"` {
			continue // of the right type
		}
		refuse(object(append(rest, m, wrong)...))
	}
	refuse(object(append(slices.Clone(rest), m, string(text), m, string(text))...))
	if !required {
		return
	}
	// Names are exact: a variant in another case is an unknown member, and the required one is missing.
	refuse(object(append(slices.Clone(rest), strings.ToUpper(m), string(text))...))
	refuse(object(append(slices.Clone(rest), strings.ToUpper(m[:1])+m[1:], string(text))...))
}

// TestScopeSyntax: lists no honest client sends.
func TestScopeSyntax(t *testing.T) {
	w := newHousedWorld(t)
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("s", i)
	}
	evidence := w.codeFor(w.client)
	for _, c := range []struct {
		scope     any
		exception string
	}{
		{[]string{}, "InvalidRequestException"}, {many, "InvalidRequestException"}, {[]string{"openid", "openid"}, "InvalidRequestException"},
		{[]string{""}, "InvalidScopeException"}, {[]string{"openid aws"}, "InvalidScopeException"}, {[]string{"a\"b"}, "InvalidScopeException"},
		{[]string{`a\b`}, "InvalidScopeException"}, {[]string{"é"}, "InvalidScopeException"}, {[]string{strings.Repeat("s", 257)}, "InvalidScopeException"},
		{[]string{"a\nb"}, "InvalidScopeException"},
	} {
		w.present(evidence, params{"scope": c.scope}).refused(t, c.exception, "scope")
	}
	w.present(evidence, params{"scope": json.RawMessage("null")}).granted(t)
}

// TestGrantTypes: unknown ones are UnsupportedGrantTypeException, however near they come (F08).
func TestGrantTypes(t *testing.T) {
	w := newHousedWorld(t)
	evidence := w.codeFor(w.client)
	for _, g := range []string{
		"password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "Authorization_Code", "authorization_code ",
		"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:JWT-bearer", strings.Repeat("g", 5000),
	} {
		a := w.present(evidence, params{"grantType": g})
		a.refused(t, "UnsupportedGrantTypeException", "not supported")
		if len(a.text) > 1000 {
			t.Errorf("a long grantType is answered with %d bytes", len(a.text))
		}
	}
	w.present(evidence, params{"unknownMember": params{"a": []int{1}}}).granted(t)
}

// TestBodies: what is no JSON object as clients send it.
func TestBodies(t *testing.T) {
	w := newHousedWorld(t)
	good := with(w.codeFor(w.client), params{"clientId": w.client.ARN})
	b, err := json.Marshal(good)
	must(t, err)
	for _, body := range []string{
		"", "null", "[]", `""`, "{", string(b) + "x", string(b) + string(b), string(b[:len(b)-1]), strings.Repeat("[", 1000), `{"clientId":"\ud800"}`,
		"grantType=authorization_code&clientId=" + w.client.ARN, "{\"clientId\":\"\xff\"}", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
	} {
		w.create(t, w.caller, body).refused(t, "InvalidRequestException", "")
	}
	// Content types are not judged: paws sends that of JSON 1.1.
	for _, contentType := range []string{"application/x-amz-json-1.1", "text/plain"} {
		body, err := json.Marshal(with(w.codeFor(w.client), params{"clientId": w.client.ARN}))
		must(t, err)
		w.do(t, w.signed(t, w.caller, "/token?aws_iam=t", contentType, body)).granted(t)
	}
	w.create(t, w.caller, string(b)).granted(t)
}

// TestClientIDForms: the application's ARN and its opaque id are both clientIds; tokens name the ARN.
func TestClientIDForms(t *testing.T) {
	w := newHousedWorld(t)
	w.presentedBy = w.client.ClientID
	a := w.present(w.codeFor(w.client)).granted(t)
	if got := w.introspected(w.client, a.str("accessToken")).str("client_id"); got != w.client.ARN {
		t.Errorf("client_id is %q", got)
	}
	w.presentedBy = w.client.ARN
	w.refresh(a)
}
