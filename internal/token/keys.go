package token

import (
	"crypto"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// Purpose names what a key is for; a key is never used for two.
type Purpose string

const (
	SigningES256 Purpose = "signing-es256"
	SigningRS256 Purpose = "signing-rs256"
	AccessMAC    Purpose = "access-mac"
	RefreshMAC   Purpose = "refresh-mac"
	RoleSession  Purpose = "role-session"     // seals STS session tokens, derives their secrets
	ContextSeal  Purpose = "identity-context" // seals identity contexts
	PagingMAC    Purpose = "paging-mac"
	BrowserMAC   Purpose = "browser-mac" // sign-in cookies, CSRF
	// Data seals recoverable secrets of other rooms (Keyring.Seal). Its keys never retire.
	Data Purpose = "data"
)

// The longest lives of what the keys make. Minting refuses more, because a replaced key is kept exactly this long.
const (
	MaxTokenLifetime  = 24 * time.Hour      // access tokens, ID tokens, identity contexts
	MaxRoleLifetime   = 36 * time.Hour      // role credentials; STS gives no session more
	MaxFamilyLifetime = 90 * 24 * time.Hour // refresh families and browser sessions
)

// retireMargin is added to those lives for clocks that differ between nodes.
const retireMargin = time.Hour

// firstPurposes are the keys that the first start makes. The RS256 key is missing: making one takes long, and most never need it.
var firstPurposes = []Purpose{SigningES256, AccessMAC, RefreshMAC, RoleSession, ContextSeal, PagingMAC, BrowserMAC, Data}

// afterlife is how long a key must still verify or open once its successor is in use. ok is false for keys that never retire.
func (p Purpose) afterlife() (d time.Duration, ok bool) {
	switch p {
	case RefreshMAC, BrowserMAC:
		return MaxFamilyLifetime + retireMargin, true
	case RoleSession:
		return MaxRoleLifetime + retireMargin, true
	case Data:
		return 0, false
	default:
		return MaxTokenLifetime + retireMargin, true
	}
}

func (p Purpose) signs() bool { return p == SigningES256 || p == SigningRS256 }

func (p Purpose) known() bool {
	switch p {
	case SigningES256, SigningRS256, AccessMAC, RefreshMAC, RoleSession, ContextSeal, PagingMAC, BrowserMAC, Data:
		return true
	}
	return false
}

// keyRow is one key. Its times stand in the clear for operators; the key is sealed under the store key.
type keyRow struct {
	ID        string    `store:"id,key"` // RFC 7638 thumbprint of a signing key, 16 hex digits of any other
	Purpose   string    `store:"purpose"`
	Sealed    []byte    `store:"sealed"`
	CreatedAt time.Time `store:"created_at"`
	FirstUse  time.Time `store:"first_use_at"`
	RetireAt  time.Time `store:"retire_at,expiry"` // zero while it has no successor
	StoreKey  string    `store:"store_key"`        // that it is sealed under
	RetiredAt time.Time `store:"retired_at"`       // of a key that an operator ended: only the record is left, until RetireAt
}

func (r keyRow) retired() bool { return !r.RetiredAt.IsZero() }

var keyTable = store.NewTable[keyRow](store.Spec{Name: "token_keys", Cached: true})

// shortIDLen is the length of the raw id of a symmetric key, as tokens carry it.
const shortIDLen = 8

// key is one key, opened and parsed. It never changes and is shared by snapshots.
type key struct {
	id      string
	purpose Purpose
	secret  []byte                 // symmetric keys
	short   [shortIDLen]byte       // their raw id
	inner   [sha256.BlockSize]byte // secret xor ipad, and
	outer   [sha256.BlockSize]byte // xor opad (RFC 2104 §2)
	aead    cipher.AEAD            // Data only
	signer  crypto.Signer          // signing keys
	jwk     []byte                 // their public JWK
	headers map[string]string      // their encoded JOSE header by typ
}

// heldKey is a key with the times of its row.
type heldKey struct {
	*key
	firstUse, retireAt time.Time
}

func (h heldKey) alive(at time.Time) bool { return h.retireAt.IsZero() || at.Before(h.retireAt) }

// maxMAC is the longest text whose MAC costs no allocation; all but JWT-sized tokens are shorter.
const maxMAC = 1024

// mac is HMAC-SHA-256 over the parts. Parts are not delimited: callers make them unambiguous. It stands here because crypto/hmac puts
// its state and all it is given on the heap, and every token has a MAC.
func (k *key) mac(parts ...[]byte) [sha256.Size]byte {
	var room [sha256.BlockSize + maxMAC]byte
	text := append(room[:0], k.inner[:]...)
	for _, p := range parts {
		text = append(text, p...)
	}
	sum := sha256.Sum256(text)
	return sha256.Sum256(append(append(text[:0], k.outer[:]...), sum[:]...))
}

// newKeyMaterial makes the bytes that a row seals: PKCS #8 for signing keys, 32 random bytes for others, and the id.
//
// Operators give ids to commands, which would take one that begins with a hyphen, as every 64th thumbprint does, for a flag: such a key
// is made anew.
func newKeyMaterial(p Purpose) (id string, material []byte, err error) {
	for {
		id, material, err = anyKeyMaterial(p)
		if err != nil || id[0] != '-' {
			return id, material, err
		}
		clear(material)
	}
}

func anyKeyMaterial(p Purpose) (id string, material []byte, err error) {
	var private crypto.Signer
	switch p {
	case SigningES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case SigningRS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		var raw [shortIDLen]byte
		rand.Read(raw[:])
		material = make([]byte, 32)
		rand.Read(material)
		return hex.EncodeToString(raw[:]), material, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("token: making a %s key: %w", p, err)
	}
	jwk, err := publicJWK(private.Public())
	if err != nil {
		return "", nil, err
	}
	material, err = x509.MarshalPKCS8PrivateKey(private)
	return jwk.thumbprint(), material, err
}

// parseKey makes a usable key of opened material and refuses what does not fit its row.
func parseKey(id string, p Purpose, material []byte) (*key, error) {
	k := &key{id: id, purpose: p}
	if p.signs() {
		return k, k.parseSigner(material)
	}
	if !p.known() {
		return nil, fmt.Errorf("token: key %s has the unknown purpose %q", id, p)
	}
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != shortIDLen || len(material) != 32 {
		return nil, fmt.Errorf("token: key %s is not well formed", id)
	}
	copy(k.short[:], raw)
	k.secret = material
	for i := range k.inner {
		k.inner[i], k.outer[i] = 0x36, 0x5c
	}
	subtle.XORBytes(k.inner[:], k.inner[:], material)
	subtle.XORBytes(k.outer[:], k.outer[:], material)
	if p == Data {
		k.aead, err = newGCM(material)
	}
	return k, err
}

func (k *key) parseSigner(material []byte) error {
	defer clear(material)
	parsed, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return fmt.Errorf("token: key %s: %w", k.id, err)
	}
	switch private := parsed.(type) {
	case *ecdsa.PrivateKey:
		k.signer = private
	case *rsa.PrivateKey:
		k.signer = private
	default:
		return fmt.Errorf("token: key %s has the type %T", k.id, parsed)
	}
	return k.describe()
}
