package oidc

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

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
	parent                  *parent
	// authTime is when the user proved itself.
	authTime time.Time
}

// facts are what doctor needs to know of it, with more.
func (st *standing) facts(more ...string) []string {
	return append(more, "user", st.userID, "identityStore", st.identityStoreID)
}

// stands returns the user a live token is for, or a refusal that says which support is gone.
func (s *Server) stands(tx *store.Tx, st *standing) (identitystore.User, error) {
	user, err := s.liveUser(tx, st)
	if err != nil {
		return user, err
	}
	for _, check := range []func(*store.Tx, *standing) error{
		s.checkAssigned, s.checkSession, s.checkChain, s.checkParent, s.checkTrustedIssuer,
	} {
		if err := check(tx, st); err != nil {
			return user, err
		}
	}
	return user, nil
}

// live says whether an access token that verifies is still in force: its application, user, assignment, session, issuer and
// chain stand. It returns the application and the user. Every refusal is InvalidGrantException.
func (s *Server) live(tx *store.Tx, t *token.AccessToken) (app ssoadmin.Application, user identitystore.User, err error) {
	gone := func(c *check, why string) *wire.Error {
		return knowing(because(invalidGrant(c, "the token is no longer in force"), "%s", why), "issuedTo", t.Application, "user", t.UserID)
	}
	if app, err = ssoadmin.GetApplication(tx, t.Application); err != nil {
		return app, user, absent(err, gone(applicationLive, "its application does not exist"))
	}
	if !app.Enabled {
		return app, user, gone(applicationLive, "its application is disabled")
	}
	user, err = s.stands(tx, &standing{
		app: app, identityStoreID: t.IdentityStoreID, userID: t.UserID, session: t.Session,
		trustedTokenIssuer: t.TrustedTokenIssuer, actors: t.Actors, authTime: t.AuthTime,
	})
	if refusal := refusalOf(err); refusal != nil {
		dead := gone(applicationLive, refusal.Reason)
		maps.Copy(dead.Details, refusal.Details)
		return app, user, dead
	}
	return app, user, err
}

// ContextStands says whether an identity context that opens may still be used for a role: everything that the access token it was
// given with rests on stands. A *wire.Error is the refusal, its reason for audit; any other error is a fault.
func (s *Server) ContextStands(tx *store.Tx, c token.IdentityContext) error {
	_, _, err := s.live(tx, &token.AccessToken{
		Application: c.ApplicationARN, IdentityStoreID: c.IdentityStoreID, UserID: c.UserID, Session: c.Session,
		TrustedTokenIssuer: c.TrustedTokenIssuer, Actors: c.Actors, AuthTime: c.AuthTime,
	})
	return err
}

// liveUser: the user exists in the directory of the application's own instance, is enabled, and has not been signed out since.
func (s *Server) liveUser(tx *store.Tx, st *standing) (identitystore.User, error) {
	instance, err := ssoadmin.GetInstance(tx, st.app.InstanceARN)
	if err != nil {
		return identitystore.User{}, absent(err, refuse(instanceThere, "InvalidClientException", "the application's instance does not exist"))
	}
	if instance.IdentityStoreID != st.identityStoreID {
		return identitystore.User{}, invalidGrant(sameStore, "the user belongs to another identity store")
	}
	user, err := identitystore.GetUser(tx, st.identityStoreID, st.userID)
	if err != nil {
		return user, absent(err, knowing(invalidGrant(userThere, "the user does not exist"), st.facts()...))
	}
	if !user.Enabled {
		return user, knowing(invalidGrant(userIsEnabled, "the user is disabled"), st.facts()...)
	}
	if user.SignedOut(st.authTime) {
		return user, knowing(because(invalidGrant(userSignedIn, sessionEnded), "the user signed in at %s, before the password changed at %s",
			st.authTime.UTC().Format(time.RFC3339), user.SignedOutBefore.UTC().Format(time.RFC3339)), st.facts()...)
	}
	return user, nil
}

func (s *Server) checkAssigned(tx *store.Tx, st *standing) error {
	ok, err := s.assigned(tx, st, st.app)
	if err != nil {
		return err
	}
	if !ok {
		return knowing(accessDenied(userAssigned, "the user is not assigned to the application"), st.facts("assignedTo", st.app.ARN, "assignedToName", st.app.Name)...)
	}
	return nil
}

// assigned says whether the user may use the application: by assignment, its own or a group's, where the application requires one.
func (s *Server) assigned(tx *store.Tx, st *standing, app ssoadmin.Application) (bool, error) {
	if !app.AssignmentRequired {
		return true, nil
	}
	groups, err := identitystore.GroupIDs(tx, st.identityStoreID, st.userID)
	if err != nil {
		return false, err
	}
	_, ok, err := ssoadmin.Assigned(tx, app.ARN, st.userID, groups)
	return ok, err
}

func (s *Server) checkSession(tx *store.Tx, st *standing) error {
	if st.session.ID == "" {
		return nil // a grant that begins a session of its own
	}
	ended, revoked, err := token.Revoked(tx, st.session)
	if err != nil {
		return err
	}
	if revoked {
		return knowing(invalidGrant(sessionLives, sessionEnded), st.facts("session", ended)...)
	}
	return nil
}

// checkChain: a token that was exchanged asks of every application its authority passed through what that application's own token
// would be asked: it exists, is enabled, has the user assigned, may exchange, and is an authorized target of the one before.
func (s *Server) checkChain(tx *store.Tx, st *standing) error {
	next := st.app
	for i, arn := range st.actors {
		if i == 0 {
			continue // the application itself
		}
		if err := mayExchange(tx, next.ARN); err != nil {
			return err
		}
		app, err := ssoadmin.GetApplication(tx, arn)
		if err != nil {
			return absent(err, knowing(invalidGrant(chainThere, "an application of the act chain does not exist"), st.facts("actor", arn)...))
		}
		if !app.Enabled {
			return knowing(invalidGrant(chainEnabled, "an application of the act chain is disabled"), st.facts("actor", arn)...)
		}
		if ok, err := s.assigned(tx, st, app); err != nil {
			return err
		} else if !ok {
			return knowing(invalidGrant(chainAssigned, "the user is not assigned to an application of the act chain"), st.facts("actor", arn)...)
		}
		scopes, err := ssoadmin.Scopes(tx, arn)
		if err != nil {
			return err
		}
		// The token does not carry the scopes of those before it, so that any configured scope counts.
		if !slices.ContainsFunc(scopes, func(sc ssoadmin.ApplicationScope) bool { return sc.Targets(next) }) {
			return knowing(invalidGrant(chainTargets, "an application of the act chain no longer names the next as an authorized target"),
				st.facts("actor", arn, "target", next.ARN)...)
		}
		next = app
	}
	return nil
}

// mayExchange: an application that a token was exchanged for still has the grant.
func mayExchange(tx *store.Tx, applicationARN string) error {
	_, err := ssoadmin.GetGrant(tx, applicationARN, ssoadmin.GrantTokenExchange)
	if errors.Is(err, store.ErrNotFound) {
		return knowing(invalidGrant(chainExchanges, "an application that the token was exchanged for may no longer exchange"), "target", applicationARN)
	}
	return err
}

// checkParent: some scope of the token this one was exchanged from still names this application among its targets.
func (s *Server) checkParent(tx *store.Tx, st *standing) error {
	if st.parent == nil {
		return nil
	}
	ok, err := targets(tx, st.parent.ApplicationARN, st.parent.Scopes, st.app)
	if err != nil {
		return err
	}
	if !ok {
		return knowing(invalidGrant(parentTargets, "the application that the subject token was issued to no longer names this application as an authorized target"),
			st.facts("parent", st.parent.ApplicationARN, "scopes", strings.Join(st.parent.Scopes, " "))...)
	}
	return nil
}

// checkTrustedIssuer: who once vouched for the user must still be trusted, and still be listed by the application that took the
// assertion, which is the first of the chain.
func (s *Server) checkTrustedIssuer(tx *store.Tx, st *standing) error {
	if st.trustedTokenIssuer == "" {
		return nil
	}
	took := st.app.ARN
	if n := len(st.actors); n > 0 {
		took = st.actors[n-1]
	}
	_, err := ssoadmin.GetTrustedTokenIssuer(tx, st.trustedTokenIssuer)
	var grant ssoadmin.ApplicationGrant
	if err == nil {
		grant, err = ssoadmin.GetGrant(tx, took, ssoadmin.GrantJWTBearer)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, listed := grant.Issuer(st.trustedTokenIssuer); err != nil || !listed {
		return knowing(invalidGrant(issuerTrusted, "the trusted token issuer is no longer trusted"), st.facts("issuer", st.trustedTokenIssuer, "takenBy", took)...)
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
