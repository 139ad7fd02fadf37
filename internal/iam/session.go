package iam

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/token"
)

// sessionClaims is what the session token of a role session says, sealed by the token room beside expiry and lineage. Names are short
// because the token travels with every request. Only what the records cannot say is here: the role's path, tags and policies are read
// from its record each time.
type sessionClaims struct {
	Account        string        `json:"a"`
	Role           string        `json:"r"`
	RoleID         string        `json:"i"` // a role made again under this name has another
	Session        string        `json:"s"`
	IssuedAt       int64         `json:"t"`
	SourceIdentity string        `json:"o,omitzero"`
	Limits         []byte        `json:"-"` // packed; written behind the rest
	User           *contextClaim `json:"u,omitzero"`
	// Provider of the context AssumeRole was given; empty although User is set in a portal session.
	Provider string `json:"p,omitzero"`
	// Padding brings the token to the size the caller asked for (MinimumSessionTokenSize).
	Padding string `json:"z,omitzero"`
}

// contextClaim is an identity context without its lineage, which is the session's own.
type contextClaim struct {
	UserID           string `json:"u"`
	IdentityStoreID  string `json:"d"`
	IdentityStoreARN string `json:"D"`
	InstanceARN      string `json:"i"`
	ApplicationARN   string `json:"a"`
	CredentialID     string `json:"c"`
	IssuedAt         int64  `json:"t"`
	ExpiresAt        int64  `json:"e"`
}

func claimOf(c *token.IdentityContext) *contextClaim {
	return &contextClaim{
		UserID: c.UserID, IdentityStoreID: c.IdentityStoreID, IdentityStoreARN: c.IdentityStoreARN, InstanceARN: c.InstanceARN,
		ApplicationARN: c.ApplicationARN, CredentialID: c.CredentialID, IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
	}
}

func (c *contextClaim) context(s token.Session) *token.IdentityContext {
	return &token.IdentityContext{
		UserID: c.UserID, IdentityStoreID: c.IdentityStoreID, IdentityStoreARN: c.IdentityStoreARN, InstanceARN: c.InstanceARN,
		ApplicationARN: c.ApplicationARN, CredentialID: c.CredentialID, Session: s,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(),
	}
}

// claimsEnd parts the claims from the packed limits behind them, which as JSON would grow by a third. JSON holds no such byte.
var claimsEnd = []byte{0}

func (c *sessionClaims) encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return slices.Concat(b, claimsEnd, c.Limits), nil
}

func decodeClaims(b []byte) (*sessionClaims, error) {
	var c sessionClaims
	text, packed, ok := bytes.Cut(b, claimsEnd)
	if !ok {
		return nil, errors.New("iam: session claims are cut short")
	}
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	c.Limits = packed
	if !isAccountID(c.Account) || c.Role == "" || c.RoleID == "" || c.Session == "" {
		return nil, errors.New("iam: session claims are incomplete")
	}
	return &c, nil
}

// limits are what the caller of AssumeRole put on the session.
type limits struct {
	Policy     string            `json:"d,omitzero"`
	PolicyARNs []string          `json:"m,omitzero"`
	Tags       map[string]string `json:"g,omitzero"`
	Transitive []string          `json:"x,omitzero"`
}

// maxPacked is the space for packed session policies and tags, in bytes: a hundred percent of AssumeRole's PackedPolicySize.
const maxPacked = 2048

// maxUnpacked is more than the longest limits AssumeRole accepts; what unpacks to more is not ours.
const maxUnpacked = 256 << 10

func (l *limits) empty() bool { return l.Policy == "" && len(l.PolicyARNs) == 0 && len(l.Tags) == 0 }

// pack compresses the limits, and says which percentage of the space they take (0 when there are none).
func (l *limits) pack() (packed []byte, percent int, err error) {
	if l.empty() {
		return nil, 0, nil
	}
	plain, err := json.Marshal(l, json.Deterministic(true))
	if err != nil {
		return nil, 0, err
	}
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return nil, 0, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, 0, err
	}
	if err := w.Close(); err != nil {
		return nil, 0, err
	}
	return buf.Bytes(), (buf.Len()*100 + maxPacked - 1) / maxPacked, nil
}

func unpackLimits(packed []byte) (*limits, error) {
	var l limits
	if len(packed) == 0 {
		return &l, nil
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("iam: session limits: %w", err)
	}
	if len(plain) > maxUnpacked {
		return nil, errors.New("iam: session limits are too long")
	}
	if err := json.Unmarshal(plain, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("iam: session limits: %w", err)
	}
	return &l, nil
}
