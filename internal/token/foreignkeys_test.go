package token

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// member gives a public key as a JWK with members changed; a nil value leaves one out.
func member(t *testing.T, key any, over map[string]any) string {
	t.Helper()
	raw, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range over {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestUsableKeys(t *testing.T) {
	keys := signingKeys()
	rsaKey, p256, p384, ed := keys["rsa"].Public(), keys["p256"].Public(), keys["p384"].Public(), keys["ed"].Public()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	num := func(n *big.Int) string { return encodeBase64URL(n.Bytes()) }
	giant := new(big.Int).SetBit(big.NewInt(1), 16000, 1)
	for _, c := range []struct {
		name string
		jwk  string
		algs string // "" = left out
	}{
		{"RSA", member(t, rsaKey, nil), "RS256 RS384 RS512 PS256 PS384 PS512"},
		{"RSA for RS256 alone", member(t, rsaKey, map[string]any{"alg": "RS256"}), "RS256"},
		{"RSA for encryption by alg", member(t, rsaKey, map[string]any{"alg": "RSA-OAEP"}), ""},
		{"RSA for HS256", member(t, rsaKey, map[string]any{"alg": "HS256"}), ""},
		{"RSA for encryption by use", member(t, rsaKey, map[string]any{"use": "enc"}), ""},
		{"use in capitals", member(t, rsaKey, map[string]any{"use": "SIG"}), ""},
		{"key_ops verify", member(t, rsaKey, map[string]any{"key_ops": []string{"verify"}}), "RS256 RS384 RS512 PS256 PS384 PS512"},
		{"key_ops encrypt", member(t, rsaKey, map[string]any{"key_ops": []string{"encrypt"}}), ""},
		{"key_ops none", member(t, rsaKey, map[string]any{"key_ops": []string{}}), ""},
		{"RSA of 1024 bits", member(t, small.Public(), nil), ""},
		{"RSA giant", member(t, rsaKey, map[string]any{"n": num(giant)}), ""},
		{"RSA even", member(t, rsaKey, map[string]any{"n": num(new(big.Int).SetBit(big.NewInt(0), 2047, 1))}), ""},
		{"RSA e=1", member(t, rsaKey, map[string]any{"e": "AQ"}), ""},
		{"RSA e=2", member(t, rsaKey, map[string]any{"e": "Ag"}), ""},
		{"RSA e empty", member(t, rsaKey, map[string]any{"e": ""}), ""},
		{"RSA e huge", member(t, rsaKey, map[string]any{"e": num(giant)}), ""},
		{"RSA private", member(t, rsaKey, map[string]any{"d": "AQAB"}), ""},
		{"RSA with odd certificates", member(t, rsaKey, map[string]any{"x5c": []string{"junk"}, "x5t": 7}), "RS256 RS384 RS512 PS256 PS384 PS512"},
		{"P-256", member(t, p256, nil), "ES256"},
		{"P-384", member(t, p384, nil), "ES384"},
		{"P-384 called ES256", member(t, p384, map[string]any{"alg": "ES256"}), ""},
		{"P-384 called P-256", member(t, p384, map[string]any{"crv": "P-256"}), ""},
		{"off the curve", member(t, p256, map[string]any{"x": strings.Repeat("A", 43)}), ""},
		{"short x", member(t, p256, map[string]any{"x": "AQ"}), ""},
		{"secp256k1", member(t, p256, map[string]any{"crv": "secp256k1"}), ""},
		{"EC private", member(t, p256, map[string]any{"d": "AQAB"}), ""},
		{"Ed25519", member(t, ed, nil), "EdDSA"},
		{"X25519", member(t, ed, map[string]any{"crv": "X25519"}), ""},
		{"Ed25519 short", member(t, ed, map[string]any{"x": "AQ"}), ""},
		{"symmetric", `{"kty":"oct","k":"AAAA","alg":"HS256"}`, ""},
		{"RSA with k", member(t, rsaKey, map[string]any{"k": "AAAA"}), ""},
		{"unknown type", `{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}`, ""},
		{"duplicate member", strings.Replace(member(t, rsaKey, nil), "{", `{"use":"enc","use":"sig",`, 1), "invalid"},
		{"not an object", `7`, ""},
	} {
		keys, err := parseKeySet([]byte(`{"keys":[` + c.jwk + `],"more":1}`))
		if (err != nil) != (c.algs == "invalid") {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var algs []string
		for _, k := range keys {
			for _, a := range k.algorithms {
				algs = append(algs, string(a))
			}
		}
		if got := strings.Join(algs, " "); got != c.algs && c.algs != "invalid" {
			t.Errorf("%s: usable for %q, want %q", c.name, got, c.algs)
		}
	}
}

func TestKeySetRefused(t *testing.T) {
	one := member(t, signingKeys()["ed"].Public(), nil)
	many := func(n int) string { return `{"keys":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}` }
	if keys, err := parseKeySet([]byte(many(maxKeys))); err != nil || len(keys) != maxKeys {
		t.Errorf("%d keys: %v", len(keys), err)
	}
	for _, body := range []string{many(maxKeys + 1), "", "null", "[]", "{}", `{"keys":null}`, `{"keys":{}}`, `{"keys":[`, `{"Keys":[]}`, `{"keys":[],"keys":[]}`, "<html>"} {
		if _, err := parseKeySet([]byte(body)); err == nil {
			t.Errorf("%.40q was taken", body)
		}
	}
}

// E06: one and only one key may be meant.
func TestChooseKey(t *testing.T) {
	set := func(jwks ...jose.JSONWebKey) []foreignKey {
		body, err := json.Marshal(jose.JSONWebKeySet{Keys: jwks})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := parseKeySet(body)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for _, c := range []struct {
		name   string
		keys   []foreignKey
		alg    jose.SignatureAlgorithm
		kid    string
		hasKid bool
		want   error
	}{
		{"by kid", set(publicKey("rsa", "a"), publicKey("rsa-other", "b")), jose.RS256, "b", true, nil},
		{"unknown kid", set(publicKey("rsa", "a")), jose.RS256, "b", true, errUnknownKey},
		{"kid of another type", set(publicKey("rsa", "a")), jose.ES256, "a", true, errUnknownKey},
		{"same kid, other types", set(publicKey("rsa", "a"), publicKey("p256", "a")), jose.ES256, "a", true, nil},
		{"same kid twice", set(publicKey("rsa", "a"), publicKey("rsa-other", "a")), jose.RS256, "a", true, errAmbiguousKey},
		{"no kid, one", set(publicKey("rsa", "a"), publicKey("p256", "b")), jose.RS256, "", false, nil},
		{"no kid, two", set(publicKey("rsa", "a"), publicKey("rsa-other", "b")), jose.RS256, "", false, errKeyIDNeeded},
		{"kid, but the set has none", set(publicKey("rsa", "")), jose.RS256, "a", true, errUnknownKey},
		{"empty kid", set(publicKey("rsa", "a")), jose.RS256, "", true, errUnknownKey},
		{"empty set", nil, jose.RS256, "", false, errUnknownKey},
	} {
		var kid *string
		if c.hasKid {
			kid = &c.kid
		}
		if _, err := chooseKey(c.keys, c.alg, kid); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestForeignSignatures: a signature holds for its text, its key, its algorithm and its own length alone.
func TestForeignSignatures(t *testing.T) {
	for alg, name := range map[jose.SignatureAlgorithm]string{
		jose.RS256: "rsa", jose.RS384: "rsa", jose.RS512: "rsa", jose.PS256: "rsa", jose.PS384: "rsa", jose.PS512: "rsa",
		jose.ES256: "p256", jose.ES384: "p384", jose.ES512: "p521", jose.EdDSA: "ed",
	} {
		jwt := signForeign(t, signingKeys()[name], string(alg), "k", goodClaims("https://idp.example", newClock().now(), nil), nil)
		end := strings.LastIndexByte(jwt, '.')
		text := jwt[:end]
		signature, err := decodeBase64URL(jwt[end+1:])
		if err != nil {
			t.Fatal(err)
		}
		key := foreignKey{public: signingKeys()[name].Public(), algorithms: []jose.SignatureAlgorithm{alg}}
		if !key.verifies(alg, text, signature) {
			t.Errorf("%s: a good signature does not verify", alg)
		}
		for _, bad := range [][]byte{
			nil, signature[1:], signature[:len(signature)-1], append([]byte{0}, signature...), append(bytes.Clone(signature), 0),
			make([]byte, len(signature)), bytes.Repeat([]byte{0xff}, len(signature)),
		} {
			if key.verifies(alg, text, bad) {
				t.Errorf("%s: a signature of %d bytes verifies", alg, len(bad))
			}
		}
		if key.verifies(alg, text+"x", signature) || key.verifies(alg, "", signature) {
			t.Errorf("%s: verifies for another text", alg)
		}
		everything := foreignKey{public: key.public, algorithms: slices.Clone(foreignAlgorithms)}
		for _, other := range append(slices.Clone(foreignAlgorithms), "HS256", "none", "") {
			if other != alg && (key.verifies(other, text, signature) || everything.verifies(other, text, signature)) {
				t.Errorf("%s: verifies as %s", alg, other)
			}
		}
		for otherName, other := range signingKeys() {
			if k := (foreignKey{public: other.Public(), algorithms: slices.Clone(foreignAlgorithms)}); otherName != name && k.verifies(alg, text, signature) {
				t.Errorf("%s: verifies by the key %s", alg, otherName)
			}
		}
	}
}
