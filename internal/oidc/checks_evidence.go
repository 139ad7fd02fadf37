package oidc

const (
	newCodeNeeded = "get a new code at /authorize and redeem it once, within its minute"
	newToken      = "get a new token; one that was refused stays refused"
	mendIssuer    = "have the issuer make assertions as the reason says"
)

// What codes, refresh tokens and subject tokens must be.
var (
	codeKnown = &check{"code-known", "the authorization code must be one of ours that has not expired", []string{newCodeNeeded}}
	codeOwn   = &check{"code-own", "the code must have been issued to the application that redeems it", []string{
		"redeem it as {issuedTo}; it is still good there",
	}}
	codeEpoch    = &check{"code-since-restore", "the code must have been issued after the last restore of the store", []string{newCodeNeeded}}
	codeFresh    = &check{"code-unexpired", "the code must be redeemed before it expires (setting code-ttl)", []string{newCodeNeeded}}
	codeRedirect = &check{"code-redirect", "redirectUri must be the one of the authorization request, to the letter", []string{
		"send the same redirectUri again; the code is still good",
	}}
	codeRegistered = &check{"code-redirect-registered", "the redirect URI must still be one of the application's", []string{
		`aws sso-admin put-application-grant --application-arn {application} --grant-type authorization_code --grant '{"AuthorizationCode":{"RedirectUris":["{redirectUri}"]}}'`,
		`organization file: applications: [{ name: "{applicationName}", grants: { authorizationCode: { redirectUris: ["{redirectUri}"] } } }]   (grants are exact)`,
	}}
	codePKCE = &check{"code-verifier", "codeVerifier must be the one whose SHA-256 was the code_challenge (PKCE)", []string{
		"send the codeVerifier of this very authorization request: 43 to 128 characters of A-Z a-z 0-9 - . _ ~; the code is still good",
	}}
	codeOnce = &check{"code-once", "a code is redeemed once", []string{
		"nothing makes this code good again, and what its first use gave has ended: either the client repeats itself, or somebody has stolen the code; " + newCodeNeeded,
	}}
	subjectVerifies = &check{"subject-verifies", "the subject token must be a live access token of this service", []string{newToken}}
	applicationLive = &check{"token-application", "the application that the token was issued to must exist and be enabled", []string{
		"aws sso-admin update-application --application-arn {issuedTo} --status ENABLED",
	}}
	exchangeTypesFit = &check{"exchange-types", "subjectTokenType and requestedTokenType must be types that can be exchanged", []string{
		"send urn:ietf:params:oauth:token-type:access_token as subjectTokenType; as requestedTokenType the same, or …:refresh_token",
	}}
	subjectOther = &check{"subject-other", "the subject token must have been issued to another application", []string{
		"exchange it as the application that it is meant for; its own needs no exchange",
	}}
	subjectTargets = &check{"subject-targets", "one of the subject token's scopes ({scopes}) must name this application, or its instance, as an authorized target", []string{
		putTargets, putTargetsFile, "the application {parent} must ask for that scope when it gets its token",
	}}
	exchangeDepth = &check{"exchange-depth", "a chain of exchanges is five long at most", []string{"exchange a token that is nearer to the user's own"}}
	refreshKnown  = &check{"refresh-verifies", "the refresh token must be one of ours, whole, of a family that has not expired", []string{signInNew}}
	refreshOwn    = &check{"refresh-own", "the refresh token must have been issued to the application that presents it", []string{"present it as {issuedTo}"}}
	refreshEpoch  = &check{"refresh-since-restore", "the refresh token must have been issued after the last restore of the store", []string{signInNew}}
	refreshAlive  = &check{"refresh-family-alive", "the family of the refresh token must not have ended: by a revocation, or the reuse of a code or refresh token", []string{
		signInNew + "; the event that ended it has the session id {session}",
	}}
	refreshIdle = &check{"refresh-in-use", "a family must be refreshed before it has been idle for too long (setting refresh-idle-ttl)", []string{signInNew}}
	refreshOnce = &check{"refresh-once", "a refresh token is used once: again only just after, within refresh-grace", []string{
		"nothing makes it good again, and all of its session has ended: either the client keeps an old token (it must keep the last one it was given), or somebody has stolen one; " + signInNew,
	}}
	refreshBehind = &check{"refresh-not-ahead", "the refresh token must not be newer than the store", []string{
		"the store was put back to an older state by hand: stop the server and run `symbolon restore --mark` at once; " + signInNew,
	}}
	tokenVerifies  = &check{"token-verifies", "the token must be one of ours that has not expired", []string{newToken}}
	tokenOwn       = &check{"token-own", "the token must have been issued to the application that asks, or one of its scopes must target it", []string{"ask as {issuedTo}"}}
	refreshCurrent = &check{"refresh-current", "the refresh token must be the last one of its family", []string{"ask about the last one that was given"}}
	evidenceChecks = []*check{
		codeKnown, codeOwn, codeEpoch, codeFresh, codeRedirect, codeRegistered, codePKCE, codeOnce, subjectVerifies, applicationLive,
		exchangeTypesFit, subjectOther, subjectTargets, exchangeDepth, refreshKnown, refreshOwn, refreshEpoch, refreshAlive, refreshIdle,
		refreshOnce, refreshBehind, tokenVerifies, tokenOwn, refreshCurrent,
	}
)

// What an assertion must be.
var (
	assertionVerifies = &check{"assertion-verifies", "the assertion must be a signed JWT of its issuer, with all claims, and valid now", []string{mendIssuer}}
	assertionKeys     = &check{"assertion-keys", "the keys of the issuer {issuerUrl} must be to be had by discovery", []string{
		"run `symbolon doctor`, which fetches them the same way and says what is wrong; an issuer on a private address or without https must be named in allowed-issuer-origins",
	}}
	assertionIssuer = &check{"assertion-issuer", "the assertion's iss, {issuerUrl}, must be the URL of a trusted token issuer that the application lists", []string{
		`aws sso-admin create-trusted-token-issuer --instance-arn {instance} --name <name> --trusted-token-issuer-type OIDC_JWT --trusted-token-issuer-configuration ` +
			`'{"OidcJwtConfiguration":{"IssuerUrl":"{issuerUrl}","ClaimAttributePath":"email","IdentityStoreAttributePath":"emails.value","JwksRetrievalOption":"OPEN_ID_DISCOVERY"}}'`,
		`aws sso-admin put-application-grant --application-arn {application} --grant-type urn:ietf:params:oauth:grant-type:jwt-bearer --grant ` +
			`'{"JwtBearer":{"AuthorizedTokenIssuers":[{"TrustedTokenIssuerArn":"<its ARN>","AuthorizedAudiences":["<aud>"]}]}}'`,
		`organization file: trustedTokenIssuers: [{ name: idp, issuerUrl: "{issuerUrl}" }] and applications: [{ name: "{applicationName}", grants: { jwtBearer: [{ issuer: idp, audiences: [<aud>] }] } }]`,
	}}
	assertionSettled = &check{"assertion-issuer-settled", "the trusted token issuer must not change while an assertion is judged", []string{"send the request again"}}
	assertionSince   = &check{"assertion-since-restore", "for a day after a restore an assertion must have been issued after it, and say so (iat)", []string{
		"present a new assertion",
	}}
	assertionAudience = &check{"assertion-audience", "every aud of the assertion must be among the AuthorizedAudiences of the application's grant", []string{
		`aws sso-admin put-application-grant --application-arn {application} --grant-type urn:ietf:params:oauth:grant-type:jwt-bearer --grant ` +
			`'{"JwtBearer":{"AuthorizedTokenIssuers":[{"TrustedTokenIssuerArn":"{issuer}","AuthorizedAudiences":["{audience}"]}]}}'`,
		`organization file: applications: [{ name: "{applicationName}", grants: { jwtBearer: [{ issuer: <name>, audiences: ["{audience}"] }] } }]   (grants are exact)`,
		"or have the issuer put only an authorized audience into aud",
	}}
	assertionClaim = &check{"assertion-claim", "the assertion must have the claim {claim}, a text that is not empty", []string{
		"have the issuer {issuerUrl} send it, or name another: aws sso-admin update-trusted-token-issuer --trusted-token-issuer-arn {issuer} " +
			`--trusted-token-issuer-configuration '{"OidcJwtConfiguration":{"ClaimAttributePath":"<claim>"}}'`,
	}}
	assertionEmail = &check{"assertion-email-verified", "an assertion that maps users by e-mail must not say that the address is unverified", []string{
		"have the address verified at the issuer {issuerUrl}, or map another claim",
	}}
	assertionUser = &check{"assertion-user", "exactly one user must have, as {attribute}, what the assertion's claim {claim} says", []string{
		"give one user that {attribute} (aws identitystore create-user, update-user; organization file: users), and no second one",
	}}
	assertionOnce = &check{"assertion-once", "an assertion is used once (jti)", []string{"present a new assertion for each grant; for more tokens of the same session use the refresh token"}}

	assertionChecks = []*check{
		assertionVerifies, assertionKeys, assertionIssuer, assertionSettled, assertionSince, assertionAudience, assertionClaim, assertionEmail,
		assertionUser, assertionOnce,
	}
)
