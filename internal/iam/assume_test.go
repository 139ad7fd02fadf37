package iam

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/token"
)

func TestGetCallerIdentity(t *testing.T) {
	r := newRoom(t)
	nobody := r.addUser(User{AccountID: ours, Name: "nobody", Inline: inline(denies("*"))}) // no permission is needed
	root := r.addKey(ours, "")
	trusted := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:AssumeRole"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "")})
	session := r.session(trusted, role.ARN(), "Policy", denies("*"))
	for _, k := range []keypair{nobody, root, session} {
		c := r.caller(k)
		a := r.call(k, "GetCallerIdentity")
		a.wants(t, 200, "")
		if a.identity != [3]string{ours, c.ARN, c.UserID} || a.requestID == "" {
			t.Errorf("%s was told %v", c.ARN, a.identity)
		}
	}
	for name, c := range map[string]struct {
		key  keypair
		code string
	}{
		"unsigned":             {keypair{}, "MissingAuthenticationToken"},
		"unknown key":          {keypair{id: "AKIA0000000000000000", secret: "x"}, "InvalidClientTokenId"},
		"wrong secret":         {keypair{id: nobody.id, secret: root.secret}, "SignatureDoesNotMatch"},
		"key with a token":     {keypair{nobody.id, nobody.secret, session.token}, "InvalidClientTokenId"},
		"session, no token":    {keypair{id: session.id, secret: session.secret}, "InvalidClientTokenId"},
		"session, wrong token": {keypair{session.id, session.secret, session.token + "A"}, "InvalidClientTokenId"},
		"session, own secret":  {keypair{session.id, "x", session.token}, "SignatureDoesNotMatch"},
	} {
		a := r.call(c.key, "GetCallerIdentity")
		if a.status != 403 || a.code != c.code {
			t.Errorf("%s: %d %s (%s), want 403 %s", name, a.status, a.code, a.message, c.code)
		}
	}
	r.advance(time.Hour)
	r.call(session, "GetCallerIdentity").wants(t, 403, "ExpiredToken")
}

func TestAssumeRole(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:AssumeRole"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", Path: "/x/y/", TrustPolicy: trusts(ours, ""), MaxSessionDuration: 7200})
	a := r.assume(alice, role.ARN(), "DurationSeconds", "7200")
	a.wants(t, 200, "")
	if a.arn != "arn:aws:sts::"+ours+":assumed-role/app/work" || a.id != role.ID+":work" || !strings.HasPrefix(a.keys.id, "ASIA") || a.packed != "" {
		t.Errorf("answered %+v", a)
	}
	if expires, err := time.Parse(time.RFC3339, a.expires); err != nil || time.Until(expires) > 2*time.Hour || time.Until(expires) < 2*time.Hour-time.Minute {
		t.Errorf("expires %s", a.expires)
	}
	if a.size != fmt.Sprint(len(a.keys.token)) {
		t.Errorf("SessionTokenSize is %s of %d", a.size, len(a.keys.token))
	}
	call := r.last.Load()
	if call.Resources[0] != role.ARN() || len(call.Audit) != 0 {
		t.Errorf("resources %v, audit %v", call.Resources, call.Audit)
	}
	if s := fmt.Sprint(call.ResponseElements()); strings.Contains(s, a.keys.secret) || strings.Contains(s, a.keys.token) {
		t.Error("a secret is in the response elements")
	}
}

// TestAssumeRoleTrust: who may assume what.
func TestAssumeRoleTrust(t *testing.T) {
	r := newRoom(t)
	may := inline(grants("sts:*"))
	key := map[string]keypair{
		"alice":  r.addUser(User{AccountID: ours, Name: "alice", Inline: may}),
		"weak":   r.addUser(User{AccountID: ours, Name: "weak"}),
		"denied": r.addUser(User{AccountID: ours, Name: "denied", Inline: map[string]string{"a": grants("sts:*"), "b": denies("sts:AssumeRole")}}),
		"theirs": r.addUser(User{AccountID: theirs, Name: "alice", Inline: may}),
		"weaker": r.addUser(User{AccountID: theirs, Name: "weak"}),
		"root":   r.addKey(ours, ""),
	}
	roles := map[string]string{}
	add := func(name, trust string) {
		roles[name] = r.addRole(Role{AccountID: ours, Name: name, TrustPolicy: trust}).ARN()
	}
	user := func(account, name string) string { return "arn:aws:iam::" + account + ":user/" + name }
	add("account", trusts(ours, ""))
	add("alice", trusts(user(ours, "alice"), ""))
	add("weak", trusts(user(ours, "weak"), ""))
	add("their-account", trusts(theirs, ""))
	add("their-weak", trusts(user(theirs, "weak"), ""))
	add("denied", trusts(user(ours, "denied"), ""))
	add("external", trusts(theirs, `{"StringEquals":{"sts:ExternalId":"42"}}`))
	add("named", trusts(ours, `{"StringLike":{"sts:RoleSessionName":"w*k"}}`))
	add("self", trusts(ours, `{"StringEquals":{"sts:RoleSessionName":"${aws:username}"}}`))
	roles["unknown"] = "arn:aws:iam::" + ours + ":role/unknown"
	roles["wrong path"] = "arn:aws:iam::" + ours + ":role/x/account"
	roles["wrong account"] = "arn:aws:iam::" + theirs + ":role/account"
	roles["wrong case"] = "arn:aws:iam::" + ours + ":role/Account"
	for _, c := range []struct {
		who, role string
		members   []string
		ok        bool
	}{
		{"alice", "account", nil, true},
		{"weak", "account", nil, false}, // the account is trusted, the user's policies must allow
		{"denied", "account", nil, false},
		{"theirs", "account", nil, false}, // C11
		{"alice", "alice", nil, true},
		{"theirs", "alice", nil, false},
		{"weak", "weak", nil, true}, // named directly in its own account
		{"alice", "weak", nil, false},
		{"theirs", "their-account", nil, true},
		{"weaker", "their-account", nil, false},
		{"alice", "their-account", nil, false},
		{"weaker", "their-weak", nil, false}, // across accounts both must allow
		{"denied", "denied", nil, false},
		{"theirs", "external", []string{"ExternalId", "42"}, true},
		{"theirs", "external", []string{"ExternalId", "43"}, false},
		{"theirs", "external", nil, false},
		{"alice", "named", nil, true},
		{"alice", "named", []string{"RoleSessionName", "walkers"}, false},
		{"alice", "self", []string{"RoleSessionName", "alice"}, true},
		{"alice", "self", []string{"RoleSessionName", "bob"}, false},
		{"alice", "unknown", nil, false},
		{"alice", "wrong path", nil, false},
		{"alice", "wrong account", nil, false},
		{"alice", "wrong case", nil, false},
	} {
		a := r.assume(key[c.who], roles[c.role], c.members...)
		if (a.status == 200) != c.ok {
			t.Errorf("%s → %s %v: %d %s %s (%v)", c.who, c.role, c.members, a.status, a.code, a.message, r.last.Load().Err)
		}
		// A role that is not there and one that is forbidden sound the same.
		if want := "User: " + r.caller(key[c.who]).ARN + " is not authorized to perform: sts:AssumeRole on resource: " + roles[c.role]; !c.ok &&
			(a.status != 403 || a.code != "AccessDenied" || a.message != want) {
			t.Errorf("%s → %s: %d %s %q", c.who, c.role, a.status, a.code, a.message)
		}
		if e := r.last.Load().Err; !c.ok && (e == nil || e.Reason == "") {
			t.Errorf("%s → %s: no reason for the audit", c.who, c.role)
		}
	}
	for _, role := range []string{"account", "unknown"} {
		r.assume(key["root"], roles[role]).wants(t, 403, "AccessDenied", "Roles may not be assumed by root accounts.")
	}
}

// TestAssumeRoleInput: what is wrong with a request is said whether or not the role exists.
func TestAssumeRoleInput(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "", "sts:*")})
	many := func(n int, member func(i int) []string) (list []string) {
		for i := range n {
			list = append(list, member(i+1)...)
		}
		return list
	}
	tags := func(n int) []string {
		return many(n, func(i int) []string {
			return []string{fmt.Sprintf("Tags.member.%d.Key", i), fmt.Sprint("k", i), fmt.Sprintf("Tags.member.%d.Value", i), "v"}
		})
	}
	longTags := many(50, func(i int) []string {
		_, one := NewAccessKey()
		_, two := NewAccessKey()
		return []string{fmt.Sprintf("Tags.member.%d.Key", i), one, fmt.Sprintf("Tags.member.%d.Value", i), two}
	})
	provider := []string{"ProvidedContexts.member.1.ProviderArn", IdentityContextProvider, "ProvidedContexts.member.1.ContextAssertion", "rubbish"}
	for _, c := range []struct {
		name    string
		members []string
		status  int
		code    string
		says    string
	}{
		{"no session name", []string{"RoleSessionName", ""}, 400, "ValidationError", "roleSessionName"},
		{"bad session name", []string{"RoleSessionName", "a b"}, 400, "ValidationError", "roleSessionName"},
		{"no ARN", []string{"RoleArn", strings.Repeat("x", 30)}, 400, "ValidationError", "is invalid"},
		{"a user's ARN", []string{"RoleArn", "arn:aws:iam::" + ours + ":user/alice"}, 400, "ValidationError", "is invalid"},
		{"a session's ARN", []string{"RoleArn", "arn:aws:sts::" + ours + ":assumed-role/app/work"}, 400, "ValidationError", "is invalid"},
		{"AWS's role", []string{"RoleArn", "arn:aws:iam::aws:role/abcdefgh"}, 400, "ValidationError", "is invalid"},
		{"too short", []string{"DurationSeconds", "899"}, 400, "ValidationError", "durationSeconds"},
		{"too long", []string{"DurationSeconds", "43201"}, 400, "ValidationError", "durationSeconds"},
		{"longer than the role allows", []string{"DurationSeconds", "3601"}, 400, "ValidationError", "exceeds the MaxSessionDuration set for this role"},
		{"no number", []string{"DurationSeconds", "1h"}, 400, "", ""},
		{"bad policy", []string{"Policy", "{}"}, 400, "MalformedPolicyDocument", ""},
		{"policy with a principal", []string{"Policy", trusts(ours, "")}, 400, "MalformedPolicyDocument", ""},
		{"long policy", []string{"Policy", grants("*") + strings.Repeat(" ", 2048)}, 400, "PackedPolicyTooLarge", "2048"},
		{"no policy ARN", []string{"PolicyArns.member.1.arn", "arn:aws:iam::aws:role/AdministratorAccess"}, 400, "ValidationError", "is invalid"},
		{"another account's policy", []string{"PolicyArns.member.1.arn", "arn:aws:iam::" + theirs + ":policy/p"}, 400, "ValidationError", "is invalid"},
		{"unknown policy", []string{"PolicyArns.member.1.arn", "arn:aws:iam::" + ours + ":policy/p"}, 400, "ValidationError", "does not exist"},
		{"eleven policies", many(11, func(i int) []string {
			return []string{fmt.Sprintf("PolicyArns.member.%d.arn", i), AdministratorAccess}
		}), 400, "ValidationError", "policyArns"},
		{"51 tags", tags(51), 400, "ValidationError", "tags"},
		{"tag twice", []string{"Tags.member.1.Key", "a", "Tags.member.1.Value", "1", "Tags.member.2.Key", "A", "Tags.member.2.Value", "2"}, 400, "ValidationError", "Duplicate tag keys"},
		{"AWS's tag", []string{"Tags.member.1.Key", "Aws:a", "Tags.member.1.Value", "1"}, 400, "ValidationError", "prefix of 'aws'"},
		{"tags too large", longTags, 400, "PackedPolicyTooLarge", "Packed size"},
		{"transitive, not there", []string{"TransitiveTagKeys.member.1", "a"}, 400, "ValidationError", "must be included"},
		{"source identity of AWS", []string{"SourceIdentity", "aws:"}, 400, "ValidationError", ""},
		{"half an MFA", []string{"TokenCode", "123456"}, 403, "AccessDenied", "MultiFactorAuthentication failed"},
		{"an MFA", []string{"TokenCode", "123456", "SerialNumber", "arn:aws:iam::x"}, 403, "AccessDenied", "MultiFactorAuthentication failed"},
		{"rubbish context", provider, 400, "ValidationError", "context assertion is invalid"},
		{"another provider", append([]string{provider[0], "arn:aws:iam::aws:contextProvider/Other"}, provider[2:]...), 400, "ValidationError", "not known"},
		{"no assertion", provider[:2], 400, "ValidationError", "ContextAssertion"},
		{"two contexts", append([]string{"ProvidedContexts.member.2.ProviderArn", IdentityContextProvider}, provider...), 400, "ValidationError", "Only one"},
	} {
		for _, arn := range []string{role.ARN(), "arn:aws:iam::" + ours + ":role/unknown"} {
			if c.name == "longer than the role allows" || c.name == "unknown policy" {
				arn = role.ARN()
			}
			a := r.assume(alice, arn, c.members...)
			if a.status != c.status || c.code != "" && a.code != c.code || !strings.Contains(a.message, c.says) {
				t.Errorf("%s: %d %s %q, want %d %s %q", c.name, a.status, a.code, a.message, c.status, c.code, c.says)
			}
		}
	}
	// What depends on the role is not told to those who may not assume it.
	weak := r.addUser(User{AccountID: ours, Name: "weak"})
	for _, members := range [][]string{{"DurationSeconds", "3601"}, {"PolicyArns.member.1.arn", "arn:aws:iam::" + ours + ":policy/p"}} {
		r.assume(weak, role.ARN(), members...).wants(t, 403, "AccessDenied")
	}
}

func TestAssumeRoleTags(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	untagged := r.addRole(Role{AccountID: ours, Name: "untagged", TrustPolicy: trusts(ours, "")})
	tagged := r.addRole(Role{AccountID: ours, Name: "tagged", TrustPolicy: trusts(ours, `{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","Cost"]}}`,
		"sts:AssumeRole", "sts:TagSession"), Inline: inline(grants("sts:*"))})
	red := r.addRole(Role{AccountID: ours, Name: "red", TrustPolicy: trusts(ours,
		`{"StringEquals":{"aws:PrincipalTag/Team":"red"}}`, "sts:AssumeRole", "sts:TagSession"), Inline: inline(grants("sts:*"))})
	team := []string{"Tags.member.1.Key", "Team", "Tags.member.1.Value", "red"}

	r.assume(alice, untagged.ARN(), team...).wants(t, 403, "AccessDenied", "sts:TagSession")
	r.assume(alice, tagged.ARN(), "Tags.member.1.Key", "Other", "Tags.member.1.Value", "x").wants(t, 403, "AccessDenied")
	r.assume(alice, red.ARN()).wants(t, 403, "AccessDenied")

	a := r.assume(alice, tagged.ARN(), append(team, "Tags.member.2.Key", "Cost", "Tags.member.2.Value", "1", "TransitiveTagKeys.member.1", "team")...)
	a.wants(t, 200, "")
	if a.packed == "" || a.packed == "0" {
		t.Errorf("PackedPolicySize is %q", a.packed)
	}
	b := r.assume(a.keys, red.ARN())
	b.wants(t, 200, "")
	c := r.caller(b.keys)
	if len(c.Tags) != 1 || c.Tags["Team"] != "red" || len(c.TransitiveTags) != 1 || c.HasSession {
		t.Errorf("the second session has %+v", c)
	}
	// What is handed down cannot be changed, and must be allowed like what is asked for.
	r.assume(a.keys, red.ARN(), "Tags.member.1.Key", "TEAM", "Tags.member.1.Value", "blue").wants(t, 400, "ValidationError", "cannot be changed")
	r.assume(a.keys, untagged.ARN()).wants(t, 403, "AccessDenied", "sts:TagSession")
}

func TestAssumeRoleSourceIdentity(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	plain := r.addRole(Role{AccountID: ours, Name: "plain", TrustPolicy: trusts(ours, "")})
	sourced := r.addRole(Role{AccountID: ours, Name: "sourced", Inline: inline(grants("sts:*")), TrustPolicy: trusts(ours,
		`{"StringLike":{"sts:SourceIdentity":"b*"}}`, "sts:AssumeRole", "sts:SetSourceIdentity")})
	r.assume(alice, plain.ARN(), "SourceIdentity", "bob").wants(t, 403, "AccessDenied", "sts:SetSourceIdentity")
	r.assume(alice, sourced.ARN(), "SourceIdentity", "carol").wants(t, 403, "AccessDenied")
	a := r.assume(alice, sourced.ARN(), "SourceIdentity", "bob")
	a.wants(t, 200, "")
	if a.source != "bob" {
		t.Errorf("SourceIdentity is %q", a.source)
	}
	r.assume(a.keys, sourced.ARN(), "SourceIdentity", "ben").wants(t, 403, "AccessDenied", "cannot be changed")
	r.assume(a.keys, plain.ARN()).wants(t, 403, "AccessDenied", "sts:SetSourceIdentity")
	if b := r.assume(a.keys, sourced.ARN()); b.source != "bob" {
		t.Errorf("the chained session has %q", b.source)
	}
}

func TestAssumeRoleChain(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", MaxSessionDuration: 43200, TrustPolicy: trusts(ours, ""), Inline: inline(grants("sts:*"))})
	k := r.session(alice, role.ARN(), "DurationSeconds", "43200")
	r.assume(k, role.ARN(), "DurationSeconds", "3601").wants(t, 400, "ValidationError", "1 hour session limit")
	// C10: a session that may not assume roles does not get one in its own account either.
	bound := r.session(alice, role.ARN(), "Policy", grants("sso:*"))
	r.assume(bound, role.ARN()).wants(t, 403, "AccessDenied")
	for range token.MaxDepth {
		k = r.session(k, role.ARN(), "DurationSeconds", "3600")
	}
	r.assume(k, role.ARN()).wants(t, 400, "ValidationError", "too long")
}

func TestAssumeRoleTokenSize(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice", Inline: inline(grants("sts:*"))})
	role := r.addRole(Role{AccountID: ours, Name: "app", TrustPolicy: trusts(ours, "")})
	for _, size := range []int{0, 1, 700, 1001, 1002, 1003, 4095, 4096} {
		a := r.assume(alice, role.ARN(), "MinimumSessionTokenSize", fmt.Sprint(size))
		a.wants(t, 200, "")
		if n := len(a.keys.token); n < size || size > 600 && n > size+12 {
			t.Errorf("asked for %d, got %d", size, n)
		}
		r.call(a.keys, "GetCallerIdentity").wants(t, 200, "")
	}
	r.assume(alice, role.ARN(), "MinimumSessionTokenSize", "4097").wants(t, 400, "ValidationError")
}

// TestUnknownAction and versions are refused in XML.
func TestUnknownAction(t *testing.T) {
	r := newRoom(t)
	alice := r.addUser(User{AccountID: ours, Name: "alice"})
	for _, action := range []string{"AssumeRoot", "getcalleridentity", "GetSessionToken"} {
		if a := r.call(alice, action); a.status/100 != 4 || a.code == "" {
			t.Errorf("%s: %d %s", action, a.status, a.code)
		}
	}
	// A handler that is reached without a caller refuses.
	if _, err := r.AssumeRole(t.Context(), &AssumeRoleInput{}); codeOf(err) != "AccessDenied" {
		t.Errorf("no caller: %v", err)
	}
	if _, err := r.GetCallerIdentity(t.Context(), &GetCallerIdentityInput{}); codeOf(err) != "AccessDenied" {
		t.Errorf("no caller: %v", err)
	}
}
