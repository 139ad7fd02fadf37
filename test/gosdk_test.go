package test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	admintypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"
)

const (
	grantCode     = "authorization_code"
	grantRefresh  = "refresh_token"
	grantBearer   = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	grantExchange = "urn:ietf:params:oauth:grant-type:token-exchange"

	typeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	typeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"

	identityProvider = "arn:aws:iam::aws:contextProvider/IdentityCenter"
)

// The whole journey with the SDK for Go, configured by nothing but what `symbolon env` prints.
func TestGoSDKJourney(t *testing.T) {
	s := startServer(t)
	for name, value := range s.clientVariables() {
		t.Setenv(name, value)
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, s, goClientsOf(c))
	signedIn := w.signedIn(t)
	t.Run("authorization_code", func(t *testing.T) { w.checkTokens(t, signedIn, s.env["SYMBOLON_USER"]) })
	t.Run("refresh_token", func(t *testing.T) { w.refreshes(t, signedIn) })
	t.Run("jwt-bearer", w.bears)
	t.Run("token-exchange", func(t *testing.T) { w.exchanges(t, signedIn) })
	t.Run("AssumeRole", func(t *testing.T) { w.assumesRole(t, signedIn) })
	t.Run("paginators", w.pages)
	t.Run("refusals", w.refusals)
	t.Run("refusals of the signature", w.signatureRefusals)
	t.Run("refusals of administration", w.administrationRefusals)
}

// signedIn signs the built-in user in by the pages and redeems the code.
func (w *world) signedIn(t *testing.T) *ssooidc.CreateTokenWithIAMOutput {
	t.Helper()
	proof := newPKCE()
	env := w.server.env
	code := newBrowser(w.server.url).signIn(t, w.frontend, redirectURI, env["SYMBOLON_USER"], env["SYMBOLON_PASSWORD"], proof, nil)
	return w.createToken(t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantCode), Code: &code, RedirectUri: aws.String(redirectURI), CodeVerifier: &proof.verifier,
	})
}

// bearer exchanges a fresh assertion about a user.
func (w *world) bearer(t *testing.T, algorithm jose.SignatureAlgorithm, user string) *ssooidc.CreateTokenWithIAMOutput {
	t.Helper()
	return w.createToken(t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantBearer),
		Assertion: aws.String(w.issuer.assertion(t, algorithm, user+"@example.com", assertionAud)),
	})
}

// checkTokens looks at everything an answer of the frontend's must have.
func (w *world) checkTokens(t *testing.T, out *ssooidc.CreateTokenWithIAMOutput, user string) {
	t.Helper()
	if aws.ToString(out.TokenType) != "Bearer" || out.ExpiresIn != 3600 || aws.ToString(out.IssuedTokenType) != typeRefreshToken {
		t.Errorf("tokenType %s, expiresIn %d, issuedTokenType %s", aws.ToString(out.TokenType), out.ExpiresIn, aws.ToString(out.IssuedTokenType))
	}
	if out.RefreshToken == nil || out.AwsAdditionalDetails == nil || out.AwsAdditionalDetails.IdentityContext == nil {
		t.Fatal("no refresh token or no identity context")
	}
	for _, scope := range []string{"openid", "aws", "sts:identity_context", reportsScope} {
		if !slices.Contains(out.Scope, scope) {
			t.Errorf("scope %s is not among %v", scope, out.Scope)
		}
	}
	claims := claimsOf(t, out.IdToken)
	if claims["sub"] != w.users[user] || claims["iss"] != w.server.env["SYMBOLON_ISSUER"] {
		t.Errorf("the ID token is about %v of %v, not about %s", claims["sub"], claims["iss"], w.users[user])
	}
	if claims["sts:identity_context"] != *out.AwsAdditionalDetails.IdentityContext {
		t.Error("the ID token carries another identity context than the answer")
	}
}

// claimsOf reads an ID token as AWS's clients do: without verifying. TestDiscovery verifies.
func claimsOf(t *testing.T, idToken *string) map[string]any {
	t.Helper()
	parts := strings.Split(aws.ToString(idToken), ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", aws.ToString(idToken))
	}
	claims := map[string]any{}
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(parts[1]))(t), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func (w *world) refreshes(t *testing.T, first *ssooidc.CreateTokenWithIAMOutput) {
	in := ssooidc.CreateTokenWithIAMInput{ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: first.RefreshToken}
	second := w.createToken(t, in)
	w.checkTokens(t, second, w.server.env["SYMBOLON_USER"])
	if again := w.createToken(t, in); *again.RefreshToken != *second.RefreshToken || *again.RefreshToken == *first.RefreshToken {
		t.Error("a refresh token used twice within the grace window did not get one and the same successor")
	}
	in.RefreshToken, in.Scope = second.RefreshToken, []string{reportsScope}
	if less := w.createToken(t, in); !slices.Equal(less.Scope, in.Scope) || less.IdToken != nil || less.AwsAdditionalDetails != nil {
		t.Errorf("with scope %v: scope %v, ID token %t, details %t", in.Scope, less.Scope, less.IdToken != nil, less.AwsAdditionalDetails != nil)
	}
}

func (w *world) bears(t *testing.T) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.ES256} {
		out := w.bearer(t, algorithm, assignedUser)
		w.checkTokens(t, out, assignedUser)
		if act, _ := claimsOf(t, out.IdToken)["act"].(map[string]any); act["sub"] != w.issuerARN {
			t.Errorf("act is %v, not %s", act, w.issuerARN)
		}
	}
}

func (w *world) exchanges(t *testing.T, subject *ssooidc.CreateTokenWithIAMOutput) {
	in := ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.reports, GrantType: aws.String(grantExchange), SubjectToken: subject.AccessToken, SubjectTokenType: aws.String(typeAccessToken),
	}
	out := w.createToken(t, in)
	if aws.ToString(out.IssuedTokenType) != typeAccessToken || out.RefreshToken != nil {
		t.Errorf("issuedTokenType %s, refresh token %t", aws.ToString(out.IssuedTokenType), out.RefreshToken != nil)
	}
	claims := claimsOf(t, out.IdToken)
	act, _ := claims["act"].(map[string]any)
	deeper, _ := act["act"].(map[string]any)
	if claims["sub"] != w.users[w.server.env["SYMBOLON_USER"]] || act["sub"] != w.reports || deeper["sub"] != w.frontend {
		t.Errorf("sub %v, act %v: not the user by %s by %s", claims["sub"], act, w.reports, w.frontend)
	}
	in.RequestedTokenType = aws.String(typeRefreshToken)
	if out = w.createToken(t, in); aws.ToString(out.IssuedTokenType) != typeRefreshToken || out.RefreshToken == nil {
		t.Errorf("requestedTokenType refresh_token got %s", aws.ToString(out.IssuedTokenType))
	}
}

// assumesRole takes the identity context to STS and the credentials back to the server.
func (w *world) assumesRole(t *testing.T, tokens *ssooidc.CreateTokenWithIAMOutput) {
	out := must(w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(w.dataReader()), RoleSessionName: aws.String("journey"),
		ProvidedContexts: []ststypes.ProvidedContext{{
			ProviderArn: aws.String(identityProvider), ContextAssertion: tokens.AwsAdditionalDetails.IdentityContext,
		}},
	}))(t)
	c := out.Credentials
	if !strings.HasPrefix(*c.AccessKeyId, "ASIA") {
		t.Errorf("AccessKeyId is %s", *c.AccessKeyId)
	}
	session := newGoClients(t, w.server, *c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	who := must(session.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))(t)
	want := "arn:aws:sts::" + w.server.env["SYMBOLON_ACCOUNT_ID"] + ":assumed-role/data-reader/journey"
	if *who.Arn != want || *who.Arn != *out.AssumedRoleUser.Arn || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("the caller is %s (%s), not %s", *who.Arn, *who.UserId, want)
	}
	// An identity-enhanced session is held to AWS's AWSIAMIdentityCenterAllowListForIdentityContext, whatever the role may.
	look := &identitystore.DescribeUserInput{
		IdentityStoreId: aws.String(w.server.env["SYMBOLON_IDENTITY_STORE_ID"]), UserId: aws.String(w.users[assignedUser]),
	}
	_, err := session.directory.DescribeUser(t.Context(), look)
	expectError[*idtypes.AccessDeniedException](t, err, "identitystore:DescribeUser")

	plain := must(w.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(w.dataReader()), RoleSessionName: aws.String("plain")}))(t).Credentials
	session = newGoClients(t, w.server, *plain.AccessKeyId, *plain.SecretAccessKey, *plain.SessionToken)
	_ = must(session.directory.DescribeUser(t.Context(), look))(t)
	_, err = session.admin.ListApplications(t.Context(), &ssoadmin.ListApplicationsInput{InstanceArn: w.instance()})
	expectError[*admintypes.AccessDeniedException](t, err, "sso:ListApplications")
}

// dataReader is a role of the built-in organization.
func (w *world) dataReader() string {
	return "arn:aws:iam::" + w.server.env["SYMBOLON_ACCOUNT_ID"] + ":role/data-reader"
}

// pages goes through a list one by one and compares with the whole.
func (w *world) pages(t *testing.T) {
	names := func(size int32) []string {
		var all []string
		p := ssoadmin.NewListApplicationsPaginator(w.admin, &ssoadmin.ListApplicationsInput{InstanceArn: w.instance(), MaxResults: &size})
		for p.HasMorePages() {
			page := must(p.NextPage(context.WithoutCancel(t.Context())))(t)
			if len(page.Applications) > int(size) {
				t.Fatalf("a page of %d for MaxResults %d", len(page.Applications), size)
			}
			for _, a := range page.Applications {
				all = append(all, *a.Name)
			}
		}
		return all
	}
	whole, single := names(100), names(1)
	if len(whole) < 4 || !slices.Equal(whole, single) {
		t.Errorf("in one page %v, one by one %v", whole, single)
	}
}
