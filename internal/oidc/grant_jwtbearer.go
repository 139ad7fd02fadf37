package oidc

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// provenAssertion is a verified assertion and the trusted token issuer it was verified for.
type provenAssertion struct {
	token.Assertion
	issuer ssoadmin.TrustedTokenIssuer
}

// prepareAssertion finds the trusted token issuer by the assertion's iss and verifies the signature and the times (RFC 7523 §3).
// It may fetch the issuer's keys, so it runs outside the transaction and only for callers that were admitted.
func (s *Server) prepareAssertion(ctx context.Context, r *request) error {
	presented, err := token.ReadAssertion(*r.in.Assertion)
	if err != nil {
		return assertionFault(err, "")
	}
	var tti ssoadmin.TrustedTokenIssuer
	var at time.Time
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		at = tx.Now()
		tti, _, err = authorizedIssuer(tx, r.app, presented.Issuer)
		return err
	})
	if err != nil {
		return err
	}
	verified, err := s.Issuers.Verify(ctx, tti.IssuerURL, tti.AllowedAlgorithms(), presented, at)
	if err != nil {
		return assertionFault(err, tti.IssuerURL)
	}
	r.assertion = &provenAssertion{verified, tti}
	return nil
}

// assertionFault: every fault of an assertion is InvalidGrantException with the reason.
func assertionFault(err error, issuerURL string) error {
	var fault *token.AssertionError
	switch {
	case errors.As(err, &fault):
		return knowing(invalidGrant(assertionVerifies, "the assertion is refused: %s", fault.Reason), "issuerUrl", issuerURL)
	case errors.Is(err, token.ErrIssuerUnavailable):
		return knowing(because(invalidGrant(assertionKeys, "the assertion is refused: the issuer's keys cannot be fetched"), "%v", err), "issuerUrl", issuerURL)
	}
	return err
}

// authorizedIssuer returns the trusted token issuer with that URL that the application's JwtBearer grant lists, and its audiences.
func authorizedIssuer(tx *store.Tx, app ssoadmin.Application, issuerURL string) (ssoadmin.TrustedTokenIssuer, []string, error) {
	grant, err := ssoadmin.GetGrant(tx, app.ARN, ssoadmin.GrantJWTBearer)
	if err != nil {
		return ssoadmin.TrustedTokenIssuer{}, nil, absent(err, refuse(grantConfigured, "UnauthorizedClientException", "the application does not have the %s grant", ssoadmin.GrantJWTBearer))
	}
	tti, err := ssoadmin.TrustedTokenIssuerByURL(tx, app.InstanceARN, issuerURL)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return tti, nil, err
	}
	audiences, listed := grant.Issuer(tti.ARN)
	if err != nil || !listed {
		return tti, nil, knowing(invalidGrant(assertionIssuer, "the assertion is refused: its issuer %q is not a trusted token issuer of the application", clip(issuerURL)),
			"issuerUrl", clip(issuerURL))
	}
	return tti, audiences, nil
}

// proveAssertion judges the verified assertion against the records of this transaction and consumes its jti.
func (s *Server) proveAssertion(tx *store.Tx, r *request) (*Authorization, error) {
	a := r.assertion
	tti, audiences, err := authorizedIssuer(tx, r.app, a.Issuer)
	if err != nil {
		return nil, err
	}
	if tti.ARN != a.issuer.ARN || !slices.Equal(tti.AllowedAlgorithms(), a.issuer.AllowedAlgorithms()) {
		return nil, invalidGrant(assertionSettled, "the assertion is refused: the trusted token issuer changed meanwhile")
	}
	if err := s.checkAudience(a, audiences); err != nil {
		return nil, err
	}
	if _, notBefore := s.Minter.Keys.Epoch(); !notBefore.IsZero() && a.IssuedAt.Before(notBefore) {
		return nil, invalidGrant(assertionSince, "the assertion is refused: it was issued before the store was restored")
	}
	instance, err := ssoadmin.GetInstance(tx, r.app.InstanceARN)
	if err != nil {
		return nil, err
	}
	user, err := mappedUser(tx, instance.IdentityStoreID, tti, a)
	if err != nil {
		return nil, err
	}
	if err := useAssertion(tx, instance.ARN, a); err != nil {
		return nil, err
	}
	session, err := token.NewSession(nil)
	if err != nil {
		return nil, err
	}
	return &Authorization{
		IdentityStoreID: user.StoreID, UserID: user.ID, Session: session, AuthTime: tx.Now().Truncate(time.Second),
		TrustedTokenIssuer: tti.ARN,
	}, nil
}

// checkAudience: every audience of the assertion must be one the grant authorizes, and there must be one (RFC 7523 §3 item 3).
// An assertion that is also for somebody else is refused: its other audience could replay it here.
func (s *Server) checkAudience(a *provenAssertion, authorized []string) error {
	if len(a.Audience) == 0 {
		return invalidGrant(assertionAudience, "the assertion is refused: it has no aud")
	}
	for _, aud := range a.Audience {
		if aud == "" || !slices.Contains(authorized, aud) {
			return knowing(invalidGrant(assertionAudience, "the assertion is refused: its aud %q is not among the AuthorizedAudiences", clip(aud)),
				"audience", clip(aud), "issuer", a.issuer.ARN, "issuerUrl", a.Issuer)
		}
	}
	return nil
}

// mappedUser maps the claim to the identity store attribute: exactly one enabled user.
func mappedUser(tx *store.Tx, identityStoreID string, tti ssoadmin.TrustedTokenIssuer, a *provenAssertion) (identitystore.User, error) {
	refused := func(c *check, format string, args ...any) *wire.Error {
		return knowing(invalidGrant(c, "the assertion is refused: "+format, args...), "issuer", tti.ARN, "issuerUrl", tti.IssuerURL,
			"claim", tti.ClaimAttributePath, "attribute", tti.IdentityStoreAttributePath)
	}
	value, err := a.ClaimString(tti.ClaimAttributePath)
	if err != nil {
		return identitystore.User{}, refused(assertionClaim, "claim %s: %v", tti.ClaimAttributePath, err)
	}
	if verified := a.Claim("email_verified"); verified != nil && tti.ClaimAttributePath == "email" && string(verified) != "true" {
		return identitystore.User{}, refused(assertionEmail, "its email is not verified")
	}
	user, err := identitystore.FindUser(tx, identityStoreID, tti.IdentityStoreAttributePath, value)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return user, refused(assertionUser, "no user has the %s that its claim %s names", tti.IdentityStoreAttributePath, tti.ClaimAttributePath)
	case errors.Is(err, identitystore.ErrAmbiguous):
		return user, refused(assertionUser, "more than one user has the %s that its claim %s names", tti.IdentityStoreAttributePath, tti.ClaimAttributePath)
	case err != nil:
		return user, err
	case !user.Enabled:
		return user, knowing(refused(userIsEnabled, "its user is disabled"), "user", user.ID, "identityStore", user.StoreID)
	}
	return user, nil
}

// useAssertion consumes the jti: it is remembered until the assertion could not be presented any more, and becomes durable only
// with the grant itself.
func useAssertion(tx *store.Tx, instanceARN string, a *provenAssertion) error {
	err := assertions.Insert(tx, usedAssertion{
		Hash: assertionKey(instanceARN, a.Issuer, a.ID), Issuer: a.Issuer, UsedAt: tx.Now(),
		ExpiresAt: a.ExpiresAt.Add(2 * token.ClockSkew),
	})
	if errors.Is(err, store.ErrExists) {
		noteReuse(tx, ssoadmin.GrantJWTBearer)
		return knowing(invalidGrant(assertionOnce, "the assertion is refused: it has been used already (jti)"), "issuerUrl", a.Issuer)
	}
	return err
}
