package symbolon

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// explained is the explanation of the last event.
func (d *door) explained(t testing.TB) RequestExplanation {
	t.Helper()
	events := d.events(t)
	id, _ := events[len(events)-1]["requestID"].(string)
	list, err := ExplainRequest(t.Context(), Config{Data: d.folder}, id)
	fatal(t, err)
	if len(list) != 1 || list[0].RequestID != id || list[0].Line != len(events) {
		t.Fatalf("%+v", list)
	}
	return list[0]
}

// refusedAs wants the explanation of the last request to name the check and to hold the texts, in what people read.
func (d *door) refusedAs(t testing.TB, check string, texts ...string) {
	t.Helper()
	x := d.explained(t)
	text := RequestExplanations{x}.String()
	if x.Check != check || x.Asks == "" || len(x.Allow) == 0 || x.Because == "" || strings.Contains(text, "{") && !strings.Contains(text, `"Statement"`) && !strings.Contains(text, "[{") {
		t.Errorf("check %q, want %q:\n%s", x.Check, check, text)
	}
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestExplainRequest walks into one refusal after the other, and reads what doctor says of it.
func TestExplainRequest(t *testing.T) {
	d, i := openDoorIn(t, t.TempDir(), onDisk), newIDP(t)
	analytics, data := d.declare(t, i)
	d.allGrants(t)
	first := d.granted(t, byAssertion(analytics, i.assertion(t, "one")))
	if x := d.explained(t); x.Code != "" || x.Check != "" || !strings.Contains(x.Operation, jwtBearer) || !strings.Contains(RequestExplanations{x}.String(), "not refused") {
		t.Errorf("a granted request: %+v", x)
	}
	refuse := func(in map[string]string) {
		t.Helper()
		if _, a := d.create(t, in); a.status == 200 {
			t.Fatalf("granted: %s", a.text)
		}
	}
	refuse(byAssertion(analytics, i.assertion(t, "one")))
	d.refusedAs(t, "assertion-once", "used already (jti)", "present a new assertion", "IAMUser arn:aws:iam::111122223333:user/symbolon-administrator", analytics)
	refuse(byAssertion(data, i.assertion(t, "two")))
	d.refusedAs(t, "grant-configured", "put-application-grant --application-arn "+data, `name: "data-service"`)
	refuse(byAssertion("nobody", i.assertion(t, "three")))
	d.refusedAs(t, "client-known", `"nobody" names no application`)
	refuse(byExchange(data, "aoaX"))
	d.refusedAs(t, "subject-verifies", "get a new token")
	scoped := byRefresh(analytics, first["refreshToken"].(string))
	scoped["grantType"] = "refresh"
	refuse(scoped)
	d.refusedAs(t, "grant-named", "send authorization_code")
	scoped["grantType"] = "x\x1b[2J\u202e"
	refuse(scoped)
	if text := (RequestExplanations{d.explained(t)}).String(); strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("a client writes on the terminal: %q", text)
	}

	o, err := ParseOrganization("test", []byte(`
users: [{ userName: alice, enabled: false }]
applications: [{ name: data-service, actorPolicy: { Version: "2012-10-17", Statement: [
  { Sid: Others, Effect: Allow, Principal: { AWS: "111122223333" }, Action: "sso-oauth:IntrospectTokenWithIAM", Resource: "*" } ] } }]
`))
	fatal(t, err)
	_, err = d.Apply(t.Context(), o)
	fatal(t, err)
	refuse(byRefresh(analytics, first["refreshToken"].(string)))
	d.refusedAs(t, "user-enabled", "enabled: true")
	refuse(byExchange(data, first["accessToken"].(string)))
	d.refusedAs(t, "actor-policy-allows", `"AWS":"arn:aws:iam::111122223333:user/symbolon-administrator"`, "sso-oauth:CreateTokenWithIAM", "statement")
	if d.active(t, analytics, first["accessToken"].(string)) {
		t.Error("active")
	}
	d.refusedAs(t, "user-enabled", "not in force")
}

// TestExplainAtTheDoor: what is refused before any room is asked has its explanation, too.
func TestExplainAtTheDoor(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	d.send(t, d.request(t, "POST", tokenTarget, "{}"))
	d.refusedAs(t, "signed", "the SDKs do")
	bad := d.tokenRequest(t)
	bad.Header.Set("X-Amz-Date", "20200101T000000Z")
	d.send(t, bad)
	d.refusedAs(t, "signature")
	d.send(t, d.signed(d.request(t, "POST", "/nothing", "{}"), "sso-oauth"))
	d.refusedAs(t, "operation", "endpoint")
	d.send(t, d.signed(d.request(t, "POST", tokenTarget, `{"clientId":7}`, "Content-Type", "application/json"), "sso-oauth"))
	d.refusedAs(t, "input")

	o, err := ParseOrganization("test", []byte(`
iam: { users: [{ name: weak, accessKeys: [{ id: AKIAWEAKWEAKWEAKWEAK, secret: a-secret-of-forty-characters-for-a-test0 }] }] }
`))
	fatal(t, err)
	_, err = d.Apply(t.Context(), o)
	fatal(t, err)
	administrator := d.Development
	d.AccessKeyID, d.SecretAccessKey = "AKIAWEAKWEAKWEAKWEAK", "a-secret-of-forty-characters-for-a-test0"
	d.send(t, d.signed(d.request(t, "POST", "/", `{"IdentityStoreId":"`+d.IdentityStoreID+`"}`, "Content-Type", "application/x-amz-json-1.1",
		"X-Amz-Target", "AWSIdentityStore.ListUsers"), "identitystore"))
	d.refusedAs(t, "access", "Action: \"identitystore:ListUsers\"", "arn:aws:iam::111122223333:user/weak")
	d.Development = administrator
}

// TestAdviceOpensTheDoor: what doctor says to put into the organization file makes the refused request pass.
func TestAdviceOpensTheDoor(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	apply := func(text string) *Report {
		t.Helper()
		o, err := ParseOrganization("test", []byte(text))
		fatal(t, err)
		report, err := d.Apply(t.Context(), o)
		fatal(t, err)
		return report
	}
	key := apply(`iam: { users: [{ name: weak, accessKeys: [{}] }] }`).AccessKeys[0]
	administrator := d.Development
	defer func() { d.Development = administrator }()
	d.AccessKeyID, d.SecretAccessKey = key.ID, key.Secret
	instances := func() reply {
		return d.send(t, d.signed(d.request(t, "POST", "/", `{}`, "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "SWBExternalService.ListInstances"), "sso"))
	}
	advice := func() string {
		t.Helper()
		for _, text := range d.explained(t).Allow {
			if rest, ok := strings.CutPrefix(text, "organization file"); ok {
				_, yaml, _ := strings.Cut(rest, ": ")
				return strings.ReplaceAll(yaml, "<its user>", "weak")
			}
		}
		t.Fatal("no advice for the organization file")
		return ""
	}

	instances()
	d.refusedAs(t, "access", `Action: "sso:ListInstances", Resource: "*"`)
	apply(`iam: { users: [{ name: weak, ` + advice() + ` }] }`)
	if a := instances(); a.status != 200 {
		t.Errorf("allowed as advised: %d %s", a.status, a.text)
	}

	apply(`iam: { users: [{ name: weak, accessKeys: [{ id: ` + key.ID + `, status: Inactive }] }] }`)
	inactive := instances()
	d.refusedAs(t, "access-key", key.ID)
	reactivate := advice()
	d.AccessKeyID = "AKIANOBODYSKEYATALL0"
	if unknown := instances(); unknown.status != 403 || unknown.status != inactive.status || unknown.text != inactive.text {
		t.Errorf("a client is told %d %s of an inactive key, and %d %s of one that is none", inactive.status, inactive.text, unknown.status, unknown.text)
	}
	d.refusedAs(t, "access-key", "AKIANOBODYSKEYATALL0")
	d.AccessKeyID = key.ID
	apply(reactivate)
	if a := instances(); a.status != 200 {
		t.Errorf("made active as advised, with the secret it had: %d %s", a.status, a.text)
	}
	d.AccessKeyID = "aSecretThatStandsWhereTheKeysIdShouldBe0"
	instances()
	if text := (RequestExplanations{d.explained(t)}).String(); strings.Contains(text, d.AccessKeyID) {
		t.Errorf("what is no key's id is not recorded: %s", text)
	}
}

// errorCode finds the codes that clients are sent, in our source.
var errorCode = regexp.MustCompile(`Code: +"(\w+)"|"([A-Z]\w+Exception)"`)

// TestEveryCodeIsExplained: no code that a client can be sent is one that doctor knows nothing of.
func TestEveryCodeIsExplained(t *testing.T) {
	// Those of the token service are explained by their checks; a client's library never sees the last ones as errors of ours.
	known := "InvalidGrantException InvalidClientException InvalidScopeException UnauthorizedClientException UnsupportedGrantTypeException"
	files, err := filepath.Glob("internal/*/*.go")
	fatal(t, err)
	ours, err := filepath.Glob("*.go")
	fatal(t, err)
	seen := map[string]bool{}
	for _, name := range append(files, ours...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		fatal(t, err)
		for _, m := range errorCode.FindAllStringSubmatch(string(text), -1) {
			code := m[1] + m[2]
			if seen[code] || strings.Contains(known, code) || code == strings.ToLower(code) { // OAuth's own are in lower case
				continue
			}
			seen[code] = true
			x := RequestExplanation{Code: code}
			if x.explain(&loggedEvent{}, nil); x.Check == "" {
				t.Errorf("%s: nothing explains %s", name, code)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d codes found", len(seen))
	}
}

// TestExplainFindsRotatedEvents: by then the log has been renamed.
func TestExplainFindsRotatedEvents(t *testing.T) {
	d := openDoorIn(t, t.TempDir(), onDisk)
	d.send(t, d.request(t, "POST", tokenTarget, "{}"))
	events := d.events(t)
	id, _ := events[len(events)-1]["requestID"].(string)
	path := filepath.Join(d.folder, "audit.jsonl")
	fatal(t, os.Rename(path, path+"-"+time.Now().Format("20060102")))
	fatal(t, d.Reload())
	list, err := ExplainRequest(t.Context(), Config{Data: d.folder}, id)
	if err != nil || len(list) != 1 || list[0].Check != "signed" {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := ExplainRequest(t.Context(), Config{Data: d.folder}, "nobody's"); err == nil || !strings.Contains(err.Error(), `"nobody's"`) {
		t.Errorf("an unknown request: %v", err)
	}
	shared := Config{Data: d.folder, DatabaseURL: "postgres://127.0.0.1/symbolon"}
	if _, err := ExplainRequest(t.Context(), shared, "nobody's"); err == nil || !strings.Contains(err.Error(), "another node") {
		t.Errorf("of many nodes: %v", err)
	}
}
