package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"testing"
)

// RFC 7638 §3.1.
func TestThumbprintVector(t *testing.T) {
	n, err := decodeBase64URL("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" +
		"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbIS" +
		"D08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	j, err := publicJWK(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	if err != nil || j.KeyID != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("%s %v", j.KeyID, err)
	}
}

// RFC 7515 appendix A.3: a published key, message and signature verify; the same signature's other form does not.
func TestES256Vector(t *testing.T) {
	const (
		input     = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
		signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	)
	x, _ := decodeBase64URL("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
	y, _ := decodeBase64URL("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := decodeBase64URL(signature)
	digest := sha256.Sum256([]byte(input))
	r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	low, err := joseSignature(der)
	if err != nil || !verifySignature(key, digest[:], low) {
		t.Errorf("the low form does not verify: %v", err)
	}
	high := append([]byte(nil), low...)
	new(big.Int).Sub(p256Order, new(big.Int).SetBytes(low[32:])).FillBytes(high[32:])
	if verifySignature(key, digest[:], high) {
		t.Error("a second spelling of the signature verifies")
	}
	for i := range low {
		low[i] ^= 1
		if verifySignature(key, digest[:], low) {
			t.Errorf("byte %d altered: verifies", i)
		}
		low[i] ^= 1
	}
	for _, bad := range [][]byte{nil, low[:63], append(low, 0), make([]byte, 64)} {
		if verifySignature(key, digest[:], bad) {
			t.Errorf("%d bytes verify", len(bad))
		}
	}
}

// Signatures have 64 bytes also when r or s is short.
func TestJOSESignature(t *testing.T) {
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(1), big.NewInt(2)})
	signature, err := joseSignature(der)
	if err != nil || len(signature) != 64 || signature[31] != 1 || signature[63] != 2 {
		t.Errorf("%x %v", signature, err)
	}
	zero, _ := asn1.Marshal(struct{ R, S *big.Int }{big.NewInt(0), big.NewInt(2)})
	big1, _ := asn1.Marshal(struct{ R, S *big.Int }{p256Order, big.NewInt(2)})
	for _, bad := range [][]byte{nil, {0x30}, zero, big1, append(der, 0)} {
		if _, err := joseSignature(bad); err == nil {
			t.Errorf("%x was taken", bad)
		}
	}
}

func TestPublicJWKRefuses(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, public := range []any{&key.PublicKey, "text", nil} {
		if _, err := publicJWK(public); err == nil {
			t.Errorf("%T described", public)
		}
	}
}
