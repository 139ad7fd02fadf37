package token

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// accessClaims is the payload of a JWT access token: RFC 9068 §2.2, and under private names what we need to judge it
// ourselves (lineage, epoch) or what AWS names so.
type accessClaims struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        audience `json:"aud"`
	ClientID        string   `json:"client_id"`
	ExpiresAt       int64    `json:"exp"`
	IssuedAt        int64    `json:"iat"`
	ID              string   `json:"jti"`
	Scope           string   `json:"scope,omitempty"`
	AuthTime        int64    `json:"auth_time,omitzero"`
	Actor           *actor   `json:"act,omitempty"`
	SessionID       string   `json:"sid"`
	Ancestors       []string `json:"symbolon:ancestors,omitempty"`
	Epoch           uint32   `json:"symbolon:epoch"`
	VouchedBy       string   `json:"symbolon:trusted_token_issuer,omitempty"`
	InstanceARN     string   `json:"aws:instance_arn"`
	IdentityStoreID string   `json:"aws:identity_store_id"`
	CredentialID    string   `json:"aws:credential_id"`
}

// actor is the act claim (RFC 8693 §4.1): the current actor, and inside it the one before.
type actor struct {
	Subject string `json:"sub"`
	Actor   *actor `json:"act,omitempty"`
}

func actorChain(actors []string) *actor {
	var chain *actor
	for _, sub := range slices.Backward(actors) {
		chain = &actor{Subject: sub, Actor: chain}
	}
	return chain
}

func (a *actor) list() []string {
	var actors []string
	for ; a != nil; a = a.Actor {
		actors = append(actors, a.Subject)
	}
	return actors
}

// audience is one string, or an array when there are several (RFC 7519 §4.1.3).
type audience []string

// MarshalJSON writes the shorter form where it can.
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads both forms.
func (a *audience) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*a = audience{""}
		return json.Unmarshal(b, &(*a)[0])
	}
	return json.Unmarshal(b, (*[]string)(a))
}

func (m *Minter) accessJWT(a AccessToken, alg Algorithm) (string, error) {
	epoch, _ := m.Keys.Epoch()
	aud := a.Audience
	if len(aud) == 0 {
		aud = []string{a.Application}
	}
	payload, err := json.Marshal(accessClaims{
		Issuer: m.Issuer, Subject: a.UserID, Audience: aud, ClientID: a.Application,
		ExpiresAt: a.ExpiresAt.Unix(), IssuedAt: a.IssuedAt.Unix(), ID: a.ID,
		Scope: strings.Join(a.Scopes, " "), AuthTime: unixOrZero(a.AuthTime), Actor: actorChain(a.ActChain()),
		SessionID: a.Session.ID, Ancestors: a.Session.Ancestors, Epoch: epoch, VouchedBy: a.TrustedTokenIssuer,
		InstanceARN: a.InstanceARN, IdentityStoreID: a.IdentityStoreID, CredentialID: a.ID,
	})
	if err != nil {
		return "", err
	}
	return m.Keys.sign(typAccessToken, payload, alg)
}

func (m *Minter) openAccessJWT(s string) (a AccessToken, epoch uint32, err error) {
	payload, err := m.Keys.verify(s)
	if err != nil {
		return a, 0, err
	}
	var c accessClaims
	if err := json.Unmarshal(payload, &c, json.RejectUnknownMembers(true)); err != nil {
		return a, 0, invalid("claims: %v", err)
	}
	if c.Issuer != m.Issuer {
		return a, 0, invalid("issued by %q", c.Issuer)
	}
	actors := c.Actor.list()
	if len(c.Audience) == 0 || c.CredentialID != c.ID || c.VouchedBy != "" && (len(actors) == 0 || actors[len(actors)-1] != c.VouchedBy) {
		return a, 0, invalid("claims contradict each other")
	}
	if c.VouchedBy != "" {
		actors = actors[:len(actors)-1]
	}
	if len(actors) == 0 {
		actors = nil
	}
	a = AccessToken{
		ID: c.ID, Session: Session{ID: c.SessionID, Ancestors: c.Ancestors},
		Application: c.ClientID, InstanceARN: c.InstanceARN, IdentityStoreID: c.IdentityStoreID, UserID: c.Subject,
		Audience: c.Audience, Actors: actors, TrustedTokenIssuer: c.VouchedBy,
		AuthTime: timeOrZero(c.AuthTime), IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(),
	}
	if c.Scope != "" {
		a.Scopes = strings.Split(c.Scope, " ")
	}
	if err := a.check(); err != nil {
		return a, 0, invalid("%v", err)
	}
	return a, c.Epoch, nil
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func timeOrZero(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
