package test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenIssuer is a trusted token issuer: discovery, two keys, and assertions for whoever asks. The clients written in other
// languages ask at /assertion?alg=&email=&aud=.
type tokenIssuer struct {
	url  string
	keys map[jose.SignatureAlgorithm]crypto.Signer
}

func startIssuer(t *testing.T) *tokenIssuer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &tokenIssuer{keys: map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: r, jose.ES256: e}}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i.url = s.URL
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, i.keySet()) })
	mux.HandleFunc("GET /assertion", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		text, err := i.sign(jose.SignatureAlgorithm(q.Get("alg")), q.Get("email"), q.Get("aud"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answerJSON(w, map[string]string{"assertion": text})
	})
	return i
}

func answerJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the client is gone: nothing to do
}

func (i *tokenIssuer) keySet() jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for algorithm, key := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: string(algorithm), Algorithm: string(algorithm), Use: "sig"})
	}
	return set
}

// sign vouches for the user with that email address, for five minutes.
func (i *tokenIssuer) sign(algorithm jose.SignatureAlgorithm, email, audience string) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", string(algorithm))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: i.keys[algorithm]}, options)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": i.url, "sub": "user of " + email, "aud": audience, "email": email, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}).Serialize()
}

func (i *tokenIssuer) assertion(t *testing.T, algorithm jose.SignatureAlgorithm, email, audience string) string {
	t.Helper()
	text, err := i.sign(algorithm, email, audience)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
