// Package oidc is the token service: CreateTokenWithIAM with its four grants, authorization requests and codes, refresh
// token families, introspection, revocation and discovery.
//
// Every grant passes the one pipeline of grant.go and its one issue gate; none can skip a check another has. A grant only
// proves its own thing and returns an Authorization. What a grant consumes (a code, an assertion's jti, a refresh token's
// generation) is consumed in the same transaction that the gate approves, so a refusal burns nothing and nothing is used
// twice. Tokens leave only after that transaction is durable.
//
// Sources: RFC 6749, 7636, 7523, 8693, 9700, 9207, 7662, 7009, 8414, OpenID Connect Core and Discovery, and the AWS
// "IAM Identity Center OIDC API Reference".
package oidc

import (
	"context"
	"log/slog"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// Server is the token service. Set every field but Limit; none has a default here, and whoever sets them keeps the bounds stated.
type Server struct {
	DB      *store.DB
	IAM     *iam.Server
	Admin   *ssoadmin.Server
	Minter  *token.Minter
	Issuers *token.Issuers
	Log     *slog.Logger
	// Limit, if set, judges how often an application is asked for, once its caller has shown that it may speak for it. It may be asked
	// more than once for one call.
	Limit func(ctx context.Context, applicationARN string) error

	// AccessTokenTTL is the life of an access token and of an ID token.
	AccessTokenTTL time.Duration
	// CodeTTL is the life of an authorization code; at most 10 min (RFC 6749 §4.1.2).
	CodeTTL time.Duration
	// RefreshGrace is the window in which a superseded refresh token still gets its own successor; 0 = none, at most 5 min.
	RefreshGrace time.Duration
	// RefreshTTL is the absolute life of a refresh token family.
	RefreshTTL time.Duration
	// RefreshIdleTTL ends a family that has not been used for so long. What exceeds RefreshTTL counts as RefreshTTL.
	RefreshIdleTTL time.Duration
}

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition {
	return []store.Definition{codes, families, assertions}
}

// Service is the sso-oidc table of operations.
func (s *Server) Service() *wire.Service {
	return &wire.Service{
		Name:         "sso-oidc",
		Protocol:     wire.RestJSON1,
		SigningName:  "sso-oauth",
		EventSource:  "sso-oauth.amazonaws.com",
		ActionPrefix: "sso-oauth",
		Version:      "2019-06-10",
		Operations: []wire.Operation{
			wire.Op(wire.Operation{
				Name: "CreateTokenWithIAM", Method: "POST", Path: "/token", Query: "aws_iam=t", SelfAuthorizes: true,
			}, s.createTokenWithIAM),
		},
	}
}

// TokenService is the table of the RFC 7662 and RFC 7009 endpoints: the same signing name and actions, form bodies.
func (s *Server) TokenService() *wire.Service {
	return &wire.Service{
		Name:         "sso-oauth",
		Protocol:     wire.OAuthForm,
		SigningName:  "sso-oauth",
		EventSource:  "sso-oauth.amazonaws.com",
		ActionPrefix: "sso-oauth",
		Operations: []wire.Operation{
			wire.Op(wire.Operation{
				Name: "IntrospectTokenWithIAM", Method: "POST", Path: "/oauth2/introspect", SelfAuthorizes: true, ReadOnly: true,
			}, s.introspect),
			wire.Op(wire.Operation{
				Name: "RevokeTokenWithIAM", Method: "POST", Path: "/oauth2/revoke", SelfAuthorizes: true,
			}, s.revoke),
		},
	}
}

// longestDerived is how long after its last token a session can still have live descendants: a role session of the longest
// kind, begun with an identity context at its last second.
const longestDerived = 12*time.Hour + time.Hour
