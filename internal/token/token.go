// Package token owns keys and what is made with them: access, refresh and ID tokens, identity contexts, role-session
// credentials, sessions and their revocation, and the verification of foreign issuers' JWTs.
//
// What it guarantees:
//
//   - Every token kind has exactly one function that mints it and one that verifies it, and each key has one Purpose:
//     no token passes for one of another kind.
//   - A token is bound whole, prefix included, and has exactly one spelling: base64 is canonical, JSON is our own bytes,
//     ECDSA signatures are in their low-S form. Anything else is ErrInvalid.
//   - Verifying our own tokens reads nothing: keys and epoch come from a snapshot of cached rows, at most a second old.
//   - No key stands in the store in the clear and none is derived from the master key: each is a row of its own, sealed
//     under the store key with the row's identity as additional data, and the store key is sealed under the master key, which
//     can be changed while nodes serve. Keys rotate; a replaced key lives until the last token made
//     with it is dead.
//   - A foreign JWT is believed only after its signature has been verified with a key its issuer publishes now (or, while
//     the issuer is down, published within the last 24 hours), fetched under limits of address, size, time and rate.
//
// The oidc and iam rooms call it. Revocation is a row (Revoke, Revoked) that callers check beside the token.
package token

import (
	"errors"
	"fmt"

	"github.com/symbolon/symbolon/internal/store"
)

// ErrInvalid says that a token is not ours, altered, of the wrong kind, or from an earlier epoch. Its wrapped text is for audit.
var ErrInvalid = errors.New("token: invalid")

// ErrExpired says that a token was ours and good until it expired.
var ErrExpired = errors.New("token: expired")

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition {
	return []store.Definition{keyTable, wrapTable, epochTable, revocationTable}
}

// invalid is an ErrInvalid with the reason for audit.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}
