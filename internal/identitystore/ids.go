package identitystore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/symbolon/symbolon/internal/wire"
)

// NewStoreID makes an identity store id: d- and ten hex digits.
func NewStoreID() string {
	var b [5]byte
	rand.Read(b[:])
	return "d-" + hex.EncodeToString(b[:])
}

// newID makes the id of a user, group or membership: a random UUID (RFC 9562 §5.4).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// newRevision makes a revision: it says nothing but whether it is the same.
func newRevision() string { return rand.Text() }

// The kinds of resource that an ARN names: arn:aws:identitystore:::KIND/ID.
const (
	kindUser       = "user"
	kindGroup      = "group"
	kindMembership = "membership"
)

// resourceTypes are the API's words for the kinds.
var resourceTypes = map[string]string{kindUser: typeUser, kindGroup: typeGroup, kindMembership: typeMembership}

// arn is the ARN of a user, group or membership; it names neither account nor identity store.
func arn(kind, id string) string { return "arn:aws:identitystore:::" + kind + "/" + id }

// arnOf is arn for an answer.
func arnOf(kind, id string) *string {
	a := arn(kind, id)
	return &a
}

// plainID is the id in what a caller may give as an id or as an ARN (API of 2026-09). The ARN of another kind of
// resource is refused; that of another partition is not found.
func plainID(ctx context.Context, kind, given string) (string, error) {
	partition, rest, isARN := cutARN(given)
	if !isARN {
		return given, nil
	}
	id, ok := strings.CutPrefix(rest, "::"+kind+"/")
	if !ok {
		return "", invalid(ctx, "The ARN does not name a %s.", kind)
	}
	if partition != "aws" {
		return "", notFound(ctx, resourceTypes[kind], given)
	}
	return id, nil
}

// cutARN splits arn:PARTITION:identitystore:REST.
func cutARN(s string) (partition, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "arn:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, ":identitystore:")
}

// callerARN is who is calling; empty for a transaction outside a request, and for callers without an ARN.
func callerARN(ctx context.Context) string {
	c := wire.CallFrom(ctx)
	if c == nil {
		return ""
	}
	if caller, ok := c.Caller.(interface{ CallerARN() string }); ok {
		return caller.CallerARN()
	}
	return ""
}

// callerAccount is the account of the caller's ARN; empty when there is none.
func callerAccount(ctx context.Context) string {
	parts := strings.SplitN(callerARN(ctx), ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}
