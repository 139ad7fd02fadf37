package token

import (
	"bytes"
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func refreshToken(t testing.TB, h house) (RefreshToken, string) {
	t.Helper()
	id, _, err := h.Keys.Secret(RefreshMAC)
	if err != nil {
		t.Fatal(err)
	}
	epoch, _ := h.Keys.Epoch()
	r := RefreshToken{KeyID: id, Family: h.accessToken(t).Session.ID, Generation: 300, Epoch: epoch}
	s, err := h.RefreshToken(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

func TestRefreshToken(t *testing.T) {
	h := newHouse(t)
	r, s := refreshToken(t, h)
	if got, err := h.VerifyRefreshToken(s); err != nil || got != r {
		t.Fatalf("%+v %v", got, err)
	}
	if again, _ := h.RefreshToken(r); again != s || !strings.HasPrefix(s, "aor") {
		t.Error("the token of a generation is not derived from it alone")
	}
	next := r
	next.Generation++
	if other, _ := h.RefreshToken(next); other == s {
		t.Error("two generations have one token")
	}
	// A family keeps its key through rotations, until the longest family is over.
	if _, err := h.Keys.Rotate(ctx, RefreshMAC); err != nil {
		t.Fatal(err)
	}
	h.clock.move(MaxFamilyLifetime)
	if again, err := h.RefreshToken(r); err != nil || again != s {
		t.Errorf("after a rotation: %v", err)
	}
	everyAlteration(s, func(what, altered string) {
		if _, err := h.VerifyRefreshToken(altered); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	})
	h.clock.move(2 * time.Hour)
	if _, err := h.VerifyRefreshToken(s); !errors.Is(err, ErrInvalid) {
		t.Errorf("of a retired key: %v", err)
	}
	if _, err := h.RefreshToken(r); err == nil {
		t.Error("minted with a retired key")
	}
}

func TestRefreshTokenEpoch(t *testing.T) {
	h := newHouse(t)
	_, s := refreshToken(t, h)
	if err := h.Keys.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := h.VerifyRefreshToken(s); !errors.Is(err, ErrInvalid) {
		t.Errorf("of an earlier epoch: %v", err)
	}
	for _, r := range []RefreshToken{{}, {KeyID: "x", Family: "f"}, {KeyID: "0000000000000000", Family: "f"}} {
		if _, err := h.RefreshToken(r); err == nil {
			t.Errorf("minted %+v", r)
		}
	}
}

func TestIDToken(t *testing.T) {
	h := newHouse(t)
	now := h.clock.now()
	c := IDTokenClaims{
		Subject: testUser, Audience: []string{testApp}, IssuedAt: now, ExpiresAt: now.Add(time.Hour), AuthTime: now.Add(-time.Hour),
		Nonce: "n-0S6_WzA2Mj", AccessToken: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
		IdentityStoreID: testStore, IdentityStoreARN: "arn:aws:identitystore::123456789012:identitystore/d-1234567890",
		InstanceARN: testInstance, InstanceAccount: "123456789012", ApplicationARN: testApp, CredentialID: "cred",
		IdentityContext: "AQoJ", Actors: []string{testIssuer},
	}
	want := map[string]any{
		"iss": h.Issuer, "sub": testUser, "aud": testApp, "exp": float64(now.Add(time.Hour).Unix()), "iat": float64(now.Unix()),
		"auth_time": float64(now.Add(-time.Hour).Unix()), "nonce": "n-0S6_WzA2Mj",
		"at_hash": "77QmUPtjPfzWtF2AnpK9RQ", // OpenID Connect Core, appendix A.4
		"act":     map[string]any{"sub": testIssuer}, "aws:identity_store_id": testStore,
		"aws:identity_store_arn": "arn:aws:identitystore::123456789012:identitystore/d-1234567890",
		"aws:instance_arn":       testInstance, "aws:instance_account": "123456789012", "aws:application_arn": testApp,
		"aws:credential_id": "cred", "sts:identity_context": "AQoJ",
	}
	for _, alg := range []Algorithm{ES256, RS256} {
		s, err := h.IDToken(c, alg)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, verifyOutside(t, h, s, alg, "JWT")); d != "" {
			t.Error(d)
		}
	}
	s, err := h.IDToken(IDTokenClaims{Subject: testUser, Audience: []string{"a", "b"}, ExpiresAt: now.Add(time.Hour)}, ES256)
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]any{"iss": h.Issuer, "sub": testUser, "aud": []any{"a", "b"}, "exp": want["exp"], "iat": want["iat"]}
	if d := cmp.Diff(want, verifyOutside(t, h, s, ES256, "JWT")); d != "" {
		t.Error(d)
	}
	for name, alter := range map[string]func(*IDTokenClaims){
		"no subject":  func(c *IDTokenClaims) { c.Subject = "" },
		"no audience": func(c *IDTokenClaims) { c.Audience = nil },
		"empty aud":   func(c *IDTokenClaims) { c.Audience = []string{""} },
		"no end":      func(c *IDTokenClaims) { c.ExpiresAt = time.Time{} },
		"long":        func(c *IDTokenClaims) { c.ExpiresAt = now.Add(MaxTokenLifetime + time.Second) },
		"deep":        func(c *IDTokenClaims) { c.Actors = make([]string, maxActors+1) },
	} {
		c := c
		alter(&c)
		if _, err := h.IDToken(c, ES256); err == nil {
			t.Errorf("%s: minted", name)
		}
	}
}

func identityContext(t testing.TB, h house) IdentityContext {
	a := h.accessToken(t)
	return IdentityContext{
		UserID: testUser, IdentityStoreID: testStore, IdentityStoreARN: "arn:aws:identitystore::123456789012:identitystore/" + testStore,
		InstanceARN: testInstance, ApplicationARN: testApp, CredentialID: a.ID, Session: a.Session,
		TrustedTokenIssuer: testIssuer, Actors: []string{testApp, testApp + "2"},
		AuthTime: a.AuthTime, IssuedAt: a.IssuedAt, ExpiresAt: a.ExpiresAt,
	}
}

func TestIdentityContext(t *testing.T) {
	h := newHouse(t)
	c := identityContext(t, h)
	s, err := h.SealIdentityContext(c)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s, "AQoJb3JpZ2luX2Vj") || strings.Contains(s, testUser) {
		t.Errorf("%s", s)
	}
	got, err := h.OpenIdentityContext(s, h.clock.now())
	if d := cmp.Diff(c, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := h.OpenIdentityContext(s, c.ExpiresAt); !errors.Is(err, ErrExpired) {
		t.Errorf("at its end: %v", err)
	}
	everyAlteration(s, func(what, altered string) {
		if _, err := h.OpenIdentityContext(altered, h.clock.now()); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	})
	if again, _ := h.SealIdentityContext(c); again == s {
		t.Error("sealing is not random")
	}
	if err := h.Keys.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := h.OpenIdentityContext(s, h.clock.now()); !errors.Is(err, ErrInvalid) {
		t.Errorf("in the next epoch: %v", err)
	}
}

// STS takes at most 2048 characters: the longest ids and ARNs AWS's models allow, at the deepest chain, must fit; more is an error.
func TestIdentityContextSize(t *testing.T) {
	h := newHouse(t)
	c := identityContext(t, h)
	c.UserID = strings.Repeat("u", 47)
	c.IdentityStoreID = strings.Repeat("s", 36)
	const partition = "aws-aaaaa-bbbbb-ccccc"
	c.IdentityStoreARN = "arn:" + partition + ":identitystore::123456789012:identitystore/" + c.IdentityStoreID
	c.InstanceARN = "arn:" + partition + ":sso:::instance/ssoins-" + strings.Repeat("i", 16)
	c.ApplicationARN = "arn:" + partition + ":sso::123456789012:application/ssoins-" + strings.Repeat("i", 16) + "/apl-" + strings.Repeat("a", 16)
	c.TrustedTokenIssuer = "arn:" + partition + ":sso::123456789012:trustedTokenIssuer/ssoins-" + strings.Repeat("i", 16) + "/tti-" + testUser
	c.Actors = slices.Repeat([]string{c.ApplicationARN}, maxActors)
	c.CredentialID = strings.Repeat("c", 86)
	c.Session = Session{ID: strings.Repeat("x", 36)}
	for range MaxDepth {
		c.Session.Ancestors = append(c.Session.Ancestors, strings.Repeat("x", 36))
	}
	s, err := h.SealIdentityContext(c)
	if err != nil || len(s) > 2048 {
		t.Fatalf("%d characters, %v", len(s), err)
	}
	c.ApplicationARN = strings.Repeat("a", 1224)
	if s, err := h.SealIdentityContext(c); err == nil {
		t.Errorf("%d characters were sealed", len(s))
	}
	for name, alter := range map[string]func(*IdentityContext){
		"no user":    func(c *IdentityContext) { c.UserID = "" },
		"no session": func(c *IdentityContext) { c.Session = Session{} },
		"no end":     func(c *IdentityContext) { c.ExpiresAt = time.Time{} },
		"deep":       func(c *IdentityContext) { c.Actors = make([]string, maxActors+1) },
	} {
		c := identityContext(t, h)
		alter(&c)
		if _, err := h.SealIdentityContext(c); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

func TestRoleCredentials(t *testing.T) {
	h := newHouse(t)
	session := h.accessToken(t).Session
	expires := h.clock.now().Add(time.Hour)
	claims := []byte(`{"role":"arn:aws:iam::123456789012:role/r"}`)
	c, err := h.RoleCredentials(claims, session, expires)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(c.AccessKeyID) || len(c.SecretAccessKey) != 40 ||
		!strings.HasPrefix(c.SessionToken, "IQoJb3JpZ2luX2Vj") || !c.ExpiresAt.Equal(expires) {
		t.Errorf("%+v", c)
	}
	raw, _ := base64.StdEncoding.DecodeString(c.SessionToken)
	if bytes.Contains(raw, []byte("role")) {
		t.Error("the claims stand in the clear")
	}
	secret, got, s, ends, err := h.OpenRoleCredentials(c.AccessKeyID, c.SessionToken, h.clock.now())
	if err != nil || secret != c.SecretAccessKey || !bytes.Equal(got, claims) || !ends.Equal(expires) || !cmp.Equal(s, session) {
		t.Errorf("%q %q %v %s %v", secret, got, s, ends, err)
	}
	other, _ := h.RoleCredentials(claims, session, expires)
	if other.SecretAccessKey == c.SecretAccessKey || other.AccessKeyID == c.AccessKeyID {
		t.Error("two credentials share a key or secret")
	}
	for _, id := range []string{other.AccessKeyID, "", "ASIA", "AKIA" + c.AccessKeyID[4:], strings.ToLower(c.AccessKeyID), c.AccessKeyID + "A"} {
		if secret, _, _, _, err := h.OpenRoleCredentials(id, c.SessionToken, h.clock.now()); !errors.Is(err, ErrInvalid) || secret != "" {
			t.Errorf("with key id %q: %q %v", id, secret, err)
		}
	}
	if secret, _, _, _, err := h.OpenRoleCredentials(c.AccessKeyID, c.SessionToken, expires); !errors.Is(err, ErrExpired) || secret != "" {
		t.Errorf("at its end: %q %v", secret, err)
	}
	everyAlteration(c.SessionToken, func(what, altered string) {
		if secret, _, _, _, err := h.OpenRoleCredentials(c.AccessKeyID, altered, h.clock.now()); !errors.Is(err, ErrInvalid) || secret != "" {
			t.Errorf("%s: %q %v", what, secret, err)
		}
	})
	if err := h.Keys.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, _, _, err := h.OpenRoleCredentials(c.AccessKeyID, c.SessionToken, h.clock.now()); !errors.Is(err, ErrInvalid) {
		t.Errorf("in the next epoch: %v", err)
	}
}

func TestRoleCredentialsLimits(t *testing.T) {
	h := newHouse(t)
	now := h.clock.now()
	if _, err := h.RoleCredentials(nil, Session{}, now.Add(MaxRoleLifetime)); err != nil {
		t.Errorf("without a session, 36 hours: %v", err)
	}
	for name, f := range map[string]func() (RoleCredentials, error){
		"too long": func() (RoleCredentials, error) {
			return h.RoleCredentials(nil, Session{}, now.Add(MaxRoleLifetime+time.Hour))
		},
		"expired": func() (RoleCredentials, error) { return h.RoleCredentials(nil, Session{}, now) },
		"deep": func() (RoleCredentials, error) {
			return h.RoleCredentials(nil, Session{ID: "x", Ancestors: make([]string, MaxDepth+1)}, now.Add(time.Hour))
		},
		"big": func() (RoleCredentials, error) {
			return h.RoleCredentials(make([]byte, maxTokenSize), Session{}, now.Add(time.Hour))
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	// Credentials outlive a rotation of the key that made them.
	c, err := h.RoleCredentials([]byte("x"), Session{}, now.Add(12*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Keys.Rotate(ctx, RoleSession); err != nil {
		t.Fatal(err)
	}
	h.clock.move(11 * time.Hour)
	if secret, _, _, _, err := h.OpenRoleCredentials(c.AccessKeyID, c.SessionToken, h.clock.now()); err != nil || secret != c.SecretAccessKey {
		t.Errorf("after a rotation: %v", err)
	}
}
