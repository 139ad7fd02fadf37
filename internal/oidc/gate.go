package oidc

import (
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// approved is what the gate lets out: the whole content of the answer but for the signatures.
type approved struct {
	auth *Authorization
	// account owns the instance and the directory.
	account, directoryARN string
	scopes                []string
	issuedAt              time.Time
	expires               time.Time
	// family to give a refresh token of; nil = none.
	family *refreshFamily
}

// gate is the one issue gate. Every grant, and every refresh, passes all of it: the user, the assignment, the session, the
// issuer and the chain still stand; scopes fit the configuration, the request and the parent; lifetimes fit the parent's.
// The application, its grant and its caller were judged by admit in this same transaction.
func (s *Server) gate(tx *store.Tx, r *request, auth *Authorization) (*approved, error) {
	st := &standing{
		app: r.app, identityStoreID: auth.IdentityStoreID, userID: auth.UserID, session: auth.Session,
		trustedTokenIssuer: auth.TrustedTokenIssuer, actors: auth.Actors, parent: auth.Parent, authTime: auth.AuthTime,
	}
	if _, err := s.stands(tx, st); err != nil {
		return nil, err
	}
	scopes, err := grantedScopes(tx, r.app.ARN, r.in.Scope, auth.Scopes)
	if err != nil {
		return nil, err
	}
	a := &approved{auth: auth, scopes: scopes, issuedAt: tx.Now().Truncate(time.Second)}
	instance, err := ssoadmin.GetInstance(tx, r.app.InstanceARN)
	if err != nil {
		return nil, err
	}
	a.account = instance.OwnerAccountID
	a.directoryARN = identitystore.IdentityStore{ID: auth.IdentityStoreID, AccountID: a.account}.ARN()
	if a.expires, err = s.lifetime(tx, auth); err != nil {
		return nil, err
	}
	if err := s.refreshFor(tx, r, a); err != nil {
		return nil, err
	}
	if a.family != nil && a.family.EndsAt.Before(a.expires) {
		a.expires = a.family.EndsAt.Truncate(time.Second) // no token outlives its session
	}
	return a, nil
}

// lifetime is when the access token ends: its own life, or the parent's end if that comes first.
func (s *Server) lifetime(tx *store.Tx, auth *Authorization) (time.Time, error) {
	now := tx.Now().Truncate(time.Second)
	expires := now.Add(s.AccessTokenTTL)
	if !auth.Until.IsZero() && auth.Until.Before(expires) {
		expires = auth.Until.Truncate(time.Second)
	}
	if !expires.After(now) {
		return expires, invalidGrant(restsOnTime, "what the grant rests on has expired")
	}
	return expires, nil
}

// refreshFor decides whether the answer carries a refresh token, and begins the family if it is new.
func (s *Server) refreshFor(tx *store.Tx, r *request, a *approved) error {
	if a.auth.Family != nil {
		a.family = a.auth.Family
		return nil
	}
	if a.auth.NoRefresh {
		return nil
	}
	_, err := ssoadmin.GetGrant(tx, r.app.ARN, ssoadmin.GrantRefreshToken)
	if errors.Is(err, store.ErrNotFound) {
		if a.auth.WantsRefresh {
			return refuse(refreshConfigured, "UnauthorizedClientException", "requestedTokenType asks for a refresh token, and the application does not have the refresh_token grant")
		}
		return nil
	}
	if err != nil {
		return err
	}
	a.family, err = s.beginFamily(tx, r, a)
	return err
}
