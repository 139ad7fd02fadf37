package oidc

import (
	"errors"
	"slices"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// standing is what a live token rests on. Issuing, refreshing, exchanging and introspecting judge it by the same function,
// from the current records, so that what is switched off anywhere is switched off everywhere with the next request.
type standing struct {
	app                     ssoadmin.Application
	identityStoreID, userID string
	session                 token.Session
	trustedTokenIssuer      string
	actors                  []string
	parent                  *Parent
}

// stands returns the user a live token is for, or a refusal that says which support is gone.
func (s *Server) stands(tx *store.Tx, st standing) (identitystore.User, error) {
	user, err := s.liveUser(tx, st)
	if err != nil {
		return user, err
	}
	for _, check := range []func(*store.Tx, standing) error{
		s.checkAssigned, s.checkSession, s.checkTrustedIssuer, s.checkActors, s.checkParent,
	} {
		if err := check(tx, st); err != nil {
			return user, err
		}
	}
	return user, nil
}

// liveUser: the user exists in the directory of the application's own instance, and is enabled.
func (s *Server) liveUser(tx *store.Tx, st standing) (identitystore.User, error) {
	instance, err := ssoadmin.GetInstance(tx, st.app.InstanceARN)
	if err != nil {
		return identitystore.User{}, absent(err, refuse("InvalidClientException", "the application's instance does not exist"))
	}
	if instance.IdentityStoreID != st.identityStoreID {
		return identitystore.User{}, invalidGrant("the user belongs to another identity store")
	}
	user, err := identitystore.GetUser(tx, st.identityStoreID, st.userID)
	if err != nil {
		return user, absent(err, invalidGrant("the user does not exist"))
	}
	if !user.Enabled {
		return user, invalidGrant("the user is disabled")
	}
	return user, nil
}

func (s *Server) checkAssigned(tx *store.Tx, st standing) error {
	if !st.app.AssignmentRequired {
		return nil
	}
	groups, err := identitystore.GroupIDs(tx, st.identityStoreID, st.userID)
	if err != nil {
		return err
	}
	_, ok, err := ssoadmin.Assigned(tx, st.app.ARN, st.userID, groups)
	if err != nil {
		return err
	}
	if !ok {
		return accessDenied("the user is not assigned to the application")
	}
	return nil
}

func (s *Server) checkSession(tx *store.Tx, st standing) error {
	if st.session.ID == "" {
		return nil // a grant that begins a session of its own
	}
	_, revoked, err := token.Revoked(tx, st.session)
	if err != nil {
		return err
	}
	if revoked {
		return invalidGrant("the session has ended")
	}
	return nil
}

// checkTrustedIssuer: who once vouched for the user must still be trusted. An application that took the assertion itself must
// still list the issuer; for an exchanged token its existence counts.
func (s *Server) checkTrustedIssuer(tx *store.Tx, st standing) error {
	if st.trustedTokenIssuer == "" {
		return nil
	}
	gone := invalidGrant("the trusted token issuer is no longer trusted")
	if _, err := ssoadmin.GetTrustedTokenIssuer(tx, st.trustedTokenIssuer); err != nil {
		return absent(err, gone)
	}
	if len(st.actors) > 0 {
		return nil
	}
	grant, err := ssoadmin.GetGrant(tx, st.app.ARN, ssoadmin.GrantJWTBearer)
	if err != nil {
		return absent(err, gone)
	}
	for _, i := range grant.TokenIssuers {
		if i.TrustedTokenIssuerArn != nil && *i.TrustedTokenIssuerArn == st.trustedTokenIssuer {
			return nil
		}
	}
	return gone
}

// checkActors: every application the authority passed through is still there and enabled.
func (s *Server) checkActors(tx *store.Tx, st standing) error {
	for _, arn := range st.actors {
		if arn == st.app.ARN {
			continue
		}
		app, err := ssoadmin.GetApplication(tx, arn)
		if err != nil {
			return absent(err, invalidGrant("an application of the act chain does not exist"))
		}
		if !app.Enabled {
			return invalidGrant("an application of the act chain is disabled")
		}
	}
	return nil
}

// checkParent: some scope of the token this one was exchanged from still names this application among its targets.
func (s *Server) checkParent(tx *store.Tx, st standing) error {
	if st.parent == nil {
		return nil
	}
	ok, err := targets(tx, st.parent.ApplicationARN, st.parent.Scopes, st.app)
	if err != nil {
		return err
	}
	if !ok {
		return invalidGrant("the application that the subject token was issued to no longer names this application as an authorized target")
	}
	return nil
}

// targets says whether one of the scopes, as configured on the application from now, names to as an authorized target.
func targets(tx *store.Tx, from string, scopes []string, to ssoadmin.Application) (bool, error) {
	configured, err := ssoadmin.Scopes(tx, from)
	if err != nil {
		return false, err
	}
	for _, sc := range configured {
		if slices.Contains(scopes, sc.Scope) && sc.Targets(to) {
			return true, nil
		}
	}
	return false, nil
}

// absent turns not-found into the refusal and passes other faults on.
func absent(err error, refusal *wire.Error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal
	}
	return err
}
