package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// grantType is one row of the grant table: what a grant reads of the request and how it proves its own thing.
type grantType struct {
	name string
	// required and optional are the request members that belong to this grant, beside clientId, grantType and scope.
	required, optional []string
	// prepare does what may take long (fetching an issuer's keys) before the transaction, for admitted callers only. May be nil.
	prepare func(s *Server, ctx context.Context, r *request) error
	// prove checks the grant's own evidence and consumes it, inside the transaction.
	prove func(s *Server, tx *store.Tx, r *request) (*Authorization, error)
}

// grantTypes is the grant table. A new grant is a file grant_x.go and a row here; the matrix test picks it up.
var grantTypes = []*grantType{
	{name: ssoadmin.GrantAuthorizationCode, required: []string{"code", "redirectUri"}, optional: []string{"codeVerifier"}, prove: (*Server).proveCode},
	{name: ssoadmin.GrantRefreshToken, required: []string{"refreshToken"}, prove: (*Server).proveRefresh},
	{name: ssoadmin.GrantJWTBearer, required: []string{"assertion"}, prepare: (*Server).prepareAssertion, prove: (*Server).proveAssertion},
	{name: ssoadmin.GrantTokenExchange, required: []string{"subjectToken", "subjectTokenType"}, optional: []string{"requestedTokenType"}, prove: (*Server).proveExchange},
}

// request is one CreateTokenWithIAM call on its way through the pipeline.
type request struct {
	in     *CreateTokenWithIAMInput
	grant  *grantType
	caller *iam.Caller
	// app is the client, set by admit, anew in every run of the transaction.
	app ssoadmin.Application
	// assertion is what prepareAssertion verified.
	assertion *provenAssertion
}

// Authorization is what a grant has proved: which user, for which scopes, on whose behalf, since when, until when. It grants
// nothing by itself; the gate decides.
type Authorization struct {
	IdentityStoreID, UserID string
	// Scopes bound what may be issued: the parent's. nil = only the application's configuration bounds.
	Scopes []string
	// Session is the session the issued tokens belong to.
	Session token.Session
	// AuthTime is when the user proved itself.
	AuthTime time.Time
	// Until caps the life of everything issued; zero = no parent caps it.
	Until time.Time
	// TrustedTokenIssuer vouched for the user, itself or for the parent; empty otherwise.
	TrustedTokenIssuer string
	// Actors is the act chain of applications, outermost first (RFC 8693 §4.1).
	Actors []string
	// Parent is the application, with the scopes of its token, that this one was exchanged from.
	Parent *parent
	// Nonce of the authorization request (OpenID Connect Core §3.1.2.1).
	Nonce string
	// Family is the family a refresh continues; nil for the other grants.
	Family *refreshFamily
	// WantsRefresh: the grant asked for a refresh token, so it is an error if the application may not have one.
	WantsRefresh bool
	// NoRefresh: the grant asked for none.
	NoRefresh bool
}

// parent is the other side of a token exchange.
type parent struct {
	ApplicationARN string   `json:"application"`
	Scopes         []string `json:"scopes"`
}

// createTokenWithIAM is the pipeline: parse, admit, prepare; then in one transaction admit, prove, gate, mint.
func (s *Server) createTokenWithIAM(ctx context.Context, in *CreateTokenWithIAMInput) (*CreateTokenWithIAMOutput, error) {
	r, err := parseRequest(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := s.granted(ctx, r)
	if err != nil {
		r.describe(err)
	}
	return out, err
}

// granted prepares the request and runs its transaction.
func (s *Server) granted(ctx context.Context, r *request) (*CreateTokenWithIAMOutput, error) {
	if r.grant.prepare != nil {
		if err := s.DB.View(ctx, func(tx *store.Tx) error { return s.admit(tx, r) }); err != nil {
			return nil, err
		}
		if err := r.grant.prepare(s, ctx, r); err != nil {
			return nil, err
		}
	}
	var out *CreateTokenWithIAMOutput
	var refused *finalRefusal
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		out, refused = nil, nil
		out, err = s.grantOnce(tx, r)
		var final bool
		if refused, final = errors.AsType[*finalRefusal](err); final {
			return nil // commit what the refusal wrote
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case refused != nil:
		return nil, refused.answer
	}
	return out, nil
}

// grantOnce is one run of the transaction.
func (s *Server) grantOnce(tx *store.Tx, r *request) (*CreateTokenWithIAMOutput, error) {
	if err := s.admit(tx, r); err != nil {
		return nil, err
	}
	auth, err := r.grant.prove(s, tx, r)
	if err != nil {
		return nil, err
	}
	issue, err := s.gate(tx, r, auth)
	if err != nil {
		return nil, err
	}
	return s.mint(tx, r, issue)
}
