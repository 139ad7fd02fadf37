package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// foreign is an issuer on loopback.
type foreign struct {
	*httptest.Server
	mu           sync.Mutex
	keys         []jose.JSONWebKey
	document     map[string]any
	cacheControl string
	down         atomic.Bool
	gate         chan struct{} // if not nil, key sets wait for it
	documents    atomic.Int32  // how many discovery documents were served
	sets         atomic.Int32  // how many key sets
}

func newForeign(t testing.TB, keys ...jose.JSONWebKey) *foreign {
	t.Helper()
	f := &foreign{keys: keys}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		f.documents.Add(1)
		if f.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		json.MarshalWrite(w, f.document)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		f.sets.Add(1)
		if f.gate != nil {
			<-f.gate
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.cacheControl != "" {
			w.Header().Set("Cache-Control", f.cacheControl)
		}
		json.MarshalWrite(w, jose.JSONWebKeySet{Keys: f.keys})
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	f.document = map[string]any{"issuer": f.URL, "jwks_uri": f.URL + "/keys", "other": []string{"ignored"}}
	return f
}

func (f *foreign) publish(keys ...jose.JSONWebKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = keys
}

func (f *foreign) set(member string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.document[member] = value
}

// signingKeys are the tests' private keys, made once: RSA keys take long.
var signingKeys = sync.OnceValue(func() map[string]crypto.Signer {
	keys := map[string]crypto.Signer{}
	for name, bits := range map[string]int{"rsa": 2048, "rsa-other": 2048} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys[name] = k
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p256-other": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		keys[name] = k
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	keys["ed"] = ed
	return keys
})

func publicKey(name, kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: signingKeys()[name].Public(), KeyID: kid, Use: "sig"}
}

var allAlgorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA"}

// signForeign signs claims (a map, or raw bytes) with header members beside alg and kid. A nil value leaves one out.
func signForeign(t testing.TB, key any, alg, kid string, claims any, header map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		options.WithHeader("kid", kid)
	}
	for name, value := range header {
		if value == nil {
			delete(options.ExtraHeaders, jose.HeaderKey(name))
		} else {
			options.WithHeader(jose.HeaderKey(name), value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, ok := claims.([]byte)
	if !ok {
		if payload, err = json.Marshal(claims, json.Deterministic(true)); err != nil {
			t.Fatal(err)
		}
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goodClaims are claims that pass, changed by over: a nil value leaves one out.
func goodClaims(issuer string, now time.Time, over map[string]any) map[string]any {
	claims := map[string]any{
		"iss": issuer, "sub": "subject", "aud": "audience", "jti": "jti-1", "email": "alice@example.com",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, over)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func newIssuers(c *clock) *Issuers { return &Issuers{AllowInsecure: true, Now: c.now} }
