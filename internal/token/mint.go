package token

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
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
		return invalid("it is from before the store was restored (epoch %d, now %d)", epoch, now)
	}
	return nil
}

// tokenRoom is for a token while it is made or read, on the stack: longer ones take memory from the heap.
type tokenRoom [1024]byte

// newMACToken begins a token of the form prefix + base64url(version ‖ key id ‖ fields ‖ MAC), in bytes.
func newMACToken(room *tokenRoom, k *key, prefix string, version byte) packer {
	return append(packer(room[:0]), prefix...).byte(version).raw(k.short[:])
}

// sealMAC ends such a token. The MAC covers the prefix too.
func sealMAC(k *key, prefix string, p packer) string {
	sum := k.mac(p)
	p = p.raw(sum[:])
	var room tokenRoom
	return string(base64.RawURLEncoding.AppendEncode(append(room[:0], prefix...), p[len(prefix):]))
}

// openMAC checks such a token and gives the key it was made with and its fields, which lie in the room if they have room there.
func (m *Minter) openMAC(room *tokenRoom, p Purpose, prefix string, version byte, s string) (k *key, fields []byte, err error) {
	if !strings.HasPrefix(s, prefix) || len(s) > maxTokenSize {
		return nil, nil, invalid("not of the form %s…", prefix)
	}
	text, err := appendBase64URL(append(room[:0], prefix...), s[len(prefix):])
	raw := text[len(prefix):]
	if err != nil {
		return nil, nil, invalid("not canonical base64url")
	}
	if len(raw) < 1+shortIDLen+macLen {
		return nil, nil, invalid("too short")
	}
	held, err := m.Keys.useShort(p, raw[1:1+shortIDLen])
	if errors.Is(err, errNoKey) {
		return nil, nil, invalid("no live key of ours has its key id")
	} else if err != nil {
		return nil, nil, err
	}
	body, sum := raw[:len(raw)-macLen], raw[len(raw)-macLen:]
	want := held.mac(text[:len(text)-macLen]) // of the prefix too
	if !hmac.Equal(want[:], sum) {
		return nil, nil, invalid("the MAC does not fit")
	}
	if body[0] != version {
		return nil, nil, invalid("version %d", body[0])
	}
	return held.key, body[1+shortIDLen:], nil
}
