package oidc

import (
	"context"
	"errors"
	"strings"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// introspect tells an application about a token that was issued to it or that one of its scopes targets (RFC 7662 §2). Every
// other token, whatever is wrong with it, is {"active":false} and nothing else; the audit event has the reason.
func (s *Server) introspect(ctx context.Context, in *IntrospectTokenInput) (*IntrospectTokenOutput, error) {
	var out *IntrospectTokenOutput
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		app, err := s.client(tx, iam.CallerFrom(ctx), in.ClientId, ssoadmin.ActionIntrospect)
		if err != nil {
			return err
		}
		if token.IsRefreshToken(in.Token) {
			out, err = s.introspectRefresh(tx, app, in.Token)
		} else {
			out, err = s.introspectAccess(tx, app, in.Token)
		}
		if inactive := refusalOf(err); inactive != nil {
			notes(tx).Text("inactive", inactive.Reason)
			describeClient(inactive, app)
			notes(tx).Set(NoteRefusal, inactive.Details)
			out, err = &IntrospectTokenOutput{}, nil
			if call := wire.CallFrom(ctx); call != nil {
				call.Denied = true
			}
		}
		return err
	})
	return out, err
}

func (s *Server) introspectAccess(tx *store.Tx, app ssoadmin.Application, text string) (*IntrospectTokenOutput, error) {
	t, err := s.Minter.VerifyAccessToken(text, tx.Now())
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		return nil, invalidGrant(tokenVerifies, "the token does not verify: %v", err)
	}
	if err != nil {
		return nil, err
	}
	_, user, err := s.live(tx, &t)
	if err != nil {
		return nil, err
	}
	if t.Application != app.ARN {
		ok, err := targets(tx, t.Application, t.Scopes, app)
		if err != nil {
			return nil, err
		}
		if !ok || t.InstanceARN != app.InstanceARN {
			return nil, knowing(invalidGrant(tokenOwn, "the token is not for %s", app.ARN), "issuedTo", t.Application)
		}
	}
	aud, err := audience(tx, &t)
	if err != nil {
		return nil, err
	}
	// One piece of memory for all that the answer points to.
	told := &struct {
		IntrospectTokenOutput
		scope, username                string
		expires, issued, authenticated int64
	}{
		scope: strings.Join(t.Scopes, " "), username: user.UserName,
		expires: t.ExpiresAt.Unix(), issued: t.IssuedAt.Unix(), authenticated: t.AuthTime.Unix(),
	}
	told.IntrospectTokenOutput = IntrospectTokenOutput{
		Active: true, Scope: &told.scope, ClientId: &t.Application, Username: &told.username,
		TokenType: tokenTypeBearer, Exp: &told.expires, Iat: &told.issued, Sub: &t.UserID,
		Aud: aud, Iss: &s.Minter.Issuer, Jti: &t.ID, AuthTime: &told.authenticated, Act: nested(t.ActChain()),
		IdentityStoreId: &t.IdentityStoreID, InstanceArn: &t.InstanceARN,
	}
	return &told.IntrospectTokenOutput, nil
}

// audience is the application the token was issued to and what its scopes target now.
func audience(tx *store.Tx, t *token.AccessToken) ([]string, error) {
	configured, err := ssoadmin.Scopes(tx, t.Application)
	if err != nil {
		return nil, err
	}
	return appendTargets([]string{t.Application}, configured, t.Scopes), nil
}

// introspectRefresh answers the application the refresh token was issued to, while the token could still be redeemed.
func (s *Server) introspectRefresh(tx *store.Tx, app ssoadmin.Application, text string) (*IntrospectTokenOutput, error) {
	f, presented, err := s.familyOf(tx, text)
	if err != nil {
		return nil, err
	}
	if err := s.usableFamily(tx, app.ARN, f, presented); err != nil {
		return nil, err
	}
	if presented.Generation != f.Generation && !s.inGrace(tx, &f, presented) {
		return nil, invalidGrant(refreshCurrent, "the refresh token has been superseded")
	}
	user, err := s.stands(tx, &standing{
		app: app, identityStoreID: f.IdentityStoreID, userID: f.UserID, session: f.session(),
		trustedTokenIssuer: f.TrustedTokenIssuer, actors: f.Actors, parent: f.Parent, authTime: f.AuthTime,
	})
	if err != nil {
		return nil, err
	}
	return &IntrospectTokenOutput{
		Active: true, Scope: ptr(strings.Join(f.Scopes, " ")), ClientId: &app.ARN, Username: ptr(user.UserName),
		TokenType: ptr("refresh_token"), Exp: ptr(f.EndsAt.Unix()), Iat: ptr(f.CreatedAt.Unix()), Sub: &f.UserID,
		Iss: &s.Minter.Issuer, AuthTime: ptr(f.AuthTime.Unix()), IdentityStoreId: &f.IdentityStoreID, InstanceArn: &app.InstanceARN,
	}, nil
}

// familyOf resolves a refresh token to its family's row.
func (s *Server) familyOf(tx *store.Tx, text string) (refreshFamily, token.RefreshToken, error) {
	presented, err := s.Minter.VerifyRefreshToken(text)
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		return refreshFamily{}, presented, because(invalidGrant(refreshKnown, badRefreshToken), "the refresh token does not verify: %v", err)
	}
	if err != nil {
		return refreshFamily{}, presented, err
	}
	f, err := families.Get(tx, presented.Family)
	if err != nil {
		err = absent(err, because(invalidGrant(refreshKnown, badRefreshToken), "the family has expired or does not exist"))
	}
	return f, presented, err
}

// nested turns a chain into RFC 8693's nested act claim.
func nested(chain []string) *Actor {
	if len(chain) == 0 {
		return nil
	}
	return &Actor{Sub: chain[0], Act: nested(chain[1:])}
}
