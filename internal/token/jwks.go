package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// jwk is the public form of one of our signing keys (RFC 7517, RFC 7518 §6). It has no member for anything private.
type jwk struct {
	KeyType   string    `json:"kty"`
	Use       string    `json:"use,omitempty"`
	Algorithm Algorithm `json:"alg,omitempty"`
	KeyID     string    `json:"kid,omitempty"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	N         string    `json:"n,omitempty"`
	E         string    `json:"e,omitempty"`
}

// publicJWK describes a public key, its kid being its thumbprint.
func publicJWK(public any) (jwk, error) {
	var j jwk
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return j, fmt.Errorf("token: no algorithm for curve %s", k.Curve.Params().Name)
		}
		point, err := k.Bytes() // 0x04, x, y
		if err != nil {
			return j, err
		}
		j = jwk{KeyType: "EC", Algorithm: ES256, Curve: "P-256", X: encodeBase64URL(point[1:33]), Y: encodeBase64URL(point[33:])}
	case *rsa.PublicKey:
		j = jwk{KeyType: "RSA", Algorithm: RS256, N: encodeBase64URL(k.N.Bytes()), E: encodeBase64URL(big.NewInt(int64(k.E)).Bytes())}
	default:
		return j, fmt.Errorf("token: no algorithm for %T", public)
	}
	j.Use = "sig"
	j.KeyID = j.thumbprint()
	return j, nil
}

// thumbprint is RFC 7638's: SHA-256 over the required members alone, in lexical order.
func (j jwk) thumbprint() string {
	var required string
	switch j.KeyType {
	case "EC":
		required = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, j.Curve, j.X, j.Y)
	case "RSA":
		required = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, j.E, j.N)
	}
	sum := sha256.Sum256([]byte(required))
	return encodeBase64URL(sum[:])
}

// describe prepares what is constant for a signing key: its JWK, and the encoded JOSE header of each typ. It refuses a
// key whose thumbprint is not its id or whose algorithm is not its purpose's.
func (k *key) describe() error {
	j, err := publicJWK(k.signer.Public())
	if err != nil {
		return err
	}
	if j.KeyID != k.id || j.Algorithm != k.purpose.algorithm() {
		return fmt.Errorf("token: key %s is not the %s key its row says", k.id, k.purpose)
	}
	if k.jwk, err = json.Marshal(j); err != nil {
		return err
	}
	k.headers = make(map[string]string, 2)
	for _, typ := range []string{typAccessToken, typIDToken} {
		header := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":%q}`, j.Algorithm, j.KeyID, typ)
		k.headers[typ] = encodeBase64URL([]byte(header))
	}
	return nil
}

// JWKS is the published key set (public members only; kid = RFC 7638 thumbprint) with its strong ETag. It holds keys not
// yet used and replaced keys whose tokens may still live.
func (k *Keyring) JWKS() (body []byte, etag string) {
	s, err := k.current()
	if err != nil {
		s = k.snap.Load() // public, and stale at worst: better than no keys
	}
	return s.jwks, s.etag
}

// encodeKeySet joins the JWKs of the signing keys, oldest first.
func encodeKeySet(keys []heldKey) (body []byte, etag string) {
	set := struct {
		Keys []jsontext.Value `json:"keys"`
	}{Keys: []jsontext.Value{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.jwk)
	}
	body, err := json.Marshal(set)
	if err != nil {
		panic(err) // values we encoded ourselves
	}
	sum := sha256.Sum256(body)
	return body, `"` + encodeBase64URL(sum[:12]) + `"`
}

func encodeBase64URL(b []byte) string {
	var room [128]byte // EncodeToString makes its own, on the heap
	return string(base64.RawURLEncoding.AppendEncode(room[:0], b))
}
