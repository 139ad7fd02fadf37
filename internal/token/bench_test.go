package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"
	"time"
)

func BenchmarkMintOpaque(b *testing.B) {
	h := newHouse(b)
	a := h.accessToken(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.AccessToken(a, Opaque, ES256); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyOpaque(b *testing.B) {
	h := newHouse(b)
	s, now := mustAccess(b, h, h.accessToken(b), Opaque, ES256), h.clock.now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.VerifyAccessToken(s, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyRefresh(b *testing.B) {
	h := newHouse(b)
	_, s := refreshToken(b, h)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.VerifyRefreshToken(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIDTokenES256(b *testing.B) {
	h := newHouse(b)
	a := h.accessToken(b)
	c := IDTokenClaims{
		Subject: testUser, Audience: []string{testApp}, IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt, AuthTime: a.AuthTime,
		AccessToken: "aoa", IdentityStoreID: testStore, InstanceARN: testInstance, ApplicationARN: testApp, CredentialID: a.ID,
		Actors: []string{testIssuer},
	}
	c.IdentityContext, _ = h.SealIdentityContext(identityContext(b, h))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.IDToken(c, ES256); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealIdentityContext(b *testing.B) {
	h := newHouse(b)
	c := identityContext(b, h)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.SealIdentityContext(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenRoleCredentials(b *testing.B) {
	h := newHouse(b)
	now := h.clock.now()
	c, err := h.RoleCredentials(make([]byte, 300), h.accessToken(b).Session, now.Add(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, _, err := h.OpenRoleCredentials(c.AccessKeyID, c.SessionToken, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyAssertionRS256(b *testing.B) {
	c := newClock()
	f := newForeign(b, publicKey("rsa", "r"))
	i := newIssuers(c)
	jwt := signForeign(b, signingKeys()["rsa"], "RS256", "r", goodClaims(f.URL, c.now(), nil), nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(ctx, i, f.URL, allAlgorithms, jwt, c.now()); err != nil {
			b.Fatal(err)
		}
	}
}

// The primitive that the one above cannot go below.
func BenchmarkPrimitiveRS256(b *testing.B) {
	key := signingKeys()["rsa"].(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("message"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) != nil {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkPrimitiveES256(b *testing.B) {
	key := signingKeys()["p256"]
	digest := sha256.Sum256([]byte("message"))
	for b.Loop() {
		if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
			b.Fatal(err)
		}
	}
}
