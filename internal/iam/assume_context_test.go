package iam

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// identityContext seals a context of a fresh session.
func (r *room) identityContext(user string, change func(*token.IdentityContext)) (sealed string, session token.Session) {
	r.t.Helper()
	session, err := token.NewSession(nil)
	must(r.t, err)
	c := token.IdentityContext{
		UserID: user, IdentityStoreID: "d-1234567890", IdentityStoreARN: "arn:aws:identitystore::" + ours + ":identitystore/d-1234567890",
		InstanceARN: "arn:aws:sso:::instance/ssoins-1234567890abcdef", ApplicationARN: application, CredentialID: "credential",
		Session: session, IssuedAt: r.Now(), ExpiresAt: r.Now().Add(time.Hour),
	}
	if change != nil {
		change(&c)
	}
	sealed, err = r.Minter.SealIdentityContext(c)
	must(r.t, err)
	return sealed, session
}

// expired: the context cannot be used any more. Which of its two codes for this the wire shows is the door's business.
func (a answer) expired(t *testing.T, r *room, says string) {
	t.Helper()
	if e := r.last.Load().Err; a.status != 400 || e == nil || e.Code != "ExpiredTokenException" || !strings.Contains(a.message, says) {
		t.Fatalf("got %d %s (%s)", a.status, a.code, a.message)
	}
}

func provided(assertion string) []string {
	return []string{"ProvidedContexts.member.1.ProviderArn", IdentityContextProvider, "ProvidedContexts.member.1.ContextAssertion", assertion}
}

func TestAssumeRoleWithContext(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", Attached: []string{AdministratorAccess}, TrustPolicy: trusts(ours,
		`{"ForAllValues:ArnEquals":{"sts:RequestContextProviders":"`+IdentityContextProvider+`"},"StringEquals":{"identitystore:UserId":"u1"}}`,
		"sts:AssumeRole", setContext)})
	assertion, lineage := r.identityContext("u1", nil)
	a := r.assume(alice, role.ARN(), provided(assertion)...)
	a.wants(t, 200, "")
	if audit, err := r.last.Load().Audit.AppendJSON(nil); err != nil || !bytes.Contains(audit, []byte(`"identitystore:UserId":"u1"`)) ||
		!bytes.Contains(audit, []byte(`"identitycenter:CredentialId":"credential"`)) {
		t.Errorf("audited %s, %v", audit, err)
	}
	if s := fmt.Sprint(r.last.Load().RequestParameters()); strings.Contains(s, assertion) {
		t.Error("the assertion is in the request parameters")
	}
	c := r.caller(a.keys)
	if c.OnBehalfOf == nil || c.OnBehalfOf.UserID != "u1" || c.OnBehalfOf.ApplicationARN != application || c.ContextProvider == "" {
		t.Fatalf("the session is %+v", c)
	}
	for action, want := range map[string]bool{"s3:GetDataAccess": true, "sso:ListInstances": false, "sts:AssumeRole": false} {
		if answer := r.ask(c, Access{Action: action}); answer.Allowed != want {
			t.Errorf("%s: %s", action, answer)
		}
	}
	if v := r.valuesFor(c, nil, Access{}); v["identitystore:userid"][0] != "u1" || v["identitycenter:applicationarn"][0] != application {
		t.Errorf("values are %v", v)
	}
	// Another user's context, and none, do not meet the trust policy's condition.
	other, _ := r.identityContext("u2", nil)
	r.assume(alice, role.ARN(), provided(other)...).wants(t, 403, "AccessDenied")
	r.assume(alice, role.ARN()).wants(t, 403, "AccessDenied")

	// The session lives on when the context has run out, and dies with the context's session.
	r.advance(59 * time.Minute)
	r.call(a.keys, "GetCallerIdentity").wants(t, 200, "")
	r.update(func(tx *store.Tx) error { return token.Revoke(tx, lineage.ID, "test", tx.Now().Add(12*time.Hour)) })
	r.call(a.keys, "GetCallerIdentity").wants(t, 403, "InvalidClientTokenId")
	r.assume(alice, role.ARN(), provided(assertion)...).expired(t, r, "has ended")
}

func TestAssumeRoleOutlivesItsContext(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", MaxSessionDuration: 43200, TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext)})
	assertion, _ := r.identityContext("u1", nil)
	a := r.assume(alice, role.ARN(), append(provided(assertion), "DurationSeconds", "43200")...)
	a.wants(t, 200, "")
	r.advance(61 * time.Minute)
	r.call(a.keys, "GetCallerIdentity").wants(t, 200, "")
	r.assume(alice, role.ARN(), provided(assertion)...).expired(t, r, "has expired")
}

func TestAssumeRoleWithContextRefused(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	plain := r.addUser(User{AccountID: ours, Name: "plain", Inline: inline(grants("sts:AssumeRole"))})
	named := "arn:aws:iam::" + ours + ":user/plain"
	both := r.addRole(Role{AccountID: ours, Name: "both", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext)})
	direct := r.addRole(Role{AccountID: ours, Name: "direct", TrustPolicy: trusts(named, "", "sts:AssumeRole", setContext)})
	only := r.addRole(Role{AccountID: ours, Name: "only", TrustPolicy: trusts(ours, "")})
	assertion, _ := r.identityContext("u1", nil)

	r.assume(plain, direct.ARN()).wants(t, 200, "")
	r.assume(alice, only.ARN(), provided(assertion)...).wants(t, 403, "AccessDenied", setContext)
	r.assume(plain, both.ARN(), provided(assertion)...).wants(t, 403, "AccessDenied", setContext)
	// The trust policy names the user for sts:SetContext, but its own policies do not allow that.
	r.assume(plain, direct.ARN(), provided(assertion)...).wants(t, 403, "AccessDenied", setContext)

	r.disabled["u1"] = true
	r.assume(alice, both.ARN(), provided(assertion)...).wants(t, 403, "AccessDenied", setContext)
	r.disabled["u1"] = false
	session := r.session(alice, both.ARN(), provided(assertion)...)
	c := r.caller(session)
	r.disabled["u1"] = true
	if a := r.ask(c, Access{Action: "s3:GetDataAccess"}); a.Allowed {
		t.Error("a disabled user's session goes on")
	}
	r.disabled["u1"] = false

	for name, altered := range map[string]string{
		"altered":         assertion[:len(assertion)-6] + "AAAAA" + assertion[len(assertion)-1:],
		"a session token": session.token,
	} {
		if a := r.assume(alice, both.ARN(), provided(altered)...); a.status != 400 || a.code != "ValidationError" {
			t.Errorf("%s: %d %s %s", name, a.status, a.code, a.message)
		}
	}
}

// TestContextMustStand: what the token service says against a context is refused, with its reason for audit only; a fault of its is a
// fault, and without it no context is taken.
func TestContextMustStand(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext)})
	assertion, _ := r.identityContext("u1", nil)
	running := r.session(alice, role.ARN(), provided(assertion)...)
	refused := func(reason string) {
		t.Helper()
		a := r.assume(alice, role.ARN(), provided(assertion)...)
		a.wants(t, 403, "AccessDenied", setContext)
		if e := r.last.Load().Err; !strings.Contains(e.Reason, reason) || strings.Contains(a.message, reason) {
			t.Errorf("audited %q, answered %q", e.Reason, a.message)
		}
	}
	r.context = &wire.Error{Code: "InvalidGrantException", Message: "the token is no longer in force", Reason: "its application is disabled"}
	refused("its application is disabled")
	r.assume(alice, role.ARN()).wants(t, 200, "")
	r.call(running, "GetCallerIdentity").wants(t, 200, "") // a running session goes on, as AWS's
	r.context = errors.New("the store does not answer")
	if a := r.assume(alice, role.ARN(), provided(assertion)...); a.status != 500 {
		t.Errorf("a fault is answered %d %s", a.status, a.code)
	}
	r.context = nil
	r.assume(alice, role.ARN(), provided(assertion)...).wants(t, 200, "")
	r.ContextStands = nil
	refused("vouch")
}

// TestSessionsDieWithTheirUser: a role session on behalf of a user who is disabled or gone authenticates nothing, not even
// GetCallerIdentity; a directory that does not answer is a fault.
func TestSessionsDieWithTheirUser(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext)})
	assertion, _ := r.identityContext("u1", nil)
	session := r.session(alice, role.ARN(), provided(assertion)...)
	r.disabled["u1"] = true
	r.call(session, "GetCallerIdentity").wants(t, 403, "InvalidClientTokenId")
	if err := r.lookup(session.id, session.token); !errors.Is(err, sigv4.ErrBadSession) {
		t.Errorf("a disabled user's session: %v", err)
	}
	r.disabled["u1"] = false
	r.call(session, "GetCallerIdentity").wants(t, 200, "")
	assertion, _ = r.identityContext("broken", nil)
	session = r.session(alice, role.ARN(), provided(assertion)...)
	if err := r.lookup(session.id, session.token); err == nil || errors.Is(err, sigv4.ErrBadSession) {
		t.Errorf("without an answer of the directory: %v", err)
	}
	r.UserEnabled = nil
	if err := r.lookup(session.id, session.token); !errors.Is(err, sigv4.ErrBadSession) {
		t.Errorf("without a directory: %v", err)
	}
}

// TestContextIsInherited: a role that an identity-enhanced session assumes is the same user's, bound to the same list, and ends with the user.
func TestContextIsInherited(t *testing.T) {
	r := newRoom(t)
	r.IdentityContextActions = []string{"sts:AssumeRole", "sts:SetContext", "s3:Get*"}
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	first := r.addRole(Role{AccountID: ours, Name: "first", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext), Inline: inline(grants("*"))})
	next := r.addRole(Role{AccountID: ours, Name: "next", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext), Inline: inline(grants("*"))})
	assertion, lineage := r.identityContext("u1", nil)
	k := r.session(r.session(alice, first.ARN(), provided(assertion)...), next.ARN())
	c := r.caller(k)
	if c.OnBehalfOf == nil || c.OnBehalfOf.UserID != "u1" || c.OnBehalfOf.CredentialID != "credential" || c.ContextProvider != IdentityContextProvider {
		t.Fatalf("the session is %+v", c)
	}
	for action, want := range map[string]bool{"s3:GetObject": true, "s3:PutObject": false, "sso:ListInstances": false} {
		if answer := r.ask(c, Access{Action: action}); answer.Allowed != want {
			t.Errorf("%s: %s", action, answer)
		}
	}
	// Another context replaces the user.
	other, _ := r.identityContext("u2", nil)
	if c := r.caller(r.session(k, first.ARN(), provided(other)...)); c.OnBehalfOf.UserID != "u2" {
		t.Errorf("with a context of its own the session is %+v", c)
	}
	r.disabled["u1"] = true
	r.call(k, "GetCallerIdentity").wants(t, 403, "InvalidClientTokenId")
	r.disabled["u1"] = false
	r.update(func(tx *store.Tx) error { return token.Revoke(tx, lineage.ID, "test", tx.Now().Add(time.Hour)) })
	r.call(k, "GetCallerIdentity").wants(t, 403, "InvalidClientTokenId")
}

// TestContextOnARoleSession: credentials on behalf of a user that a role session fetched die with either session.
func TestContextOnARoleSession(t *testing.T) {
	for _, revoked := range []string{"context", "caller"} {
		r := newRoom(t)
		alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
		role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "", "sts:AssumeRole", setContext), Inline: inline(grants("sts:*"))})
		service := r.session(alice, role.ARN())
		assertion, lineage := r.identityContext("u1", nil)
		enhanced := r.session(service, role.ARN(), provided(assertion)...)
		id := lineage.ID
		if revoked == "caller" {
			id = r.caller(service).Session.ID
		}
		r.update(func(tx *store.Tx) error { return token.Revoke(tx, id, "test", tx.Now().Add(time.Hour)) })
		if err := r.lookup(enhanced.id, enhanced.token); err == nil {
			t.Errorf("outlives its %s's session", revoked)
		}
	}
}
