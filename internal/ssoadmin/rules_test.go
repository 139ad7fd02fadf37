package ssoadmin

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

func TestClientToken(t *testing.T) {
	h := open(t)
	in := params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "once", "ClientToken": "token-1"}
	first := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again != first {
		t.Errorf("the same token made %v and %v", first, again)
	}
	h.a.refused(t, "CreateApplication", with(in, params{"Name": "twice"}), "ConflictException")
	if other := h.a.ok(t, "CreateApplication", with(in, params{"ClientToken": "token-2"}))["ApplicationArn"]; other == first {
		t.Error("another token made the same application")
	}
	// A token belongs to the account that used it, and to the operation.
	h.b.ok(t, "CreateApplication", with(in, params{"InstanceArn": h.b.instance}))
	h.a.ok(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("other"), params{"ClientToken": "token-1"}))
	h.a.refused(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("another"), params{"ClientToken": "token-1"}), "ConflictException")

	h.clock = h.clock.Add(clientTokenLife - time.Second)
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again != first {
		t.Error("the token is forgotten before its time")
	}
	h.clock = h.clock.Add(time.Second)
	if again := h.a.ok(t, "CreateApplication", in)["ApplicationArn"]; again == first {
		t.Error("the token is remembered after its time")
	}
	// A create that failed is not remembered.
	h.a.refused(t, "CreateApplication", with(in, params{"ClientToken": "token-3", "Tags": []params{{"Key": "aws:x", "Value": ""}}}), "ValidationException")
	h.a.ok(t, "CreateApplication", with(in, params{"ClientToken": "token-3"}))
}

func TestClientTokenRace(t *testing.T) {
	h := open(t)
	in := params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "race", "ClientToken": "t"}
	arns := make(chan any, 8)
	for range cap(arns) {
		go func() {
			_, out := h.call(t, h.a.account, "CreateApplication", in)
			arns <- out["ApplicationArn"]
		}()
	}
	seen := map[any]bool{}
	for range cap(arns) {
		seen[<-arns] = true
	}
	if len(seen) != 1 || seen[nil] {
		t.Errorf("one token made %v", seen)
	}
}

func TestReservedTags(t *testing.T) {
	h := open(t)
	set := func(arn, key, value string) params {
		return params{"ResourceArn": arn, "Tags": []params{{"Key": key, "Value": value}}}
	}
	for _, bad := range []params{
		set(h.a.application, "symbolon:unknown", "x"), set(h.a.application, "Symbolon:access-token-format", "jwt"),
		set(h.a.application, tagAccessTokenFormat, "JWT"), set(h.a.application, tagSigningAlgorithm, "none"),
		set(h.a.application, tagAdditionalAlgorithms, "ES384"), set(h.a.issuer, tagAdditionalAlgorithms, "ES384 none"),
		set(h.a.issuer, tagAdditionalAlgorithms, "HS256"), set(h.a.instance, tagAccessTokenFormat, "jwt"),
	} {
		h.a.refused(t, "TagResource", bad, "ValidationException")
	}
	h.a.ok(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "jwt"))
	h.a.ok(t, "TagResource", set(h.a.application, tagSigningAlgorithm, "RS256"))
	h.a.ok(t, "TagResource", set(h.a.issuer, tagAdditionalAlgorithms, "ES384 RS256 EdDSA"))
	h.update(t, func(tx *store.Tx) error {
		a, err1 := GetApplication(tx, h.a.application)
		i, err2 := GetTrustedTokenIssuer(tx, h.a.issuer)
		if a.AccessTokenFormat() != token.JWT || a.SigningAlgorithm() != token.RS256 {
			t.Errorf("format %s, algorithm %s", a.AccessTokenFormat(), a.SigningAlgorithm())
		}
		if got := i.AllowedAlgorithms(); !slices.Equal(got, []string{"RS256", "ES256", "ES384", "EdDSA"}) {
			t.Errorf("allowed algorithms %v", got)
		}
		return errors.Join(err1, err2)
	})

	// Whoever may only tag may not change how tokens are made.
	h.refused["sso:UpdateApplication"], h.refused["sso:UpdateTrustedTokenIssuer"] = true, true
	h.a.refused(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "opaque"), "AccessDeniedException")
	h.a.refused(t, "TagResource", set(h.a.issuer, tagAdditionalAlgorithms, "PS256"), "AccessDeniedException")
	h.a.refused(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{tagSigningAlgorithm}}, "AccessDeniedException")
	h.a.refused(t, "CreateApplication", params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "n",
		"Tags": []params{{"Key": tagAccessTokenFormat, "Value": "jwt"}}}, "AccessDeniedException")
	h.a.refused(t, "CreateTrustedTokenIssuer", with(h.a.issuerParams("n"), params{
		"Tags": []params{{"Key": tagAdditionalAlgorithms, "Value": "ES384"}}}), "AccessDeniedException")
	h.a.ok(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "jwt")) // as it is already
	h.a.ok(t, "TagResource", set(h.a.application, "team", "web"))
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"team", "not there"}})
	h.refused = map[string]bool{}
	h.Authorize = nil
	h.a.refused(t, "TagResource", set(h.a.application, tagAccessTokenFormat, "opaque"), "AccessDeniedException")
	if got := h.a.dump(t)[h.a.application].([]any)[0].(Application).AccessTokenFormat(); got != token.JWT {
		t.Errorf("a refused change left the format %s", got)
	}
}

func TestTagQuota(t *testing.T) {
	h := open(t)
	for i := range maxUserTags {
		h.a.ok(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": fmt.Sprint("k", i), "Value": ""}}})
	}
	h.a.ok(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": tagAccessTokenFormat, "Value": "jwt"}}})
	h.a.refused(t, "TagResource", params{"ResourceArn": h.a.other, "Tags": []params{{"Key": "more", "Value": ""}}}, "ServiceQuotaExceededException")
}

func TestQuotas(t *testing.T) {
	h := open(t)
	for i := range maxScopes {
		h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": fmt.Sprint("s", i)})
	}
	h.a.refused(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": "more"}, "ServiceQuotaExceededException")
	h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.application, "Scope": "s1", "AuthorizedTargets": []string{h.a.instance}})

	h.Quotas = Quotas{TrustedTokenIssuers: 1, Applications: 2}
	h.a.refused(t, "CreateTrustedTokenIssuer", h.a.issuerParams("more"), "ServiceQuotaExceededException")
	h.a.refused(t, "CreateApplication", params{"InstanceArn": h.a.instance, "ApplicationProviderArn": CustomProvider, "Name": "n"}, "ServiceQuotaExceededException")
	h.a.ok(t, "UpdateApplication", params{"ApplicationArn": h.a.application, "Name": "n"})

	var group string
	h.update(t, func(tx *store.Tx) error {
		for i := range maxAssignedGroups + 1 {
			g, err := identitystore.PutGroup(tx, identitystore.Group{StoreID: h.a.directory, DisplayName: fmt.Sprint("g", i)})
			if err != nil {
				return err
			}
			if group = g.ID; i == maxAssignedGroups {
				break
			}
			if _, err := h.Assign(tx, h.a.application, PrincipalGroup, g.ID); err != nil {
				return err
			}
		}
		return nil
	})
	h.a.refused(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": group}, "ServiceQuotaExceededException")
}

func TestActorPolicy(t *testing.T) {
	h := open(t)
	role := "arn:aws:iam::" + h.a.account + ":role/web"
	h.update(t, func(tx *store.Tx) error {
		return iam.PutRole(tx, iam.Role{AccountID: h.a.account, Name: "web", TrustPolicy: fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}}`, h.a.account)})
	})
	statement := func(members params) params {
		return with(params{"Effect": "Allow", "Principal": params{"AWS": role}, "Action": "sso-oauth:CreateTokenWithIAM", "Resource": "*"}, members)
	}
	document := func(statements ...any) params { return params{"Version": "2012-10-17", "Statement": statements} }
	put := func(doc any) params {
		return params{"ApplicationArn": h.a.application, "AuthenticationMethodType": "IAM",
			"AuthenticationMethod": params{"Iam": params{"ActorPolicy": doc}}}
	}
	for _, good := range []any{
		document(statement(nil)),
		params{"Version": "2012-10-17", "Statement": statement(nil)},
		document(statement(params{"Principal": params{"AWS": []string{role, h.a.account, "arn:aws:iam::" + h.a.account + ":root"}}})),
		document(statement(params{"Principal": params{"Service": "athena.amazonaws.com"}})),
		document(statement(params{"Action": []string{"sso-oauth:IntrospectTokenWithIAM", "sso-oauth:RevokeTokenWithIAM"}, "Resource": []string{h.a.application}})),
		document(statement(params{"Action": "sso-oauth:*", "Condition": params{"IpAddress": params{"aws:SourceIp": "10.0.0.0/8"}}})),
		document(statement(nil), statement(params{"Effect": "Deny", "Principal": "*"})),
	} {
		h.a.ok(t, "PutApplicationAuthenticationMethod", put(good))
	}
	for _, bad := range []any{
		params{}, params{"Version": "2012-10-17"}, document(), "a string", 7, []any{document(statement(nil))},
		params{"Version": "2008-10-17", "Statement": []any{statement(nil)}}, params{"Statement": []any{statement(nil)}},
		document(statement(params{"Effect": nil})), document(statement(params{"Effect": "Maybe"})),
		document(statement(params{"Principal": nil})), document(statement(params{"Action": nil})), document(statement(params{"Resource": nil})),
		document(statement(params{"Action": []string{}})), document(statement(params{"Resource": []string{}})),
		document(statement(params{"Action": nil, "NotAction": "sso-oauth:CreateTokenWithIAM"})),
		document(statement(params{"Principal": nil, "NotPrincipal": params{"AWS": role}})),
		document(statement(params{"Resource": nil, "NotResource": "*"})),
		document(statement(params{"Action": "*"})), document(statement(params{"Action": "sso:CreateApplication"})), document(statement(params{"Action": "sso-oauth:Create*"})),
		document(statement(params{"Resource": h.a.other})), document(statement(params{"Resource": "arn:aws:sso::*:application/*"})),
		document(statement(params{"Principal": "*"})), document(statement(params{"Principal": params{"AWS": "*"}})),
		document(statement(params{"Principal": params{"AWS": role + "-gone"}})), document(statement(params{"Principal": params{"AWS": "999999999999"}})),
		document(statement(params{"Effect": "Deny", "Principal": params{"AWS": role + "-gone"}})),
		document(statement(params{"Principal": params{"Federated": "accounts.google.com"}})), document(statement(params{"Principal": params{"Service": "not a service"}})),
		document(statement(params{"Condition": params{"NoSuchOperator": params{"a": "b"}}})),
		document(statement(nil), statement(params{"Action": "s3:GetObject"})),
		with(document(statement(nil)), params{"Extra": 1}),
		document(statement(params{"Sid": strings.Repeat("s", maxActorPolicy)})),
	} {
		message := h.a.refused(t, "PutApplicationAuthenticationMethod", put(bad), "ValidationException")
		if !strings.HasPrefix(message, "Invalid actor policy provided: ") {
			t.Errorf("%v: %s", bad, message)
		}
	}

	h.update(t, func(tx *store.Tx) error {
		if _, err := h.ActorPolicy(tx, h.a.other); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("ActorPolicy of an application without one: %v", err)
		}
		p, err := h.ActorPolicy(tx, h.a.application)
		if err != nil {
			return err
		}
		again, err := h.ActorPolicy(tx, h.a.application)
		if p != again {
			t.Error("the policy is compiled twice")
		}
		return err
	})
	got := h.a.ok(t, "GetApplicationAuthenticationMethod", params{"ApplicationArn": h.a.application, "AuthenticationMethodType": "IAM"})
	if n := len(at(got, "AuthenticationMethod.Iam.ActorPolicy.Statement").([]any)); n != 2 {
		t.Errorf("the policy came back with %d statements: %v", n, got)
	}
}

// TestActorPolicyDecides: "*" means the application, and the stored text means what was put.
func TestActorPolicyDecides(t *testing.T) {
	h := open(t)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.update(t, func(tx *store.Tx) error {
		p, err := h.ActorPolicy(tx, h.a.application)
		if err != nil {
			return err
		}
		for action, want := range map[string]bool{"sso-oauth:CreateTokenWithIAM": true, "sso-oauth:RevokeTokenWithIAM": false} {
			ps := policy.Policies{Resource: p, ResourceRequired: true}
			got := ps.Evaluate(&policy.Request{
				Principal: policy.Principal{Account: h.a.account, ARN: "arn:aws:iam::" + h.a.account + ":root", ID: h.a.account},
				Action:    action, Resource: h.a.application, ResourceAccount: h.a.account,
			})
			if got.Allowed != want {
				t.Errorf("%s: %s", action, got)
			}
		}
		return nil
	})
}

func TestGrantRules(t *testing.T) {
	h := open(t)
	code := func(uris ...string) params {
		return params{"ApplicationArn": h.a.application, "GrantType": GrantAuthorizationCode, "Grant": params{"AuthorizationCode": params{"RedirectUris": uris}}}
	}
	jwt := func(issuers ...params) params {
		return params{"ApplicationArn": h.a.application, "GrantType": GrantJWTBearer, "Grant": params{"JwtBearer": params{"AuthorizedTokenIssuers": issuers}}}
	}
	eleven := func(format string) (many []string) {
		for i := range 11 {
			many = append(many, fmt.Sprintf(format, i))
		}
		return many
	}
	good := params{"TrustedTokenIssuerArn": h.a.issuer, "AuthorizedAudiences": []string{"wiki"}}
	for _, bad := range []params{
		code(), code(eleven("https://app.example/%d")...), code("javascript:alert(1)"), code("https://a.example/", "https://a.example/"),
		code("https://a.example/", "https://a.example/#"), jwt(), jwt(good, good), jwt(with(good, params{"AuthorizedAudiences": nil})),
		jwt(with(good, params{"AuthorizedAudiences": []string{}})), jwt(with(good, params{"AuthorizedAudiences": []string{""}})),
		jwt(with(good, params{"AuthorizedAudiences": []string{"a", "a"}})), jwt(with(good, params{"AuthorizedAudiences": eleven("a%d")})),
		jwt(with(good, params{"AuthorizedAudiences": []string{strings.Repeat("a", 513)}})), jwt(with(good, params{"TrustedTokenIssuerArn": nil})),
		with(code("https://a.example/"), params{"GrantType": GrantRefreshToken}),
	} {
		h.a.refused(t, "PutApplicationGrant", bad, "ValidationException")
	}
	h.a.ok(t, "PutApplicationGrant", code("https://a.example/", "http://127.0.0.1/"))
	h.a.ok(t, "PutApplicationGrant", jwt(good))
	h.update(t, func(tx *store.Tx) error {
		g, err := GetGrant(tx, h.a.application, GrantJWTBearer)
		if audiences, ok := g.Issuer(h.a.issuer); !ok || !slices.Equal(audiences, []string{"wiki"}) {
			t.Errorf("Issuer = %v, %v", audiences, ok)
		}
		if _, ok := g.Issuer(h.b.issuer); ok {
			t.Error("the grant names an issuer it does not hold")
		}
		return err
	})

	// Deleting the issuer leaves the grant as it is: whoever follows the reference finds nothing.
	h.a.ok(t, "DeleteTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer})
	got := h.a.ok(t, "GetApplicationGrant", params{"ApplicationArn": h.a.application, "GrantType": GrantJWTBearer})
	if at(got, "Grant.JwtBearer.AuthorizedTokenIssuers.0.TrustedTokenIssuerArn") != h.a.issuer {
		t.Errorf("the grant now reads %v", got)
	}
}

func TestIssuerRules(t *testing.T) {
	h := open(t)
	in := func(members params) params {
		p := h.a.issuerParams("second")
		config := p["TrustedTokenIssuerConfiguration"].(params)["OidcJwtConfiguration"].(params)
		for k, v := range members {
			config[k] = v
		}
		return p
	}
	for _, bad := range []params{
		{"IssuerUrl": "idp.example"}, {"IssuerUrl": "ftp://idp.example"}, {"IssuerUrl": "https://"}, {"IssuerUrl": "https://idp.example/?x=1"},
		{"IssuerUrl": "https://idp.example/#f"}, {"IssuerUrl": "https://u:p@idp.example"}, {"IssuerUrl": "https://idp.example:99999"}, {"IssuerUrl": "https://idp.example:x/"},
		{"IssuerUrl": "https://idp.example/.well-known/openid-configuration"}, {"IssuerUrl": "https://idp.example/" + strings.Repeat("a", 512)},
		{"ClaimAttributePath": "a.b.c.d"}, {"ClaimAttributePath": "a b"}, {"ClaimAttributePath": ""}, {"JwksRetrievalOption": "FILE"},
	} {
		h.a.refused(t, "CreateTrustedTokenIssuer", in(bad), "ValidationException")
	}
	message := h.a.refused(t, "CreateTrustedTokenIssuer", in(params{"IdentityStoreAttributePath": "shoe.size"}), "ValidationException")
	for _, path := range identitystore.LookupPaths() {
		if !strings.Contains(message, path) {
			t.Errorf("%q does not name %s", message, path)
		}
	}
	h.a.refused(t, "CreateTrustedTokenIssuer", in(params{"IssuerUrl": "https://idp.example"}), "ConflictException")
	h.a.refused(t, "CreateTrustedTokenIssuer", with(in(nil), params{"Name": "idp"}), "ConflictException")
	h.a.ok(t, "CreateTrustedTokenIssuer", in(params{"IssuerUrl": "https://idp.example/"})) // another iss, byte for byte
	h.b.ok(t, "CreateTrustedTokenIssuer", with(h.b.issuerParams("second"), nil))
	h.a.refused(t, "UpdateTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer, "Name": "second"}, "ConflictException")
	h.a.refused(t, "UpdateTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer, "TrustedTokenIssuerConfiguration": params{
		"OidcJwtConfiguration": params{"ClaimAttributePath": "a b"}}}, "ValidationException")
	h.update(t, func(tx *store.Tx) error {
		i, err := TrustedTokenIssuerByName(tx, h.a.instance, "idp")
		if i.ARN != h.a.issuer || !slices.Equal(i.AllowedAlgorithms(), []string{"RS256", "ES256"}) {
			t.Errorf("by name: %+v", i)
		}
		i.IssuerURL = "https://evil.example"
		if _, err := h.PutTrustedTokenIssuer(tx, i); err == nil {
			t.Error("the issuer URL can be changed")
		}
		i, err2 := TrustedTokenIssuerByURL(tx, h.a.instance, "https://idp.example")
		if i.ARN != h.a.issuer {
			t.Errorf("by URL: %+v", i)
		}
		i.Algorithms = []string{"HS256"}
		if _, err := h.PutTrustedTokenIssuer(tx, i); err == nil {
			t.Error("HS256 is accepted")
		}
		i.Algorithms = []string{"EdDSA"}
		if i, err := h.PutTrustedTokenIssuer(tx, i); err != nil || !slices.Equal(i.AllowedAlgorithms(), []string{"EdDSA"}) {
			t.Errorf("%v, %v", i.AllowedAlgorithms(), err)
		}
		return errors.Join(err, err2)
	})
}

func TestRecords(t *testing.T) {
	h := open(t)
	moreGrants(t, h.a)
	moreScopes(t, h.a)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.a.ok(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": h.a.group})
	h.a.refused(t, "CreateApplicationAssignment", params{"ApplicationArn": h.a.application, "PrincipalType": "GROUP", "PrincipalId": h.a.group}, "ConflictException")
	h.update(t, func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		if err != nil {
			return err
		}
		for _, id := range []string{a.ARN, a.ClientID} {
			if found, err := ResolveClient(tx, id); err != nil || found.ARN != a.ARN {
				t.Errorf("ResolveClient(%q) = %v, %v", id, found.ARN, err)
			}
		}
		for _, id := range []string{"", "arn:", "nobody", a.ARN + " ", strings.ToUpper(a.ARN), "\x00", "\xff", strings.Repeat("x", 5000)} {
			if _, err := ResolveClient(tx, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("ResolveClient(%q) = %v", id, err)
			}
		}
		if found, err := ApplicationByName(tx, h.a.instance, "wiki"); err != nil || found.ARN != a.ARN {
			t.Errorf("by name: %v, %v", found.ARN, err)
		}
		if _, err := ApplicationByName(tx, h.a.instance, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by an unknown name: %v", err)
		}
		if _, err := h.PutApplication(tx, Application{InstanceARN: h.a.instance, Name: "wiki"}); err != nil {
			return err
		}
		if _, err := ApplicationByName(tx, h.a.instance, "wiki"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("by a name that two have: %v", err)
		}
		for _, c := range []struct {
			user   string
			groups []string
			by     string
			ok     bool
		}{
			{h.a.user, nil, "", false}, {h.a.user, []string{"other"}, "", false}, {h.a.user, []string{"other", h.a.group}, h.a.group, true}, {h.a.group, nil, "", false},
		} {
			if by, ok, err := Assigned(tx, a.ARN, c.user, c.groups); ok != c.ok || ok && by != c.by || err != nil {
				t.Errorf("Assigned(%v) = %q, %v, %v", c, by, ok, err)
			}
		}
		targets, err := TargetsOf(tx, a.ARN, []string{"wiki:read", "wiki:write", "nothing"})
		if want := []string{h.a.instance, h.a.other}; len(targets) != 2 || !slices.Contains(targets, want[0]) || !slices.Contains(targets, want[1]) {
			t.Errorf("TargetsOf = %v, want %v", targets, want)
		}
		return err
	})
	h.update(t, func(tx *store.Tx) error { return ForgetPrincipal(tx, h.b.directory, PrincipalGroup, h.a.group) })
	if len(h.a.dump(t)[h.a.application].([]any)[3].([]Assignment)) != 1 {
		t.Error("a deletion in another directory took the assignment")
	}
	h.update(t, func(tx *store.Tx) error { return ForgetPrincipal(tx, h.a.directory, PrincipalGroup, h.a.group) })
	if len(h.a.dump(t)[h.a.application].([]any)[3].([]Assignment)) != 0 {
		t.Error("the assignment of a deleted group is still there")
	}
}

func TestTargets(t *testing.T) {
	target := Application{ARN: "arn:aws:sso::111122223333:application/ssoins-1/apl-1", InstanceARN: "arn:aws:sso:::instance/ssoins-1"}
	for want, sc := range map[bool][]ApplicationScope{
		true:  {{AuthorizedTargets: []string{"x", target.ARN}}, {AuthorizedTargets: []string{target.InstanceARN}}},
		false: {{}, {AuthorizedTargets: []string{"x"}}, {AuthorizedTargets: []string{"", "*"}}},
	} {
		for _, sc := range sc {
			if sc.Targets(target) != want {
				t.Errorf("%v.Targets = %v", sc, !want)
			}
		}
	}
}

func TestDeleteApplicationDeletesAllOfIt(t *testing.T) {
	h := open(t)
	moreGrants(t, h.a)
	moreScopes(t, h.a)
	moreAssignments(t, h.a)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.a.ok(t, "PutApplicationAccessScope", params{"ApplicationArn": h.a.other, "Scope": "s", "AuthorizedTargets": []string{h.a.application}})
	h.a.ok(t, "DeleteApplication", params{"ApplicationArn": h.a.application})
	h.update(t, func(tx *store.Tx) error {
		granted, err1 := Grants(tx, h.a.application)
		scoped, err2 := Scopes(tx, h.a.application)
		assigned, err3 := Assignments(tx, h.a.application)
		_, err := h.ActorPolicyDocument(tx, h.a.application)
		if len(granted)+len(scoped)+len(assigned) > 0 || !errors.Is(err, store.ErrNotFound) {
			t.Errorf("left behind: %v %v %v %v", granted, scoped, assigned, err)
		}
		kept, err4 := Scopes(tx, h.a.other)
		if len(kept) != 1 || !slices.Equal(kept[0].AuthorizedTargets, []string{h.a.application}) {
			t.Errorf("the other application's scope is %v", kept)
		}
		return errors.Join(err1, err2, err3, err4)
	})
	h.a.refused(t, "DeleteApplication", params{"ApplicationArn": h.a.application}, "ResourceNotFoundException")
}

func TestUnchangeable(t *testing.T) {
	h := open(t)
	h.update(t, func(tx *store.Tx) error {
		a, err := GetApplication(tx, h.a.application)
		if err != nil {
			return err
		}
		for name, change := range map[string]func(*Application){
			"instance": func(a *Application) { a.InstanceARN = h.b.instance },
			"account":  func(a *Application) { a.AccountID = h.b.account },
			"provider": func(a *Application) { a.ProviderARN = CustomProvider + "2" },
			"client":   func(a *Application) { a.ClientID = "chosen" },
		} {
			changed := a
			change(&changed)
			if _, err := h.PutApplication(tx, changed); err == nil {
				t.Errorf("the %s can be changed", name)
			}
		}
		for _, arn := range []string{"x", h.b.application, strings.Replace(h.b.application, h.b.account, h.a.account, 1) + "x"} {
			if _, err := h.PutApplication(tx, Application{ARN: arn, InstanceARN: h.a.instance, Name: "n"}); err == nil {
				t.Errorf("an application can have the ARN %s", arn)
			}
		}
		i, err := GetInstance(tx, h.a.instance)
		i.OwnerAccountID = h.b.account
		if PutInstance(tx, i) == nil {
			t.Error("the owner of an instance can be changed")
		}
		return err
	})
}

// TestResources: what policies can name and ask about.
func TestResources(t *testing.T) {
	h := open(t)
	h.a.ok(t, "TagResource", params{"ResourceArn": h.a.application, "Tags": []params{{"Key": "Team", "Value": "web"}}})
	wantCall := func(resources []string, context map[string]string) {
		t.Helper()
		if !slices.Equal(h.last.Resources, resources) {
			t.Errorf("%s acts on %v, want %v", h.last.Operation.Name, h.last.Resources, resources)
		}
		for key, want := range context {
			if got := strings.Join(h.last.Context[key], " "); got != want {
				t.Errorf("%s: %s is %q, want %q", h.last.Operation.Name, key, got, want)
			}
		}
	}
	wantCall([]string{h.a.application}, map[string]string{"aws:requesttag/team": "web", "aws:tagkeys": "Team"})
	h.a.ok(t, "DescribeApplication", params{"ApplicationArn": h.a.application})
	wantCall([]string{h.a.application}, map[string]string{"aws:resourcetag/team": "web", "sso:applicationaccount": h.a.account, "aws:tagkeys": ""})
	h.a.ok(t, "UntagResource", params{"ResourceArn": h.a.application, "TagKeys": []string{"Team"}})
	wantCall([]string{h.a.application}, map[string]string{"aws:tagkeys": "Team"})
	h.a.ok(t, "ListInstances", params{})
	wantCall([]string{"*"}, nil)
	h.a.ok(t, "ListApplicationProviders", params{})
	wantCall([]string{"*"}, nil)
	h.a.ok(t, "DescribeApplicationProvider", params{"ApplicationProviderArn": CustomProvider})
	wantCall([]string{CustomProvider}, nil)
	h.a.newApplication(t, "n")
	wantCall([]string{h.a.instance, CustomProvider}, nil)
	h.a.ok(t, "ListApplicationAssignmentsForPrincipal", params{"InstanceArn": h.a.instance, "PrincipalType": "USER", "PrincipalId": h.a.user})
	wantCall([]string{h.a.instance}, nil)
	h.a.ok(t, "DescribeTrustedTokenIssuer", params{"TrustedTokenIssuerArn": h.a.issuer})
	wantCall([]string{h.a.issuer}, nil)
}

func TestListFilters(t *testing.T) {
	h := open(t)
	count := func(in params, list, operation string) int { return len(h.a.ok(t, operation, in)[list].([]any)) }
	apps := params{"InstanceArn": h.a.instance}
	for filter, want := range map[string]int{
		`{"ApplicationAccount":"` + h.a.account + `"}`: 2, `{"ApplicationAccount":"000000000000"}`: 0,
		`{"ApplicationProvider":"` + CustomProvider + `"}`: 2, `{"ApplicationProvider":"` + CustomProvider + `-saml"}`: 0,
	} {
		if got := count(with(apps, params{"Filter": json.RawMessage(filter)}), "Applications", "ListApplications"); got != want {
			t.Errorf("%s: %d applications, want %d", filter, got, want)
		}
	}
	moreAssignmentsForPrincipal(t, h.a)
	mine := params{"InstanceArn": h.a.instance, "PrincipalType": "USER", "PrincipalId": h.a.user, "Filter": params{"ApplicationArn": h.a.other}}
	if got := count(mine, "ApplicationAssignments", "ListApplicationAssignmentsForPrincipal"); got != 1 {
		t.Errorf("%d assignments to one application", got)
	}
	if got := count(params{"RegionScope": "CURRENT_REGION"}, "Instances", "ListInstances"); got != 0 {
		t.Errorf("%d instances in another Region", got)
	}
}

// TestErrorsAreShaped: what the room's functions return goes to clients as it is.
func TestErrorsAreShaped(t *testing.T) {
	h := open(t)
	h.update(t, func(tx *store.Tx) error {
		_, err1 := h.PutApplication(tx, Application{InstanceARN: "nowhere"})
		_, err2 := h.PutTrustedTokenIssuer(tx, TrustedTokenIssuer{InstanceARN: "nowhere"})
		_, err3 := h.Assign(tx, "nowhere", PrincipalUser, h.a.user)
		_, err4 := h.Unassign(tx, "nowhere", PrincipalUser, h.a.user)
		for i, err := range []error{
			err1, err2, err3, err4, PutInstance(tx, Instance{}), h.PutGrant(tx, ApplicationGrant{}), h.DeleteGrant(tx, "a", "b"),
			h.PutScope(tx, ApplicationScope{}), h.DeleteScope(tx, "a", "b"), h.PutActorPolicy(tx, "a", "{}"), h.DeleteActorPolicy(tx, "a"),
			h.DeleteApplication(tx, "a"), h.DeleteTrustedTokenIssuer(tx, "a"),
		} {
			if shaped := (*wire.Error)(nil); !errors.As(err, &shaped) || shaped.Status != 400 || shaped.Code == "" {
				t.Errorf("%d: %v", i, err)
			}
		}
		return nil
	})
}
