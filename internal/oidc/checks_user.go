package oidc

const (
	assignUser = "aws sso-admin create-application-assignment --application-arn {assignedTo} --principal-type USER --principal-id {user}"
	assignMore = `or assign a group of the user (--principal-type GROUP), or nobody: aws sso-admin put-application-assignment-configuration --application-arn {assignedTo} --no-assignment-required`
	signInNew  = "begin anew: have the user sign in again, or present a new assertion"
)

// What every live token rests on: the user, the assignment, the session, the chain of applications, the issuer.
var (
	sameStore = &check{"user-of-this-instance", "the user must belong to the identity store of the application's instance", []string{
		"use an application of the instance that the user belongs to",
	}}
	userThere     = &check{"user-exists", "the user {user} must exist", []string{"the user was deleted: create it anew, and " + signInNew}}
	userIsEnabled = &check{"user-enabled", "the user {user} must be enabled", []string{
		`organization file: users: [{ userName: <name of {user}>, enabled: true }]`,
	}}
	userSignedIn = &check{"signed-in-since", "the user must have signed in after the last change of its password", []string{signInNew}}
	userAssigned = &check{"user-assigned", "the user {user} must be assigned to the application {assignedTo}, itself or by a group", []string{
		assignUser, assignMore, `organization file: applications: [{ name: "{assignedToName}", assignments: { users: […], groups: […] } }]   (the lists are exact)`,
	}}
	sessionLives = &check{"session-lives", "the session that the token belongs to must not have ended: by a revocation, a sign-out, or the reuse of a code or refresh token", []string{
		signInNew + "; the event that ended it has the session id {session}",
	}}
	chainThere = &check{"chain-application-exists", "every application that the token was exchanged through must exist", []string{
		signInNew + ", without the application {actor}",
	}}
	chainEnabled = &check{"chain-application-enabled", "every application that the token was exchanged through must be enabled", []string{
		"aws sso-admin update-application --application-arn {actor} --status ENABLED",
	}}
	chainAssigned = &check{"chain-user-assigned", "the user {user} must be assigned to every application that the token was exchanged through", []string{
		"aws sso-admin create-application-assignment --application-arn {actor} --principal-type USER --principal-id {user}",
	}}
	chainTargets = &check{"chain-targets", "every application that the token was exchanged through must name the next as an authorized target of some scope", []string{
		"aws sso-admin put-application-access-scope --application-arn {actor} --scope <scope> --authorized-targets {target}",
	}}
	chainExchanges = &check{"chain-exchange-grant", "every application that the token was exchanged for must have the token-exchange grant", []string{
		`aws sso-admin put-application-grant --application-arn {target} --grant-type urn:ietf:params:oauth:grant-type:token-exchange --grant '{"TokenExchange":{}}'`,
	}}
	parentTargets = &check{"parent-targets", "the application that the subject token was issued to must still name this one as an authorized target of one of the token's scopes", []string{
		putTargets, putTargetsFile,
	}}
	issuerTrusted = &check{"issuer-trusted", "the trusted token issuer that vouched for the user must exist, and the application that took the assertion must list it", []string{
		`aws sso-admin put-application-grant --application-arn {takenBy} --grant-type urn:ietf:params:oauth:grant-type:jwt-bearer --grant ` +
			`'{"JwtBearer":{"AuthorizedTokenIssuers":[{"TrustedTokenIssuerArn":"{issuer}","AuthorizedAudiences":["<aud>"]}]}}'`,
		"or, where the trusted token issuer was deleted: create it anew, list it, and " + signInNew,
	}}
	restsOnTime = &check{"parent-unexpired", "what the grant rests on must not have expired", []string{signInNew}}
	userChecks  = []*check{
		sameStore, userThere, userIsEnabled, userSignedIn, userAssigned, sessionLives, chainThere, chainEnabled, chainAssigned, chainTargets,
		chainExchanges, parentTargets, issuerTrusted, restsOnTime,
	}
)
