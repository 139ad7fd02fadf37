package oidc

// The shapes of the service on the wire: names, constraints and secrets as AWS documents them, in the tag language of
// wire.Op. Keep them in step with AWS; test/golden notices what moved.

// CreateTokenWithIAMInput is what CreateTokenWithIAM takes.
type CreateTokenWithIAMInput struct {
	ClientId           string   `json:"clientId" wire:"required"`
	GrantType          string   `json:"grantType" wire:"required"`
	Code               *string  `json:"code" wire:"secret"`
	RefreshToken       *string  `json:"refreshToken" wire:"secret"`
	Assertion          *string  `json:"assertion" wire:"secret"`
	Scope              []string `json:"scope"`
	RedirectUri        *string  `json:"redirectUri"`
	SubjectToken       *string  `json:"subjectToken" wire:"secret"`
	SubjectTokenType   *string  `json:"subjectTokenType"`
	RequestedTokenType *string  `json:"requestedTokenType"`
	CodeVerifier       *string  `json:"codeVerifier" wire:"secret"`
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
