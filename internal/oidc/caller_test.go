package oidc

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// sts calls AssumeRole or GetCallerIdentity.
func (w *world) sts(k keypair, action string, values url.Values) (int, string) {
	w.t.Helper()
	if values == nil {
		values = url.Values{}
	}
	values.Set("Action", action)
	values.Set("Version", "2011-06-15")
	a := w.do(w.t, w.signed(w.t, k, "/", "application/x-www-form-urlencoded", []byte(values.Encode())))
	return a.status, a.text
}

// assume takes a role and returns its session's keys.
func (w *world) assume(k keypair, role string, more url.Values) keypair {
	w.t.Helper()
	values := url.Values{"RoleArn": {role}, "RoleSessionName": {"test"}}
	for name, v := range more {
		values[name] = v
	}
	status, text := w.sts(k, "AssumeRole", values)
	var out struct {
		Credentials struct{ AccessKeyId, SecretAccessKey, SessionToken string } `xml:"AssumeRoleResult>Credentials"`
	}
	if err := xml.Unmarshal([]byte(text), &out); err != nil || status != 200 {
		w.t.Fatalf("AssumeRole answers %d %s", status, text)
	}
	return keypair{out.Credentials.AccessKeyId, out.Credentials.SecretAccessKey, out.Credentials.SessionToken}
}

const anything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// newRole is a role that everybody in the account may take, and that may do what inline says.
func (w *world) newRole(name string, inline map[string]string) (arn string) {
	w.t.Helper()
	w.change(func(tx *store.Tx) error {
		return iam.PutRole(tx, iam.Role{
			AccountID: w.account, Name: name, MaxSessionDuration: 3600, Inline: inline,
			TrustPolicy: fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":%q},"Action":["sts:AssumeRole","sts:SetContext"]}}`, w.callerARN),
		})
	})
	return "arn:aws:iam::" + w.account + ":role/" + name
}

// callers are kinds of callers, whom the actor policy names ("-" denies), what the caller's own policies say, and whether it is let in.
var callers = []struct {
	name     string
	caller   string // user, root, role, bounded, limited, foreign user, foreign root
	actors   []string
	identity string
	admitted bool
}{
	{"named user", "user", []string{"user"}, "", true},
	{"named user, identity denies", "user", []string{"user"}, "Deny", false},
	{"account, identity silent", "user", []string{"account"}, "", false},
	{"account, identity allows", "user", []string{"account"}, "Allow", true},
	{"account, identity denies", "user", []string{"account"}, "Deny", false},
	{"nobody named, identity allows", "user", []string{"role"}, "Allow", false},
	{"named and denied", "user", []string{"user", "-user"}, "Allow", false},
	{"named, everybody denied", "user", []string{"user", "-*"}, "Allow", false},
	{"root by account", "root", []string{"account"}, "", true},
	{"root not named", "root", []string{"user"}, "", false},
	{"named role", "role", []string{"role"}, "", true},
	{"named role, identity denies", "role", []string{"role"}, "Deny", false},
	{"role by account, identity silent", "role", []string{"account"}, "", false},
	{"role by account, identity allows", "role", []string{"account"}, "Allow", true},
	{"role while the user is named", "role", []string{"user"}, "Allow", false},
	{"session policy narrower, named role", "limited", []string{"role"}, "Allow", false},
	{"session policy narrower, by account", "limited", []string{"account"}, "Allow", false},
	{"boundary narrower, by account", "bounded", []string{"account"}, "Allow", false},
	{"foreign user, identity silent", "foreign user", []string{"foreign user"}, "", false},
	{"foreign user, identity allows", "foreign user", []string{"foreign user"}, "Allow", true},
	{"foreign user by account, identity allows", "foreign user", []string{"foreign account"}, "Allow", true},
	{"foreign user of the named user's name", "foreign user", []string{"user", "account"}, "Allow", false},
	{"foreign root by account", "foreign root", []string{"foreign account"}, "", true},
	{"foreign root not named", "foreign root", []string{"account"}, "", false},
}

// TestCallers: the whole rule of who may act as an application (C10, C11, C16): the actor policy always; identity policies too where
// it names the account alone and always across accounts; an explicit deny anywhere wins.
func TestCallers(t *testing.T) {
	h := newHouse(t)
	for _, c := range callers {
		t.Run(c.name, func(t *testing.T) {
			w := h.newWorld(t)
			evidence := w.assertion()
			w.caller = w.callerOf(c.caller, c.identity, c.actors)
			a := w.present(evidence)
			if c.admitted {
				a.granted(t)
				return
			}
			if strings.HasPrefix(c.caller, "foreign") {
				a.refused(t, "InvalidClientException", "is not authorized")
				return
			}
			a.refused(t, "AccessDeniedException", "")
			if strings.Contains(a.str("message"), "statement") {
				t.Errorf("the client hears of policies: %q", a.str("message"))
			}
		})
	}
}

// TestForeignCallers: a caller of another account that may not act as an application learns nothing of it, not even that it exists:
// every endpoint answers as for an unknown client. The event has the reason.
func TestForeignCallers(t *testing.T) {
	w := newHousedWorld(t)
	foreign := w.newWorld(t).caller
	a := w.family()
	ask := func(k keypair, id string) []answer {
		values := url.Values{"token": {a.str("accessToken")}}
		caller := *w
		caller.caller = k
		return []answer{
			w.create(t, k, with(refreshing(a), params{"clientId": id})), w.create(t, k, with(w.assertion(), params{"clientId": id})),
			caller.form("/oauth2/introspect", ssoadmin.Application{ARN: id}, values), caller.form("/oauth2/revoke", ssoadmin.Application{ARN: id}, values),
		}
	}
	unknown := w.client.ARN[:len(w.client.ARN)-4] + "0000"
	alike := func(reason string) {
		t.Helper()
		want := ask(foreign, unknown)
		for i, got := range ask(foreign, w.client.ARN) {
			got.refused(t, "InvalidClientException", reason)
			if got.text != want[i].text || got.status != want[i].status {
				t.Errorf("request %d: %d %s, for an unknown client %d %s", i, got.status, got.text, want[i].status, want[i].text)
			}
		}
	}
	alike("is not authorized to perform")
	enable(w, w.client, false)
	alike("is not authorized to perform")
	enable(w, w.client, true)
	w.change(func(tx *store.Tx) error { return w.Admin.DeleteActorPolicy(tx, w.client.ARN) })
	alike("no IAM authentication method")
	for _, own := range ask(w.caller, w.client.ARN) {
		own.refused(t, "AccessDeniedException", "no IAM authentication method")
	}
}

// callerOf arranges a caller of a kind with its identity policy, and an actor policy for these principals ("-" denies).
func (w *world) callerOf(kind, identity string, principals []string) keypair {
	w.t.Helper()
	b := w.newWorld(w.t)
	var inline map[string]string
	if identity != "" {
		inline = identityPolicy(identity)
	}
	silent := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
	role := w.newRole("r", inline)
	var k keypair
	switch kind {
	case "user", "foreign user":
		place := w
		if kind != "user" {
			place = b
		}
		callerEdit(func(u *iam.User) { u.Inline = inline })(place)
		k = place.caller
	case "root":
		k = w.newKey(w.account, "")
	case "foreign root":
		k = w.newKey(b.account, "")
	case "role":
		k = w.assume(w.caller, role, nil)
	case "limited":
		k = w.assume(w.caller, role, url.Values{"Policy": {silent}})
	case "bounded":
		w.change(func(tx *store.Tx) error {
			return iam.PutManagedPolicy(tx, iam.ManagedPolicy{AccountID: w.account, Name: "s3", Path: "/", Document: silent})
		})
		callerEdit(func(u *iam.User) { u.Inline, u.Boundary = inline, "arn:aws:iam::"+w.account+":policy/s3" })(w)
		k = w.caller
	}
	names := map[string]string{
		"user": w.callerARN, "account": w.account, "role": role, "foreign user": b.callerARN, "foreign account": b.account, "*": "*",
	}
	var statements []string
	for _, p := range principals {
		if name, denies := strings.CutPrefix(p, "-"); denies {
			statements = append(statements, denied(names[name]))
		} else {
			statements = append(statements, allowed(names[p]))
		}
	}
	actors(func(*world) string { return strings.Join(statements, ",") })(w)
	return k
}

// TestRoleSessionCallers: session credentials are good while session, role and token are (C09).
func TestRoleSessionCallers(t *testing.T) {
	w := newHousedWorld(t)
	role := w.newRole("r", nil)
	actors(func(w *world) string { return allowed(role, w.callerARN) })(w)
	long := w.caller
	session := w.assume(long, role, nil)
	refused := func(name string, k keypair, exception string) {
		t.Helper()
		w.caller = k
		a := w.present(w.assertion())
		a.refused(t, exception, "")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	w.caller = session
	w.present(w.assertion()).granted(t)
	other := w.assume(long, role, nil)
	refused("no token", keypair{session.id, session.secret, ""}, "UnrecognizedClientException")
	refused("another's token", keypair{session.id, session.secret, other.session}, "UnrecognizedClientException")
	refused("a cut token", keypair{session.id, session.secret, session.session[:40]}, "UnrecognizedClientException")
	refused("a token with a long-term key", keypair{long.id, long.secret, session.session}, "UnrecognizedClientException")
	refused("another session's secret", keypair{session.id, other.secret, session.session}, "InvalidSignatureException")
	w.change(func(tx *store.Tx) error { return iam.DeleteRole(tx, w.account, "r") })
	refused("role deleted", session, "UnrecognizedClientException")
	w.newRole("r", nil)
	refused("role made again", session, "UnrecognizedClientException")
	w.caller = w.assume(long, role, nil)
	w.advance(61 * time.Minute)
	refused("expired", w.caller, "ExpiredTokenException")
}

const provider = "arn:aws:iam::aws:contextProvider/IdentityCenter"

// TestIdentityContext: the context opens a role on behalf of the user, and what it opened dies with the user's session.
func TestIdentityContext(t *testing.T) {
	w := newHousedWorld(t)
	callerEdit(func(u *iam.User) { u.Inline = map[string]string{"all": anything} })(w)
	role := w.newRole("r", map[string]string{"all": anything})
	provided := func(text string) url.Values {
		return url.Values{"ProvidedContexts.member.1.ProviderArn": {provider}, "ProvidedContexts.member.1.ContextAssertion": {text}}
	}
	a := w.family()
	session := w.assume(w.caller, role, provided(a.identityContext()))
	works := func() bool { status, _ := w.sts(session, "GetCallerIdentity", nil); return status == 200 }
	if !works() {
		t.Fatal("the role session does not work")
	}
	// On behalf of a user only the listed actions are left, whatever the role may do: no new tokens out of it.
	actors(func(w *world) string { return allowed(role, w.callerARN) })(w)
	w.create(t, session, with(w.assertion(), params{"clientId": w.client.ARN})).refused(t, "AccessDeniedException", "")
	refused := func(name, text string) {
		t.Helper()
		values := provided(text)
		values.Set("RoleArn", role)
		values.Set("RoleSessionName", "test")
		if status, body := w.sts(w.caller, "AssumeRole", values); status == 200 {
			t.Errorf("AssumeRole takes %s: %s", name, body)
		}
	}
	refused("an access token", a.str("accessToken"))
	refused("a cut context", a.identityContext()[:100])
	refused("a longer context", a.identityContext()+"AAAA")
	w.setUser(func(u *identitystore.User) { u.Enabled = false })
	refused("a disabled user's context", a.identityContext())
	if works() {
		t.Error("the role session outlives its user")
	}
	w.setUser(func(u *identitystore.User) { u.Enabled = true })
	w.unassign(w.client, "USER", w.user)
	refused("the context of a user who is not assigned any more", a.identityContext())
	w.assign(w.client, "USER", w.user)
	enable(w, w.client, false)
	refused("the context of a disabled application", a.identityContext())
	if !works() {
		t.Error("a running role session ends with its application")
	}
	enable(w, w.client, true)
	w.assume(w.caller, role, provided(a.identityContext()))
	w.revoke(w.client, a.str("accessToken"))
	if works() {
		t.Error("the role session outlives the user's session")
	}
	refused("the context of a session that has ended", a.identityContext())
	expired := w.family()
	w.advance(61 * time.Minute)
	refused("an expired context", expired.identityContext())
}
