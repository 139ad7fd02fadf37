package token

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// refused says whether err is a refusal whose text holds want.
func refused(err error, want string) bool {
	a, ok := errors.AsType[*AssertionError](err)
	return ok && strings.Contains(a.Reason, want)
}

func TestAssertionEveryAlgorithm(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("rsa", "r"), publicKey("p256", "e2"), publicKey("p384", "e3"), publicKey("p521", "e5"), publicKey("ed", "d"))
	i := newIssuers(c)
	for alg, key := range map[string][2]string{
		"RS256": {"rsa", "r"}, "RS384": {"rsa", "r"}, "RS512": {"rsa", "r"}, "PS256": {"rsa", "r"}, "PS384": {"rsa", "r"}, "PS512": {"rsa", "r"},
		"ES256": {"p256", "e2"}, "ES384": {"p384", "e3"}, "ES512": {"p521", "e5"}, "EdDSA": {"ed", "d"},
	} {
		jwt := signForeign(t, signingKeys()[key[0]], alg, key[1], goodClaims(f.URL, c.now(), nil), nil)
		a, err := verify(ctx, i, f.URL, allAlgorithms, jwt, c.now())
		if err != nil || a.Subject != "subject" {
			t.Errorf("%s: %v", alg, err)
		}
		var others []string
		for _, other := range allAlgorithms {
			if other != alg {
				others = append(others, other)
			}
		}
		if _, err := verify(ctx, i, f.URL, others, jwt, c.now()); !refused(err, "not allowed") {
			t.Errorf("%s, not allowed: %v", alg, err)
		}
		if _, err := verify(ctx, i, f.URL, nil, jwt, c.now()); !refused(err, "not allowed") {
			t.Errorf("%s with an empty allow-list: %v", alg, err)
		}
	}
	if f.sets.Load() != 1 {
		t.Errorf("%d key sets fetched, want 1", f.sets.Load())
	}
}

func TestAssertionContent(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	now := c.now()
	jwt := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(f.URL, now, map[string]any{
		"aud": []string{"a", "b"}, "user": map[string]any{"name": map[string]any{"first": "Alice"}}, "custom_name": "x", "user.flat": "flat", "n": 7,
	}), nil)
	a, err := verify(ctx, newIssuers(c), f.URL, allAlgorithms, jwt, now)
	if err != nil {
		t.Fatal(err)
	}
	want := Assertion{
		Issuer: f.URL, Subject: "subject", ID: "jti-1", Audience: []string{"a", "b"},
		IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(5 * time.Minute),
	}
	got := a
	got.claims = nil
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Assertion{})); d != "" {
		t.Error(d)
	}
	for path, want := range map[string]string{
		"email": "alice@example.com", "user.name.first": "Alice", "custom_name": "x", "user.flat": "flat",
		"user.name": "", "user.name.last": "", "n": "", "email.x": "", "none": "", "": "", "user.name.first.x": "", ".": "",
	} {
		s, err := a.ClaimString(path)
		if s != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", path, s, err)
		}
	}
	if p, err := ReadAssertion(jwt); err != nil || p.Issuer != f.URL {
		t.Errorf("issuer of %+v: %v", p, err)
	}
}

// E01, E02, E04, E13, E14: what the claims must and must not say.
func TestAssertionClaimsRefused(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	now := c.now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	cases := []struct {
		name   string
		over   map[string]any
		reason string // "" = accepted
	}{
		{"as it should be", nil, ""},
		{"no iss", map[string]any{"iss": nil}, "no iss"},
		{"another iss", map[string]any{"iss": "https://other.example"}, "iss is not"},
		{"iss with a slash more", map[string]any{"iss": f.URL + "/"}, "iss is not"},
		{"iss in capitals", map[string]any{"iss": strings.ToUpper(f.URL)}, "iss is not"},
		{"iss a list", map[string]any{"iss": []string{f.URL}}, "iss is not"},
		{"no sub", map[string]any{"sub": nil}, "no sub"},
		{"empty sub", map[string]any{"sub": ""}, "sub is not"},
		{"sub a number", map[string]any{"sub": 7}, "sub is not"},
		{"long sub", map[string]any{"sub": strings.Repeat("s", maxSubject+1)}, "sub is longer"},
		{"no jti", map[string]any{"jti": nil}, "no jti"},
		{"empty jti", map[string]any{"jti": ""}, "jti is not"},
		{"jti a number", map[string]any{"jti": 1}, "jti is not"},
		{"jti of 256", map[string]any{"jti": strings.Repeat("j", 256)}, ""},
		{"jti of 257", map[string]any{"jti": strings.Repeat("j", 257)}, "jti is longer"},
		{"no aud", map[string]any{"aud": nil}, "no aud"},
		{"empty aud", map[string]any{"aud": ""}, "aud is not"},
		{"aud null", map[string]any{"aud": []any{}}, "aud is empty"},
		{"aud with an empty one", map[string]any{"aud": []string{"a", ""}}, "aud is not"},
		{"aud with a number", map[string]any{"aud": []any{"a", 1}}, "aud is not"},
		{"aud nested", map[string]any{"aud": []any{[]string{"a"}}}, "aud is not"},
		{"aud an object", map[string]any{"aud": map[string]any{"a": "b"}}, "aud is not"},
		{"no exp", map[string]any{"exp": nil}, "no exp"},
		{"exp text", map[string]any{"exp": "1900000000"}, "exp is not a whole number"},
		{"exp true", map[string]any{"exp": true}, "exp is not a whole number"},
		{"exp zero", map[string]any{"exp": 0}, "exp is not a whole number"},
		{"exp negative", map[string]any{"exp": -1}, "exp is not a whole number"},
		{"exp over 2^53", map[string]any{"exp": uint64(1<<53 + 1)}, "exp is not a whole number"},
		{"exp 2^53", map[string]any{"exp": uint64(1 << 53)}, "away"},
		{"expired within the skew", map[string]any{"exp": at(-59 * time.Second)}, ""},
		{"expired by the skew", map[string]any{"exp": at(-60 * time.Second)}, "expired"},
		{"a day away", map[string]any{"exp": at(24 * time.Hour)}, ""},
		{"more than a day away", map[string]any{"exp": at(24*time.Hour + time.Second)}, "away"},
		{"lives more than a day", map[string]any{"iat": at(-24 * time.Hour)}, "lives longer"},
		{"no iat, no nbf", map[string]any{"iat": nil, "nbf": nil}, ""},
		{"iat ahead within the skew", map[string]any{"iat": at(60 * time.Second)}, ""},
		{"iat ahead", map[string]any{"iat": at(61 * time.Second)}, "future"},
		{"iat text", map[string]any{"iat": "1"}, "iat is not a whole number"},
		{"nbf ahead within the skew", map[string]any{"nbf": at(60 * time.Second)}, ""},
		{"nbf ahead", map[string]any{"nbf": at(61 * time.Second)}, "not valid yet"},
		{"nbf null", map[string]any{"nbf": []any{}}, "nbf is not a whole number"},
	}
	for _, tc := range cases {
		jwt := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(f.URL, now, tc.over), nil)
		_, err := verify(ctx, i, f.URL, allAlgorithms, jwt, now)
		if tc.reason == "" && err != nil || tc.reason != "" && !refused(err, tc.reason) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	i.MaxLifetime = time.Minute
	if _, err := verify(ctx, i, f.URL, allAlgorithms, signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(f.URL, now, nil), nil), now); !refused(err, "away") {
		t.Errorf("five minutes with a limit of one: %v", err)
	}
}

// E13: claims whose JSON two readers might read differently.
func TestAssertionJSONRefused(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	exp := fmt.Sprint(c.now().Add(time.Minute).Unix())
	good := `{"iss":"` + f.URL + `","sub":"s","aud":"a","jti":"j","exp":` + exp + `,"o":{"a":1}}`
	sign := func(payload string) string {
		return signForeign(t, signingKeys()["p256"], "ES256", "e", []byte(payload), nil)
	}
	if _, err := verify(ctx, i, f.URL, allAlgorithms, sign(good), c.now()); err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string]string{
		"duplicate":         strings.Replace(good, `{`, `{"sub":"x",`, 1),
		"duplicate escaped": strings.Replace(good, `{`, `{"su\u0062":"x",`, 1),
		"duplicate nested":  strings.Replace(good, `{"a":1}`, `{"a":1,"a":2}`, 1),
		"duplicate in list": strings.Replace(good, `{"a":1}`, `[{"a":1,"a":2}]`, 1),
		"exp float":         strings.Replace(good, exp, exp+".0", 1),
		"exp fraction":      strings.Replace(good, exp, exp+".5", 1),
		"exp exponent":      strings.Replace(good, exp, "2e9", 1),
		"exp capital":       strings.Replace(good, `"exp"`, `"EXP"`, 1),
		"nbf null":          strings.Replace(good, `{`, `{"nbf":null,`, 1),
		"sub null":          strings.Replace(good, `"sub":"s"`, `"sub":null`, 1),
		"aud null":          strings.Replace(good, `"aud":"a"`, `"aud":null`, 1),
		"trailing":          good + `{}`,
		"array":             `[` + good + `]`,
		"null":              `null`,
		"empty":             ``,
		"not UTF-8":         strings.Replace(good, `"s"`, "\"\xff\"", 1),
		"comment":           strings.Replace(good, `{`, `{/**/`, 1),
		"deep":              strings.Replace(good, `{"a":1}`, strings.Repeat("[", 11000), 1),
	} {
		jwt := sign(payload)
		if len(jwt) > maxAssertion {
			t.Fatalf("%s: too long to test", name)
		}
		if _, err := verify(ctx, i, f.URL, allAlgorithms, jwt, c.now()); !refused(err, "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// E05, E06: headers that would choose key or algorithm.
func TestAssertionHeadersRefused(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"), publicKey("rsa", "r"))
	i := newIssuers(c)
	now := c.now()
	stranger := jose.JSONWebKey{Key: signingKeys()["p256-other"].Public(), KeyID: "e"}
	cases := []struct {
		name, key, alg, kid string
		header              map[string]any
		reason              string
	}{
		{"plain", "p256", "ES256", "e", nil, ""},
		{"typ absent", "p256", "ES256", "e", map[string]any{"typ": nil}, ""},
		{"typ at+jwt", "p256", "ES256", "e", map[string]any{"typ": "at+jwt"}, ""},
		{"typ dpop+jwt", "p256", "ES256", "e", map[string]any{"typ": "dpop+jwt"}, "typ"},
		{"typ jwt", "p256", "ES256", "e", map[string]any{"typ": "jwt"}, "typ"},
		{"typ number", "p256", "ES256", "e", map[string]any{"typ": 1}, "header"},
		{"crit", "p256", "ES256", "e", map[string]any{"crit": []string{"exp"}}, "crit"},
		{"empty crit", "p256", "ES256", "e", map[string]any{"crit": []string{}}, "crit"},
		{"b64 true", "p256", "ES256", "e", map[string]any{"b64": true}, "b64"},
		{"zip", "p256", "ES256", "e", map[string]any{"zip": "DEF"}, "compressed"},
		{"enc", "p256", "ES256", "e", map[string]any{"enc": "A256GCM"}, "encrypted"},
		{"stranger", "p256-other", "ES256", "e", nil, "signature"},
		{"stranger by jwk", "p256-other", "ES256", "e", map[string]any{"jwk": stranger}, "signature"},
		{"stranger by jku", "p256-other", "ES256", "e", map[string]any{"jku": "https://evil.example/keys"}, "signature"},
		{"stranger by x5u", "p256-other", "ES256", "e", map[string]any{"x5u": "https://evil.example/cert"}, "signature"},
		{"own with jku", "p256", "ES256", "e", map[string]any{"jku": "https://evil.example/keys"}, ""},
		{"kid of another type", "p256", "ES256", "r", nil, "no key"},
		{"unknown kid", "p256", "ES256", "nope", nil, "no key"},
		{"kid a path", "p256", "ES256", "../../dev/null", nil, "no key"},
		{"kid SQL", "p256", "ES256", "' OR 1=1 --", nil, "no key"},
		{"kid a URL", "p256", "ES256", "https://evil.example/key", nil, "no key"},
		{"kid number", "p256", "ES256", "", map[string]any{"kid": 7}, "header"},
		{"long kid", "p256", "ES256", strings.Repeat("k", 257), nil, "kid is longer"},
		{"no kid, one key for the alg", "p256", "ES256", "", nil, ""},
		{"P-384 key for ES384, set has none", "p384", "ES384", "e", nil, "no key"},
	}
	for _, tc := range cases {
		jwt := signForeign(t, signingKeys()[tc.key], tc.alg, tc.kid, goodClaims(f.URL, now, nil), tc.header)
		_, err := verify(ctx, i, f.URL, allAlgorithms, jwt, now)
		if tc.reason == "" && err != nil || tc.reason != "" && !refused(err, tc.reason) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// E05: HMAC under what is public, none in every spelling, and signatures of one family under another's name.
func TestAssertionAlgorithmConfusion(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"), publicKey("rsa", "r"), publicKey("p384", "e3"))
	i := newIssuers(c)
	now := c.now()
	rsaJWK, _ := publicKey("rsa", "r").MarshalJSON()
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		jwt := signForeign(t, rsaJWK, alg, "r", goodClaims(f.URL, now, nil), nil)
		if _, err := verify(ctx, i, f.URL, append(allAlgorithms, alg), jwt, now); !refused(err, "not allowed") {
			t.Errorf("%s with the public key as secret: %v", alg, err)
		}
	}
	good := strings.Split(signForeign(t, signingKeys()["rsa"], "RS256", "r", goodClaims(f.URL, now, nil), nil), ".")
	ec := strings.Split(signForeign(t, signingKeys()["p384"], "ES384", "e3", goodClaims(f.URL, now, nil), nil), ".")
	header := func(h string) string { return encodeBase64URL([]byte(h)) }
	for name, jwt := range map[string]string{
		"none":            header(`{"alg":"none","kid":"r"}`) + "." + good[1] + ".",
		"None":            header(`{"alg":"None","kid":"r"}`) + "." + good[1] + "." + good[2],
		"no alg":          header(`{"kid":"r"}`) + "." + good[1] + "." + good[2],
		"alg null":        header(`{"alg":null,"kid":"r"}`) + "." + good[1] + "." + good[2],
		"rs256":           header(`{"alg":"rs256","kid":"r"}`) + "." + good[1] + "." + good[2],
		"two algs":        header(`{"alg":"RS256","alg":"RS256","kid":"r"}`) + "." + good[1] + "." + good[2],
		"PS for RS":       header(`{"alg":"PS256","kid":"r","typ":"JWT"}`) + "." + good[1] + "." + good[2],
		"RS384 for RS256": header(`{"alg":"RS384","kid":"r","typ":"JWT"}`) + "." + good[1] + "." + good[2],
		"ES256 for P-384": header(`{"alg":"ES256","kid":"e3","typ":"JWT"}`) + "." + ec[1] + "." + ec[2],
		"ES256 for RSA":   header(`{"alg":"ES256","kid":"r","typ":"JWT"}`) + "." + good[1] + "." + good[2],
		"no signature":    good[0] + "." + good[1] + ".",
	} {
		if _, err := verify(ctx, i, f.URL, append(allAlgorithms, "none", "None", ""), jwt, now); !refused(err, "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// E13: what is not a short compact JWS is refused before anything is decoded or fetched.
func TestAssertionFormRefused(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	now := c.now()
	good := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(f.URL, now, nil), nil)
	parts := strings.Split(good, ".")
	dots := strings.Repeat(".", 1<<20)
	for name, jwt := range map[string]string{
		"empty": "", "dots": dots, "two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "five parts": good + ".x.x",
		"JSON":        `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`,
		"too long":    good + strings.Repeat("A", maxAssertion),
		"padding":     good + "=",
		"line end":    good + "\n",
		"space":       " " + good,
		"inner line":  parts[0] + ".\n" + parts[1] + "." + parts[2],
		"std base64":  strings.NewReplacer("-", "+", "_", "/").Replace(parts[0]) + "." + parts[1] + "." + parts[2] + "+",
		"no header":   "." + parts[1] + "." + parts[2],
		"no payload":  parts[0] + ".." + parts[2],
		"header list": encodeBase64URL([]byte(`["ES256"]`)) + "." + parts[1] + "." + parts[2],
	} {
		if _, err := verify(ctx, i, f.URL, allAlgorithms, jwt, now); !refused(err, "") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "no payload" || name == "two parts" {
			if _, err := ReadAssertion(jwt); err == nil {
				t.Errorf("%s: an issuer was read", name)
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { ReadAssertion(dots) }); n > 6 {
		t.Errorf("a megabyte of dots allocates %v times", n)
	}
	everyAlteration(good, func(what, altered string) {
		if _, err := verify(ctx, i, f.URL, allAlgorithms, altered, now); !refused(err, "") {
			t.Errorf("%s: %v", what, err)
		}
	})
}

// The signature is judged first: a stranger learns nothing about claims.
func TestAssertionSignatureFirst(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	jwt := signForeign(t, signingKeys()["p256-other"], "ES256", "e", goodClaims("https://other.example", c.now().Add(-time.Hour), nil), nil)
	if _, err := verify(ctx, newIssuers(c), f.URL, allAlgorithms, jwt, c.now()); !refused(err, "signature") {
		t.Error(err)
	}
}
