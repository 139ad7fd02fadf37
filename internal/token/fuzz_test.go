package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A fuzzing run is several processes, which must agree on what is good: keys and names here are fixed.

// fixedKey is a private key that is always the same.
func fixedKey(f *testing.F, alg string) crypto.Signer {
	if alg == "EdDSA" {
		return ed25519.NewKeyFromSeed(testMaster)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), testMaster)
	if err != nil {
		f.Fatal(err)
	}
	return key
}

// FuzzAssertion: no input panics, and nothing but what the issuer signed is accepted.
func FuzzAssertion(f *testing.F) {
	const issuer = "https://issuer.example"
	c := newClock()
	i := newIssuers(c)
	known := i.set(issuer, c.now())
	known.fetchedAt, known.maxAge, known.unknownAt = c.now(), time.Hour, c.now()
	signed := map[string]bool{}
	for alg, kid := range map[string]string{"ES256": "e", "EdDSA": "d"} {
		key := fixedKey(f, alg)
		known.keys = append(known.keys, foreignKey{id: kid, public: key.Public(), algorithms: []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}})
		jwt := signForeign(f, key, alg, kid, goodClaims(issuer, c.now(), nil), nil)
		signed[jwt[:strings.LastIndex(jwt, ".")]] = true
		f.Add(jwt)
		f.Add(strings.Replace(jwt, ".", "..", 1))
		f.Add(jwt[:len(jwt)-1])
	}
	f.Fuzz(func(t *testing.T, jwt string) {
		ReadAssertion(jwt)
		a, err := verify(ctx, i, issuer, allAlgorithms, jwt, c.now())
		if err == nil {
			if !signed[jwt[:strings.LastIndex(jwt, ".")]] {
				t.Fatalf("accepted %q", jwt)
			}
			a.ClaimString("email")
			return
		}
		if !refused(err, "") {
			t.Fatalf("%T: %v", err, err)
		}
	})
}

// FuzzClaims reads payloads as if they had been signed: what passes has all it must have.
func FuzzClaims(f *testing.F) {
	c := newClock()
	f.Add([]byte(`{"iss":"i","sub":"s","aud":["a"],"jti":"j","exp":1795348900,"iat":1795348800,"nbf":1795348800,"o":{"a":[1,2.5e3,null,true]}}`))
	f.Add([]byte(`{"iss":"i","iss":"i"}`))
	f.Add([]byte(`{"iss":"i","sub":"s","aud":"a","jti":"j","exp":1e9}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		claims, err := parseClaims(payload)
		if err == nil {
			var a Assertion
			if a, err = claims.assertion("i", c.now(), MaxTokenLifetime); err == nil {
				if a.Issuer != "i" || a.Subject == "" || a.ID == "" || len(a.Audience) == 0 || a.ExpiresAt.Sub(c.now()) > MaxTokenLifetime {
					t.Fatalf("%s gave %+v", payload, a)
				}
				return
			}
		}
		if !refused(err, "") {
			t.Fatalf("%T: %v", err, err)
		}
	})
}

// FuzzKeySet: no published key set panics, and no key comes out that could not verify.
func FuzzKeySet(f *testing.F) {
	for _, name := range []string{"rsa", "p256", "p384", "p521", "ed"} {
		jwk, err := publicKey(name, name).MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"keys":[` + string(jwk) + `]}`))
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},7,null,{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeySet(body)
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.public == nil || len(k.algorithms) == 0 {
				t.Fatalf("%s gave %+v", body, k)
			}
		}
	})
}

// fixedHouse is a house whose keys are always the same.
func fixedHouse(f *testing.F) house {
	c := newClock()
	db := openStore(f, c.now)
	signer := fixedKey(f, "ES256")
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		f.Fatal(err)
	}
	public, err := publicJWK(signer.Public())
	if err != nil {
		f.Fatal(err)
	}
	insertUnderMaster(f, db, "1111111111111111", AccessMAC, testMaster)
	insertUnderMaster(f, db, "2222222222222222", RefreshMAC, testMaster)
	insertUnderMaster(f, db, public.KeyID, SigningES256, der)
	return house{Minter: &Minter{Keys: openKeyring(f, db, c), Issuer: "https://id.example", Now: c.now}, clock: c, db: db}
}

// FuzzRefreshToken: no input panics; what is accepted is, to the letter, what we would mint.
func FuzzRefreshToken(f *testing.F) {
	h := fixedHouse(f)
	for _, r := range []RefreshToken{
		{KeyID: "2222222222222222", Family: "AAAAAAAAAAAAAAAAAAAAAA", Generation: 300, Epoch: 1},
		{KeyID: "2222222222222222", Family: "a family with a long, odd name", Generation: 1 << 62, Epoch: 1},
	} {
		s, err := h.RefreshToken(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s)
		f.Add(s[:len(s)-1])
		f.Add(s + "A")
		f.Add("aoa" + s[3:])
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := h.VerifyRefreshToken(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if again, err := h.RefreshToken(r); err != nil || again != s {
			t.Fatalf("%q accepted, %q minted (%v)", s, again, err)
		}
	})
}

// FuzzAccessToken: no input panics or passes in either form but what was minted.
func FuzzAccessToken(f *testing.F) {
	h := fixedHouse(f)
	a := h.accessToken(f)
	a.ID, a.Session = "id", Session{ID: "session", Ancestors: []string{"ancestor"}}
	opaque, jwt := mustAccess(f, h, a, Opaque, ES256), mustAccess(f, h, a, JWT, ES256)
	f.Add(opaque)
	f.Add(jwt)
	signed := jwt[:strings.LastIndex(jwt, ".")+1]
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := h.VerifyAccessToken(s, h.clock.now()); err == nil && s != opaque && !strings.HasPrefix(s, signed) {
			t.Fatalf("accepted %q", s)
		} else if err != nil && !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
	})
}

// Each fuzz target has committed seeds beside those made anew in each run.
func TestSeedsAreThere(t *testing.T) {
	for _, target := range []string{"FuzzAssertion", "FuzzRefreshToken", "FuzzClaims", "FuzzKeySet", "FuzzAccessToken"} {
		if seeds, _ := filepath.Glob(filepath.Join("testdata", "fuzz", target, "*")); len(seeds) == 0 {
			t.Errorf("%s has none", target)
		}
	}
}
