package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// refusedAssertion wants InvalidGrantException with the reason, and that the client sees it.
func (w *world) refusedAssertion(name, jwt, reason string) {
	w.t.Helper()
	a := w.present(bearer(jwt))
	a.refused(w.t, "InvalidGrantException", reason)
	if !strings.Contains(a.str("message"), reason) {
		w.t.Errorf("%s: the client hears %q, want %q in it", name, a.str("message"), reason)
	}
	if w.t.Failed() {
		w.t.Fatalf("%s", name)
	}
}

// TestAssertionSigners: what a trusted issuer may sign with by default.
func TestAssertionSigners(t *testing.T) {
	w := newHousedWorld(t)
	for _, s := range []signer{esSigner(), rsSigner()} {
		w.present(bearer(s.sign(t, w.claims()))).granted(t)
		s.header = map[jose.HeaderKey]any{"kid": s.header["kid"]} // typ is not required
		w.present(bearer(s.sign(t, w.claims()))).granted(t)
	}
}

// TestAssertionClaims: each claim that is missing, empty, of the wrong type or out of bounds (E01, E02, E04, E14).
func TestAssertionClaims(t *testing.T) {
	w := newHousedWorld(t)
	at := func(d time.Duration) int64 { return w.now().Add(d).Unix() }
	for _, c := range []struct {
		name   string
		change params
		reason string
	}{
		{"no exp", params{"exp": nil}, "has no exp"},
		{"expired", params{"exp": at(-2 * time.Minute), "iat": at(-time.Hour)}, "has expired"},
		{"exp as a text", params{"exp": "4102444800"}, "exp"},
		{"exp with a fraction", params{"exp": float64(at(time.Minute)) + 0.5}, "exp"},
		{"exp beyond 2^53", params{"exp": 1 << 54}, "exp"},
		{"negative exp", params{"exp": -1}, "exp"},
		{"exp null", params{"exp": json.RawMessage("null")}, "exp"},
		{"exp 25 h away", params{"exp": at(25 * time.Hour)}, "more than"},
		{"25 h from iat to exp", params{"exp": at(10 * time.Hour), "iat": at(-15 * time.Hour)}, "lives longer"},
		{"iat in the future", params{"iat": at(2 * time.Minute)}, "issued in the future"},
		{"nbf in the future", params{"nbf": at(2 * time.Minute)}, "not valid yet"},
		{"nbf as a text", params{"nbf": "now"}, "nbf"},
		{"no iss", params{"iss": nil}, "no iss"},
		{"iss with a slash", params{"iss": w.issuerURL + "/"}, "not a trusted token issuer"},
		{"iss in another case", params{"iss": strings.ToUpper(w.issuerURL)}, "not a trusted token issuer"},
		{"iss a list", params{"iss": []string{w.issuerURL}}, "iss"},
		{"no sub", params{"sub": nil}, "no sub"},
		{"empty sub", params{"sub": ""}, "sub"},
		{"no jti", params{"jti": nil}, "no jti"},
		{"empty jti", params{"jti": ""}, "jti"},
		{"jti a number", params{"jti": 7}, "jti"},
		{"jti too long", params{"jti": strings.Repeat("j", 257)}, "jti"},
		{"no aud", params{"aud": nil}, "no aud"},
		{"empty aud", params{"aud": ""}, "aud"},
		{"aud null", params{"aud": json.RawMessage("null")}, "aud"},
		{"aud a number", params{"aud": 1}, "aud"},
		{"aud an empty list", params{"aud": []string{}}, "aud"},
		{"aud nested", params{"aud": [][]string{{audience1}}}, "aud"},
		{"aud with an empty one", params{"aud": []string{audience1, ""}}, "aud"},
		{"foreign aud", params{"aud": "https://else.example"}, "not among the AuthorizedAudiences"},
		{"aud a prefix", params{"aud": audience1[:len(audience1)-1]}, "not among the AuthorizedAudiences"},
		{"one of two aud foreign", params{"aud": []string{audience1, "https://else.example"}}, "not among the AuthorizedAudiences"},
		{"another application's aud", params{"aud": audience2}, "not among the AuthorizedAudiences"},
		{"no email", params{"email": nil}, "email"},
		{"email a list", params{"email": []string{"alice@example.com"}}, "email"},
		{"iss with NUL", params{"iss": w.issuerURL + "\x00"}, "iss"},
		{"aud with NUL", params{"aud": audience1 + "\x00"}, "aud"},
		{"email with NUL", params{"email": "alice@example.com\x00"}, "email"},
		{"email not verified", params{"email_verified": false}, "not verified"},
		{"email verified in words", params{"email_verified": "true"}, "not verified"},
		{"email_verified null", params{"email_verified": json.RawMessage("null")}, "not verified"},
	} {
		w.refusedAssertion(c.name, esSigner().sign(t, w.claims(c.change)), c.reason)
	}
}

// TestGoodClaims: what stands at the edge is still good, and what is optional may be left out.
func TestGoodClaims(t *testing.T) {
	w := newHousedWorld(t)
	at := func(d time.Duration) int64 { return w.now().Add(d).Unix() }
	for _, good := range []params{
		{"iat": at(30 * time.Second)}, {"nbf": at(30 * time.Second)}, {"exp": at(-30 * time.Second), "iat": at(-time.Hour)}, {"iat": nil}, {"exp": at(23 * time.Hour)},
		{"aud": []string{audience1}}, {"email_verified": true}, {"unknown": params{"a": 1}}, {"email": "ALICE@Example.com"},
	} {
		w.present(w.assertion(good)).granted(t)
	}
}

// TestAssertionDuplicates: a claim that stands twice has no meaning (E13).
func TestAssertionDuplicates(t *testing.T) {
	w := newHousedWorld(t)
	b, err := json.Marshal(w.claims())
	must(t, err)
	for _, extra := range []string{`"aud":"https://else.example"`, `"exp":1`, `"jti":"a"`, `"x":{"y":1,"y":2}`} {
		w.refusedAssertion(extra, esSigner().sign(t, strings.TrimSuffix(string(b), "}")+","+extra+"}"), "unique members")
	}
	for _, text := range []string{"[]", `"a"`, "null", "", string(b) + string(b)} {
		w.refusedAssertion(text, esSigner().sign(t, text), "JSON object")
	}
}

// TestAssertionForms: what is no compact JWT signed by the issuer's key with an allowed algorithm (E05, E06, E13).
func TestAssertionForms(t *testing.T) {
	w := newHousedWorld(t)
	keys := foreignKeys()
	good := esSigner().sign(t, w.claims())
	parts := strings.Split(good, ".")
	forge := func(header string) string { return b64(header) + "." + parts[1] + "." + parts[2] }
	public, err := x509.MarshalPKIXPublicKey(keys.rsa.Public())
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	refuseAll(w, map[string]string{
		"none":                     forge(`{"alg":"none"}`),
		"none without a signature": b64(`{"alg":"none"}`) + "." + parts[1] + ".",
		"None":                     forge(`{"alg":"None","kid":"ec"}`),
		"no alg":                   forge(`{"kid":"ec"}`),
		"alg twice":                forge(`{"alg":"none","alg":"ES256","kid":"ec"}`),
		"HS256 by the public key":  signer{jose.HS256, public, map[jose.HeaderKey]any{"kid": "rsa"}}.sign(t, w.claims()),
		"HS256 with an empty key":  forge(`{"alg":"HS256","kid":"ec"}`),
		"unpublished EC key":       signer{jose.ES256, keys.otherEC, map[jose.HeaderKey]any{"kid": "ec"}}.sign(t, w.claims()),
		"unpublished RSA key":      signer{jose.RS256, keys.otherRSA, map[jose.HeaderKey]any{"kid": "rsa"}}.sign(t, w.claims()),
		"ES384":                    signer{jose.ES384, p384, map[jose.HeaderKey]any{"kid": "ec"}}.sign(t, w.claims()),
		"PS256, not on the list":   signer{jose.PS256, keys.rsa, map[jose.HeaderKey]any{"kid": "rsa"}}.sign(t, w.claims()),
		"RS512, not on the list":   signer{jose.RS512, keys.rsa, map[jose.HeaderKey]any{"kid": "rsa"}}.sign(t, w.claims()),
		"unknown kid":              signer{jose.ES256, keys.ec, map[jose.HeaderKey]any{"kid": "nobody"}}.sign(t, w.claims()),
		"kid a path":               signer{jose.ES256, keys.ec, map[jose.HeaderKey]any{"kid": "../../dev/null"}}.sign(t, w.claims()),
		"kid SQL":                  signer{jose.ES256, keys.ec, map[jose.HeaderKey]any{"kid": "' OR '1'='1"}}.sign(t, w.claims()),
		"kid of another type":      signer{jose.ES256, keys.ec, map[jose.HeaderKey]any{"kid": "rsa"}}.sign(t, w.claims()),
		"own key in jwk": signer{jose.ES256, keys.otherEC, map[jose.HeaderKey]any{
			"jwk": jose.JSONWebKey{Key: keys.otherEC.Public()}, "jku": "https://evil.example/keys"}}.sign(t, w.claims()),
		"typ of a logout token": signer{jose.ES256, keys.ec, map[jose.HeaderKey]any{"kid": "ec", "typ": "logout+jwt"}}.sign(t, w.claims()),
		"crit":                  forge(`{"alg":"ES256","kid":"ec","crit":["exp"],"exp":1}`),
		"b64":                   forge(`{"alg":"ES256","kid":"ec","b64":false}`),
		"zip":                   forge(`{"alg":"ES256","kid":"ec","zip":"DEF"}`),
		"JWE":                   b64(`{"alg":"dir","enc":"A256GCM"}`) + "....",
		"two parts":             parts[0] + "." + parts[1],
		"four parts":            good + ".x",
		"dots":                  strings.Repeat(".", 8000),
		"too long":              strings.Repeat("a", 17000),
		"JSON serialization":    `{"payload":"` + parts[1] + `","signatures":[]}`,
		"padded":                parts[0] + "=." + parts[1] + "." + parts[2],
		"changed claims":        parts[0] + "." + b64(`{"iss":"`+w.issuerURL+`"}`) + "." + parts[2],
		"changed header":        b64(`{"alg":"ES256"}`) + "." + parts[1] + "." + parts[2],
		"cut signature":         good[:len(good)-4],
		"our own ID token":      w.present(w.assertion()).granted(t).str("idToken"),
		"nothing":               "x",
	})
	w.present(bearer(good)).granted(t)
}

func refuseAll(w *world, assertions map[string]string) {
	for name, jwt := range assertions {
		w.present(bearer(jwt)).refused(w.t, "InvalidGrantException", "the assertion is refused")
		if w.t.Failed() {
			w.t.Fatal(name)
		}
	}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// TestAssertionOnce: a jti is good once, for as long as the assertion could be presented (E02, E03, IAM Identity Center 2023).
func TestAssertionOnce(t *testing.T) {
	w := newHousedWorld(t)
	long := w.assertion(params{"exp": w.now().Add(23 * time.Hour).Unix()})
	w.present(long).granted(t)
	again := func(reason string) {
		t.Helper()
		w.present(long).refused(t, "InvalidGrantException", reason)
	}
	again("used already (jti)")
	w.advance(22*time.Hour + 59*time.Minute)
	again("used already (jti)")
	must(t, sweep(w))
	again("used already (jti)")
	w.advance(2 * time.Hour) // 25 h: past exp
	must(t, sweep(w))
	again("has expired")

	// The same jti in another assertion is the same use; another issuer's jti is another.
	w.present(w.assertion(params{"jti": "one"})).granted(t)
	w.present(w.assertion(params{"jti": "one", "aud": []string{audience1}})).refused(t, "InvalidGrantException", "used already")
	w.as(w.front).present(w.assertion(params{"jti": "one"})).refused(t, "InvalidGrantException", "used already")
	w.present(w.assertion(params{"jti": "One"})).granted(t)
	w.newWorld(t).present(w.newWorld(t).assertion(params{"jti": "one"})).refused(t, "InvalidGrantException", "not a trusted token issuer")
	b := w.newWorld(t)
	b.present(b.assertion(params{"jti": "one"})).granted(t)
}

func sweep(w *world) error { _, err := w.DB.Sweep(w.t.Context(), 1000); return err }

// TestRecreatedIssuer: deleting the trusted token issuer and making it again revives no used jti.
func TestRecreatedIssuer(t *testing.T) {
	w := newHousedWorld(t)
	used := w.assertion()
	w.present(used).granted(t)
	w.change(func(tx *store.Tx) error { return w.Admin.DeleteTrustedTokenIssuer(tx, w.tti) })
	w.present(used).refused(t, "InvalidGrantException", "not a trusted token issuer")
	w.trust(w.issuerURL)
	w.present(used).refused(t, "InvalidGrantException", "used already (jti)")
	w.present(w.assertion()).granted(t)
}

// TestClaimMapping: the claim must hit exactly one enabled user of the instance's own directory (E12).
func TestClaimMapping(t *testing.T) {
	w := newHousedWorld(t)
	add := func(name, email string) {
		w.change(func(tx *store.Tx) error {
			_, err := identitystore.PutUser(tx, person(w.directory, name, email))
			return err
		})
	}
	add("bob", "twin@example.com")
	w.present(w.assertion(params{"email": "twin@example.com"})).refused(t, "AccessDeniedException", "not assigned")
	add("carol", "Twin@example.com")
	w.present(w.assertion(params{"email": "twin@example.com"})).refused(t, "InvalidGrantException", "more than one user")
	for _, email := range []string{
		"nobody@example.com", "аlice@example.com" /* Cyrillic а */, "alice@example.com ", " alice@example.com", "alice@example.com\u0000", "alicе@example.com",
		"ａlice@example.com" /* full width */, "alice@example.com.", "%", "*", "alice@exam\u200bple.com",
	} {
		w.present(w.assertion(params{"email": email})).refused(t, "InvalidGrantException", "no user has the emails.value")
	}
	if got := w.userCount(); got != 3 {
		t.Errorf("there are %d users: an assertion made some", got)
	}
	w.remap("user.name", "userName")
	w.present(w.assertion(params{"user": params{"name": "Alice"}})).granted(t)
	w.present(w.assertion(params{"user": params{"name": "Alice"}, "email_verified": false})).granted(t) // speaks of another claim
	w.present(w.assertion(params{"user": "Alice"})).refused(t, "InvalidGrantException", "user.name")
	w.setUser(func(u *identitystore.User) {
		u.ExternalIDs = store.LazyOf([]identitystore.ExternalId{{Issuer: "https://idp.example", Id: "42"}})
	})
	w.remap("oid", "externalIds.id")
	w.present(w.assertion(params{"oid": "42"})).granted(t)
	w.present(w.assertion(params{"oid": 42})).refused(t, "InvalidGrantException", "oid")
}

func (w *world) userCount() (n int) {
	w.change(func(tx *store.Tx) error {
		all, err := identitystore.ListUsers(tx, w.directory)
		n = len(all)
		return err
	})
	return n
}

// remap changes the issuer's claim mapping.
func (w *world) remap(claim, attribute string) {
	w.change(func(tx *store.Tx) error {
		tti, err := ssoadmin.GetTrustedTokenIssuer(tx, w.tti)
		if err != nil {
			return err
		}
		tti.ClaimAttributePath, tti.IdentityStoreAttributePath = claim, attribute
		_, err = w.Admin.PutTrustedTokenIssuer(tx, tti)
		return err
	})
}

// TestIssuerDown: an issuer that cannot be asked is no reason to believe anything, nor for a 5xx; nothing is consumed.
func TestIssuerDown(t *testing.T) {
	w := newHousedWorld(t)
	evidence := w.assertion()
	w.foreign.down.Store(true)
	w.present(evidence).refused(t, "InvalidGrantException", "keys cannot be fetched")
	w.foreign.down.Store(false)
	w.advance(10 * time.Second) // past the pause after a failure
	w.present(evidence).granted(t)
	w.foreign.down.Store(true) // known keys go on serving
	w.present(w.assertion()).granted(t)
	w.foreign.down.Store(false)
}

// TestRandomKeyIDs: an attacker's key ids cost the issuer next to nothing (E09). Strangers cost it nothing at all.
func TestRandomKeyIDs(t *testing.T) {
	w := newHousedWorld(t)
	w.create(t, keypair{w.caller.id, "wrong", ""}, with(w.assertion(), params{"clientId": w.client.ARN})).refused(t, "InvalidSignatureException", "")
	if n := w.foreign.fetches.Load(); n != 0 {
		t.Errorf("a stranger's assertion cost %d fetches", n)
	}
	w.as(w.other).present(w.assertion()).refused(t, "InvalidGrantException", "") // other takes this issuer, so it is asked once
	before := w.foreign.fetches.Load()
	for i := range 50 {
		s := esSigner()
		s.header = maps.Clone(s.header)
		s.header["kid"] = strings.Repeat("k", i+1)
		w.present(bearer(s.sign(t, w.claims()))).refused(t, "InvalidGrantException", "")
	}
	if n := w.foreign.fetches.Load() - before; n > 2 {
		t.Errorf("50 unknown key ids cost %d fetches", n)
	}
	w.present(w.assertion()).granted(t)
}
