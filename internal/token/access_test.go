package token

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

var bothForms = []struct {
	Format
	Algorithm
}{{Opaque, ES256}, {JWT, ES256}, {JWT, RS256}}

func TestAccessTokenRoundTrip(t *testing.T) {
	h := newHouse(t)
	full := h.accessToken(t)
	bare := full
	bare.Session.Ancestors, bare.Scopes, bare.Actors, bare.TrustedTokenIssuer, bare.AuthTime = nil, nil, nil, "", time.Time{}
	odd := full // ids of any shape survive
	odd.ID, odd.UserID, odd.Session.ID = "short", "976710cc5d-9d97f0ab-1111-7078-8c38-7f2b978f686f", strings.ToUpper(testUser)
	deep := full
	deep.Session.Ancestors = []string{"a", "b", "c", "d", "e"}
	for i, a := range []AccessToken{full, bare, odd, deep} {
		for _, form := range bothForms {
			t.Run(fmt.Sprint(i, form), func(t *testing.T) {
				s := mustAccess(t, h, a, form.Format, form.Algorithm)
				got, err := h.VerifyAccessToken(s, h.clock.now())
				if err != nil {
					t.Fatal(err)
				}
				want := a
				if form.Format == JWT {
					want.Audience = []string{testApp}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

func TestAccessTokenEnds(t *testing.T) {
	h := newHouse(t)
	for _, form := range bothForms {
		a := h.accessToken(t)
		s := mustAccess(t, h, a, form.Format, form.Algorithm)
		if _, err := h.VerifyAccessToken(s, a.ExpiresAt.Add(-time.Second)); err != nil {
			t.Errorf("%v a second before its end: %v", form, err)
		}
		if _, err := h.VerifyAccessToken(s, a.ExpiresAt); !errors.Is(err, ErrExpired) {
			t.Errorf("%v at its end: %v", form, err)
		}
		if err := h.Keys.RaiseEpoch(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.VerifyAccessToken(s, h.clock.now()); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v in the next epoch: %v", form, err)
		}
	}
}

// G06, D11: each token has one spelling; everything else is ErrInvalid.
func TestAccessTokenAltered(t *testing.T) {
	h := newHouse(t)
	for _, form := range bothForms {
		s := mustAccess(t, h, h.accessToken(t), form.Format, form.Algorithm)
		everyAlteration(s, func(what, altered string) {
			if _, err := h.VerifyAccessToken(altered, h.clock.now()); !errors.Is(err, ErrInvalid) {
				t.Errorf("%v %s: %v (%s)", form, what, err, altered)
			}
		})
	}
}

// G01: a token of one kind is not one of another.
func TestTokenKindsDoNotMix(t *testing.T) {
	h := newHouse(t)
	a, now := h.accessToken(t), h.clock.now()
	kid, _, _ := h.Keys.Secret(RefreshMAC)
	refresh, _ := h.RefreshToken(RefreshToken{KeyID: kid, Family: a.Session.ID, Epoch: 1})
	id, _ := h.IDToken(IDTokenClaims{Subject: testUser, Audience: []string{testApp}, ExpiresAt: now.Add(time.Hour)}, ES256)
	idctx, _ := h.SealIdentityContext(IdentityContext{UserID: testUser, Session: a.Session, ExpiresAt: now.Add(time.Hour)})
	role, _ := h.RoleCredentials([]byte("claims"), a.Session, now.Add(time.Hour))
	kinds := map[string]string{
		"opaque": mustAccess(t, h, a, Opaque, ES256), "jwt": mustAccess(t, h, a, JWT, ES256), "refresh": refresh, "id": id,
		"context": idctx, "role": role.SessionToken, "empty": "", "aoa": "aoa", "aor": "aor", "dots": "..",
		"aoa over refresh": "aoa" + strings.TrimPrefix(refresh, "aor"),
	}
	kinds["aor over access"] = "aor" + strings.TrimPrefix(kinds["opaque"], "aoa")
	verifiers := map[string]func(string) error{
		"opaque jwt": func(s string) error { _, err := h.VerifyAccessToken(s, now); return err },
		"refresh":    func(s string) error { _, err := h.VerifyRefreshToken(s); return err },
		"context":    func(s string) error { _, err := h.OpenIdentityContext(s, now); return err },
		"role": func(s string) error {
			_, _, _, _, err := h.OpenRoleCredentials(role.AccessKeyID, s, now)
			return err
		},
	}
	for verifier, verify := range verifiers {
		for kind, s := range kinds {
			err := verify(s)
			if fits := kind != "" && strings.Contains(" "+verifier+" ", " "+kind+" "); fits != (err == nil) {
				t.Errorf("%s given to the verifier of %s: %v", kind, verifier, err)
			} else if !fits && !errors.Is(err, ErrInvalid) {
				t.Errorf("%s given to the verifier of %s: %v is not ErrInvalid", kind, verifier, err)
			}
		}
	}
}

// The JWT form as an independent library and RFC 9068 see it.
func TestAccessJWTOutside(t *testing.T) {
	h := newHouse(t)
	a := h.accessToken(t)
	a.Audience = []string{"https://api.example", testApp}
	for _, alg := range []Algorithm{ES256, RS256} {
		claims := verifyOutside(t, h, mustAccess(t, h, a, JWT, alg), alg, "at+jwt")
		want := map[string]any{
			"iss": h.Issuer, "sub": testUser, "aud": []any{"https://api.example", testApp}, "client_id": testApp,
			"exp": float64(a.ExpiresAt.Unix()), "iat": float64(a.IssuedAt.Unix()), "jti": a.ID,
			"scope": "openid aws sts:identity_context", "auth_time": float64(a.AuthTime.Unix()),
			"act": map[string]any{"sub": testApp, "act": map[string]any{"sub": testIssuer}},
			"sid": a.Session.ID, "symbolon:ancestors": []any{a.Session.Ancestors[0]}, "symbolon:epoch": 1.0,
			"symbolon:trusted_token_issuer": testIssuer, "aws:instance_arn": testInstance,
			"aws:identity_store_id": testStore, "aws:credential_id": a.ID,
		}
		if d := cmp.Diff(want, claims); d != "" {
			t.Error(d)
		}
	}
}

// verifyOutside verifies one of our JWTs with go-jose and the published key set, and gives its claims.
func verifyOutside(t *testing.T, h house, s string, alg Algorithm, typ string) map[string]any {
	t.Helper()
	jws, err := jose.ParseSignedCompact(s, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := h.Keys.JWKS()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	keys := set.Key(header.KeyID)
	if len(keys) != 1 || header.ExtraHeaders["typ"] != typ {
		t.Fatalf("header %+v, %d keys", header, len(keys))
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// What our own key signed is still read strictly.
func TestAccessJWTClaimsAreStrict(t *testing.T) {
	h := newHouse(t)
	a := h.accessToken(t)
	s := mustAccess(t, h, a, JWT, ES256)
	payload, err := decodeBase64URL(strings.Split(s, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	good := string(payload)
	for name, altered := range map[string]string{
		"none":        good,
		"issuer":      strings.Replace(good, h.Issuer, "https://other.example", 1),
		"duplicate":   strings.Replace(good, `{`, `{"sub":"x",`, 1),
		"unknown":     strings.Replace(good, `{`, `{"x":"x",`, 1),
		"credential":  strings.Replace(good, `"aws:credential_id":"`, `"aws:credential_id":"x`, 1),
		"no session":  strings.Replace(good, a.Session.ID, "", 1),
		"no audience": strings.Replace(good, `"aud":"`+testApp+`"`, `"aud":[]`, 1),
		"exp text":    strings.Replace(good, `"exp":`, `"exp":"1","x":`, 1),
		"case":        strings.Replace(good, `"sub"`, `"Sub"`, 1),
		"not JSON":    "x",
	} {
		signed, err := h.Keys.sign(typAccessToken, []byte(altered), ES256)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.VerifyAccessToken(signed, h.clock.now())
		if name == "none" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := *h.Minter
	other.Issuer = "https://other.example"
	if _, err := other.VerifyAccessToken(s, h.clock.now()); !errors.Is(err, ErrInvalid) {
		t.Errorf("another instance took it: %v", err)
	}
}

// E05 turned on ourselves: none, HS256 with our public key as the secret, another key under our kid.
func TestAccessJWTForgeries(t *testing.T) {
	h := newHouse(t)
	s := mustAccess(t, h, h.accessToken(t), JWT, ES256)
	parts := strings.Split(s, ".")
	header, _ := decodeBase64URL(parts[0])
	public, _ := h.Keys.JWKS()
	hs := func(key []byte, header string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", header))
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := decodeBase64URL(parts[1])
		jws, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		compact, _ := jws.CompactSerialize()
		return compact
	}
	kid := kids(t, public)[0]
	for name, forged := range map[string]string{
		"none":        encodeBase64URL([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"no sig":      parts[0] + "." + parts[1] + ".",
		"hs256":       hs(public, kid),
		"space":       encodeBase64URL([]byte(" "+string(header))) + "." + parts[1] + "." + parts[2],
		"more header": encodeBase64URL([]byte(strings.Replace(string(header), "}", `,"crit":["x"]}`, 1))) + "." + parts[1] + "." + parts[2],
		"JSON":        `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"long":        s + strings.Repeat("A", maxTokenSize),
	} {
		if _, err := h.VerifyAccessToken(forged, h.clock.now()); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newHouse(t).VerifyAccessToken(s, h.clock.now()); !errors.Is(err, ErrInvalid) {
		t.Errorf("another store's keyring took it: %v", err)
	}
}

func TestAccessTokenRefusedAtMint(t *testing.T) {
	h := newHouse(t)
	good := h.accessToken(t)
	for name, alter := range map[string]func(*AccessToken){
		"no id":          func(a *AccessToken) { a.ID = "" },
		"no application": func(a *AccessToken) { a.Application = "" },
		"no instance":    func(a *AccessToken) { a.InstanceARN = "" },
		"no store":       func(a *AccessToken) { a.IdentityStoreID = "" },
		"no user":        func(a *AccessToken) { a.UserID = "" },
		"no session":     func(a *AccessToken) { a.Session = Session{} },
		"too deep":       func(a *AccessToken) { a.Session.Ancestors = make([]string, MaxDepth+1) },
		"many actors":    func(a *AccessToken) { a.Actors = make([]string, maxActors+1) },
		"no end":         func(a *AccessToken) { a.ExpiresAt = time.Time{} },
		"long life":      func(a *AccessToken) { a.ExpiresAt = a.IssuedAt.Add(MaxTokenLifetime + time.Second) },
		"two scopes":     func(a *AccessToken) { a.Scopes = []string{"openid aws"} },
		"empty scope":    func(a *AccessToken) { a.Scopes = []string{""} },
		"too big":        func(a *AccessToken) { a.Scopes = []string{strings.Repeat("s", maxTokenSize)} },
	} {
		for _, form := range bothForms {
			a := good
			alter(&a)
			if s, err := h.AccessToken(a, form.Format, form.Algorithm); err == nil {
				t.Errorf("%s as %v: minted %.20s", name, form, s)
			}
		}
	}
	if _, err := h.AccessToken(good, "paper", ES256); err == nil {
		t.Error("an unknown format was minted")
	}
	if _, err := h.AccessToken(good, JWT, "HS256"); err == nil {
		t.Error("an unknown algorithm was used")
	}
}

func TestCredentialID(t *testing.T) {
	expires := time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)
	id, err := decodeBase64URL(NewCredentialID(expires))
	if err != nil || len(id) != 64 || binary.BigEndian.Uint64(id[:8]) != uint64(expires.Unix()) {
		t.Errorf("%x %v", id, err)
	}
	if first, second := NewCredentialID(expires), NewCredentialID(expires); first == second {
		t.Error("not random")
	}
}

// The opaque form stays short enough for headers and logs.
func TestAccessTokenSize(t *testing.T) {
	h := newHouse(t)
	if n := len(mustAccess(t, h, h.accessToken(t), Opaque, ES256)); n > 900 {
		t.Errorf("%d characters", n)
	}
}
