package oidc

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// usedAssertion is the row that remembers one used assertion until it could not be presented any more. Its key does not hold the
// issuer record's ARN: deleting and re-creating the trusted token issuer must not revive a used assertion.
type usedAssertion struct {
	Hash      string    `store:"assertion_sha256,key"`
	Issuer    string    `store:"issuer"`
	UsedAt    time.Time `store:"used_at"`
	ExpiresAt time.Time `store:"expires_at,expiry"`
}

var assertions = store.NewTable[usedAssertion](store.Spec{Name: "oidc_assertions"})

// assertionKey hashes instance, iss and jti, each with its length, so that no two triples run together.
func assertionKey(instanceARN, issuer, jti string) string {
	h := sha256.New()
	for _, part := range []string{instanceARN, issuer, jti} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
