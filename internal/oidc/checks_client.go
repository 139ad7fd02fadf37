package oidc

import "slices"

// allChecks are all checks there are.
func allChecks() []*check {
	return slices.Concat(requestChecks, callerChecks, applicationChecks, userChecks, evidenceChecks, assertionChecks)
}

// What the request itself must be.
var (
	callerSigned = &check{"caller-signed", "the request must be signed with IAM credentials (SigV4)", []string{
		"sign the request; the SDKs do so unless the client is built without credentials",
	}}
	clientNamed = &check{"client-named", "clientId must be given", []string{"send the application's ARN as clientId"}}
	grantNamed  = &check{"grant-named", "grantType must be one that the service has", []string{
		"send authorization_code, refresh_token, urn:ietf:params:oauth:grant-type:jwt-bearer or urn:ietf:params:oauth:grant-type:token-exchange",
	}}
	membersFit = &check{"members-fit", "the members must be those of the grant type", []string{
		"send what the message names, and nothing that belongs to another grant type",
	}}
	scopeFormed = &check{"scope-formed", "scope must be a list of distinct, well-formed names", []string{
		"send each scope once, as one item of the list, or leave scope out for all of them",
	}}
	requestChecks = []*check{callerSigned, clientNamed, grantNamed, membersFit, scopeFormed}
)

// putActorPolicy sets the application's actor policy by sso-admin.
const putActorPolicy = `aws sso-admin put-application-authentication-method --application-arn {application} --authentication-method-type IAM ` +
	`--authentication-method '{"Iam":{"ActorPolicy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{principal}"},` +
	`"Action":"{action}","Resource":"*"}]}}}'   (it replaces the policy: keep the statements that are to stay)`

// Who may act for the application.
var (
	actorPolicyThere = &check{"actor-policy-there", "the application must have an IAM authentication method: its actor policy says who may call for it", []string{
		putActorPolicy, `organization file: applications: [{ name: "{applicationName}", actors: ["{principal}"] }]`,
	}}
	actorPolicyAllows = &check{"actor-policy-allows", "the application's actor policy must allow {caller} the action {action}", []string{
		putActorPolicy,
		`organization file: applications: [{ name: "{applicationName}", actors: ["{principal}"] }]   (the list is exact: name the others, too)`,
	}}
	identityPolicyAllows = &check{"identity-policy-allows",
		"a policy of {caller} itself must allow {action} on {application}: the actor policy names only the caller's account, or the caller is of another account",
		[]string{
			`organization file, for the user or role of {principal}: inlinePolicies: { tokens: { Version: "2012-10-17", Statement: ` +
				`[{ Effect: Allow, Action: "{action}", Resource: "{application}" }] } }`,
			"within one account, instead: name {principal} in the actor policy. " + putActorPolicy,
		}}
	boundaryAllows = &check{"permissions-boundary-allows", "the permissions boundary of {caller} must allow {action} on {application}", []string{
		"add {action} on {application} to the boundary policy, or take the boundary away (organization file: permissionsBoundary: none)",
	}}
	sessionPolicyAllows = &check{"session-policy-allows", "the policies of the role session {caller} must allow {action} on {application}", []string{
		"assume the role without session policies (AssumeRole: Policy, PolicyArns), or with one that allows {action} on {application}",
	}}
	nothingDenies = &check{"nothing-denies", "no statement of any policy may deny {caller} the action {action}", []string{
		"take away or narrow the denying statement: {decidedBy}",
	}}
	callerStands = &check{"caller-stands", "the caller must still be what it was when it signed, and its policies must be there and readable", []string{
		"see the reason: {decidedBy}",
	}}
	callerChecks = []*check{
		actorPolicyThere, actorPolicyAllows, identityPolicyAllows, boundaryAllows, sessionPolicyAllows, nothingDenies, callerStands,
	}
)

const (
	enableApplication = "aws sso-admin update-application --application-arn {application} --status ENABLED"
	putTargets        = `aws sso-admin put-application-access-scope --application-arn {parent} --scope <one of {scopes}> --authorized-targets {application}`
	putTargetsFile    = `organization file: applications: [{ name: <name of {parent}>, scopes: [{ scope: <one of {scopes}>, targets: ["{applicationName}"] }] }]   (the list of scopes is exact)`
)

// What the application must be and have.
var (
	clientKnown = &check{"client-known", "clientId must be the ARN of an application", []string{
		"send the ARN as `aws sso-admin list-applications --instance-arn <instance>` prints it",
	}}
	clientEnabled = &check{"application-enabled", "the application must be enabled", []string{
		enableApplication, `organization file: applications: [{ name: "{applicationName}", enabled: true }]`,
	}}
	instanceThere = &check{"instance-there", "the application's instance must exist", []string{
		"the instance was deleted: nothing of it can be used again",
	}}
	grantConfigured = &check{"grant-configured", "the application must have the grant {grantType}", []string{
		"aws sso-admin put-application-grant --application-arn {application} --grant-type {grantType} --grant <its settings>",
		`organization file: applications: [{ name: "{applicationName}", grants: { authorizationCode: {…}, refreshToken: true, jwtBearer: […], tokenExchange: true } }]   (what is left out is taken away)`,
	}}
	refreshConfigured = &check{"refresh-grant-configured", "requestedTokenType asks for a refresh token, so the application must have the refresh_token grant", []string{
		`aws sso-admin put-application-grant --application-arn {application} --grant-type refresh_token --grant '{"RefreshToken":{}}'`,
		"or ask for an access token (leave requestedTokenType out)",
	}}
	scopeConfigured = &check{"scope-configured", "the application must have the scope {scope}", []string{
		"aws sso-admin put-application-access-scope --application-arn {application} --scope {scope}",
		`organization file: applications: [{ name: "{applicationName}", scopes: [{ scope: "{scope}" }] }]   (the list is exact)`,
		"or leave it out of the request: without scope all that the application has are given",
	}}
	scopeGranted = &check{"scope-granted", "the scope {scope} must be among those of the token, code or family that the request rests on", []string{
		"ask for it at the beginning: in the authorization request, or for the token that is exchanged",
	}}
	scopeLeft = &check{"scope-left", "some scope must be left: of the application's, those that the parent has", []string{
		"give the application a scope that the parent token has: aws sso-admin put-application-access-scope --application-arn {application} --scope <scope>",
	}}
	applicationChecks = []*check{
		clientKnown, clientEnabled, instanceThere, grantConfigured, refreshConfigured, scopeConfigured, scopeGranted, scopeLeft,
	}
)
