package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// revoke ends the session of a token that was issued to the application, and all that descends from it (RFC 7009 §2.1). A token
// that is unknown, dead or somebody else's is answered 200 all the same and stays as it is (§2.2). The hint is only a hint.
func (s *Server) revoke(ctx context.Context, in *RevokeTokenInput) (*RevokeTokenOutput, error) {
	err := s.update(ctx, func(tx *store.Tx) error {
		app, err := s.client(tx, iam.CallerFrom(ctx), in.ClientId, ssoadmin.ActionRevoke)
		if err != nil {
			return err
		}
		session, until, err := s.sessionOf(tx, app, in.Token)
		var foreign *wire.Error
		if errors.As(err, &foreign) {
			notes(tx).Text("nothingRevoked", foreign.Reason)
			describeClient(foreign, app)
			notes(tx).Set(NoteRefusal, foreign.Details)
			return nil
		}
		if err != nil {
			return err
		}
		notes(tx).Text("sessionId", session)
		return s.endSession(tx, session, "revoked by "+app.ARN, until)
	})
	if err != nil {
		return nil, err
	}
	return &RevokeTokenOutput{}, nil
}

// sessionOf is the session a token of app belongs to, and when nothing of it can be alive any more. A superseded refresh token still
// names its session: whoever holds one may end it.
func (s *Server) sessionOf(tx *store.Tx, app ssoadmin.Application, text string) (id string, until time.Time, err error) {
	if token.IsRefreshToken(text) {
		f, _, err := s.familyOf(tx, text)
		if err != nil {
			return "", until, err
		}
		if f.ApplicationARN != app.ARN {
			return "", until, knowing(invalidGrant(tokenOwn, "the token was issued to %s", f.ApplicationARN), "issuedTo", f.ApplicationARN)
		}
		return f.SessionID, s.derivedEnd(tx, f.EndsAt), nil
	}
	t, err := s.Minter.VerifyAccessToken(text, tx.Now())
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		return "", until, invalidGrant(tokenVerifies, "the token does not verify: %v", err)
	}
	if err != nil {
		return "", until, err
	}
	if t.Application != app.ARN {
		return "", until, knowing(invalidGrant(tokenOwn, "the token was issued to %s", t.Application), "issuedTo", t.Application)
	}
	until, err = s.sessionEnd(tx, t)
	return t.Session.ID, until, err
}

// sessionEnd is when nothing of an access token's session can be alive any more. Without a family the token is the session's only one.
func (s *Server) sessionEnd(tx *store.Tx, t token.AccessToken) (time.Time, error) {
	f, err := families.Get(tx, t.Session.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return t.ExpiresAt.Add(longestDerived), nil
	case err != nil:
		return time.Time{}, err
	}
	ends := f.EndsAt
	if t.ExpiresAt.After(ends) {
		ends = t.ExpiresAt
	}
	return s.derivedEnd(tx, ends), nil
}
