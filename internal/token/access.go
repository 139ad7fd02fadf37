package token

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Format of access tokens.
type Format string

const (
	Opaque Format = "opaque"
	JWT    Format = "jwt"
)

// AccessToken is what an access token says. Times have second precision.
type AccessToken struct {
	ID              string // credential id, jti: base64url of 4 zero bytes, uint32 expiry, random
	Session         Session
	Application     string // ARN it was issued to; client_id of the JWT form
	InstanceARN     string
	IdentityStoreID string
	UserID          string
	Scopes          []string
	Audience        []string // JWT form only; never empty there (the application ARN if nothing else)
	// Actors is the act chain, outermost (current) first (RFC 8693 §4.1).
	Actors []string
	// TrustedTokenIssuer that vouched for the user (jwt-bearer), else empty. Kept through refresh and exchange.
	TrustedTokenIssuer string
	AuthTime, IssuedAt time.Time // a zero IssuedAt is minted as now
	ExpiresAt          time.Time
}

// maxActors is the longest act chain: who vouched for the user at first, and one actor for each exchange.
const maxActors = MaxDepth + 1

// ActChain is the act claim: the applications, outermost first, and at its root the trusted token issuer that vouched for the user.
func (a AccessToken) ActChain() []string {
	if a.TrustedTokenIssuer == "" {
		return a.Actors
	}
	return slices.Concat(a.Actors, []string{a.TrustedTokenIssuer})
}

const (
	accessPrefix  = "aoa"
	accessVersion = 1
)

// NewCredentialID makes an access token id for that expiry: 64 bytes as AWS's (aws-behaviour §2.4), 56 of them random.
func NewCredentialID(expires time.Time) string {
	var id [64]byte
	binary.BigEndian.PutUint32(id[4:], uint32(expires.Unix()))
	rand.Read(id[8:])
	return encodeBase64URL(id[:])
}

// AccessToken mints; alg matters for the JWT form only (RFC 9068, typ at+jwt).
func (m *Minter) AccessToken(a AccessToken, f Format, alg Algorithm) (string, error) {
	if a.IssuedAt.IsZero() {
		a.IssuedAt = m.now()
	}
	if err := a.check(); err != nil {
		return "", err
	}
	var s string
	var err error
	switch f {
	case Opaque:
		s, err = m.opaque(a)
	case JWT:
		s, err = m.accessJWT(a, alg)
	default:
		err = fmt.Errorf("token: no access token format %q", f)
	}
	if err == nil && len(s) > maxTokenSize {
		return "", fmt.Errorf("token: an access token of %d characters is longer than %d", len(s), maxTokenSize)
	}
	return s, err
}

// check refuses what no access token may be without.
func (a AccessToken) check() error {
	for _, f := range []struct{ name, value string }{
		{"credential id", a.ID}, {"application", a.Application}, {"instance", a.InstanceARN}, {"identity store", a.IdentityStoreID}, {"user", a.UserID},
	} {
		if f.value == "" {
			return fmt.Errorf("token: an access token without its %s", f.name)
		}
	}
	for _, scope := range a.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n") { // the JWT form separates scopes by spaces
			return fmt.Errorf("token: %q is not a scope", scope)
		}
	}
	if len(a.Actors) > maxActors {
		return ErrTooDeep
	}
	if err := a.Session.check(); err != nil {
		return err
	}
	return checkLife(a.IssuedAt, a.ExpiresAt, MaxTokenLifetime)
}

// VerifyAccessToken verifies either form as of at: MAC or signature, epoch, expiry (ErrExpired). Not revocation.
func (m *Minter) VerifyAccessToken(s string, at time.Time) (AccessToken, error) {
	var a AccessToken
	var epoch uint32
	var err error
	switch {
	case len(s) > maxTokenSize:
		err = invalid("longer than %d characters", maxTokenSize)
	case strings.HasPrefix(s, accessPrefix):
		a, epoch, err = m.openOpaque(s)
	default:
		a, epoch, err = m.openAccessJWT(s)
	}
	if err != nil {
		return AccessToken{}, err
	}
	if err := m.checkEpoch(epoch); err != nil {
		return AccessToken{}, err
	}
	if !at.Before(a.ExpiresAt) {
		return AccessToken{}, ErrExpired
	}
	return a, nil
}

// opaque is aoa + base64url(version, key id, epoch, fields, HMAC-SHA-256 over all of it and the prefix).
func (m *Minter) opaque(a AccessToken) (string, error) {
	k, err := m.Keys.use(AccessMAC)
	if err != nil {
		return "", err
	}
	epoch, _ := m.Keys.Epoch()
	var room tokenRoom
	p := newMACToken(&room, k.key, accessPrefix, accessVersion)
	p = p.uint32(epoch).text(a.ID).session(a.Session)
	p = p.text(a.Application).text(a.InstanceARN).text(a.IdentityStoreID).text(a.UserID)
	p = p.texts(a.Scopes).texts(a.Actors).text(a.TrustedTokenIssuer)
	p = p.seconds(a.AuthTime).seconds(a.IssuedAt).seconds(a.ExpiresAt)
	return sealMAC(k.key, accessPrefix, p), nil
}

func (m *Minter) openOpaque(s string) (a AccessToken, epoch uint32, err error) {
	var room tokenRoom
	_, fields, err := m.openMAC(&room, AccessMAC, accessPrefix, accessVersion, s)
	if err != nil {
		return a, 0, err
	}
	u := unpacker{b: fields}
	epoch = u.uint32()
	a = AccessToken{
		ID: u.text(), Session: u.session(),
		Application: u.text(), InstanceARN: u.text(), IdentityStoreID: u.text(), UserID: u.text(),
		Scopes: u.texts(), Actors: u.texts(), TrustedTokenIssuer: u.text(),
		AuthTime: u.seconds(), IssuedAt: u.seconds(), ExpiresAt: u.seconds(),
	}
	if err = u.close(); err == nil {
		err = a.check()
	}
	if err != nil {
		return a, 0, invalid("%v", err)
	}
	return a, epoch, nil
}
