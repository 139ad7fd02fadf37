package token

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
)

// IDTokenClaims are AWS's ID token claims (aws-behaviour §2.3; auth_time numeric). Empty ones are left out.
type IDTokenClaims struct {
	Subject             string
	Audience            []string
	IssuedAt, ExpiresAt time.Time
	AuthTime            time.Time
	Nonce               string
	AccessToken         string // for at_hash
	IdentityStoreID     string // aws:identity_store_id
	IdentityStoreARN    string
	InstanceARN         string
	InstanceAccount     string
	ApplicationARN      string
	CredentialID        string
	IdentityContext     string // sts:identity_context, empty = left out
	// Actors: act chain; for jwt-bearer the trusted token issuer's ARN.
	Actors []string
}

// idClaims is the payload of an ID token (OpenID Connect Core §2).
type idClaims struct {
	Issuer           string   `json:"iss"`
	Subject          string   `json:"sub"`
	Audience         audience `json:"aud"`
	ExpiresAt        int64    `json:"exp"`
	IssuedAt         int64    `json:"iat"`
	AuthTime         int64    `json:"auth_time,omitzero"`
	Nonce            string   `json:"nonce,omitempty"`
	AccessTokenHash  string   `json:"at_hash,omitempty"`
	Actor            *actor   `json:"act,omitempty"`
	IdentityStoreID  string   `json:"aws:identity_store_id,omitempty"`
	IdentityStoreARN string   `json:"aws:identity_store_arn,omitempty"`
	InstanceARN      string   `json:"aws:instance_arn,omitempty"`
	InstanceAccount  string   `json:"aws:instance_account,omitempty"`
	ApplicationARN   string   `json:"aws:application_arn,omitempty"`
	CredentialID     string   `json:"aws:credential_id,omitempty"`
	IdentityContext  string   `json:"sts:identity_context,omitempty"`
}

// IDToken mints an ID token (typ JWT). Nothing of ours verifies one: it is for relying parties, by the JWKS.
func (m *Minter) IDToken(c IDTokenClaims, alg Algorithm) (string, error) {
	if c.IssuedAt.IsZero() {
		c.IssuedAt = m.now()
	}
	if c.Subject == "" || len(c.Audience) == 0 || c.Audience[0] == "" {
		return "", errors.New("token: an ID token needs a subject and an audience")
	}
	if len(c.Actors) > maxActors {
		return "", ErrTooDeep
	}
	if err := checkLife(c.IssuedAt, c.ExpiresAt, MaxTokenLifetime); err != nil {
		return "", err
	}
	payload, err := json.Marshal(idClaims{
		Issuer: m.Issuer, Subject: c.Subject, Audience: c.Audience,
		ExpiresAt: c.ExpiresAt.Unix(), IssuedAt: c.IssuedAt.Unix(), AuthTime: unixOrZero(c.AuthTime),
		Nonce: c.Nonce, AccessTokenHash: accessTokenHash(c.AccessToken), Actor: actorChain(c.Actors),
		IdentityStoreID: c.IdentityStoreID, IdentityStoreARN: c.IdentityStoreARN,
		InstanceARN: c.InstanceARN, InstanceAccount: c.InstanceAccount, ApplicationARN: c.ApplicationARN,
		CredentialID: c.CredentialID, IdentityContext: c.IdentityContext,
	})
	if err != nil {
		return "", err
	}
	return m.Keys.sign(typIDToken, payload, alg)
}

// accessTokenHash is at_hash: the left half of the token's SHA-256, which both our algorithms use (OpenID Connect Core
// §3.1.3.6).
func accessTokenHash(accessToken string) string {
	if accessToken == "" {
		return ""
	}
	var room tokenRoom
	sum := sha256.Sum256(append(room[:0], accessToken...))
	return encodeBase64URL(sum[:sha256.Size/2])
}
