package iam

import (
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

const (
	createToken = "sso-oauth:CreateTokenWithIAM"
	application = "arn:aws:sso::" + ours + ":application/ssoins-1234567890abcdef/apl-1234567890abcdef"
)

// actor is an actor policy; principals comma-free JSON strings.
func actor(t *testing.T, statements ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.Resource, "actor policy", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`))
	must(t, err)
	return p
}

func statement(effect, principal string) string {
	return `{"Effect":"` + effect + `","Principal":{"AWS":"` + principal + `"},"Action":"` + createToken + `","Resource":"*"}`
}

func denies(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
}

// TestSameNameElsewhere: C11: a role or user of the same name in another account is somebody else, with a warm cache too.
func TestSameNameElsewhere(t *testing.T) {
	r := newRoom(t)
	callers := map[string]*Caller{}
	for _, account := range []string{ours, theirs} {
		user := r.addUser(User{AccountID: account, Name: "alice", Inline: inline(grants("sts:*", createToken))})
		role := r.addRole(Role{AccountID: account, Name: "app", TrustPolicy: trusts(account, ""), Inline: inline(grants(createToken))})
		callers["user "+account] = r.caller(user)
		callers["role "+account] = r.caller(r.session(user, role.ARN()))
	}
	named := actor(t, statement("Allow", "arn:aws:iam::"+ours+":role/app"), statement("Allow", "arn:aws:iam::"+ours+":user/alice"),
		statement("Allow", "arn:aws:sts::"+ours+":assumed-role/app/work"))
	for range 2 {
		for who, c := range callers {
			a := r.ask(c, Access{Action: createToken, Resource: application, ResourceAccount: ours, ResourcePolicy: named, ResourceRequired: true})
			if a.Allowed != strings.HasSuffix(who, ours) {
				t.Errorf("%s: %s", who, a)
			}
		}
	}
	// Their administrator may nothing on our resources without a resource policy.
	admin := r.caller(r.addUser(User{AccountID: theirs, Name: "admin", Attached: []string{AdministratorAccess}}))
	if a := r.ask(admin, Access{Action: "sso:DescribeApplication", Resource: application, ResourceAccount: ours}); a.Allowed {
		t.Error("their administrator acts on ours")
	}
}

// TestSessionPoliciesOnlyTakeAway: C10: also in the own account, also for an administrator's role.
func TestSessionPoliciesOnlyTakeAway(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "admin", TrustPolicy: trusts(ours, ""), Attached: []string{AdministratorAccess}})
	weak := r.addRole(Role{AccountID: ours, Name: "weak", TrustPolicy: trusts(ours, ""), Inline: inline(grants("sso:List*"))})
	readOnly := "arn:aws:iam::aws:policy/ReadOnlyAccess"
	for _, c := range []struct {
		name    string
		role    Role
		members []string
		allowed map[string]bool
	}{
		{"none", role, nil, map[string]bool{"sso:CreateApplication": true, "sso:ListInstances": true}},
		{"inline", role, []string{"Policy", grants("sso:List*")}, map[string]bool{"sso:CreateApplication": false, "sso:ListInstances": true}},
		{"managed", role, []string{"PolicyArns.member.1.arn", readOnly}, map[string]bool{"sso:CreateApplication": false, "sso:ListInstances": true}},
		{"deny only", role, []string{"Policy", denies("sso:CreateApplication")}, map[string]bool{"sso:CreateApplication": false, "sso:ListInstances": false}},
		{"wider than the role", weak, []string{"Policy", grants("*")}, map[string]bool{"sso:CreateApplication": false, "sso:ListInstances": true}},
	} {
		caller := r.caller(r.session(alice, c.role.ARN(), c.members...))
		if caller.HasSession != (len(c.members) > 0) {
			t.Errorf("%s: HasSession is %v", c.name, caller.HasSession)
		}
		for action, want := range c.allowed {
			if a := r.ask(caller, Access{Action: action}); a.Allowed != want {
				t.Errorf("%s: %s: %s", c.name, action, a)
			}
		}
	}
}

// TestStanding: what is no more, or is not what it was, is denied with its reason, whoever held a Caller of it.
func TestStanding(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Attached: []string{AdministratorAccess}})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, ""), Attached: []string{AdministratorAccess}})
	session := r.caller(r.session(alice, role.ARN()))
	root := r.caller(r.addKey(ours, ""))
	user := r.caller(alice)
	for _, c := range []*Caller{session, root, user} {
		if a := r.ask(c, Access{Action: "sso:ListInstances"}); !a.Allowed {
			t.Fatalf("%s: %s", c.ARN, a)
		}
	}
	with := func(c Caller, change func(*Caller)) *Caller { change(&c); return &c }
	for name, c := range map[string]*Caller{
		"there is no caller":               nil,
		"is not known":                     with(*user, func(c *Caller) { c.Type = "Service" }),
		"unknown access key":               with(*user, func(c *Caller) { c.AccessKeyID = "" }),
		"belongs to somebody else":         with(*user, func(c *Caller) { c.Type = Root }),
		"belongs to somebody else now":     with(*user, func(c *Caller) { c.UserID = "AIDAOTHER" }),
		"its role is gone":                 with(*session, func(c *Caller) { c.UserID = "AROAOTHER:work" }),
		"its account is gone":              with(*session, func(c *Caller) { c.AccountID = "999999999999" }),
		"it has expired":                   with(*session, func(c *Caller) { c.ExpiresAt = time.Now() }),
		"user u1 is deleted or disabled":   with(*session, func(c *Caller) { c.OnBehalfOf = &token.IdentityContext{UserID: "u1"} }),
		"contradicts itself":               with(*session, func(c *Caller) { c.ARN = strings.Replace(c.ARN, ours, theirs, 1) }),
		"session s is revoked":             with(*session, func(c *Caller) { c.Session.Ancestors = []string{"s"} }),
		"policy arn:aws:iam::aws:policy/X": with(*session, func(c *Caller) { c.SessionPolicyARNs = []string{"arn:aws:iam::aws:policy/X"} }),
		"session policy does not parse":    with(*session, func(c *Caller) { c.SessionPolicies = []string{"{"} }),
	} {
		r.disabled["u1"] = true
		r.update(func(tx *store.Tx) error { return token.Revoke(tx, "s", "test", tx.Now().Add(time.Hour)) })
		if a := r.ask(c, Access{Action: "sso:ListInstances"}); a.Allowed || !strings.Contains(a.String(), name) {
			t.Errorf("want a refusal with %q, got %s", name, a)
		}
	}
	err := r.DB.View(t.Context(), func(tx *store.Tx) error {
		a, err := r.Authorize(tx, with(*session, func(c *Caller) { c.OnBehalfOf = &token.IdentityContext{UserID: "broken"} }), Access{Action: "sso:ListInstances"})
		if a.Allowed {
			t.Error("allowed though the directory does not answer")
		}
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "the directory does not answer") {
		t.Errorf("a directory that does not answer decides: %v", err)
	}
	r.UserEnabled = nil
	if a := r.ask(with(*session, func(c *Caller) { c.OnBehalfOf = &token.IdentityContext{UserID: "u2"} }), Access{Action: "sso:ListInstances"}); a.Allowed {
		t.Error("somebody acts for a user nobody vouches for")
	}
	r.update(func(tx *store.Tx) error { return DeleteUser(tx, ours, "alice") })
	r.addUser(User{AccountID: ours, Name: "alice", Attached: []string{AdministratorAccess}})
	if a := r.ask(user, Access{Action: "sso:ListInstances"}); a.Allowed {
		t.Error("a user made again inherits the old one's caller")
	}
}

// TestBrokenPoliciesDeny: a document that no longer parses, or a policy that is gone, could have denied, and so does.
func TestBrokenPoliciesDeny(t *testing.T) {
	r := newRoom(t)
	arn := "arn:aws:iam::" + ours + ":policy/x"
	key := r.addUser(User{AccountID: ours, Name: "alice", Attached: []string{AdministratorAccess}})
	c := r.caller(key)
	for want, change := range map[string]func(*User){
		"does not parse":                        func(u *User) { u.Inline = map[string]string{"bad": `{"Version":"2012-10-17"}`} },
		"policy " + arn + ": store: not found":  func(u *User) { u.Attached = append([]string{arn}, u.Attached...) },
		"policy " + arn + ": store: not found ": func(u *User) { u.Boundary = arn },
	} {
		r.update(func(tx *store.Tx) error {
			u, err := GetUser(tx, ours, "alice")
			if err != nil {
				return err
			}
			u.Inline, u.Boundary, u.Attached = nil, "", []string{AdministratorAccess}
			change(&u)
			return users.Put(tx, u) // past the checks, as an older version or a hand in the database may have left it
		})
		if a := r.ask(c, Access{Action: "sso:ListInstances"}); a.Allowed || !strings.Contains(a.String(), strings.TrimSpace(want)) {
			t.Errorf("want a refusal with %q, got %s", want, a)
		}
	}
}

// TestManagedPoliciesStayInTheirAccount: the same policy name in another account grants nothing.
func TestManagedPoliciesStayInTheirAccount(t *testing.T) {
	r := newRoom(t)
	r.update(func(tx *store.Tx) error {
		return PutManagedPolicy(tx, ManagedPolicy{AccountID: theirs, Name: "power", Document: grants("*")})
	})
	code := r.fails(func(tx *store.Tx) error {
		return PutUser(tx, User{AccountID: ours, Name: "alice", Attached: []string{"arn:aws:iam::" + theirs + ":policy/power"}})
	})
	if code != "NoSuchEntity" {
		t.Errorf("got %s", code)
	}
}

func TestBuiltinPoliciesParse(t *testing.T) {
	for arn, document := range builtin {
		if _, err := policy.Parse(policy.Identity, arn, []byte(document)); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if e, ok := parseEntity(arn); !ok || e.kind != "policy" || e.account != "aws" {
			t.Errorf("%s is no policy ARN", arn)
		}
	}
	r := newRoom(t)
	c := r.caller(r.addUser(User{AccountID: ours, Name: "reader", Attached: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}}))
	for action, want := range map[string]bool{
		"sso:ListInstances": true, "identitystore:DescribeUser": true, "iam:GetRole": true,
		"sso:CreateApplication": false, "identitystore:DeleteUser": false, "sso-oauth:CreateTokenWithIAM": false, "sts:AssumeRole": false,
	} {
		if a := r.ask(c, Access{Action: action}); a.Allowed != want {
			t.Errorf("ReadOnlyAccess: %s: %s", action, a)
		}
	}
}
