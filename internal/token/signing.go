package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithm of our own signatures.
type Algorithm string

const (
	ES256 Algorithm = "ES256"
	RS256 Algorithm = "RS256"
)

// The typ of each JWT kind we make (RFC 9068 §2.1, RFC 7519 §5.1).
const (
	typAccessToken = "at+jwt"
	typIDToken     = "JWT"
)

func (a Algorithm) purpose() (Purpose, error) {
	switch a {
	case ES256:
		return SigningES256, nil
	case RS256:
		return SigningRS256, nil
	}
	return "", fmt.Errorf("token: no signing algorithm %q", a)
}

func (p Purpose) algorithm() Algorithm {
	if p == SigningRS256 {
		return RS256
	}
	return ES256
}

// sign makes a compact JWS (RFC 7515 §3.1) of payload with the current key of the algorithm.
func (k *Keyring) sign(typ string, payload []byte, alg Algorithm) (string, error) {
	h, err := k.useSigner(alg)
	if err != nil {
		return "", err
	}
	header := h.headers[typ]
	var room [3 << 10]byte // on the stack; a JWT with an identity context may be longer and takes memory of the heap
	jws := append(append(room[:0], header...), '.')
	jws = base64.RawURLEncoding.AppendEncode(jws, payload)
	digest := sha256.Sum256(jws)
	if alg == RS256 {
		k.rsaSlots <- struct{}{}
		defer func() { <-k.rsaSlots }()
	}
	signature, err := h.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("token: signing with key %s: %w", h.id, err)
	}
	if alg == ES256 {
		if signature, err = joseSignature(signature); err != nil {
			return "", err
		}
	}
	return string(base64.RawURLEncoding.AppendEncode(append(jws, '.'), signature)), nil
}

// verify opens a compact JWS of ours with typ at+jwt. The header must be, byte for byte, the one we put before tokens of
// one of our live keys: typ, alg and kid are bound to the key at once, and nothing in a stranger's header is interpreted.
func (k *Keyring) verify(s string) (payload []byte, err error) {
	header, rest, _ := strings.Cut(s, ".")
	body, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(signature, ".") {
		return nil, invalid("not a compact JWS")
	}
	h, ok, err := k.useHeader(header)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, invalid("not signed by a live key of ours as an access token")
	}
	raw, err := decodeBase64URL(signature)
	if err != nil {
		return nil, invalid("signature is not canonical base64url")
	}
	digest := sha256.Sum256([]byte(s[:len(header)+1+len(body)]))
	if !verifySignature(h.signer.Public(), digest[:], raw) {
		return nil, invalid("signature does not verify")
	}
	payload, err = decodeBase64URL(body)
	if err != nil {
		return nil, invalid("payload is not canonical base64url")
	}
	return payload, nil
}

func verifySignature(public crypto.PublicKey, digest, signature []byte) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return s.Cmp(p256HalfOrder) <= 0 && ecdsa.Verify(key, digest, r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest, signature) == nil
	}
	return false
}

var (
	p256Order     = elliptic.P256().Params().N
	p256HalfOrder = new(big.Int).Rsh(p256Order, 1)
)

// joseSignature turns an ASN.1 ECDSA signature into JOSE's r‖s of 32 bytes each (RFC 7518 §3.4). Of the two signatures
// (r, s) and (r, n−s), both of which verify, it gives the one with the smaller s: the only one verifySignature takes.
func joseSignature(der []byte) ([]byte, error) {
	r, s := new(big.Int), new(big.Int)
	input, inner := cryptobyte.String(der), cryptobyte.String(nil)
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !input.Empty() ||
		!inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(p256Order) >= 0 || s.Cmp(p256Order) >= 0 {
		return nil, errors.New("token: the signer gave a malformed ECDSA signature")
	}
	if s.Cmp(p256HalfOrder) > 0 {
		s.Sub(p256Order, s)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}
