package ssoadmin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

// operationCase is what the table must hold for every operation: a call that succeeds, and what to break in it.
type operationCase struct {
	// in prepares what the call needs and returns its parameters.
	in func(t *testing.T, x *tenant) params
	// want are members of the answer, by path.
	want params
	// bad are changes to in, each of which makes it a ValidationException.
	bad []params
	// absent are changes to in that name what does not exist, beyond the ARNs, which are tried for all.
	absent []params
	// list is the answer's list; fill makes at least three of its members.
	list string
	fill func(t *testing.T, x *tenant)
	// whole: the operation has no MaxResults.
	whole bool
}

const unknownPrincipal = "00000000-0000-4000-8000-000000000000"

func application(_ *testing.T, x *tenant) params { return params{"ApplicationArn": x.application} }
func instance(_ *testing.T, x *tenant) params    { return params{"InstanceArn": x.instance} }
func issuer(_ *testing.T, x *tenant) params      { return params{"TrustedTokenIssuerArn": x.issuer} }
func none(*testing.T, *tenant) params            { return params{} }

func refreshGrant(_ *testing.T, x *tenant) params {
	return params{"ApplicationArn": x.application, "GrantType": "refresh_token", "Grant": params{"RefreshToken": params{}}}
}

func method(_ *testing.T, x *tenant) params {
	return params{"ApplicationArn": x.application, "AuthenticationMethodType": "IAM", "AuthenticationMethod": params{
		"Iam": params{"ActorPolicy": params{"Version": "2012-10-17", "Statement": []any{params{
			"Effect": "Allow", "Principal": params{"AWS": x.account},
			"Action": "sso-oauth:CreateTokenWithIAM", "Resource": "*",
		}}}},
	}}
}

func scope(_ *testing.T, x *tenant) params {
	return params{"ApplicationArn": x.application, "Scope": "wiki:read", "AuthorizedTargets": []string{x.other, x.instance}}
}

func assignment(_ *testing.T, x *tenant) params {
	return params{"ApplicationArn": x.application, "PrincipalType": "USER", "PrincipalId": x.user}
}

// after is in once operation has been called with it; only keeps those members.
func after(operation string, in func(*testing.T, *tenant) params, only ...string) func(*testing.T, *tenant) params {
	return func(t *testing.T, x *tenant) params {
		p := in(t, x)
		x.ok(t, operation, p)
		kept := params{}
		for _, name := range only {
			kept[name] = p[name]
		}
		return kept
	}
}

func operationCases() map[string]operationCase {
	return map[string]operationCase{
		"ListInstances": {in: none, want: params{"Instances.0.OwnerAccountId": "111122223333", "Instances.0.Status": "ACTIVE"},
			bad: []params{{"RegionScope": "NOWHERE"}, {"MaxResults": 0}}, list: "Instances", fill: moreInstances},
		"DescribeInstance": {in: instance, want: params{"Name": "main", "IdentityStoreId": "d-1111111111", "PrimaryRegion": "us-east-1"},
			bad: []params{{"InstanceArn": "arn:aws:sso:::instance/x"}}},

		"CreateApplication": {in: func(_ *testing.T, x *tenant) params {
			return params{"InstanceArn": x.instance, "ApplicationProviderArn": CustomProvider, "Name": "new", "ClientToken": "t-1",
				"Tags": []params{{"Key": "team", "Value": "web"}}}
		}, bad: []params{{"Name": ""}, {"Name": strings.Repeat("n", 101)}, {"Status": "MAYBE"}, {"Description": ""},
			{"ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom-saml"},
			{"PortalOptions": params{"SignInOptions": params{"Origin": "APPLICATION"}}},
			{"PortalOptions": params{"SignInOptions": params{"Origin": "APPLICATION", "ApplicationUrl": "javascript:alert(1)"}}},
			{"Tags": []params{{"Key": "aws:x", "Value": ""}}},
			{"Tags": []params{{"Key": "x", "Value": ""}, {"Key": "x", "Value": ""}}}}},
		"DescribeApplication": {in: application, want: params{"Name": "wiki", "Status": "ENABLED", "ApplicationAccount": "111122223333",
			"ApplicationProviderArn": CustomProvider, "PortalOptions.Visibility": "ENABLED", "CreatedFrom": "us-east-1"}},
		"UpdateApplication": {in: func(_ *testing.T, x *tenant) params {
			return params{"ApplicationArn": x.application, "Name": "renamed", "Status": "DISABLED"}
		}, bad: []params{{"Status": "MAYBE"}, {"PortalOptions": params{"SignInOptions": params{"Origin": "APPLICATION"}}}}},
		"DeleteApplication": {in: application},
		"ListApplications": {in: instance, bad: []params{{"Filter": params{"ApplicationAccount": "1"}}}, list: "Applications",
			fill: func(t *testing.T, x *tenant) { x.newApplication(t, "third") }},

		"ListApplicationProviders": {in: none, want: params{"ApplicationProviders.0.FederationProtocol": "OAUTH"}, bad: []params{{"MaxResults": 101}}},
		"DescribeApplicationProvider": {in: func(*testing.T, *tenant) params { return params{"ApplicationProviderArn": CustomProvider} },
			want: params{"ApplicationProviderArn": CustomProvider}},

		"PutApplicationGrant": {in: refreshGrant, bad: []params{{"GrantType": "authorization_code"}, {"GrantType": "password"},
			{"Grant": params{}}, {"Grant": params{"RefreshToken": params{}, "TokenExchange": params{}}}}},
		"GetApplicationGrant": {in: after("PutApplicationGrant", refreshGrant, "ApplicationArn", "GrantType"),
			want: params{"Grant.RefreshToken": params{}}, bad: []params{{"GrantType": "password"}}, absent: []params{{"GrantType": "authorization_code"}}},
		"ListApplicationGrants": {in: application, list: "Grants", whole: true, fill: moreGrants},
		"DeleteApplicationGrant": {in: after("PutApplicationGrant", refreshGrant, "ApplicationArn", "GrantType"),
			absent: []params{{"GrantType": "authorization_code"}}},

		"PutApplicationAuthenticationMethod": {in: method, bad: []params{{"AuthenticationMethodType": "OTHER"},
			{"AuthenticationMethod": params{}}, {"AuthenticationMethod": params{"Iam": params{"ActorPolicy": "{}"}}}}},
		"GetApplicationAuthenticationMethod": {in: after("PutApplicationAuthenticationMethod", method, "ApplicationArn", "AuthenticationMethodType"),
			want: params{"AuthenticationMethod.Iam.ActorPolicy.Version": "2012-10-17"}},
		"ListApplicationAuthenticationMethods": {in: after("PutApplicationAuthenticationMethod", method, "ApplicationArn"),
			want: params{"AuthenticationMethods.0.AuthenticationMethodType": "IAM"}},
		"DeleteApplicationAuthenticationMethod": {in: after("PutApplicationAuthenticationMethod", method, "ApplicationArn", "AuthenticationMethodType")},

		"PutApplicationAccessScope": {in: scope, bad: []params{{"Scope": "a:b:c:d"}, {"Scope": "a b"}, {"Scope": ""}, {"AuthorizedTargets": []string{}},
			{"AuthorizedTargets": []string{"*"}}}},
		"GetApplicationAccessScope": {in: after("PutApplicationAccessScope", scope, "ApplicationArn", "Scope"), want: params{"Scope": "wiki:read"},
			absent: []params{{"Scope": "wiki:write"}}},
		"ListApplicationAccessScopes":  {in: application, list: "Scopes", fill: moreScopes, bad: []params{{"MaxResults": 11}}},
		"DeleteApplicationAccessScope": {in: after("PutApplicationAccessScope", scope, "ApplicationArn", "Scope"), absent: []params{{"Scope": "wiki:write"}}},

		"PutApplicationAssignmentConfiguration": {in: func(_ *testing.T, x *tenant) params {
			return params{"ApplicationArn": x.application, "AssignmentRequired": false}
		}},
		"GetApplicationAssignmentConfiguration": {in: application, want: params{"AssignmentRequired": true}},
		"CreateApplicationAssignment":           {in: assignment, bad: []params{{"PrincipalType": "ROBOT"}, {"PrincipalId": "ada"}}, absent: []params{{"PrincipalId": unknownPrincipal}, {"PrincipalType": "GROUP"}}},
		"DescribeApplicationAssignment": {in: after("CreateApplicationAssignment", assignment, "ApplicationArn", "PrincipalType", "PrincipalId"),
			want: params{"PrincipalType": "USER"}, absent: []params{{"PrincipalId": unknownPrincipal}, {"PrincipalType": "GROUP"}}},
		"DeleteApplicationAssignment": {in: after("CreateApplicationAssignment", assignment, "ApplicationArn", "PrincipalType", "PrincipalId"),
			absent: []params{{"PrincipalId": unknownPrincipal}, {"PrincipalType": "GROUP"}}},
		"ListApplicationAssignments": {in: application, list: "ApplicationAssignments", fill: moreAssignments},
		"ListApplicationAssignmentsForPrincipal": {in: func(_ *testing.T, x *tenant) params {
			return params{"InstanceArn": x.instance, "PrincipalType": "USER", "PrincipalId": x.user}
		}, list: "ApplicationAssignments", fill: moreAssignmentsForPrincipal, absent: []params{{"PrincipalId": unknownPrincipal}}},

		"PutApplicationSessionConfiguration": {in: func(_ *testing.T, x *tenant) params {
			return params{"ApplicationArn": x.application, "UserBackgroundSessionApplicationStatus": "ENABLED"}
		}, bad: []params{{"UserBackgroundSessionApplicationStatus": "MAYBE"}}},
		"GetApplicationSessionConfiguration": {in: application, want: params{"UserBackgroundSessionApplicationStatus": "DISABLED"}},

		"CreateTrustedTokenIssuer": {in: func(_ *testing.T, x *tenant) params { return x.issuerParams("second") },
			bad: []params{{"Name": "a b"}, {"TrustedTokenIssuerType": "SAML"}, {"TrustedTokenIssuerConfiguration": params{}}}},
		"DescribeTrustedTokenIssuer": {in: issuer, want: params{"Name": "idp",
			"TrustedTokenIssuerConfiguration.OidcJwtConfiguration.IssuerUrl": "https://idp.example"}},
		"UpdateTrustedTokenIssuer": {in: func(_ *testing.T, x *tenant) params {
			return params{"TrustedTokenIssuerArn": x.issuer, "Name": "idp2", "TrustedTokenIssuerConfiguration": params{
				"OidcJwtConfiguration": params{"ClaimAttributePath": "sub", "IdentityStoreAttributePath": "userName"}}}
		}, bad: []params{{"Name": "a b"}, {"TrustedTokenIssuerConfiguration": params{"OidcJwtConfiguration": params{"IdentityStoreAttributePath": "shoe.size"}}}}},
		"DeleteTrustedTokenIssuer": {in: issuer},
		"ListTrustedTokenIssuers": {in: instance, list: "TrustedTokenIssuers", fill: func(t *testing.T, x *tenant) {
			x.newIssuer(t, "second")
			x.newIssuer(t, "third")
		}},

		"TagResource": {in: func(_ *testing.T, x *tenant) params {
			return params{"InstanceArn": x.instance, "ResourceArn": x.application, "Tags": []params{{"Key": "team", "Value": "web"}}}
		}, bad: []params{{"Tags": []params{{"Key": "aws:x", "Value": ""}}}, {"Tags": []params{{"Key": "*", "Value": ""}}}}},
		"UntagResource": {in: func(_ *testing.T, x *tenant) params {
			return params{"ResourceArn": x.issuer, "TagKeys": []string{"team"}}
		}, bad: []params{{"TagKeys": []string{}}}},
		"ListTagsForResource": {in: func(_ *testing.T, x *tenant) params { return params{"ResourceArn": x.instance} }, list: "Tags", whole: true,
			fill: func(t *testing.T, x *tenant) {
				x.ok(t, "TagResource", params{"ResourceArn": x.instance, "Tags": []params{{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}, {"Key": "c", "Value": "3"}}})
			}},
	}
}

func moreInstances(t *testing.T, x *tenant) {
	x.h.update(t, func(tx *store.Tx) error {
		for i := range 2 {
			err := PutInstance(tx, Instance{ARN: NewInstanceARN(), OwnerAccountID: x.account, IdentityStoreID: fmt.Sprintf("d-22222222%02d", i), Region: "us-east-1"})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func moreGrants(t *testing.T, x *tenant) {
	x.ok(t, "PutApplicationGrant", refreshGrant(t, x))
	x.ok(t, "PutApplicationGrant", params{"ApplicationArn": x.application, "GrantType": GrantTokenExchange, "Grant": params{"TokenExchange": params{}}})
	x.ok(t, "PutApplicationGrant", params{"ApplicationArn": x.application, "GrantType": GrantAuthorizationCode,
		"Grant": params{"AuthorizationCode": params{"RedirectUris": []string{"https://wiki.example/cb"}}}})
	x.ok(t, "PutApplicationGrant", params{"ApplicationArn": x.application, "GrantType": GrantJWTBearer,
		"Grant": params{"JwtBearer": params{"AuthorizedTokenIssuers": []params{{"TrustedTokenIssuerArn": x.issuer, "AuthorizedAudiences": []string{"wiki"}}}}}})
}

func moreScopes(t *testing.T, x *tenant) {
	for _, name := range []string{"wiki:read", "wiki:write", "openid", "sts:identity_context"} {
		x.ok(t, "PutApplicationAccessScope", with(scope(t, x), params{"Scope": name}))
	}
}

func moreAssignments(t *testing.T, x *tenant) {
	x.ok(t, "CreateApplicationAssignment", assignment(t, x))
	x.ok(t, "CreateApplicationAssignment", params{"ApplicationArn": x.application, "PrincipalType": "GROUP", "PrincipalId": x.group})
	x.h.update(t, func(tx *store.Tx) error {
		user, err := identitystore.PutUser(tx, identitystore.User{StoreID: x.directory, UserName: "bob", Enabled: true})
		if err == nil {
			_, err = x.h.Assign(tx, x.application, PrincipalUser, user.ID)
		}
		return err
	})
}

func moreAssignmentsForPrincipal(t *testing.T, x *tenant) {
	for _, arn := range []string{x.application, x.other, x.newApplication(t, "third")} {
		x.ok(t, "CreateApplicationAssignment", with(assignment(t, x), params{"ApplicationArn": arn}))
	}
}

// TestEveryOperationHasCases: an operation without cases is a failing test.
func TestEveryOperationHasCases(t *testing.T) {
	cases := operationCases()
	for _, o := range (&Server{}).Service().Operations {
		if _, ok := cases[o.Name]; !ok {
			t.Errorf("no cases for %s", o.Name)
		}
		delete(cases, o.Name)
	}
	for name := range cases {
		t.Errorf("cases for %s, which is not an operation", name)
	}
}

func TestOperations(t *testing.T) {
	for name, c := range operationCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			in := c.in(t, h.a)
			c.testDenied(t, h, name, in)
			c.testInvalid(t, h, name, in)
			c.testAbsent(t, h, name, in)
			c.testHappy(t, h, name, in)
			if strings.HasPrefix(name, "List") {
				c.testPaged(t, h, name, in)
			}
		})
	}
}

func (c operationCase) testHappy(t *testing.T, h *house, name string, in params) {
	out := h.a.ok(t, name, in)
	for path, want := range c.want {
		if got := at(out, path); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s of the answer is %v, want %v (%v)", path, got, want, out)
		}
	}
}

// at walks a path such as Instances.0.Status.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case params:
			v = x[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (c operationCase) testDenied(t *testing.T, h *house, name string, in params) {
	h.refused["sso:"+name] = true
	h.a.refused(t, name, in, "AccessDeniedException")
	delete(h.refused, "sso:"+name)
	// Nothing is served to a call that has no caller, even if everybody else let it through.
	if kind, out := h.call(t, "", name, in); kind != "AccessDeniedException" {
		t.Errorf("%s without a caller = %v", name, out)
	}
}

func (c operationCase) testInvalid(t *testing.T, h *house, name string, in params) {
	for member := range in {
		if slices.Contains([]string{"Status", "UserBackgroundSessionApplicationStatus", "ClientToken", "AuthorizedTargets"}, member) ||
			member == "InstanceArn" && in["ResourceArn"] != nil || member == "Tags" && name != "TagResource" ||
			strings.HasPrefix(name, "Update") && !strings.HasSuffix(member, "Arn") {
			continue // optional
		}
		h.a.refused(t, name, with(in, params{member: nil}), "ValidationException")
	}
	for _, change := range c.bad {
		h.a.refused(t, name, with(in, change), "ValidationException")
	}
	h.a.refused(t, name, `{"InstanceArn":"a","InstanceArn":"b"}`, "SerializationException")
}

func (c operationCase) testAbsent(t *testing.T, h *house, name string, in params) {
	for member, v := range in {
		arn, ok := v.(string)
		if !ok || !strings.HasSuffix(member, "Arn") {
			continue
		}
		if name == "CreateApplication" && member == "ApplicationProviderArn" {
			continue // a provider that is not custom cannot be used, whether it exists or not
		}
		unknown := arn[:len(arn)-4] + "0000"
		h.a.refused(t, name, with(in, params{member: unknown}), "ResourceNotFoundException")
	}
	for _, change := range c.absent {
		h.a.refused(t, name, with(in, change), "ResourceNotFoundException")
	}
}

func (c operationCase) testPaged(t *testing.T, h *house, name string, in params) {
	h.a.refused(t, name, with(in, params{"NextToken": "Zm9yZ2Vk"}), "ValidationException")
	h.a.refused(t, name, with(in, params{"NextToken": *h.Pages.Seal("ListSomethingElse", h.a.account, []string{"x"})}), "ValidationException")
	if c.fill == nil {
		return
	}
	c.fill(t, h.a)
	all := at(h.a.ok(t, name, in), c.list).([]any)
	if len(all) < 3 {
		t.Fatalf("the list has %d members, want at least 3", len(all))
	}
	if c.whole {
		return
	}
	var paged []any
	page := with(in, params{"MaxResults": 1})
	for {
		out := h.a.ok(t, name, page)
		rows := out[c.list].([]any)
		if paged = append(paged, rows...); len(rows) != 1 || len(paged) > len(all) {
			t.Fatalf("a page has %d members, %d so far", len(rows), len(paged))
		}
		token, ok := out["NextToken"].(string)
		if !ok {
			break
		}
		if kind, out := h.call(t, h.b.account, name, with(page, params{"NextToken": token})); kind == "" {
			t.Errorf("another account continues the listing: %v", out)
		}
		page = with(page, params{"NextToken": token})
	}
	if fmt.Sprint(paged) != fmt.Sprint(all) {
		t.Errorf("page by page: %v\nat once: %v", paged, all)
	}
}
