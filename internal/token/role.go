package token

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"time"
)

// RoleCredentials are an ASIA key, its secret and its sealed session token. Nothing is stored: the secret is HMAC(session key, session token).
type RoleCredentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	ExpiresAt                                  time.Time
}

const roleKeyPrefix = "ASIA"

var roleSecretLabel = []byte("symbolon role secret\x00")

// RoleCredentials seals claims (the iam room's own encoding) with expiry, lineage and epoch into new role credentials.
// The session may be empty: such credentials end only by expiry or epoch.
func (m *Minter) RoleCredentials(claims []byte, s Session, expires time.Time) (RoleCredentials, error) {
	if err := checkLife(m.now(), expires, MaxRoleLifetime+ClockSkew); err != nil {
		return RoleCredentials{}, err
	}
	if len(s.Ancestors) > MaxDepth {
		return RoleCredentials{}, ErrTooDeep
	}
	k, err := m.Keys.use(RoleSession)
	if err != nil {
		return RoleCredentials{}, err
	}
	epoch, _ := m.Keys.Epoch()
	p := make(packer, 0, 64+len(claims)).uint32(epoch).seconds(expires).session(s).raw(claims)
	id := newRoleKeyID()
	token := base64.StdEncoding.EncodeToString(sealBlob(k.key, rolePrefix, p, id))
	if len(token) > maxTokenSize {
		return RoleCredentials{}, fmt.Errorf("token: a session token of %d characters is longer than %d", len(token), maxTokenSize)
	}
	return RoleCredentials{
		AccessKeyID: id, SecretAccessKey: roleSecret(k.key, id, token), SessionToken: token,
		ExpiresAt: time.Unix(expires.Unix(), 0).UTC(),
	}, nil
}

// OpenRoleCredentials opens a session token presented with an access key id: ErrInvalid when they do not belong together, ErrExpired.
func (m *Minter) OpenRoleCredentials(accessKeyID, sessionToken string, at time.Time) (secret string, claims []byte, s Session, expires time.Time, err error) {
	if len(sessionToken) > maxTokenSize || len(accessKeyID) != len(roleKeyPrefix)+16 || accessKeyID[:len(roleKeyPrefix)] != roleKeyPrefix {
		return "", nil, Session{}, time.Time{}, invalid("not role credentials of this service")
	}
	plain, k, err := m.openBlob(RoleSession, rolePrefix, sessionToken, accessKeyID)
	if err != nil {
		return "", nil, Session{}, time.Time{}, err
	}
	u := unpacker{b: plain}
	epoch := u.uint32()
	expires, s = u.seconds(), u.session()
	claims = u.b
	if u.failed {
		return "", nil, Session{}, time.Time{}, invalid("malformed")
	}
	if err := m.checkEpoch(epoch); err != nil {
		return "", nil, Session{}, time.Time{}, err
	}
	if !at.Before(expires) {
		return "", nil, Session{}, time.Time{}, ErrExpired
	}
	return roleSecret(k, accessKeyID, sessionToken), claims, s, expires, nil
}

// newRoleKeyID is ASIA and 80 random bits in base32, as AWS's temporary access key ids look.
func newRoleKeyID() string {
	var b [10]byte
	rand.Read(b[:])
	return roleKeyPrefix + base32.StdEncoding.EncodeToString(b[:])
}

// roleSecret derives the 40-character secret of a session token.
func roleSecret(k *key, accessKeyID, sessionToken string) string {
	sum := k.mac(roleSecretLabel, []byte(accessKeyID), []byte(sessionToken))
	return base64.StdEncoding.EncodeToString(sum[:30])
}
