// Package audit writes one CloudTrail-shaped event per request, whatever its outcome, before the answer leaves.
//
// Secrets have no place in it: whoever fills an event names tokens by id or [Hash] and writes [Hidden] for the rest. When [Log.Write] returns nil the
// event is with the operating system, where a killed process cannot take it back; the disk has it within a second, and
// at Close. When it returns an error the event is not in the log, and the caller must not answer with success: no
// audit, no issuance.
//
// Events are chained by SHA-256, so that a change, a cut or an insertion inside the log shows in [Verify]. The chain
// has no key: who can rewrite the whole file can rewrite the chain, and a cut at the end shows only against a later
// file or a copy of the last line kept elsewhere.
//
// The shape is that of "CloudTrail record contents" in the CloudTrail User Guide.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
)

// Hidden stands in events where a secret was.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Hash names a token in an event: 32 hex digits of its SHA-256, "" for none. Only for values nobody can guess; a
// password or a user code would be found by trying.
func Hash(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:16])
}
