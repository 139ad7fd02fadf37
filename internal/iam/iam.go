// Package iam is the part of IAM and STS that Symbolon serves. It keeps the records (accounts, users, access keys, roles, managed
// policies), says who a signing key belongs to (Credential), whether a caller may do a thing (Authorize), and lends roles
// (sts:AssumeRole), also on behalf of an Identity Center user who is proved by an identity context.
//
// What it guarantees:
//
//   - A caller is what our record of its key says, or what our own sealed session token says together with the live record of its
//     role; nothing of it is ever read from the message. A role made again under an old name does not inherit the old one's sessions.
//   - Every decision is made from the records as they are inside the transaction it belongs to: the key still active, the user or role
//     still the same one, the session and its ancestors not revoked. What cannot be read, found or parsed denies.
//   - Session policies, boundaries and the allow list of identity-enhanced sessions only ever take away, in the own account too.
//   - A role that does not exist and a role that may not be assumed are told apart by nobody.
//
// Every room above asks it; it asks token, policy and store.
package iam

import (
	"log/slog"
	"sync"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition {
	return []store.Definition{accounts, users, accessKeys, roles, managedPolicies}
}

// Server serves sts and answers who callers are and what they may do. Safe for concurrent use once its fields are set.
type Server struct {
	DB     *store.DB
	Keys   *token.Keyring
	Minter *token.Minter
	Now    func() time.Time // the movable clock; signature freshness stays on the wall clock
	Log    *slog.Logger
	// UserEnabled says whether an identity store's user exists and is enabled: every request of a session on behalf of a user asks. The
	// root sets it, because the directory stands beside this room. Without it nothing is done on behalf of anybody.
	UserEnabled func(tx *store.Tx, identityStoreID, userID string) (bool, error)
	// ContextStands says whether all that an identity context rests on still stands: its application, the user and its assignment, its
	// session, who vouched for the user. AssumeRole asks. A *wire.Error says why not, for audit; any other error is a fault. The root
	// sets it, because the token service stands above this room. Without it no context is taken.
	ContextStands func(tx *store.Tx, c token.IdentityContext) error
	// IdentityContextActions are the only actions an identity-enhanced session may perform, whatever its role allows; patterns such as
	// "s3:Get*" are accepted. Empty = the list AWS attaches (AWSIAMIdentityCenterAllowListForIdentityContext).
	IdentityContextActions []string
	server
}

// server is what a Server remembers between requests.
type server struct {
	compiled  policy.Cache
	secrets   secretCache
	guardOnce sync.Once
	guard     *policy.Policy
	guardErr  error
}
