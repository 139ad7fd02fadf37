package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// foreign is a trusted token issuer of somebody else: discovery and keys over HTTP, one issuer per path.
type foreign struct {
	*httptest.Server
	down    atomic.Bool
	fetches atomic.Int64
}

// foreignKeys are made once: two signature keys that are published, and one of each that is not.
var foreignKeys = sync.OnceValue(func() (k struct {
	rsa, otherRSA *rsa.PrivateKey
	ec, otherEC   *ecdsa.PrivateKey
}) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.otherRSA, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	k.otherEC, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return k
})

func newForeign(t testing.TB) *foreign {
	f := &foreign{}
	keys := foreignKeys()
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.fetches.Add(1)
		issuer, discovery := strings.CutSuffix(r.URL.Path, "/.well-known/openid-configuration")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case f.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case discovery:
			_ = json.NewEncoder(w).Encode(params{"issuer": f.URL + issuer, "jwks_uri": f.URL + "/keys"})
		default:
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
				{Key: keys.rsa.Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"},
				{Key: keys.ec.Public(), KeyID: "ec", Algorithm: "ES256", Use: "sig"},
			}})
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// signer is how an assertion is signed.
type signer struct {
	alg    jose.SignatureAlgorithm
	key    any
	header map[jose.HeaderKey]any
}

func esSigner() signer {
	return signer{jose.ES256, foreignKeys().ec, map[jose.HeaderKey]any{"kid": "ec", "typ": "JWT"}}
}

func rsSigner() signer {
	return signer{jose.RS256, foreignKeys().rsa, map[jose.HeaderKey]any{"kid": "rsa", "typ": "JWT"}}
}

// sign makes the JWT. Claims that are a text are signed as they are.
func (s signer) sign(t testing.TB, claims any) string {
	t.Helper()
	payload, ok := claims.(string)
	if !ok {
		b, err := json.Marshal(claims)
		must(t, err)
		payload = string(b)
	}
	j, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: s.key}, &jose.SignerOptions{ExtraHeaders: s.header})
	must(t, err)
	jws, err := j.Sign([]byte(payload))
	must(t, err)
	text, err := jws.CompactSerialize()
	must(t, err)
	return text
}
