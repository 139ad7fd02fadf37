package token

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzAssertion: no input panics, and nothing but what the issuer signed is accepted.
func FuzzAssertion(f *testing.F) {
	c := newClock()
	issuer := newForeign(f, publicKey("p256", "e"), publicKey("rsa", "r"), publicKey("ed", "d"))
	i := newIssuers(c)
	good := map[string]bool{}
	for alg, key := range map[string][2]string{"ES256": {"p256", "e"}, "RS256": {"rsa", "r"}, "EdDSA": {"ed", "d"}} {
		jwt := signForeign(f, signingKeys()[key[0]], alg, key[1], goodClaims(issuer.URL, c.now(), nil), nil)
		good[jwt] = true
		f.Add(jwt)
		f.Add(strings.Replace(jwt, ".", "..", 1))
		f.Add(jwt[:len(jwt)-1])
	}
	f.Fuzz(func(t *testing.T, jwt string) {
		UnverifiedIssuer(jwt)
		a, err := i.Verify(ctx, issuer.URL, allAlgorithms, jwt, c.now())
		if err == nil {
			if !good[jwt] {
				t.Fatalf("accepted %q", jwt)
			}
			a.ClaimString("email")
			return
		}
		if !refused(err, "") && !errors.Is(err, ErrIssuerUnavailable) {
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

// FuzzRefreshToken: no input panics; what is accepted is, to the letter, what we would mint.
func FuzzRefreshToken(f *testing.F) {
	h := newHouse(f)
	r, good := refreshToken(f, h)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "A")
	f.Add("aoa" + good[3:])
	r.Generation, r.Family = 1<<62, "a family with a long, odd name"
	if s, err := h.RefreshToken(r); err == nil {
		f.Add(s)
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

// FuzzAccessToken: no input panics or passes in either form.
func FuzzAccessToken(f *testing.F) {
	h := newHouse(f)
	good := map[string]bool{}
	for _, form := range bothForms {
		s := mustAccess(f, h, h.accessToken(f), form.Format, form.Algorithm)
		good[s] = true
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := h.VerifyAccessToken(s, h.clock.now()); err == nil && !good[s] {
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
