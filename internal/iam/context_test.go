package iam

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// valuesFor are the condition values of one question of c in call.
func (r *room) valuesFor(c *Caller, call *wire.Call, a Access) (v policy.Values) {
	r.t.Helper()
	ctx := r.t.Context()
	if call != nil {
		ctx = wire.WithCall(ctx, call)
	}
	must(r.t, r.DB.View(ctx, func(tx *store.Tx) error {
		h, err := r.standing(tx, c)
		v = conditionValues(tx, c, h.tags, a)
		return err
	}))
	return v
}

func TestConditionValues(t *testing.T) {
	r := newRoom(t)
	user := r.caller(r.addUser(User{AccountID: ours, Name: "alice", Tags: map[string]string{"Team": "red", "Level": "1"}, Inline: inline(grants("sts:*"))}))
	key := r.addKey(ours, "alice")
	role := r.addRole(Role{
		AccountID: ours, Name: "app", Path: "/x/", Tags: map[string]string{"team": "blue", "kind": "app"},
		TrustPolicy: trusts(ours, "", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
	})
	session := r.caller(r.session(key, role.ARN(), "Tags.member.1.Key", "Team", "Tags.member.1.Value", "green", "SourceIdentity", "bob"))
	root := r.caller(r.addKey(ours, ""))

	request := httptest.NewRequest("POST", "https://sts.test/", nil)
	request.RemoteAddr, request.TLS = "[2001:db8::1]:4711", &tls.ConnectionState{}
	request.Header.Set("User-Agent", "test/1")
	call := &wire.Call{Request: request, Region: "eu-central-1", Context: map[string][]string{
		"aws:RequestTag/Team": {"red"}, "sso:Something": {"x"},
		// A call can say nothing of its caller.
		"aws:PrincipalArn": {"arn:aws:iam::" + ours + ":root"}, "aws:username": {"root"}, "AWS:PrincipalTag/Admin": {"yes"},
		"identitystore:UserId": {"u9"}, "aws:SourceIp": {"10.0.0.1"}, "sts:ExternalId": {"e"}, "aws:MultiFactorAuthPresent": {"true"},
	}}
	type values = map[string]string
	for _, c := range []struct {
		name   string
		values policy.Values
		want   values
		absent []string
	}{
		{"user", r.valuesFor(user, call, Access{Context: map[string][]string{"sso-oauth:X": {"y"}, "aws:PrincipalAccount": {theirs}}}), values{
			"aws:sourceip": "2001:db8::1", "aws:securetransport": "true", "aws:useragent": "test/1", "aws:requestedregion": "eu-central-1",
			"aws:username": "alice", "aws:userid": user.UserID, "aws:principalarn": user.ARN, "aws:principalaccount": ours,
			"aws:principaltype": "User", "aws:principaltag/team": "red", "aws:principaltag/level": "1", "aws:requesttag/team": "red",
			"sso:something": "x", "sso-oauth:x": "y", "aws:resourceaccount": ours, "aws:principalisawsservice": "false",
		}, []string{
			"aws:principaltag/admin", "identitystore:userid", "sts:externalid", "aws:tokenissuetime", "aws:multifactorauthpresent",
			"aws:sourceidentity", "aws:principalorgid",
		}},
		{"session", r.valuesFor(session, nil, Access{ResourceAccount: theirs}), values{
			"aws:principalarn": role.ARN(), "aws:principaltype": "AssumedRole", "aws:userid": role.ID + ":work", "aws:principaltag/team": "green",
			"aws:principaltag/kind": "app", "aws:sourceidentity": "bob", "aws:multifactorauthpresent": "false", "aws:resourceaccount": theirs,
			"aws:tokenissuetime": session.IssuedAt.UTC().Format(time.RFC3339),
		}, []string{"aws:username", "aws:sourceip", "aws:securetransport", "identitystore:userid"}},
		{"root", r.valuesFor(root, nil, Access{}), values{
			"aws:principalarn": root.ARN, "aws:principaltype": "Account", "aws:userid": ours,
		}, []string{"aws:username", "aws:tokenissuetime"}},
	} {
		for key, want := range c.want {
			if got := c.values[key]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", c.name, key, got, want)
			}
		}
		for _, key := range c.absent {
			if got, ok := c.values[key]; ok {
				t.Errorf("%s: %s is %q, want it absent", c.name, key, got)
			}
		}
		if _, err := time.Parse(time.RFC3339, c.values["aws:currenttime"][0]); err != nil || len(c.values["aws:epochtime"]) != 1 {
			t.Errorf("%s: times are %q and %q", c.name, c.values["aws:currenttime"], c.values["aws:epochtime"])
		}
	}
}

// TestConditionsOfPortalSessions: a session on behalf of a user that was not made from a provided context has the user's keys, and no
// allow list.
func TestConditionsOfPortalSessions(t *testing.T) {
	r := newRoom(t)
	key := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, ""), Attached: []string{AdministratorAccess}})
	c := r.caller(r.session(key, role.ARN()))
	c.OnBehalfOf = &token.IdentityContext{UserID: "u1", IdentityStoreARN: "arn:aws:identitystore::" + ours + ":identitystore/d-1"}
	if v := r.valuesFor(c, nil, Access{}); v["identitystore:userid"][0] != "u1" || v["identitycenter:credentialid"] != nil {
		t.Errorf("values are %v", v)
	}
	if a := r.ask(c, Access{Action: "sso:CreateApplication"}); !a.Allowed {
		t.Errorf("portal session: %s", a)
	}
	c.ContextProvider = IdentityContextProvider
	if a := r.ask(c, Access{Action: "sso:CreateApplication"}); a.Allowed || !a.Explicit {
		t.Errorf("identity-enhanced session: %s", a)
	}
	if a := r.ask(c, Access{Action: "s3:GetDataAccess"}); !a.Allowed {
		t.Errorf("identity-enhanced session: %s", a)
	}
}

// TestIdentityContextActionsAreConfigurable: with the operator's own list in force, and none when the list makes no sense.
func TestIdentityContextActionsAreConfigurable(t *testing.T) {
	for name, c := range map[string]struct {
		list []string
		want bool
	}{"as AWS": {nil, false}, "own": {[]string{"sso:Create*"}, true}, "broken": {[]string{"no action"}, false}} {
		if err := CheckIdentityContextActions(c.list); (err != nil) != (name == "broken") {
			t.Errorf("%s: %v", name, err)
		}
		r := newRoom(t)
		r.IdentityContextActions = c.list
		key := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
		role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, ""), Attached: []string{AdministratorAccess}})
		caller := r.caller(r.session(key, role.ARN()))
		caller.ContextProvider = IdentityContextProvider
		if a := r.ask(caller, Access{Action: "sso:CreateApplication"}); a.Allowed != c.want {
			t.Errorf("%s: %s", name, a)
		}
		if name == "broken" {
			if a := r.ask(caller, Access{Action: "s3:GetDataAccess"}); a.Allowed {
				t.Errorf("%s: %s", name, a)
			}
		}
	}
}
