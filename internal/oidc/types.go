package oidc

// The shapes of the service on the wire: names, constraints and secrets as AWS documents them, in the tag language of
// wire.Op. Keep them in step with AWS; test/golden notices what moved.

// CreateTokenWithIAMInput is what CreateTokenWithIAM takes.
type CreateTokenWithIAMInput struct {
	ClientId           string   `json:"clientId" wire:"required"`
	GrantType          string   `json:"grantType" wire:"required"`
	Code               *string  `json:"code" wire:"secret,opaque"`
	RefreshToken       *string  `json:"refreshToken" wire:"secret,opaque"`
	Assertion          *string  `json:"assertion" wire:"secret,opaque"`
	Scope              []string `json:"scope"`
	RedirectUri        *string  `json:"redirectUri"`
	SubjectToken       *string  `json:"subjectToken" wire:"secret,opaque"`
	SubjectTokenType   *string  `json:"subjectTokenType"`
	RequestedTokenType *string  `json:"requestedTokenType"`
	CodeVerifier       *string  `json:"codeVerifier" wire:"secret,opaque"`
}

// CreateTokenWithIAMOutput is what CreateTokenWithIAM answers.
type CreateTokenWithIAMOutput struct {
	AccessToken          *string               `json:"accessToken" wire:"secret"`
	TokenType            *string               `json:"tokenType"`
	ExpiresIn            *int                  `json:"expiresIn"`
	RefreshToken         *string               `json:"refreshToken" wire:"secret"`
	IdToken              *string               `json:"idToken" wire:"secret"`
	IssuedTokenType      *string               `json:"issuedTokenType"`
	Scope                []string              `json:"scope"`
	AwsAdditionalDetails *AwsAdditionalDetails `json:"awsAdditionalDetails"`
}

// AwsAdditionalDetails is AWS's extension of the token answer: the identity context for sts:AssumeRole.
type AwsAdditionalDetails struct {
	IdentityContext *string `json:"identityContext" wire:"secret"`
}

// IntrospectTokenInput is the form of an introspection request (RFC 7662 §2.1), with the application on whose behalf the
// caller asks.
type IntrospectTokenInput struct {
	Token         string  `json:"token" wire:"required,secret,opaque"`
	TokenTypeHint *string `json:"token_type_hint"`
	ClientId      string  `json:"client_id" wire:"required"`
}

// IntrospectTokenOutput is RFC 7662 §2.2's answer; for anything but a live token of the caller's it is {"active":false} alone.
type IntrospectTokenOutput struct {
	Active          bool     `json:"active"`
	Scope           *string  `json:"scope"`
	ClientId        *string  `json:"client_id"`
	Username        *string  `json:"username"`
	TokenType       *string  `json:"token_type"`
	Exp             *int64   `json:"exp"`
	Iat             *int64   `json:"iat"`
	Sub             *string  `json:"sub"`
	Aud             []string `json:"aud"`
	Iss             *string  `json:"iss"`
	Jti             *string  `json:"jti"`
	AuthTime        *int64   `json:"auth_time"`
	Act             *Actor   `json:"act"`
	IdentityStoreId *string  `json:"aws:identity_store_id"`
	InstanceArn     *string  `json:"aws:instance_arn"`
}

// Actor is the act claim (RFC 8693 §4.1): the current actor, and within it the ones before.
type Actor struct {
	Sub string `json:"sub"`
	Act *Actor `json:"act"`
}

// RevokeTokenInput is the form of a revocation request (RFC 7009 §2.1), with the application on whose behalf the caller asks.
type RevokeTokenInput struct {
	Token         string  `json:"token" wire:"required,secret,opaque"`
	TokenTypeHint *string `json:"token_type_hint"`
	ClientId      string  `json:"client_id" wire:"required"`
}

// RevokeTokenOutput is empty: RFC 7009 §2.2 answers 200 whether or not there was anything to revoke.
type RevokeTokenOutput struct{}
