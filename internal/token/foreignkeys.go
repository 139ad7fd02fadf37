package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha512" // SHA-384 and SHA-512 for hash.New
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a foreign key set.
const (
	maxKeys    = 100
	minRSABits = 2048
	maxRSABits = 8192 // a stranger's giant modulus must not make verifying slow
)

// foreignKey is one published key of an issuer that can verify signatures.
type foreignKey struct {
	id         string
	public     any                       // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	algorithms []jose.SignatureAlgorithm // that its type, curve and own alg member permit
}

func (k foreignKey) permits(alg jose.SignatureAlgorithm) bool {
	return slices.Contains(k.algorithms, alg)
}

// foreignHashes are the hashes that the algorithms sign; EdDSA has its own (RFC 7518 §3.1, RFC 8037 §3.1).
var foreignHashes = map[jose.SignatureAlgorithm]crypto.Hash{
	jose.RS256: crypto.SHA256, jose.RS384: crypto.SHA384, jose.RS512: crypto.SHA512,
	jose.PS256: crypto.SHA256, jose.PS384: crypto.SHA384, jose.PS512: crypto.SHA512,
	jose.ES256: crypto.SHA256, jose.ES384: crypto.SHA384, jose.ES512: crypto.SHA512,
}

// verifies says whether signature is one of text by this key under alg, which the key must permit. It asks package crypto itself: a JOSE
// library would read the whole assertion once more, at half the price of the signature.
func (k foreignKey) verifies(alg jose.SignatureAlgorithm, text string, signature []byte) bool {
	if !k.permits(alg) {
		return false
	}
	if public, ok := k.public.(ed25519.PublicKey); ok {
		return alg == jose.EdDSA && ed25519.Verify(public, []byte(text), signature)
	}
	hash, ok := foreignHashes[alg]
	if !ok {
		return false
	}
	h := hash.New()
	h.Write([]byte(text))
	digest := h.Sum(nil)
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		switch alg[:2] {
		case "RS":
			return rsa.VerifyPKCS1v15(public, hash, digest, signature) == nil
		case "PS":
			return rsa.VerifyPSS(public, hash, digest, signature, nil) == nil
		}
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		if alg[:2] != "ES" || len(signature) != 2*size { // RFC 7518 §3.4: r and s, each as long as the curve's order
			return false
		}
		return ecdsa.Verify(public, digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
	}
	return false
}

// foreignJWK is a key as published (RFC 7517 §4). Members of other kinds are ignored, as the RFC asks.
type foreignJWK struct {
	KeyType    string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	KeyID      string   `json:"kid"`
	Curve      string   `json:"crv"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
	N          string   `json:"n"`
	E          string   `json:"e"`

	D jsontext.Value `json:"d"` // private: the key is everyone's
	K jsontext.Value `json:"k"` // symmetric: no key of a published set
}

// parseKeySet reads a JWK Set (RFC 7517 §5). A key we cannot use (another type, an encryption key, a weak or malformed
// one) is left out, as the RFC asks; a set that is not one is refused.
func parseKeySet(body []byte) ([]foreignKey, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, &fetchError{"the key set is not valid JSON", err}
	}
	if set.Keys == nil {
		return nil, &fetchError{reason: "the key set has no keys member"}
	}
	if len(set.Keys) > maxKeys {
		return nil, &fetchError{reason: fmt.Sprintf("the key set has more than %d keys", maxKeys)}
	}
	var keys []foreignKey
	for _, raw := range set.Keys {
		var j foreignJWK
		if json.Unmarshal(raw, &j) != nil {
			continue
		}
		if k, err := j.key(); err == nil {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

var errUnusable = errors.New("not a usable verification key")

func (j foreignJWK) key() (k foreignKey, err error) {
	if j.D != nil || j.K != nil || (j.Use != "" && j.Use != "sig") ||
		(j.Operations != nil && !slices.Contains(j.Operations, "verify")) {
		return k, errUnusable
	}
	k.id = j.KeyID
	switch j.KeyType {
	case "RSA":
		k.public, err = j.rsa()
		k.algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	case "EC":
		k.public, k.algorithms, err = j.ec()
	case "OKP":
		k.public, err = j.ed25519()
		k.algorithms = []jose.SignatureAlgorithm{jose.EdDSA}
	default:
		err = errUnusable
	}
	if err == nil && j.Algorithm != "" {
		k.algorithms = slices.DeleteFunc(k.algorithms, func(a jose.SignatureAlgorithm) bool { return string(a) != j.Algorithm })
		if len(k.algorithms) == 0 {
			err = errUnusable
		}
	}
	return k, err
}

func (j foreignJWK) rsa() (*rsa.PublicKey, error) {
	n, err := decodeBase64URL(j.N)
	if err != nil {
		return nil, err
	}
	e, err := decodeBase64URL(j.E)
	if err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	bits := modulus.BitLen()
	if bits < minRSABits || bits > maxRSABits || modulus.Bit(0) == 0 ||
		exponent.BitLen() > 31 || exponent.Bit(0) == 0 || exponent.Int64() < 3 {
		return nil, errUnusable
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

// ec reads a key on one of the three curves, each of which has one algorithm (RFC 7518 §3.4).
func (j foreignJWK) ec() (*ecdsa.PublicKey, []jose.SignatureAlgorithm, error) {
	var curve elliptic.Curve
	var alg jose.SignatureAlgorithm
	switch j.Curve {
	case "P-256":
		curve, alg = elliptic.P256(), jose.ES256
	case "P-384":
		curve, alg = elliptic.P384(), jose.ES384
	case "P-521":
		curve, alg = elliptic.P521(), jose.ES512
	default:
		return nil, nil, errUnusable
	}
	size := (curve.Params().BitSize + 7) / 8
	x, errX := decodeBase64URL(j.X)
	y, errY := decodeBase64URL(j.Y)
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, nil, errUnusable
	}
	point := slices.Concat([]byte{4}, x, y)
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point) // refuses points off the curve
	return public, []jose.SignatureAlgorithm{alg}, err
}

func (j foreignJWK) ed25519() (ed25519.PublicKey, error) {
	x, err := decodeBase64URL(j.X)
	if err != nil || j.Curve != "Ed25519" || len(x) != ed25519.PublicKeySize {
		return nil, errUnusable
	}
	return ed25519.PublicKey(x), nil
}

// chooseKey is the one key that may have made a signature with that alg and kid. A kid names a key of this issuer's set
// and nothing else; without one the set must leave no choice. Two usable keys of one kid are refused: which is meant
// cannot be known.
func chooseKey(keys []foreignKey, alg jose.SignatureAlgorithm, kid *string) (key foreignKey, err error) {
	found := 0
	for _, k := range keys {
		if k.permits(alg) && (kid == nil || k.id == *kid) {
			key = k
			found++
		}
	}
	switch {
	case found == 1:
		return key, nil
	case found > 1 && kid != nil:
		return foreignKey{}, errAmbiguousKey
	case found > 1:
		return foreignKey{}, errKeyIDNeeded
	}
	return foreignKey{}, errUnknownKey
}

var (
	errUnknownKey   = errors.New("the issuer publishes no key for the assertion's kid and alg")
	errAmbiguousKey = errors.New("the issuer publishes several keys for the assertion's kid and alg")
	errKeyIDNeeded  = errors.New("the assertion has no kid and the issuer publishes several keys for its alg")
	errBadSignature = errors.New("the assertion's signature does not verify")
)
