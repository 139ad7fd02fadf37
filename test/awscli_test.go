package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/go-jose/go-jose/v4"
)

// The whole journey with the AWS CLI v1: every step is one `aws` command, with nothing but the environment of `symbolon env`.
func TestAWSCLIJourney(t *testing.T) {
	t.Parallel()
	path := tool(t, "aws", "the AWS CLI remains untried")
	version := must(exec.CommandContext(t.Context(), path, "--version").CombinedOutput())(t)
	if !bytes.HasPrefix(version, []byte("aws-cli/")) {
		t.Skipf("MISSING: %s is not the AWS CLI: %s", path, version)
	}
	t.Logf("%s", version)
	s := startServer(t)
	c := &cli{t: t, server: s, path: path, config: filepath.Join(t.TempDir(), "config"), issuer: startIssuer(t), users: map[string]string{}}
	if err := os.WriteFile(c.config, []byte(cliConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c.setUp()
	tokens := c.grants()
	c.assumeRole(tokens)
	c.pages()
	c.refusals()
}

// cliConfig: version 1 takes an argument that begins with http:// for the place of the argument, and fetches it, unless told not to.
const cliConfig = "[default]\ncli_follow_urlparam = false\n"

// cli runs `aws` commands.
type cli struct {
	t                 *testing.T
	server            *server
	path, config      string
	issuer            *tokenIssuer
	issuerARN         string
	frontend, reports string
	users             map[string]string
}

// try runs one command: its JSON answer and what it said on standard error.
func (c *cli) try(more map[string]string, arguments ...string) (map[string]any, string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), childLimit)
	defer cancel()
	variables := map[string]string{"AWS_CONFIG_FILE": c.config}
	maps.Copy(variables, more)
	run := c.server.child(ctx, variables, c.path, append(arguments, "--output", "json")...)
	var out, stderr bytes.Buffer
	run.Stdout, run.Stderr = &out, &stderr
	err := run.Run()
	answer := map[string]any{}
	if err == nil && out.Len() > 0 {
		err = json.Unmarshal(out.Bytes(), &answer)
	}
	return answer, stderr.String(), err
}

// run runs one command that must succeed.
func (c *cli) run(arguments ...string) map[string]any {
	c.t.Helper()
	answer, stderr, err := c.try(nil, arguments...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(arguments, " "), err, stderr)
	}
	return answer
}

// refused runs one command that must end with AWS's code and a message about says.
func (c *cli) refused(code, says string, more map[string]string, arguments ...string) {
	c.t.Helper()
	_, stderr, err := c.try(more, arguments...)
	want := "An error occurred (" + code + ") when calling the "
	_, message, _ := strings.Cut(stderr, " operation: ")
	if err == nil || !strings.Contains(stderr, want) || strings.TrimSpace(message) == "" || !strings.Contains(message, says) {
		c.t.Errorf("aws %s: %v\n%s\nwant %s and something about %q", strings.Join(arguments, " "), err, stderr, code, says)
	}
}

func (c *cli) setUp() {
	instance, store := c.server.env["SYMBOLON_INSTANCE_ARN"], c.server.env["SYMBOLON_IDENTITY_STORE_ID"]
	c.issuerARN = c.run("sso-admin", "create-trusted-token-issuer", "--instance-arn", instance, "--name", "partner",
		"--trusted-token-issuer-type", "OIDC_JWT", "--trusted-token-issuer-configuration", "OidcJwtConfiguration={IssuerUrl="+c.issuer.url+
			",ClaimAttributePath=email,IdentityStoreAttributePath=emails.value,JwksRetrievalOption=OPEN_ID_DISCOVERY}")["TrustedTokenIssuerArn"].(string)
	for _, name := range []string{assignedUser, unassignedUser} {
		c.users[name] = c.run("identitystore", "create-user", "--identity-store-id", store, "--user-name", name, "--display-name", name,
			"--name", "GivenName="+name+",FamilyName=Tester", "--emails", "Value="+name+"@example.com,Type=work,Primary=true")["UserId"].(string)
	}
	user := c.server.env["SYMBOLON_USER"]
	c.users[user] = c.run("identitystore", "get-user-id", "--identity-store-id", store, "--alternate-identifier",
		`{"UniqueAttribute":{"AttributePath":"userName","AttributeValue":"`+user+`"}}`)["UserId"].(string)

	c.reports = c.application("reports", "--no-assignment-required", map[string]string{grantExchange: `{"TokenExchange":{}}`})
	c.frontend = c.application("frontend", "--assignment-required", map[string]string{
		grantCode:     `{"AuthorizationCode":{"RedirectUris":["` + registeredURI + `"]}}`,
		grantRefresh:  `{"RefreshToken":{}}`,
		grantExchange: `{"TokenExchange":{}}`,
		grantBearer:   `{"JwtBearer":{"AuthorizedTokenIssuers":[{"TrustedTokenIssuerArn":"` + c.issuerARN + `","AuthorizedAudiences":["` + assertionAud + `"]}]}}`,
	}, "--authorized-targets", c.reports)
	for _, name := range []string{user, assignedUser} {
		c.run("sso-admin", "create-application-assignment", "--application-arn", c.frontend, "--principal-id", c.users[name], "--principal-type", "USER")
	}
}

// application makes one and puts everything on it.
func (c *cli) application(name, assignment string, grants map[string]string, targets ...string) string {
	arn := c.run("sso-admin", "create-application", "--instance-arn", c.server.env["SYMBOLON_INSTANCE_ARN"],
		"--application-provider-arn", customProvider, "--name", name)["ApplicationArn"].(string)
	c.run("sso-admin", "put-application-assignment-configuration", "--application-arn", arn, assignment)
	c.run("sso-admin", "put-application-authentication-method", "--application-arn", arn, "--authentication-method-type", "IAM",
		"--authentication-method", `{"Iam":{"ActorPolicy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+
			c.server.env["SYMBOLON_ACCOUNT_ID"]+`"},"Action":"sso-oauth:CreateTokenWithIAM","Resource":"*"}]}}}`)
	c.run(append([]string{"sso-admin", "put-application-access-scope", "--application-arn", arn, "--scope", reportsScope}, targets...)...)
	for grantType, grant := range grants {
		c.run("sso-admin", "put-application-grant", "--application-arn", arn, "--grant-type", grantType, "--grant", grant)
	}
	return arn
}

// token runs create-token-with-iam; client is an application ARN.
func (c *cli) token(client, grantType string, more ...string) map[string]any {
	c.t.Helper()
	return c.run(append([]string{"sso-oidc", "create-token-with-iam", "--client-id", client, "--grant-type", grantType}, more...)...)
}

// code signs the built-in user in and returns the arguments that redeem the code.
func (c *cli) code() []string {
	proof, env := newPKCE(), c.server.env
	code := newBrowser(c.server.url).signIn(c.t, c.frontend, redirectURI, env["SYMBOLON_USER"], env["SYMBOLON_PASSWORD"], proof, nil)
	return []string{"--code", code, "--redirect-uri", redirectURI, "--code-verifier", proof.verifier}
}

func (c *cli) check(tokens map[string]any, user string) {
	c.t.Helper()
	raw := must(json.Marshal(tokens))(c.t)
	var out ssooidc.CreateTokenWithIAMOutput // the CLI prints the members under the same names
	if err := json.Unmarshal(raw, &out); err != nil {
		c.t.Fatal(err)
	}
	(&world{server: c.server, users: c.users}).checkTokens(c.t, &out, user)
}

// grants goes through the four grants and returns the tokens of the first.
func (c *cli) grants() map[string]any {
	tokens := c.token(c.frontend, grantCode, c.code()...)
	c.check(tokens, c.server.env["SYMBOLON_USER"])
	refreshed := c.token(c.frontend, grantRefresh, "--refresh-token", tokens["refreshToken"].(string))
	c.check(refreshed, c.server.env["SYMBOLON_USER"])
	vouched := c.token(c.frontend, grantBearer, "--assertion", c.issuer.assertion(c.t, jose.ES256, assignedUser+"@example.com", assertionAud))
	c.check(vouched, assignedUser)
	exchanged := c.token(c.reports, grantExchange, "--subject-token", tokens["accessToken"].(string), "--subject-token-type", typeAccessToken,
		"--requested-token-type", typeAccessToken, "--scope", reportsScope)
	if exchanged["issuedTokenType"] != typeAccessToken || exchanged["refreshToken"] != nil || fmt.Sprint(exchanged["scope"]) != "["+reportsScope+"]" {
		c.t.Errorf("the exchange gave issuedTokenType %v, scope %v", exchanged["issuedTokenType"], exchanged["scope"])
	}
	return tokens
}

func (c *cli) assumeRole(tokens map[string]any) {
	account := c.server.env["SYMBOLON_ACCOUNT_ID"]
	identity := tokens["awsAdditionalDetails"].(map[string]any)["identityContext"].(string)
	answer := c.run("sts", "assume-role", "--role-arn", "arn:aws:iam::"+account+":role/data-reader", "--role-session-name", "journey",
		"--provided-contexts", "ProviderArn="+identityProvider+",ContextAssertion="+identity)
	key := answer["Credentials"].(map[string]any)
	who, stderr, err := c.try(map[string]string{
		"AWS_ACCESS_KEY_ID": key["AccessKeyId"].(string), "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"].(string), "AWS_SESSION_TOKEN": key["SessionToken"].(string),
	}, "sts", "get-caller-identity")
	if err != nil || !strings.HasPrefix(key["AccessKeyId"].(string), "ASIA") || who["Arn"] != "arn:aws:sts::"+account+":assumed-role/data-reader/journey" {
		c.t.Errorf("get-caller-identity: %v %v\n%s", who, err, stderr)
	}
}

// pages lets the CLI put pages of one together and compares with the whole.
func (c *cli) pages() {
	list := []string{"sso-admin", "list-applications", "--instance-arn", c.server.env["SYMBOLON_INSTANCE_ARN"]}
	whole := c.run(list...)["Applications"].([]any)
	single := c.run(append(list, "--page-size", "1")...)["Applications"].([]any)
	if len(whole) < 4 || fmt.Sprint(whole) != fmt.Sprint(single) {
		c.t.Errorf("in one page %v, one by one %v", whole, single)
	}
	some := c.run(append(list, "--page-size", "1", "--max-items", "2")...)
	rest := c.run(append(list, "--page-size", "1", "--starting-token", fmt.Sprint(some["NextToken"]))...)
	if got := len(some["Applications"].([]any)) + len(rest["Applications"].([]any)); got != len(whole) {
		c.t.Errorf("--max-items 2 and --starting-token together give %d of %d", got, len(whole))
	}
}

func (c *cli) refusals() {
	vouch := func(user string) string {
		return c.issuer.assertion(c.t, jose.RS256, user+"@example.com", assertionAud)
	}
	create := func(client, grantType string, more ...string) []string {
		return append([]string{"sso-oidc", "create-token-with-iam", "--client-id", client, "--grant-type", grantType}, more...)
	}
	code := c.code()
	c.refused("InvalidGrantException", "codeVerifier", nil, create(c.frontend, grantCode, append(code[:5:5], newPKCE().verifier)...)...)
	once := vouch(assignedUser)
	c.token(c.frontend, grantBearer, "--assertion", once)
	c.refused("InvalidGrantException", "used", nil, create(c.frontend, grantBearer, "--assertion", once)...)
	c.refused("AccessDeniedException", "assigned", nil, create(c.frontend, grantBearer, "--assertion", vouch(unassignedUser))...)
	c.refused("InvalidClientException", "client", nil, create(c.frontend[:len(c.frontend)-16]+"0123456789abcdef", grantBearer, "--assertion", vouch(assignedUser))...)
	c.refused("UnauthorizedClientException", "grant", nil, create(c.reports, grantBearer, "--assertion", vouch(assignedUser))...)
	c.refused("InvalidRequestException", "refreshToken", nil, create(c.frontend, grantRefresh)...)
	wrong := map[string]string{"AWS_SECRET_ACCESS_KEY": "wrong"}
	c.refused("InvalidSignatureException", "signature", wrong, create(c.frontend, grantRefresh, "--refresh-token", "x")...)
	c.refused("InvalidSignatureException", "signature", wrong, "sso-admin", "list-instances")
	unknown := maps.Clone(wrong)
	unknown["AWS_ACCESS_KEY_ID"] = "AKIAIOSFODNN7EXAMPLE"
	c.refused("UnrecognizedClientException", "token", unknown, "identitystore", "list-users", "--identity-store-id", c.server.env["SYMBOLON_IDENTITY_STORE_ID"])
	c.refused("ConflictException", "", nil, "identitystore", "create-user", "--identity-store-id", c.server.env["SYMBOLON_IDENTITY_STORE_ID"],
		"--user-name", assignedUser, "--display-name", "twice", "--name", "GivenName=T,FamilyName=T")
}
