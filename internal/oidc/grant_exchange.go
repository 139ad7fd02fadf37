package oidc

import (
	"errors"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// maxActors bounds the applications in an act chain.
const maxActors = token.MaxDepth

// proveExchange takes our own live access token of another application as subject (RFC 8693 §2.1). One of the token's scopes must
// name this application, or the instance, among its authorized targets. The result lives in a session below the subject's and ends
// with it; its scopes and its life are capped by the subject's.
func (s *Server) proveExchange(tx *store.Tx, r *request) (*Authorization, error) {
	wantsRefresh, err := exchangeTypes(r.in)
	if err != nil {
		return nil, err
	}
	subject, err := s.Minter.VerifyAccessToken(*r.in.SubjectToken, tx.Now())
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		return nil, because(invalidGrant(subjectVerifies, "the subject token is invalid or has expired"), "%v", err)
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkSubject(tx, r.app, subject); err != nil {
		return nil, err
	}
	session, err := token.NewSession(&subject.Session)
	if errors.Is(err, token.ErrTooDeep) {
		return nil, invalidRequest(exchangeDepth, "the subject token stands at the end of the longest chain of exchanges allowed (%d)", token.MaxDepth)
	}
	if err != nil {
		return nil, err
	}
	actors, err := extendActors(subject, r.app.ARN)
	if err != nil {
		return nil, err
	}
	return &Authorization{
		IdentityStoreID: subject.IdentityStoreID, UserID: subject.UserID, Scopes: subject.Scopes, Session: session,
		AuthTime: subject.AuthTime, Until: subject.ExpiresAt, TrustedTokenIssuer: subject.TrustedTokenIssuer, Actors: actors,
		Parent: &parent{subject.Application, subject.Scopes}, WantsRefresh: wantsRefresh, NoRefresh: !wantsRefresh,
	}, nil
}

// exchangeTypes checks the two token types (RFC 8693 §3); requestedTokenType defaults to an access token.
func exchangeTypes(in *CreateTokenWithIAMInput) (wantsRefresh bool, err error) {
	if *in.SubjectTokenType != typeAccessToken {
		return false, invalidRequest(exchangeTypesFit, "subjectTokenType must be %s", typeAccessToken)
	}
	switch {
	case in.RequestedTokenType == nil, *in.RequestedTokenType == typeAccessToken:
		return false, nil
	case *in.RequestedTokenType == typeRefreshToken:
		return true, nil
	}
	return false, invalidRequest(exchangeTypesFit, "requestedTokenType must be %s or %s", typeAccessToken, typeRefreshToken)
}

// checkSubject: the subject token is alive for the application it was issued to, and that is another application of the same
// instance, which names this one as a target.
func (s *Server) checkSubject(tx *store.Tx, app ssoadmin.Application, subject token.AccessToken) error {
	from, _, err := s.live(tx, &subject)
	if err != nil {
		return err
	}
	if subject.Application == app.ARN {
		return invalidRequest(subjectOther, "the subject token was issued to this application itself")
	}
	if from.InstanceARN != app.InstanceARN {
		return notTargeted(subject, "the subject token does not name this application as an authorized target")
	}
	ok, err := targets(tx, subject.Application, subject.Scopes, app)
	if err != nil {
		return err
	}
	if !ok {
		return notTargeted(subject, "the subject token does not name this application as an authorized target: none of its scopes has the application or its instance among its AuthorizedTargets")
	}
	return nil
}

func notTargeted(subject token.AccessToken, message string) *wire.Error {
	scopes := strings.Join(subject.Scopes, " ")
	return knowing(invalidRequest(subjectTargets, "%s", message), "parent", subject.Application, "scopes", scopes, "user", subject.UserID)
}

// extendActors puts this application, the new current actor, before those of the subject token (RFC 8693 §4.1). The application
// the subject was issued to is the first actor of every chain.
func extendActors(subject token.AccessToken, app string) ([]string, error) {
	chain := subject.Actors
	if len(chain) == 0 {
		chain = []string{subject.Application}
	}
	if len(chain) >= maxActors {
		return nil, invalidRequest(exchangeDepth, "the act chain of the subject token is as long as allowed (%d)", maxActors)
	}
	return slices.Concat([]string{app}, chain), nil
}
