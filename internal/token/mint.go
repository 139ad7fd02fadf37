package token

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"time"
)

// Minter mints and verifies our own tokens.
type Minter struct {
	Keys   *Keyring
	Issuer string // the instance's issuer URL, `iss`
	// Now fills in an issue time that is left out; time.Now if nil. Verifying takes its time as an argument.
	Now func() time.Time
}

const macLen = 32

// maxTokenSize bounds what is minted and what is even looked at, in characters.
const maxTokenSize = 16 << 10

func (m *Minter) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// checkLife refuses to mint what could outlive the key it is made with.
func checkLife(issued, expires time.Time, longest time.Duration) error {
	if !expires.After(issued) {
		return errors.New("token: expires before it is issued")
	}
	if expires.Sub(issued) > longest {
		return fmt.Errorf("token: a life of %s is longer than %s", expires.Sub(issued), longest)
	}
	return nil
}

// checkEpoch refuses what was minted before the last restore.
func (m *Minter) checkEpoch(epoch uint32) error {
	if now, _ := m.Keys.Epoch(); epoch != now {
		return invalid("minted in epoch %d, now is epoch %d", epoch, now)
	}
	return nil
}

// sealMAC ends a token of the form prefix + base64url(body ‖ MAC). The MAC covers the prefix too.
func sealMAC(k *key, prefix string, body packer) string {
	sum := k.mac([]byte(prefix), body)
	return prefix + encodeBase64URL(append(body, sum[:]...))
}

// openMAC checks such a token and returns its body. keyAt is where the key id stands in it.
func (m *Minter) openMAC(p Purpose, prefix, s string, keyAt int) (body []byte, err error) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix || len(s) > maxTokenSize {
		return nil, invalid("not of the form %s…", prefix)
	}
	raw, err := decodeBase64URL(s[len(prefix):])
	if err != nil {
		return nil, invalid("not canonical base64url")
	}
	if len(raw) < keyAt+shortIDLen+macLen {
		return nil, invalid("too short")
	}
	k, err := m.Keys.useShort(p, raw[keyAt:keyAt+shortIDLen])
	if errors.Is(err, errNoKey) {
		return nil, invalid("no live key of ours has its key id")
	} else if err != nil {
		return nil, err
	}
	body, sum := raw[:len(raw)-macLen], raw[len(raw)-macLen:]
	want := k.mac([]byte(prefix), body)
	if !hmac.Equal(want[:], sum) {
		return nil, invalid("the MAC does not fit")
	}
	return body, nil
}
