package identitystore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/symbolon/symbolon/internal/store"
)

// ErrSignIn is the one answer to a wrong name or password, a disabled or a locked user; the wrapped text is for audit.
var ErrSignIn = errors.New("identitystore: sign-in failed")

// Guessing is stopped per user: after maxFailures failures in a row for firstLock, and from then on after laterFailures
// more for twice as long as the last time, up to longestLock. A success ends that, and so does forgetFailures without an
// attempt. Guessing on and on gets some 70 tries a day, and the user, at the end of every lock, a few chances to get in.
const (
	maxFailures    = 10
	laterFailures  = 3
	firstLock      = 5 * time.Minute
	longestLock    = 1 * time.Hour
	forgetFailures = 24 * time.Hour
)

// The length of a password in characters, and of what SignIn looks at in bytes.
const (
	minPassword   = 8
	maxPassword   = 256
	maxPasswordIn = utf8.UTFMax * maxPassword
)

// password is a user's password and what was tried on it. A user without a password may have a row, too: failures are
// counted either way.
type password struct {
	StoreID string `store:"identity_store_id,key"`
	UserID  string `store:"user_id,key"`
	// Hash in the PHC string format; empty when the user has no password.
	Hash        string    `store:"hash"`
	ChangedAt   time.Time `store:"changed_at"`
	Failures    int64     `store:"failures"` // in a row since the last lock, those under way included
	Locks       int64     `store:"locks"`    // in a row
	LockedUntil time.Time `store:"locked_until"`
	TriedAt     time.Time `store:"tried_at"`
}

var passwords = store.NewTable[password](store.Spec{Name: "identitystore_passwords"})

// attempt is one guess, counted before it is judged.
type attempt struct {
	user    User
	hash    string // what to compare with; empty when there is nothing
	refused string // why it fails whatever the password; empty when the password decides
}

// SignIn checks a password and returns the user. Every refusal is ErrSignIn, wrapped with the reason for audit, and costs
// the same: one durable write and one hash, whether or not the name is known. Other errors mean that nothing was decided.
//
// Failures are counted on the user that the name resolves to, before the password is hashed, so that parallel guesses
// get no more tries than sequential ones; a success clears the count. Time is the store's transaction time. Few
// sign-ins run at once; others wait for as long as ctx allows.
func (s *Server) SignIn(ctx context.Context, storeID, userName, password string) (User, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return User{}, err
	}
	defer leave()
	var a attempt
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		a, err = begin(tx, storeID, userName)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("identitystore: count sign-in: %w", err)
	}
	matches, err := s.verify(a.hash, password)
	if err != nil {
		return User{}, err
	}
	switch {
	case a.refused != "":
		return User{}, fmt.Errorf("%w: %s", ErrSignIn, a.refused)
	case !matches:
		return User{}, fmt.Errorf("%w: wrong password of user %s", ErrSignIn, a.user.ID)
	}
	var u User
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		u, err = succeed(tx, a)
		return err
	})
	return u, err
}

// begin counts an attempt. It writes one row in every case, so that the time it takes says nothing.
func begin(tx *store.Tx, storeID, userName string) (attempt, error) {
	u, err := GetUserByName(tx, storeID, userName)
	if errors.Is(err, store.ErrNotFound) {
		return attempt{refused: "no user has the name"}, countUnknown(tx, storeID, userName)
	}
	if err != nil {
		return attempt{}, err
	}
	p, err := passwords.Get(tx, storeID, u.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return attempt{}, err
	}
	a := attempt{user: u, hash: p.Hash}
	if tx.Now().Sub(p.TriedAt) >= forgetFailures {
		p.forget()
	}
	p.StoreID, p.UserID, p.TriedAt = storeID, u.ID, tx.Now()
	switch {
	case tx.Now().Before(p.LockedUntil):
		a.refused = fmt.Sprintf("user %s is locked until %s", u.ID, p.LockedUntil.Format(time.RFC3339))
		return a, passwords.Put(tx, p)
	case !u.Enabled:
		a.refused = fmt.Sprintf("user %s is disabled", u.ID)
	case p.Hash == "":
		a.refused = fmt.Sprintf("user %s has no password", u.ID)
	}
	// The attempt counts as a failure until it has succeeded.
	p.fail(tx.Now())
	return a, passwords.Put(tx, p)
}

// fail counts a failure and locks when it was one too many.
func (p *password) fail(now time.Time) {
	p.Failures++
	if p.Failures < maxFailures && (p.Locks == 0 || p.Failures < laterFailures) {
		return
	}
	p.LockedUntil = now.Add(lockFor(p.Locks))
	p.Failures, p.Locks = 0, p.Locks+1
}

// forget is how a success, or enough time, leaves the count.
func (p *password) forget() { p.Failures, p.Locks, p.LockedUntil = 0, 0, time.Time{} }

// countUnknown writes what a sign-in of a known user would write, into one of few rows that belong to nobody. Their ids
// cannot be those of users.
func countUnknown(tx *store.Tx, storeID, userName string) error {
	sum := sha256.Sum256([]byte(userName))
	id := "unknown-" + hex.EncodeToString(sum[:1])
	p, err := passwords.Get(tx, storeID, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	p.StoreID, p.UserID, p.TriedAt = storeID, id, tx.Now()
	p.Failures++
	return passwords.Put(tx, p)
}

// lockFor is how long a lock lasts that so many have gone before.
func lockFor(locks int64) time.Duration {
	d := firstLock
	for range locks {
		if d *= 2; d >= longestLock {
			return longestLock
		}
	}
	return d
}

// succeed clears the failures of an attempt whose password was right, unless the user or the password has changed since
// it began.
func succeed(tx *store.Tx, a attempt) (User, error) {
	u, err := users.Get(tx, a.user.StoreID, a.user.ID)
	if errors.Is(err, store.ErrNotFound) || (err == nil && !u.Enabled) {
		return User{}, fmt.Errorf("%w: user %s was disabled or deleted meanwhile", ErrSignIn, a.user.ID)
	}
	if err != nil {
		return User{}, err
	}
	p, err := passwords.Get(tx, u.StoreID, u.ID)
	if errors.Is(err, store.ErrNotFound) || (err == nil && p.Hash != a.hash) {
		return User{}, fmt.Errorf("%w: the password of user %s was changed meanwhile", ErrSignIn, u.ID)
	}
	if err != nil {
		return User{}, err
	}
	p.forget()
	return u, passwords.Put(tx, p)
}

// SetPassword hashes and stores a password. A new password clears failures and a lock, and ends what the user signed in for before.
func (s *Server) SetPassword(tx *store.Tx, storeID, userID, newPassword string) error {
	hash, err := s.HashPassword(tx.Context(), newPassword)
	if err != nil {
		return err
	}
	return s.SetPasswordHash(tx, storeID, userID, hash)
}

// HashPassword judges a new password (8 to 256 characters) and hashes it, which takes a while: not for the inside of a transaction
// that may run again.
func (s *Server) HashPassword(ctx context.Context, newPassword string) (hash string, err error) {
	if n := utf8.RuneCountInString(newPassword); n < minPassword || n > maxPassword || !utf8.ValidString(newPassword) {
		return "", invalid(ctx, "A password must have between %d and %d characters.", minPassword, maxPassword)
	}
	return s.hash(newPassword)
}

// SetPasswordHash stores what HashPassword made.
func (s *Server) SetPasswordHash(tx *store.Tx, storeID, userID, hash string) error {
	u, err := users.Get(tx, storeID, userID)
	if err != nil {
		return orNotFound(tx.Context(), err, typeUser, userID)
	}
	old, err := PasswordHash(tx, storeID, userID)
	if err != nil {
		return err
	}
	if old != "" {
		u.SignedOutBefore = tx.Now()
		if err := users.Put(tx, u); err != nil {
			return err
		}
	}
	return passwords.Put(tx, password{StoreID: storeID, UserID: userID, Hash: hash, ChangedAt: tx.Now()})
}

// PasswordHash is the stored hash of a user's password; empty when the user has none.
func PasswordHash(tx *store.Tx, storeID, userID string) (string, error) {
	p, err := passwords.Get(tx, storeID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Hash, err
}

// PasswordMatches says whether the stored password is this one. It is no sign-in: it counts nothing and no lock stops it.
func (s *Server) PasswordMatches(tx *store.Tx, storeID, userID, candidate string) (bool, error) {
	hash, err := PasswordHash(tx, storeID, userID)
	if err != nil {
		return false, err
	}
	return s.HashMatches(hash, candidate)
}

// HashMatches says whether a hash is that of a password: for apply, so that twice changes nothing. It costs as much as hashing.
func (s *Server) HashMatches(hash, candidate string) (bool, error) {
	if hash == "" {
		return false, nil
	}
	return s.verify(hash, candidate)
}
