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

// revoke ends the session of a token that was issued to the application, and all that descends from it (RFC 7009 §2.1). A token
// that is unknown, dead or somebody else's is answered 200 all the same and stays as it is (§2.2). The hint is only a hint.
func (s *Server) revoke(ctx context.Context, in *RevokeTokenInput) (*RevokeTokenOutput, error) {
	err := s.update(ctx, func(tx *store.Tx) error {
		app, err := s.client(tx, iam.CallerFrom(ctx), in.ClientId, actionRevoke)
		if err != nil {
			return err
		}
		session, err := s.sessionOf(tx, app, in.Token)
		var foreign *wire.Error
		if errors.As(err, &foreign) {
			addNote(tx, "nothingRevoked", foreign.Reason)
			return nil
		}
		if err != nil {
			return err
		}
		addNote(tx, "sessionId", session)
		return token.Revoke(tx, session, "revoked by "+app.ARN, s.derivedEnd(tx))
	})
	if err != nil {
		return nil, err
	}
	return &RevokeTokenOutput{}, nil
}

// sessionOf is the session a token of app belongs to. A superseded refresh token still names its session: whoever holds one may
// end it.
func (s *Server) sessionOf(tx *store.Tx, app ssoadmin.Application, text string) (string, error) {
	if strings.HasPrefix(text, "aor") {
		f, _, err := s.familyOf(tx, text)
		if err != nil {
			return "", err
		}
		if f.ApplicationARN != app.ARN {
			return "", invalidGrant("the token was issued to %s", f.ApplicationARN)
		}
		return f.SessionID, nil
	}
	t, err := s.Minter.VerifyAccessToken(text, tx.Now())
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		return "", invalidGrant("the token does not verify: %v", err)
	}
	if err != nil {
		return "", err
	}
	if t.Application != app.ARN {
		return "", invalidGrant("the token was issued to %s", t.Application)
	}
	return t.Session.ID, nil
}
