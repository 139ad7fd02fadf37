package token

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// MaxDepth bounds the ancestors of a session (RFC 8693 §4.1 chains).
const MaxDepth = 5

// Session is the lineage every token carries: its own session id and its ancestors', nearest first, at most MaxDepth.
type Session struct {
	ID        string
	Ancestors []string
}

// ErrTooDeep says that a chain of exchanges is at its limit.
var ErrTooDeep = errors.New("token: session chain too deep")

// newSessionID is 48 bits of the wall clock's milliseconds and 80 random ones, laid out as in a UUID version 7 (RFC 9562 §5.7): sessions that
// begin together lie together in the store's indexes, so that a commit of many touches few pages. It is no secret and proves nothing.
func newSessionID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(time.Now().UnixMilli())<<16)
	rand.Read(id[6:])
	return encodeBase64URL(id[:])
}

// NewSession starts a session, below parent if not nil. ErrTooDeep when the chain would exceed MaxDepth.
func NewSession(parent *Session) (Session, error) {
	s := Session{ID: newSessionID()}
	if parent == nil {
		return s, nil
	}
	if parent.ID == "" {
		return Session{}, errors.New("token: a parent session without an id")
	}
	if len(parent.Ancestors) >= MaxDepth {
		return Session{}, ErrTooDeep
	}
	s.Ancestors = append([]string{parent.ID}, parent.Ancestors...)
	return s, nil
}

// check refuses a lineage that could not be revoked or is longer than NewSession makes them.
func (s Session) check() error {
	if s.ID == "" || slices.Contains(s.Ancestors, "") {
		return errors.New("token: a session without an id")
	}
	if len(s.Ancestors) > MaxDepth {
		return ErrTooDeep
	}
	return nil
}

// revocationRow ends one session. It expires with the last token that could have been derived from it.
type revocationRow struct {
	SessionID string    `store:"session_id,key"`
	Reason    string    `store:"reason"`
	RevokedAt time.Time `store:"revoked_at"`
	Until     time.Time `store:"until_at,expiry"`
}

var revocationTable = store.NewTable[revocationRow](store.Spec{Name: "token_revocations", Cached: true, Packed: true})

// Revoke ends a session and all that descends from it, until the last token derived from it could have ended. A cached row.
// reason is for audit and doctor. Revoking again changes nothing but a later until; the first reason stays.
func Revoke(tx *store.Tx, sessionID, reason string, until time.Time) error {
	if sessionID == "" || until.IsZero() {
		return errors.New("token: a revocation needs a session and an end")
	}
	row, err := revocationTable.Get(tx, sessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		row = revocationRow{SessionID: sessionID, Reason: reason, RevokedAt: tx.Now()}
	case err != nil:
		return err
	case !until.After(row.Until):
		return nil
	}
	row.Until = until
	return revocationTable.Put(tx, row)
}

// Revoked says whether the session or any ancestor is revoked, and which. Credentials without a session have an empty one:
// there is nothing to revoke.
func Revoked(tx *store.Tx, s Session) (sessionID string, revoked bool, err error) {
	if sessionID, revoked, err = revokedOne(tx, s.ID); revoked || err != nil {
		return sessionID, revoked, err
	}
	for _, id := range s.Ancestors {
		if sessionID, revoked, err = revokedOne(tx, id); revoked || err != nil {
			return sessionID, revoked, err
		}
	}
	return "", false, nil
}

func revokedOne(tx *store.Tx, id string) (string, bool, error) {
	if id == "" {
		return "", false, nil
	}
	_, err := revocationTable.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return id, err == nil, err
}
