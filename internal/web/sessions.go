package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// session is a browser's sign-in session. Its id is random, lives in the browser's cookie and stands here only as its SHA-256.
type session struct {
	Hash            string `store:"session_sha256,key"`
	IdentityStoreID string `store:"identity_store_id"`
	UserID          string `store:"user_id"`
	// TokenSessionID is the session that all tokens issued to applications descend from.
	TokenSessionID string    `store:"token_session_id"`
	Epoch          int64     `store:"epoch"` // of the keyring: a restore ends the session
	AuthTime       time.Time `store:"auth_time"`
	SeenAt         time.Time `store:"seen_at"` // to the minute
	EndsAt         time.Time `store:"ends_at"` // whatever happens
	// ExpiresAt is EndsAt, or earlier when the session is idle.
	ExpiresAt time.Time `store:"expires_at,expiry"`
}

var sessions = store.NewTable[session](store.Spec{Name: "web_sign_in_sessions"})

func sessionHash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// signedIn is what oidc needs to know of the session.
func (n *session) signedIn() *oidc.SignedIn {
	if n == nil {
		return nil
	}
	return &oidc.SignedIn{SessionID: n.TokenSessionID, UserID: n.UserID, AuthTime: n.AuthTime, EndsAt: n.EndsAt}
}

// seen moves the idle end.
func (n *session) seen(now time.Time, idle time.Duration) {
	n.SeenAt, n.ExpiresAt = now, n.EndsAt
	if end := now.Add(idle); end.Before(n.EndsAt) {
		n.ExpiresAt = end
	}
}

// seenEvery is how much time passes before a use is written down: not every page needs a write.
func (s *site) seenEvery() time.Duration { return min(time.Minute, s.IdleTTL/10) }

// visit is who is there when a request comes.
type visit struct {
	now     time.Time // the store's
	session *session  // nil: nobody is signed in
	user    identitystore.User
}

// visitor finds the live session of a request and its user.
func (s *site) visitor(r *http.Request) (visit, error) {
	var v visit
	err := s.DB.View(r.Context(), func(tx *store.Tx) error {
		v.now = tx.Now()
		var err error
		v.session, v.user, err = s.liveSession(tx, s.cookie(r, sessionCookie))
		return err
	})
	if err != nil || v.session == nil || v.now.Sub(v.session.SeenAt) < s.seenEvery() {
		return v, err
	}
	err = s.DB.Update(r.Context(), func(tx *store.Tx) error {
		var err error
		v.session, v.user, err = s.liveSession(tx, s.cookie(r, sessionCookie))
		if err != nil || v.session == nil {
			return err
		}
		v.session.seen(tx.Now(), s.IdleTTL)
		return sessions.Put(tx, *v.session)
	})
	return v, err
}

// liveSession is the session with that id and its user, nil when there is none that counts.
func (s *site) liveSession(tx *store.Tx, id string) (*session, identitystore.User, error) {
	none := identitystore.User{}
	if id == "" {
		return nil, none, nil
	}
	n, err := sessions.Get(tx, sessionHash(id))
	if err != nil {
		return nil, none, ignoreNotFound(err)
	}
	if epoch, _ := s.Keys.Epoch(); n.Epoch != int64(epoch) {
		return nil, none, nil
	}
	if _, revoked, err := token.Revoked(tx, token.Session{ID: n.TokenSessionID}); revoked || err != nil {
		return nil, none, err
	}
	user, err := identitystore.GetUser(tx, n.IdentityStoreID, n.UserID)
	if err != nil || !user.Enabled || user.SignedOut(n.AuthTime) {
		return nil, none, ignoreNotFound(err)
	}
	return &n, user, nil
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// beginSession starts the session of a user who has just signed in, under a new id, and ends the one the browser had under oldID.
// The same user signing in again keeps the token session, so that signing out later ends all that was issued. It is
// identitystore.ErrSignIn when the user's standing is not what it was when the password was checked.
func (s *site) beginSession(ctx context.Context, oldID string, user identitystore.User) (id string, n session, err error) {
	fresh, err := token.NewSession(nil)
	if err != nil {
		return "", n, err
	}
	id = rand.Text() + rand.Text()
	epoch, _ := s.Keys.Epoch()
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := unchanged(tx, user); err != nil {
			return err
		}
		n = session{
			Hash: sessionHash(id), IdentityStoreID: user.StoreID, UserID: user.ID, TokenSessionID: fresh.ID, Epoch: int64(epoch),
			AuthTime: tx.Now(), EndsAt: tx.Now().Add(s.SessionTTL),
		}
		n.seen(tx.Now(), s.IdleTTL)
		old, _, err := s.liveSession(tx, oldID)
		switch {
		case err != nil:
			return err
		case old != nil && old.UserID == user.ID && old.IdentityStoreID == user.StoreID:
			n.TokenSessionID = old.TokenSessionID
			err = sessions.Delete(tx, old.Hash)
		default:
			err = s.endSession(tx, oldID, "a new session began")
		}
		if err != nil {
			return err
		}
		return sessions.Insert(tx, n)
	})
	return id, n, err
}

// unchanged refuses a user who has been disabled, deleted or given a new password since it signed in.
func unchanged(tx *store.Tx, user identitystore.User) error {
	now, err := identitystore.GetUser(tx, user.StoreID, user.ID)
	if ignoreNotFound(err) != nil {
		return err
	}
	if err != nil || !now.Enabled || !now.SignedOutBefore.Equal(user.SignedOutBefore) {
		return fmt.Errorf("%w: user %s was disabled, deleted or given a new password meanwhile", identitystore.ErrSignIn, user.ID)
	}
	return nil
}

// endSession ends the session with that id, if there is one, and everything that was issued in it.
func (s *site) endSession(tx *store.Tx, id, reason string) error {
	if id == "" {
		return nil
	}
	n, err := sessions.Get(tx, sessionHash(id))
	if err != nil {
		return ignoreNotFound(err)
	}
	if err := s.OIDC.EndSession(tx, *n.signedIn(), reason); err != nil {
		return err
	}
	return sessions.Delete(tx, n.Hash)
}
