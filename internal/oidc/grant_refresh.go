package oidc

import (
	"time"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

const (
	// badRefreshToken is AWS's own sentence for every refresh token it does not take; the audit event has the exact reason.
	badRefreshToken = "Invalid refresh token provided"
	// sessionEnded is what whoever holds a token of an ended session may know.
	sessionEnded = "the session has ended"
)

// proveRefresh redeems a refresh token (RFC 6749 §6, RFC 9700 §4.14). The current generation rotates; one generation behind,
// within the grace window, gets the same successor again and writes nothing; anything else that once was valid is reuse and
// ends the family with all that was issued from it. A token that was never valid changes nothing.
func (s *Server) proveRefresh(tx *store.Tx, r *request) (*Authorization, error) {
	f, presented, err := s.familyOf(tx, *r.in.RefreshToken)
	if err != nil {
		return nil, err
	}
	if err := s.usableFamily(tx, r.app.ARN, f, presented); err != nil {
		return nil, err
	}
	if err := s.redeem(tx, &f, presented); err != nil {
		return nil, err
	}
	return &Authorization{
		IdentityStoreID: f.IdentityStoreID, UserID: f.UserID, Scopes: f.Scopes, Session: f.session(), AuthTime: f.AuthTime,
		Until: f.EndsAt, TrustedTokenIssuer: f.TrustedTokenIssuer, Actors: f.Actors, Parent: f.Parent, Family: &f,
	}, nil
}

// usableFamily refuses a family of another application, epoch or that has ended, without touching it.
func (s *Server) usableFamily(tx *store.Tx, applicationARN string, f refreshFamily, presented token.RefreshToken) error {
	epoch, _ := s.Minter.Keys.Epoch()
	// A revocation is remembered by today's absolute life (derivedEnd): a family born under a longer one must be idle before that.
	idleEnd := f.RotatedAt.Add(min(s.RefreshIdleTTL, s.RefreshTTL))
	switch {
	case f.ApplicationARN != applicationARN:
		return knowing(because(invalidGrant(refreshOwn, badRefreshToken), "the refresh token was issued to %s", f.ApplicationARN), "issuedTo", f.ApplicationARN)
	case f.KeyID != presented.KeyID || f.Epoch != int64(presented.Epoch) || f.Epoch != int64(epoch):
		return because(invalidGrant(refreshEpoch, badRefreshToken),
			"the refresh token is of another key, or from before the store was restored (epoch %d, now %d)", f.Epoch, epoch)
	case !f.RevokedAt.IsZero():
		return knowing(because(invalidGrant(refreshAlive, sessionEnded), "%s: its family was revoked at %s", sessionEnded, f.RevokedAt), "session", f.SessionID)
	case !tx.Now().Before(idleEnd):
		return because(invalidGrant(refreshIdle, badRefreshToken), "the family was idle past %s", idleEnd)
	}
	return nil
}

// redeem judges the generation presented against the row's, and rotates.
func (s *Server) redeem(tx *store.Tx, f *refreshFamily, presented token.RefreshToken) error {
	switch {
	case presented.Generation == f.Generation:
		f.Generation++
		f.RotatedAt = tx.Now()
		return families.Put(tx, *f)
	case s.inGrace(tx, f, presented):
		noteReplay(tx, f)
		return nil
	case presented.Generation > f.Generation:
		s.Log.Error("a refresh token is ahead of its family: the database is older than what was issued from it",
			"family", f.ID, "presented", presented.Generation, "stored", f.Generation)
		return s.reuse(tx, f, refreshBehind, "the refresh token is ahead of its family: the store was put back to an older state")
	default:
		return s.reuse(tx, f, refreshOnce, "a superseded refresh token was used again")
	}
}

// clockTolerance is how far in the future a rotation may lie and still be one of just now: a transaction takes its time before it
// reads, so that another one's later time can stand in the row already, and the clocks of several nodes differ.
const clockTolerance = 5 * time.Second

// inGrace says whether the token is one generation behind and the rotation no longer ago than the grace window.
func (s *Server) inGrace(tx *store.Tx, f *refreshFamily, presented token.RefreshToken) bool {
	age := tx.Now().Sub(f.RotatedAt)
	return presented.Generation == f.Generation-1 && age < s.RefreshGrace && age > -min(s.RefreshGrace, clockTolerance)
}

func (s *Server) reuse(tx *store.Tx, f *refreshFamily, c *check, reason string) error {
	if err := s.kill(tx, *f, reason); err != nil {
		return err
	}
	noteReuse(tx, ssoadmin.GrantRefreshToken)
	return &finalRefusal{knowing(because(invalidGrant(c, badRefreshToken), "%s; family %s and session %s have ended", reason, f.ID, f.SessionID),
		"session", f.SessionID, "user", f.UserID)}
}

// noteReplay marks a replay inside the grace window in the audit event: a thief inside the window would share the successor unseen.
func noteReplay(tx *store.Tx, f *refreshFamily) {
	notes(tx).Set("refreshReplay", true)
	notes(tx).Text("refreshFamily", f.ID)
}
