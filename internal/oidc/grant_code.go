package oidc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"slices"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// badCode is what a client hears of every code that is not taken; the audit event has the exact reason.
const badCode = "the authorization code is invalid or has expired"

// proveCode redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.6). A second use by the client it belongs to ends what
// the first issued (RFC 6749 §4.1.2). An attempt by another client, or one that fails any check, leaves the code as it is for
// the right client.
func (s *Server) proveCode(tx *store.Tx, r *request) (*Authorization, error) {
	c, err := codes.Get(tx, codeHash(*r.in.Code))
	if err != nil {
		return nil, absent(err, invalidGrant(codeKnown, badCode))
	}
	if c.ApplicationARN != r.app.ARN {
		return nil, knowing(because(invalidGrant(codeOwn, badCode), "the code was issued to %s", c.ApplicationARN), "issuedTo", c.ApplicationARN)
	}
	if !c.RedeemedAt.IsZero() {
		return nil, s.secondUse(tx, c)
	}
	if err := s.codeMatches(tx, r, c); err != nil {
		return nil, err
	}
	session, err := token.NewSession(c.signIn())
	if err != nil {
		return nil, err
	}
	c.RedeemedAt, c.IssuedSessionID = tx.Now(), session.ID
	c.RetainedUntil = tx.Now().Add(s.longestIssued())
	if err := codes.Put(tx, c); err != nil {
		return nil, err
	}
	return &Authorization{
		IdentityStoreID: c.IdentityStoreID, UserID: c.UserID, Scopes: c.Scopes, Session: session,
		AuthTime: c.AuthTime, Until: c.SignInSessionEndsAt, Nonce: c.Nonce,
	}, nil
}

// codeMatches checks everything the code is bound to.
func (s *Server) codeMatches(tx *store.Tx, r *request, c authorizationCode) error {
	if epoch, _ := s.Minter.Keys.Epoch(); c.Epoch != int64(epoch) {
		return because(invalidGrant(codeEpoch, badCode),
			"the code is from before the store was restored (epoch %d, now %d)", c.Epoch, epoch)
	}
	if !tx.Now().Before(c.ExpiresAt) {
		return because(invalidGrant(codeFresh, badCode), "the code expired at %s", c.ExpiresAt)
	}
	if *r.in.RedirectUri != c.RedirectURI {
		return invalidGrant(codeRedirect, "redirectUri differs from that of the authorization request")
	}
	grant, err := ssoadmin.GetGrant(tx, r.app.ARN, ssoadmin.GrantAuthorizationCode)
	if err != nil {
		return err
	}
	if !registered(grant.RedirectURIs, c.RedirectURI) {
		return knowing(invalidGrant(codeRegistered, "redirectUri is no longer one of the application's"), "redirectUri", c.RedirectURI)
	}
	return verifyPKCE(c.CodeChallenge, r.in.CodeVerifier)
}

func registered(uris []string, uri string) bool {
	return slices.ContainsFunc(uris, func(u string) bool { return ssoadmin.RedirectURIMatches(u, uri) })
}

// verifyPKCE checks the verifier against the S256 challenge (RFC 7636 §4.6). Every code has a challenge.
func verifyPKCE(challenge string, verifier *string) error {
	if verifier == nil {
		return invalidGrant(codePKCE, "codeVerifier is missing (PKCE)")
	}
	if !validVerifier(*verifier) {
		return invalidGrant(codePKCE, "codeVerifier must be 43 to 128 unreserved characters (RFC 7636, section 4.1)")
	}
	sum := sha256.Sum256([]byte(*verifier))
	if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) != 1 {
		return invalidGrant(codePKCE, "codeVerifier does not match the code challenge (PKCE)")
	}
	return nil
}

// validVerifier is the syntax of RFC 7636 §4.1; an S256 challenge is the same with exactly 43 characters.
func validVerifier(v string) bool {
	if len(v) < 43 || len(v) > 128 {
		return false
	}
	for i := range len(v) {
		c := v[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

// secondUse ends the session the first use began.
func (s *Server) secondUse(tx *store.Tx, c authorizationCode) error {
	const reason = "the authorization code was used a second time"
	if err := s.endSession(tx, c.IssuedSessionID, reason, s.derivedEnd(tx, c.RetainedUntil)); err != nil {
		return err
	}
	noteReuse(tx, ssoadmin.GrantAuthorizationCode)
	return &finalRefusal{knowing(because(invalidGrant(codeOnce, badCode), "%s; session %s has ended", reason, c.IssuedSessionID), "session", c.IssuedSessionID)}
}
