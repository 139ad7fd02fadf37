package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"
)

// issuer is a trusted token issuer with an RSA key, for what is measured, and an EC key, for what is only prepared.
type issuer struct {
	url string
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func startIssuer() (*issuer, error) {
	i := &issuer{}
	var err error
	if i.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	if i.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i.url = "http://" + l.Addr().String()
	point, err := i.ec.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", answer(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"}))
	mux.HandleFunc("GET /keys", answer(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "RS256", "alg": "RS256", "use": "sig", "n": b64(i.rsa.N.Bytes()), "e": b64(big.NewInt(int64(i.rsa.E)).Bytes())},
		{"kty": "EC", "crv": "P-256", "kid": "ES256", "alg": "ES256", "use": "sig", "x": b64(point[1:33]), "y": b64(point[33:])},
	}}))
	go http.Serve(l, mux) //nolint:errcheck // ends with the program
	return i, nil
}

func answer(value any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value) // the client is gone: nothing to do
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// assertion vouches for one user, once.
func (i *issuer) assertion(algorithm, email string) (string, error) {
	now := time.Now()
	text := b64(mustJSON(map[string]string{"alg": algorithm, "typ": "JWT", "kid": algorithm})) + "." + b64(mustJSON(map[string]any{
		"iss": i.url, "sub": email, "aud": "worker", "email": email, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}))
	digest := sha256.Sum256([]byte(text))
	if algorithm == "RS256" {
		signature, err := rsa.SignPKCS1v15(nil, i.rsa, crypto.SHA256, digest[:])
		return text + "." + b64(signature), err
	}
	r, s, err := ecdsa.Sign(rand.Reader, i.ec, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + b64(signature), nil
}

// inParallel makes n things on all cores.
func inParallel(n int, do func(i int) error) error {
	workers := runtime.GOMAXPROCS(0)
	faults := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && faults[w] == nil; i += workers {
				faults[w] = do(i)
			}
		})
	}
	wg.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}
