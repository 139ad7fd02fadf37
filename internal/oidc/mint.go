package oidc

import (
	"slices"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// Token types of RFC 8693 §3 that AWS uses.
const (
	typeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	typeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
)

// What answers point to; never written again.
var (
	tokenTypeBearer = ptr("Bearer")
	issuedAccess    = ptr(typeAccessToken)
	issuedRefresh   = ptr(typeRefreshToken)
)

// mint makes the tokens of an approved grant. It runs inside the transaction, before its commit: a fault here consumes nothing.
func (s *Server) mint(tx *store.Tx, r *request, a *approved) (*CreateTokenWithIAMOutput, error) {
	access, err := s.accessToken(tx, r, a)
	if err != nil {
		return nil, err
	}
	text, err := s.Minter.AccessToken(access, r.app.AccessTokenFormat(), r.app.SigningAlgorithm())
	if err != nil {
		return nil, err
	}
	// One piece of memory for all that the answer points to.
	given := &struct {
		CreateTokenWithIAMOutput
		access, refresh string
		expiresIn       int
	}{access: text, expiresIn: int(a.expires.Sub(a.issuedAt).Seconds())}
	out := &given.CreateTokenWithIAMOutput
	*out = CreateTokenWithIAMOutput{
		AccessToken: &given.access, TokenType: tokenTypeBearer, ExpiresIn: &given.expiresIn, IssuedTokenType: issuedAccess, Scope: a.scopes,
	}
	if a.family != nil {
		if given.refresh, err = s.Minter.RefreshToken(a.family.current()); err != nil {
			return nil, err
		}
		out.RefreshToken, out.IssuedTokenType = &given.refresh, issuedRefresh
	}
	if err := s.identity(r, a, access, out); err != nil {
		return nil, err
	}
	note(tx, access, a.directoryARN)
	return out, nil
}

// accessToken is what the access token will say. The JWT form, which resource servers verify offline, names them in aud (RFC 9068 §2.2);
// whoever asks us is answered by the targets of the moment instead.
func (s *Server) accessToken(tx *store.Tx, r *request, a *approved) (t token.AccessToken, err error) {
	t = token.AccessToken{
		ID: token.NewCredentialID(a.expires), Session: a.auth.Session, Application: r.app.ARN, InstanceARN: r.app.InstanceARN,
		IdentityStoreID: a.auth.IdentityStoreID, UserID: a.auth.UserID, Scopes: a.scopes,
		Actors: a.auth.Actors, TrustedTokenIssuer: a.auth.TrustedTokenIssuer,
		AuthTime: a.auth.AuthTime, IssuedAt: a.issuedAt, ExpiresAt: a.expires,
	}
	if r.app.AccessTokenFormat() == token.JWT {
		t.Audience, err = audience(tx, &t)
	}
	return t, err
}

// identity adds the identity context and the ID token that the scopes ask for.
func (s *Server) identity(r *request, a *approved, access token.AccessToken, out *CreateTokenWithIAMOutput) error {
	var identityContext string
	if slices.Contains(a.scopes, ScopeIdentityContext) {
		sealed, err := s.Minter.SealIdentityContext(token.IdentityContext{
			UserID: a.auth.UserID, IdentityStoreID: a.auth.IdentityStoreID, IdentityStoreARN: a.directoryARN,
			InstanceARN: r.app.InstanceARN, ApplicationARN: r.app.ARN, CredentialID: access.ID,
			Session: a.auth.Session, TrustedTokenIssuer: a.auth.TrustedTokenIssuer, Actors: a.auth.Actors,
			AuthTime: a.auth.AuthTime, IssuedAt: a.issuedAt, ExpiresAt: a.expires,
		})
		if err != nil {
			return err
		}
		identityContext = sealed
		out.AwsAdditionalDetails = &AwsAdditionalDetails{IdentityContext: &sealed}
	}
	if !slices.Contains(a.scopes, ScopeOpenID) {
		return nil
	}
	id, err := s.Minter.IDToken(token.IDTokenClaims{
		Subject: a.auth.UserID, Audience: []string{r.app.ARN}, IssuedAt: a.issuedAt, ExpiresAt: a.expires,
		AuthTime: a.auth.AuthTime, Nonce: a.auth.Nonce, AccessToken: *out.AccessToken,
		IdentityStoreID: a.auth.IdentityStoreID, IdentityStoreARN: a.directoryARN, InstanceARN: r.app.InstanceARN,
		InstanceAccount: a.account, ApplicationARN: r.app.ARN, CredentialID: access.ID,
		IdentityContext: identityContext, Actors: access.ActChain(),
	}, r.app.SigningAlgorithm())
	if err != nil {
		return err
	}
	out.IdToken = &id
	return nil
}

// note puts into the audit event whom the tokens are for (CloudTrail's additionalEventData of CreateTokenWithIAM).
func note(tx *store.Tx, t token.AccessToken, identityStoreARN string) {
	n := notes(tx)
	n.Text("identitycenter:ApplicationArn", t.Application)
	n.Text("identitycenter:CredentialId", t.ID)
	n.Text("identitystore:IdentityStoreArn", identityStoreARN)
	n.Text("identitystore:UserId", t.UserID)
	n.Text("sessionId", t.Session.ID)
}

func ptr[T any](v T) *T { return &v }
