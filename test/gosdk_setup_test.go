package test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	iddocument "github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/document"
	admintypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	customProvider = "arn:aws:sso::aws:applicationProvider/custom"
	registeredURI  = "http://127.0.0.1/callback"
	// redirectURI has a port: that of a loopback literal is free (RFC 8252 §7.3).
	redirectURI    = "http://127.0.0.1:39871/callback"
	assertionAud   = "reports-frontend"
	reportsScope   = "reports:read"
	assignedUser   = "carol"
	unassignedUser = "dave"
)

// goClients are the SDK for Go's clients, pointed at a server.
type goClients struct {
	oidc      *ssooidc.Client
	admin     *ssoadmin.Client
	directory *identitystore.Client
	sts       *sts.Client
}

// newGoClients configures the SDK as a program's own main would, with credentials given by hand.
func newGoClients(t *testing.T, s *server, key, secret, session string) goClients {
	t.Helper()
	c, err := config.LoadDefaultConfig(t.Context(),
		config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil), config.WithRegion(s.env["AWS_REGION"]),
		config.WithBaseEndpoint(s.url), config.WithHTTPClient(s.awsClient()), config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key, secret, session)))
	if err != nil {
		t.Fatal(err)
	}
	return goClientsOf(c)
}

func goClientsOf(c aws.Config) goClients {
	return goClients{ssooidc.NewFromConfig(c), ssoadmin.NewFromConfig(c), identitystore.NewFromConfig(c), sts.NewFromConfig(c)}
}

// adminClients have the administrator's credentials that `symbolon env` prints.
func adminClients(t *testing.T, s *server) goClients {
	t.Helper()
	return newGoClients(t, s, s.env["AWS_ACCESS_KEY_ID"], s.env["AWS_SECRET_ACCESS_KEY"], "")
}

// world is what a journey needs, set up through AWS's own APIs: a frontend with all four grants whose scope targets reports, an
// issuer, an assigned and an unassigned user.
type world struct {
	goClients
	server            *server
	issuer            *tokenIssuer
	issuerARN         string
	frontend, reports string // application ARNs
	users             map[string]string
}

func newWorld(t *testing.T, s *server, c goClients) *world {
	t.Helper()
	return newWorldOf(t, s, c, startIssuer(t))
}

// newWorldOf is newWorld with an issuer that runs already.
func newWorldOf(t *testing.T, s *server, c goClients, issuer *tokenIssuer) *world {
	t.Helper()
	w := &world{goClients: c, server: s, issuer: issuer, users: map[string]string{}}
	ctx := t.Context()
	created := must(c.admin.CreateTrustedTokenIssuer(ctx, &ssoadmin.CreateTrustedTokenIssuerInput{
		InstanceArn: w.instance(), Name: aws.String("partner"), TrustedTokenIssuerType: admintypes.TrustedTokenIssuerTypeOidcJwt,
		TrustedTokenIssuerConfiguration: &admintypes.TrustedTokenIssuerConfigurationMemberOidcJwtConfiguration{Value: admintypes.OidcJwtConfiguration{
			IssuerUrl: aws.String(w.issuer.url), ClaimAttributePath: aws.String("email"), IdentityStoreAttributePath: aws.String("emails.value"),
			JwksRetrievalOption: admintypes.JwksRetrievalOptionOpenIdDiscovery,
		}},
	}))(t)
	w.issuerARN = *created.TrustedTokenIssuerArn
	for _, name := range []string{assignedUser, unassignedUser} {
		w.users[name] = w.createUser(t, name)
	}
	found := must(c.directory.GetUserId(ctx, &identitystore.GetUserIdInput{
		IdentityStoreId: aws.String(s.env["SYMBOLON_IDENTITY_STORE_ID"]),
		AlternateIdentifier: &idtypes.AlternateIdentifierMemberUniqueAttribute{Value: idtypes.UniqueAttribute{
			AttributePath: aws.String("userName"), AttributeValue: iddocument.NewLazyDocument(s.env["SYMBOLON_USER"]),
		}},
	}))(t)
	w.users[s.env["SYMBOLON_USER"]] = *found.UserId
	w.reports = w.createApplication(t, "reports", false)
	w.configure(t, w.reports, reportsScope, nil, reportsGrants())
	w.frontend = w.createApplication(t, "frontend", true)
	w.configure(t, w.frontend, reportsScope, []string{w.reports}, w.frontendGrants())
	w.assign(t, w.frontend, assignedUser)
	w.assign(t, w.frontend, s.env["SYMBOLON_USER"])
	return w
}

func (w *world) instance() *string { return aws.String(w.server.env["SYMBOLON_INSTANCE_ARN"]) }

func (w *world) createUser(t *testing.T, name string) string {
	t.Helper()
	created := must(w.directory.CreateUser(t.Context(), &identitystore.CreateUserInput{
		IdentityStoreId: aws.String(w.server.env["SYMBOLON_IDENTITY_STORE_ID"]), UserName: aws.String(name), DisplayName: aws.String(name),
		Name:   &idtypes.Name{GivenName: aws.String(name), FamilyName: aws.String("Tester")},
		Emails: []idtypes.Email{{Value: aws.String(name + "@example.com"), Type: aws.String("work"), Primary: true}},
	}))(t)
	return *created.UserId
}

func (w *world) createApplication(t *testing.T, name string, assignmentRequired bool) string {
	t.Helper()
	created := must(w.admin.CreateApplication(t.Context(), &ssoadmin.CreateApplicationInput{
		InstanceArn: w.instance(), ApplicationProviderArn: aws.String(customProvider), Name: aws.String(name),
	}))(t)
	configuration := must(w.admin.GetApplicationAssignmentConfiguration(t.Context(),
		&ssoadmin.GetApplicationAssignmentConfigurationInput{ApplicationArn: created.ApplicationArn}))(t)
	if !*configuration.AssignmentRequired {
		t.Errorf("a new application requires no assignment")
	}
	_ = must(w.admin.PutApplicationAssignmentConfiguration(t.Context(), &ssoadmin.PutApplicationAssignmentConfigurationInput{
		ApplicationArn: created.ApplicationArn, AssignmentRequired: &assignmentRequired,
	}))(t)
	return *created.ApplicationArn
}

// configure puts the actor policy, the scope and the grants on an application.
func (w *world) configure(t *testing.T, application, scope string, targets []string, grants map[admintypes.GrantType]admintypes.Grant) {
	t.Helper()
	_ = must(w.admin.PutApplicationAuthenticationMethod(t.Context(), &ssoadmin.PutApplicationAuthenticationMethodInput{
		ApplicationArn: &application, AuthenticationMethodType: admintypes.AuthenticationMethodTypeIam,
		AuthenticationMethod: &admintypes.AuthenticationMethodMemberIam{Value: admintypes.IamAuthenticationMethod{
			ActorPolicy: document.NewLazyDocument(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": w.server.env["SYMBOLON_ACCOUNT_ID"]}, "Resource": "*",
				"Action": []string{"sso-oauth:CreateTokenWithIAM", "sso-oauth:IntrospectTokenWithIAM", "sso-oauth:RevokeTokenWithIAM"},
			}}}),
		}},
	}))(t)
	_ = must(w.admin.PutApplicationAccessScope(t.Context(), &ssoadmin.PutApplicationAccessScopeInput{
		ApplicationArn: &application, Scope: &scope, AuthorizedTargets: targets,
	}))(t)
	for grantType, grant := range grants {
		_ = must(w.admin.PutApplicationGrant(t.Context(), &ssoadmin.PutApplicationGrantInput{
			ApplicationArn: &application, GrantType: grantType, Grant: grant,
		}))(t)
	}
}

func (w *world) frontendGrants() map[admintypes.GrantType]admintypes.Grant {
	return map[admintypes.GrantType]admintypes.Grant{
		admintypes.GrantTypeAuthorizationCode: &admintypes.GrantMemberAuthorizationCode{
			Value: admintypes.AuthorizationCodeGrant{RedirectUris: []string{registeredURI}},
		},
		admintypes.GrantTypeRefreshToken: &admintypes.GrantMemberRefreshToken{},
		admintypes.GrantTypeJwtBearer: &admintypes.GrantMemberJwtBearer{Value: admintypes.JwtBearerGrant{
			AuthorizedTokenIssuers: []admintypes.AuthorizedTokenIssuer{{
				TrustedTokenIssuerArn: &w.issuerARN, AuthorizedAudiences: []string{assertionAud},
			}},
		}},
		admintypes.GrantTypeTokenExchange: &admintypes.GrantMemberTokenExchange{},
	}
}

func reportsGrants() map[admintypes.GrantType]admintypes.Grant {
	return map[admintypes.GrantType]admintypes.Grant{
		admintypes.GrantTypeTokenExchange: &admintypes.GrantMemberTokenExchange{},
		admintypes.GrantTypeRefreshToken:  &admintypes.GrantMemberRefreshToken{},
	}
}

func (w *world) assign(t *testing.T, application, user string) {
	t.Helper()
	_ = must(w.admin.CreateApplicationAssignment(t.Context(), &ssoadmin.CreateApplicationAssignmentInput{
		ApplicationArn: &application, PrincipalId: aws.String(w.users[user]), PrincipalType: admintypes.PrincipalTypeUser,
	}))(t)
}

// must turns an answer and its error into the answer, or the end of the test.
func must[T any](answer T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// createToken calls CreateTokenWithIAM and expects tokens.
func (w *world) createToken(t *testing.T, in ssooidc.CreateTokenWithIAMInput) *ssooidc.CreateTokenWithIAMOutput {
	t.Helper()
	return must(w.oidc.CreateTokenWithIAM(t.Context(), &in))(t)
}

// refused calls CreateTokenWithIAM and returns the error, which there must be.
func (w *world) refused(ctx context.Context, t *testing.T, in ssooidc.CreateTokenWithIAMInput) error {
	t.Helper()
	if _, err := w.oidc.CreateTokenWithIAM(ctx, &in); err != nil {
		return err
	}
	t.Fatal("CreateTokenWithIAM gave tokens where it had to refuse")
	return nil
}
