package token

import (
	"errors"
	"fmt"
	"strings"
)

// RefreshToken is what a refresh token says: `aor…`. The token of a generation is derived, never stored: the same four
// values give the same token.
type RefreshToken struct {
	KeyID      string // the RefreshMAC key the family was born with
	Family     string
	Generation int64
	Epoch      uint32
}

const (
	refreshPrefix  = "aor"
	refreshVersion = 1
)

// IsRefreshToken says whether s claims to be a refresh token; what is in it VerifyRefreshToken says.
func IsRefreshToken(s string) bool { return strings.HasPrefix(s, refreshPrefix) }

// RefreshToken derives the token of a generation: aor + base64url(version, key id, epoch, generation, family,
// HMAC-SHA-256 over all of it and the prefix). Its key must still be alive.
func (m *Minter) RefreshToken(r RefreshToken) (string, error) {
	if r.Family == "" || r.Generation < 0 {
		return "", errors.New("token: a refresh token needs a family and a generation")
	}
	k, err := m.Keys.useID(RefreshMAC, r.KeyID)
	if err != nil {
		return "", err
	}
	var room tokenRoom
	p := newMACToken(&room, k.key, refreshPrefix, refreshVersion).uint32(r.Epoch).number(uint64(r.Generation)).text(r.Family)
	s := sealMAC(k.key, refreshPrefix, p)
	if len(s) > maxTokenSize {
		return "", fmt.Errorf("token: a refresh token of %d characters is longer than %d", len(s), maxTokenSize)
	}
	return s, nil
}

// VerifyRefreshToken verifies MAC and epoch (ErrInvalid). Whether the generation is the current one, and whether the
// family lives, its row says.
func (m *Minter) VerifyRefreshToken(s string) (RefreshToken, error) {
	var room tokenRoom
	k, fields, err := m.openMAC(&room, RefreshMAC, refreshPrefix, refreshVersion, s)
	if err != nil {
		return RefreshToken{}, err
	}
	u := unpacker{b: fields}
	r := RefreshToken{KeyID: k.id, Epoch: u.uint32()}
	r.Generation, r.Family = int64(u.number()), u.text()
	if u.close() != nil || r.Generation < 0 || r.Family == "" {
		return RefreshToken{}, invalid("malformed")
	}
	if err := m.checkEpoch(r.Epoch); err != nil {
		return RefreshToken{}, err
	}
	return r, nil
}
