package oidc

import (
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// refreshFamily is one row per refresh token family: all generations of one refresh token. The tokens themselves are derived
// from it and stand nowhere. A refresh is one conditional update of this row.
type refreshFamily struct {
	// ID is the session's: a session has one family at most.
	ID                 string   `store:"family_id,key"`
	ApplicationARN     string   `store:"application_arn"`
	IdentityStoreID    string   `store:"identity_store_id"`
	UserID             string   `store:"user_id"`
	Scopes             []string `store:"scopes"`
	SessionID          string   `store:"session_id"`
	Ancestors          []string `store:"ancestor_sessions"`
	Actors             []string `store:"actors"`
	TrustedTokenIssuer string   `store:"trusted_token_issuer_arn"`
	Parent             *parent  `store:"parent"`
	// KeyID is the MAC key the family was born with and keeps.
	KeyID      string    `store:"key_id"`
	Epoch      int64     `store:"epoch"`
	Generation int64     `store:"generation"`
	AuthTime   time.Time `store:"auth_time"`
	CreatedAt  time.Time `store:"created_at"`
	// RotatedAt is when the current generation was born: the grace window and the idle life count from it.
	RotatedAt time.Time `store:"rotated_at"`
	// RevokedAt is when the family itself was ended, by reuse or revocation; zero while it lives. What ends an ancestor is not repeated here.
	RevokedAt time.Time `store:"revoked_at"`
	// EndsAt is the absolute end; rotation never moves it.
	EndsAt time.Time `store:"ends_at,expiry"`
}

var families = store.NewTable[refreshFamily](store.Spec{Name: "oidc_refresh_families"})

// session is the lineage every token of the family carries.
func (f *refreshFamily) session() token.Session {
	return token.Session{ID: f.SessionID, Ancestors: f.Ancestors}
}

// current is the refresh token of the family's current generation.
func (f *refreshFamily) current() token.RefreshToken {
	return token.RefreshToken{KeyID: f.KeyID, Family: f.ID, Generation: f.Generation, Epoch: uint32(f.Epoch)}
}

// beginFamily inserts a family for an approved grant. Its absolute life is capped by the parent's.
func (s *Server) beginFamily(tx *store.Tx, r *request, a *approved) (*refreshFamily, error) {
	keyID, _, err := s.Minter.Keys.Secret(token.RefreshMAC)
	if err != nil {
		return nil, err
	}
	ends := tx.Now().Add(s.RefreshTTL)
	if !a.auth.Until.IsZero() && a.auth.Until.Before(ends) {
		ends = a.auth.Until
	}
	epoch, _ := s.Minter.Keys.Epoch()
	f := refreshFamily{
		ID: a.auth.Session.ID, ApplicationARN: r.app.ARN, IdentityStoreID: a.auth.IdentityStoreID, UserID: a.auth.UserID,
		Scopes: a.scopes, SessionID: a.auth.Session.ID, Ancestors: a.auth.Session.Ancestors, Actors: a.auth.Actors,
		TrustedTokenIssuer: a.auth.TrustedTokenIssuer, Parent: a.auth.Parent, KeyID: keyID, Epoch: int64(epoch),
		AuthTime: a.auth.AuthTime, CreatedAt: tx.Now(), RotatedAt: tx.Now(), EndsAt: ends,
	}
	return &f, families.Insert(tx, f)
}

// kill ends the family and everything that was issued in its session.
func (s *Server) kill(tx *store.Tx, f refreshFamily, reason string) error {
	f.RevokedAt = tx.Now()
	if err := families.Put(tx, f); err != nil {
		return err
	}
	return token.Revoke(tx, f.SessionID, reason, s.derivedEnd(tx, f.EndsAt))
}

// endSession ends a token session and all that descends from it. Its family, if it has one, ends in its own row too: the revocation
// reaches other nodes with the change feed, and the row binds every node's refreshes at once.
func (s *Server) endSession(tx *store.Tx, sessionID, reason string, until time.Time) error {
	f, err := families.Get(tx, sessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case f.RevokedAt.IsZero():
		f.RevokedAt = tx.Now()
		if err := families.Put(tx, f); err != nil {
			return err
		}
	}
	return token.Revoke(tx, sessionID, reason, until)
}

// longestIssued is the longest life of what is issued today.
func (s *Server) longestIssued() time.Duration { return max(s.RefreshTTL, s.AccessTokenTTL) }

// derivedEnd is when nothing that descends from a session can be alive any more: a session of today, or one that was begun under
// other settings and whose tokens may last until ends.
func (s *Server) derivedEnd(tx *store.Tx, ends time.Time) time.Time {
	if today := tx.Now().Add(s.longestIssued()); today.After(ends) {
		ends = today
	}
	return ends.Add(longestDerived)
}
