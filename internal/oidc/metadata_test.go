package oidc

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/symbolon/symbolon/internal/token"
)

// TestMetadata: both well-known paths say the same, all endpoints stand below the issuer, and nothing is promised that is not kept
// (I04, G03).
func TestMetadata(t *testing.T) {
	h := newHouse(t)
	var one, two params
	res := h.published(t, "/.well-known/openid-configuration", &one)
	h.published(t, "/.well-known/oauth-authorization-server", &two)
	a, _ := json.Marshal(one)
	if b, _ := json.Marshal(two); !bytes.Equal(a, b) {
		t.Error("the two documents differ")
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "max-age=") {
		t.Errorf("Cache-Control is %q", got)
	}
	for name, want := range map[string]string{
		"issuer": "", "authorization_endpoint": "/authorize", "token_endpoint": "/token?aws_iam=t", "jwks_uri": "/.well-known/jwks.json",
		"introspection_endpoint": "/oauth2/introspect", "revocation_endpoint": "/oauth2/revoke",
	} {
		if one[name] != h.url+want {
			t.Errorf("%s is %v", name, one[name])
		}
	}
	lists := map[string][]string{"response_types_supported": {"code"}, "response_modes_supported": {"query"}, "code_challenge_methods_supported": {"S256"}, "grant_types_supported": everyGrant()}
	for name, want := range lists {
		if got := (answer{body: one}).strings(name); !slices.Equal(got, want) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if algs := (answer{body: one}).strings("id_token_signing_alg_values_supported"); slices.Contains(algs, "none") || !slices.Contains(algs, "RS256") {
		t.Errorf("the algorithms are %q", algs)
	}
	if one["authorization_response_iss_parameter_supported"] != true || one["request_uri_parameter_supported"] != false {
		t.Errorf("the flags are wrong: %s", a)
	}
}

// TestIssuerWithPath: an issuer with a path has its documents where the two standards want them.
func TestIssuerWithPath(t *testing.T) {
	h := newHouse(t)
	h.Minter.Issuer = "https://sso.example/tenants/one"
	mux := h.Discovery()
	for path, want := range map[string]int{
		"/tenants/one/.well-known/openid-configuration": 200, "/tenants/one/.well-known/jwks.json": 200, "/.well-known/oauth-authorization-server/tenants/one": 200,
		"/.well-known/openid-configuration": 404, "/.well-known/oauth-authorization-server": 404, "/tenants/two/.well-known/openid-configuration": 404,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		w := &recorder{header: http.Header{}}
		mux.ServeHTTP(w, r)
		if w.status != want {
			t.Errorf("%s answers %d, want %d", path, w.status, want)
		}
	}
}

// recorder is the least that takes an answer.
type recorder struct {
	header http.Header
	status int
	bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = 200
	}
	return r.Buffer.Write(b)
}

// keySet is the published set as it stands on the wire.
func (h *house) keySet(t testing.TB) (keys []params, res *http.Response) {
	t.Helper()
	var set struct{ Keys []params }
	res = h.published(t, "/.well-known/jwks.json", &set)
	return set.Keys, res
}

// TestKeySet: public members only, ids are thumbprints, one use (G04, I05).
func TestKeySet(t *testing.T) {
	h := newHouse(t)
	for _, p := range []token.Purpose{token.SigningES256, token.SigningRS256} {
		_, err := h.Minter.Keys.Rotate(t.Context(), p)
		must(t, err)
	}
	keys, res := h.keySet(t)
	if len(keys) < 3 {
		t.Errorf("%d keys are published, want those in use and those to come", len(keys))
	}
	members := map[string][]string{"EC": {"alg", "crv", "kid", "kty", "use", "x", "y"}, "RSA": {"alg", "e", "kid", "kty", "n", "use"}}
	for _, k := range keys {
		kty, _ := k["kty"].(string)
		if got := slices.Sorted(maps.Keys(k)); !slices.Equal(got, members[kty]) {
			t.Errorf("a key of type %q has the members %q", kty, got)
		}
		text, _ := json.Marshal(k)
		var jwk jose.JSONWebKey
		must(t, json.Unmarshal(text, &jwk))
		sum, err := jwk.Thumbprint(5) // crypto.SHA256
		must(t, err)
		if jwk.KeyID != encode(sum) || !jwk.IsPublic() || jwk.Use != "sig" {
			t.Errorf("the key %s is not named by its thumbprint %s", text, encode(sum))
		}
	}
	tag := res.Header.Get("ETag")
	if tag == "" || strings.HasPrefix(tag, "W/") || !strings.Contains(res.Header.Get("Cache-Control"), "max-age=") {
		t.Errorf("ETag is %q, Cache-Control %q", tag, res.Header.Get("Cache-Control"))
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/.well-known/jwks.json", nil)
	r.Header.Set("If-None-Match", tag)
	again, err := http.DefaultClient.Do(r)
	must(t, err)
	defer again.Body.Close()
	if b, _ := io.ReadAll(again.Body); again.StatusCode != http.StatusNotModified || len(b) != 0 {
		t.Errorf("a known ETag is answered %d", again.StatusCode)
	}
}

func encode(b []byte) string { return b64(string(b)) }

// TestKeyLead: a new key is published before it signs, and an old one as long as its tokens live (I05).
func TestKeyLead(t *testing.T) {
	w := newHousedWorld(t)
	kid := func(a answer) string {
		header, _ := w.verified(t, a.str("idToken"), jose.ES256)
		return header.KeyID
	}
	first := w.family()
	old := kid(first)
	_, err := w.Minter.Keys.Rotate(t.Context(), token.SigningES256)
	must(t, err)
	if got := kid(w.family()); got != old {
		t.Error("a key signs the moment it is made, before anybody can know it")
	}
	w.advance(20 * time.Minute)
	late := w.family()
	if kid(late) == old {
		t.Error("the new key never signs")
	}
	if kid(first) != old {
		t.Error("the old key is published no more, though its tokens live")
	}
}

// TestPublicDocumentsAreForAll: readable from any origin, never with credentials; other methods are refused.
func TestPublicDocumentsAreForAll(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		res := h.published(t, path, new(any))
		if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: CORS is %v", path, res.Header)
		}
		post, err := http.Post(h.url+path, "text/plain", strings.NewReader("x"))
		must(t, err)
		post.Body.Close()
		if post.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s answers %d", path, post.StatusCode)
		}
	}
}
