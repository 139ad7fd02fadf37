package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// IdentityContext is what an identity context says; only our STS opens it. Sealed form ≤ 2048 characters.
type IdentityContext struct {
	UserID, IdentityStoreID, IdentityStoreARN string
	InstanceARN, ApplicationARN, CredentialID string
	Session                                   Session
	// TrustedTokenIssuer and Actors are those of the access token it was given with.
	TrustedTokenIssuer            string
	Actors                        []string
	AuthTime, IssuedAt, ExpiresAt time.Time
}

// MaxIdentityContext is the most characters of a sealed identity context: STS's limit for a ContextAssertion.
const MaxIdentityContext = 2048

// contextPrefix and rolePrefix are how AWS's own blobs begin: tools tell them by it.
const (
	contextPrefix  = "\x01\x0a\x09origin_ec"
	rolePrefix     = "\x21\x0a\x09origin_ec"
	contextVersion = 1
)

// SealIdentityContext seals c: base64 of prefix, version, key id, salt and AES-256-GCM ciphertext, all that stands in
// the clear being additional data. What would be longer than MaxIdentityContext is an error.
func (m *Minter) SealIdentityContext(c IdentityContext) (string, error) {
	if c.IssuedAt.IsZero() {
		c.IssuedAt = m.now()
	}
	if c.UserID == "" {
		return "", errors.New("token: an identity context without its user")
	}
	if len(c.Actors) > maxActors {
		return "", ErrTooDeep
	}
	if err := errors.Join(c.Session.check(), checkLife(c.IssuedAt, c.ExpiresAt, MaxTokenLifetime)); err != nil {
		return "", err
	}
	k, err := m.Keys.use(ContextSeal)
	if err != nil {
		return "", err
	}
	epoch, _ := m.Keys.Epoch()
	p := make(packer, 0, 512).uint32(epoch)
	for _, s := range []string{c.UserID, c.IdentityStoreID, c.IdentityStoreARN, c.InstanceARN, c.ApplicationARN, c.CredentialID} {
		p = p.text(s)
	}
	p = p.session(c.Session).text(c.TrustedTokenIssuer).texts(c.Actors)
	p = p.seconds(c.AuthTime).seconds(c.IssuedAt).seconds(c.ExpiresAt)
	blob := sealBlob(k.key, contextPrefix, p, "")
	if n := base64.StdEncoding.EncodedLen(len(blob)); n > MaxIdentityContext {
		return "", fmt.Errorf("token: an identity context of %d characters is longer than %d", n, MaxIdentityContext)
	}
	return base64.StdEncoding.EncodeToString(blob), nil
}

// OpenIdentityContext opens what SealIdentityContext made: ErrInvalid, ErrExpired. Not revocation.
func (m *Minter) OpenIdentityContext(s string, at time.Time) (IdentityContext, error) {
	if len(s) > MaxIdentityContext {
		return IdentityContext{}, invalid("longer than %d characters", MaxIdentityContext)
	}
	plain, _, err := m.openBlob(ContextSeal, contextPrefix, s, "")
	if err != nil {
		return IdentityContext{}, err
	}
	u := unpacker{b: plain}
	epoch := u.uint32()
	c := IdentityContext{
		UserID: u.text(), IdentityStoreID: u.text(), IdentityStoreARN: u.text(),
		InstanceARN: u.text(), ApplicationARN: u.text(), CredentialID: u.text(),
		Session: u.session(), TrustedTokenIssuer: u.text(), Actors: u.texts(),
		AuthTime: u.seconds(), IssuedAt: u.seconds(), ExpiresAt: u.seconds(),
	}
	if u.close() != nil {
		return IdentityContext{}, invalid("malformed")
	}
	if err := m.checkEpoch(epoch); err != nil {
		return IdentityContext{}, err
	}
	if !at.Before(c.ExpiresAt) {
		return IdentityContext{}, ErrExpired
	}
	return c, nil
}

// sealBlob is prefix, version, key id, salt, ciphertext. bound is further additional data that the opener must present.
func sealBlob(k *key, prefix string, plaintext []byte, bound string) []byte {
	blob := append([]byte(prefix), contextVersion)
	blob = append(blob, k.short[:]...)
	return k.sealOnce(blob, plaintext, append(blob[:len(blob):len(blob)], bound...))
}

// openBlob opens what sealBlob made, and says with which key.
func (m *Minter) openBlob(p Purpose, prefix, s, bound string) (plaintext []byte, k *key, err error) {
	blob, err := decodeCanonical(base64Std, nil, s)
	head := len(prefix) + 1 + shortIDLen
	if err != nil || len(blob) < head || string(blob[:len(prefix)]) != prefix || blob[len(prefix)] != contextVersion {
		return nil, nil, invalid("not of the form this service gives")
	}
	held, err := m.Keys.useShort(p, blob[head-shortIDLen:head])
	if errors.Is(err, errNoKey) {
		return nil, nil, invalid("no live key of ours has its key id")
	} else if err != nil {
		return nil, nil, err
	}
	aad := append(blob[:head:head], bound...)
	if plaintext, err = held.openOnce(blob[head:], aad); err != nil {
		return nil, nil, invalid("does not open")
	}
	return plaintext, held.key, nil
}
