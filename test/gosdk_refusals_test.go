package test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	admintypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/go-jose/go-jose/v4"
)

// expectError checks that err is of the SDK's class E and says something.
func expectError[E smithy.APIError](t *testing.T, err error, says string) {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Errorf("the error is not a %T: %v", want, err)
		return
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("the error does not say %q: %v", says, err)
	}
}

// expectRefusal checks that err is the token service's exception E and that its error_description says something about says.
// (The SDK for Go puts the description into a member of its own; Error() does not show it.)
func expectRefusal[E smithy.APIError](t *testing.T, err error, says string) {
	t.Helper()
	var want E
	if !errors.As(err, &want) {
		t.Errorf("the error is not a %T: %v", want, err)
		return
	}
	fields := reflect.ValueOf(want).Elem()
	code, _ := fields.FieldByName("Error_").Interface().(*string)
	description, _ := fields.FieldByName("Error_description").Interface().(*string)
	if aws.ToString(code) == "" || aws.ToString(description) == "" || !strings.Contains(*description, says) {
		t.Errorf("%T has error %q and error_description %q, which does not say %q", want, aws.ToString(code), aws.ToString(description), says)
	}
}

func (w *world) refusals(t *testing.T) {
	ctx := t.Context()
	w.codeRefusals(t)

	assertion := w.issuer.assertion(t, jose.RS256, assignedUser+"@example.com", assertionAud)
	bearer := ssooidc.CreateTokenWithIAMInput{ClientId: &w.frontend, GrantType: aws.String(grantBearer), Assertion: &assertion}
	w.createToken(t, bearer)
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, bearer), "used")

	bearer.Assertion = aws.String(w.issuer.assertion(t, jose.RS256, unassignedUser+"@example.com", assertionAud))
	expectRefusal[*oidctypes.AccessDeniedException](t, w.refused(ctx, t, bearer), "")
	bearer.Assertion = aws.String(w.issuer.assertion(t, jose.RS256, "nobody@example.com", assertionAud))
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, bearer), "")
	bearer.Assertion = aws.String(w.issuer.assertion(t, jose.RS256, assignedUser+"@example.com", "another-audience"))
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, bearer), "")

	bearer.Assertion = aws.String(w.issuer.assertion(t, jose.RS256, assignedUser+"@example.com", assertionAud))
	foreign := bearer
	foreign.ClientId = aws.String(w.frontend[:len(w.frontend)-16] + "0123456789abcdef")
	expectRefusal[*oidctypes.InvalidClientException](t, w.refused(ctx, t, foreign), "")
	foreign.ClientId = &w.reports
	expectRefusal[*oidctypes.UnauthorizedClientException](t, w.refused(ctx, t, foreign), "")
	foreign = bearer
	foreign.Scope = []string{"payroll:read"}
	expectRefusal[*oidctypes.InvalidScopeException](t, w.refused(ctx, t, foreign), "")
	foreign = bearer
	foreign.GrantType = aws.String("password")
	expectRefusal[*oidctypes.UnsupportedGrantTypeException](t, w.refused(ctx, t, foreign), "")
	foreign = bearer
	foreign.Code = aws.String("stray")
	expectRefusal[*oidctypes.InvalidRequestException](t, w.refused(ctx, t, foreign), "")
	w.createToken(t, bearer) // none of the refusals used the assertion up
}

// codeRefusals: a wrong verifier leaves the code alone, a second use ends what the first issued.
func (w *world) codeRefusals(t *testing.T) {
	t.Helper()
	ctx, proof, env := t.Context(), newPKCE(), w.server.env
	code := newBrowser(w.server.url).signIn(t, w.frontend, redirectURI, env["SYMBOLON_USER"], env["SYMBOLON_PASSWORD"], proof, nil)
	right := ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantCode), Code: &code, RedirectUri: aws.String(redirectURI), CodeVerifier: &proof.verifier,
	}
	wrong := right
	wrong.CodeVerifier = aws.String(newPKCE().verifier)
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, wrong), "codeVerifier")
	wrong = right
	wrong.RedirectUri = aws.String("http://127.0.0.1:1/callback")
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, wrong), "")
	wrong = right
	wrong.RedirectUri = nil
	expectRefusal[*oidctypes.InvalidRequestException](t, w.refused(ctx, t, wrong), "")

	out := w.createToken(t, right)
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, right), "")
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: out.RefreshToken,
	}), "")
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(ctx, t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.reports, GrantType: aws.String(grantExchange), SubjectToken: out.AccessToken, SubjectTokenType: aws.String(typeAccessToken),
	}), "")
}

// signatureRefusals: what is wrong with the caller comes before everything else, in each service's own words.
func (w *world) signatureRefusals(t *testing.T) {
	ctx, env := t.Context(), w.server.env
	in := &ssooidc.CreateTokenWithIAMInput{ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: aws.String("aor")}
	for _, c := range []struct{ what, key, secret, json, query string }{
		{"a wrong secret key", env["AWS_ACCESS_KEY_ID"], "wrong", "InvalidSignatureException", "SignatureDoesNotMatch"},
		{"an unknown access key", "AKIAIOSFODNN7EXAMPLE", "wrong", "UnrecognizedClientException", "InvalidClientTokenId"},
	} {
		clients := newGoClients(t, w.server, c.key, c.secret, "")
		_, err := clients.oidc.CreateTokenWithIAM(ctx, in)
		expectCode(t, c.what, err, c.json)
		_, err = clients.admin.ListInstances(ctx, &ssoadmin.ListInstancesInput{})
		expectCode(t, c.what, err, c.json)
		_, err = clients.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		expectCode(t, c.what, err, c.query)
	}
}

func expectCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() == "" {
		t.Errorf("%s: want %s with a message, have %v", what, code, err)
	}
}

func (w *world) administrationRefusals(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	store := aws.String(w.server.env["SYMBOLON_IDENTITY_STORE_ID"])
	_, err := w.admin.DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: aws.String(w.frontend[:len(w.frontend)-16] + "0123456789abcdef")})
	expectError[*admintypes.ResourceNotFoundException](t, err, "Application")
	_, err = w.admin.CreateApplication(ctx, &ssoadmin.CreateApplicationInput{
		InstanceArn: w.instance(), ApplicationProviderArn: aws.String(customProvider), Name: aws.String(strings.Repeat("x", 101)),
	})
	expectError[*admintypes.ValidationException](t, err, "name")
	_, err = w.admin.CreateTrustedTokenIssuer(ctx, &ssoadmin.CreateTrustedTokenIssuerInput{
		InstanceArn: w.instance(), Name: aws.String("partner"), TrustedTokenIssuerType: admintypes.TrustedTokenIssuerTypeOidcJwt,
		TrustedTokenIssuerConfiguration: &admintypes.TrustedTokenIssuerConfigurationMemberOidcJwtConfiguration{Value: admintypes.OidcJwtConfiguration{
			IssuerUrl: aws.String("https://other.example.com"), ClaimAttributePath: aws.String("email"), IdentityStoreAttributePath: aws.String("emails.value"),
			JwksRetrievalOption: admintypes.JwksRetrievalOptionOpenIdDiscovery,
		}},
	})
	expectError[*admintypes.ConflictException](t, err, "")
	_, err = w.directory.CreateUser(ctx, &identitystore.CreateUserInput{
		IdentityStoreId: store, UserName: aws.String(assignedUser), DisplayName: aws.String("twice"),
		Name: &idtypes.Name{GivenName: aws.String("T"), FamilyName: aws.String("T")},
	})
	expectError[*idtypes.ConflictException](t, err, "")
	_, err = w.directory.DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: store, UserId: aws.String("11111111-1111-4111-8111-111111111111")})
	expectError[*idtypes.ResourceNotFoundException](t, err, "")
	_, err = w.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(w.dataReader() + "-missing"), RoleSessionName: aws.String("journey")})
	expectCode(t, "a role that is not there", err, "AccessDenied")
}
