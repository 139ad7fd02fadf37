package oidc

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// authorizationCode is the row of one code: the code itself is random (RFC 6749 §10.10) and stands here only as its SHA-256.
// It is bound to everything the authorization request said.
type authorizationCode struct {
	Hash                string    `store:"code_sha256,key"`
	ApplicationARN      string    `store:"application_arn"`
	RedirectURI         string    `store:"redirect_uri"`
	CodeChallenge       string    `store:"code_challenge"` // S256
	IdentityStoreID     string    `store:"identity_store_id"`
	UserID              string    `store:"user_id"`
	Scopes              []string  `store:"scopes"` // nil = none were asked for
	Nonce               string    `store:"nonce"`
	SignInSessionID     string    `store:"sign_in_session_id"`
	SignInSessionEndsAt time.Time `store:"sign_in_session_ends_at"`
	AuthTime            time.Time `store:"auth_time"`
	Epoch               int64     `store:"epoch"`
	ExpiresAt           time.Time `store:"expires_at"`
	// RedeemedAt and IssuedSessionID are set by the one use, so that a second one can end what the first issued.
	RedeemedAt      time.Time `store:"redeemed_at"`
	IssuedSessionID string    `store:"issued_session_id"`
	// RetainedUntil outlives ExpiresAt by the longest life of what was issued.
	RetainedUntil time.Time `store:"retained_until,expiry"`
}

var codes = store.NewTable[authorizationCode](store.Spec{Name: "oidc_authorization_codes"})

// newCode makes a code of about 256 random bits and its row's key.
func newCode() (code, hash string) {
	code = rand.Text() + rand.Text()
	return code, codeHash(code)
}

func codeHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// signIn is the browser session the code came from: the parent of every session issued from it.
func (c *authorizationCode) signIn() *token.Session {
	return &token.Session{ID: c.SignInSessionID}
}
