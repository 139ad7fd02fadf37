package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/wire"
)

// The benchmarks take requests through the whole pipeline, from the bytes of a signed request to those of the answer, without a
// network and with the store in memory. Evidence is made and requests are signed beforehand; every token is distinct.

// benchWorld is a world whose handler is called directly. It keeps no events.
type benchWorld struct {
	*world
	handler http.Handler
}

func newBenchWorld(b *testing.B) *benchWorld {
	w := newHousedWorld(b)
	w.t = b
	verifier := &sigv4.Verifier{Lookup: w.IAM.Credential}
	var events []byte
	api := &wire.Server{
		Services: []*wire.Service{w.Service(), w.TokenService()}, Now: w.now, Log: w.Log,
		Authenticate: func(ctx context.Context, c *wire.Call) error {
			id, err := verifier.Verify(ctx, c.Request, c.Body, c.Service.SigningName)
			c.Caller, c.Region = id.Principal, id.Region
			return err
		},
		Authorize: func(context.Context, *wire.Call) error {
			return accessDenied(callerSigned, "nothing here is authorized by identity alone")
		},
		Finish: func(_ context.Context, c *wire.Call) error {
			var err error
			if events, err = c.AppendRequest(events[:0]); err == nil {
				events, err = c.AppendResponse(events)
			}
			return err
		},
		MapError: func(error) *wire.Error { return nil },
	}
	return &benchWorld{w, api.Handler()}
}

// run measures one request per piece of evidence.
func (w *benchWorld) run(b *testing.B, evidence func() params) {
	requests := make([]*http.Request, b.N)
	for i := range requests {
		in := evidence()
		in["clientId"] = w.client.ARN
		body, err := json.Marshal(in)
		must(b, err)
		requests[i] = w.arriving(w.signed(b, w.caller, "/token?aws_iam=t", "application/json", body), body)
	}
	w.serve(b, requests)
}

// arriving is a client's request as a server sees it.
func (w *benchWorld) arriving(sent *http.Request, body []byte) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), sent.Method, sent.URL.String(), bytes.NewReader(body))
	r.Header, r.Host = sent.Header, sent.URL.Host
	r.RequestURI = sent.URL.RequestURI()
	return r
}

func (w *benchWorld) serve(b *testing.B, requests []*http.Request) {
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range requests {
		answer := status{header: http.Header{}}
		w.handler.ServeHTTP(&answer, r)
		if answer.code != http.StatusOK {
			b.Fatalf("HTTP %d %s", answer.code, answer.refusal)
		}
	}
}

// status keeps of an answer only whether it is a success, so that what is measured is the server's.
type status struct {
	header  http.Header
	code    int
	refusal []byte
}

func (s *status) Header() http.Header { return s.header }

func (s *status) WriteHeader(code int) { s.code = code }

func (s *status) Write(b []byte) (int, error) {
	if s.code != http.StatusOK {
		s.refusal = bytes.Clone(b)
	}
	return len(b), nil
}

// BenchmarkRefresh rotates; without openid there is no ID token.
func BenchmarkRefresh(b *testing.B) {
	for name, scopes := range map[string][]string{"access": {scopeRead}, "access+id": {scopeRead, ScopeOpenID}, "all": nil} {
		b.Run(name, func(b *testing.B) {
			w := newBenchWorld(b)
			w.run(b, func() params {
				in := refreshing(w.present(w.assertion()).granted(b))
				if scopes != nil {
					in["scope"] = scopes
				}
				return in
			})
		})
	}
}

func BenchmarkJWTBearer(b *testing.B) {
	w := newBenchWorld(b)
	w.run(b, func() params {
		return params{"grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": rsSigner().sign(b, w.claims()), "scope": []string{scopeRead, ScopeOpenID}}
	})
}

func BenchmarkAuthorizationCode(b *testing.B) {
	w := newBenchWorld(b)
	w.run(b, func() params { return w.codeFor(w.client, scopeRead, ScopeOpenID) })
}

func BenchmarkTokenExchange(b *testing.B) {
	w := newBenchWorld(b)
	subject := w.as(w.front).present(w.codeFor(w.front)).granted(b)
	w.run(b, func() params {
		in := exchanging(subject)
		in["scope"] = []string{scopeRead, ScopeOpenID}
		return in
	})
}

func BenchmarkIntrospect(b *testing.B) {
	w := newBenchWorld(b)
	tokens := w.present(w.assertion()).granted(b)
	for name, member := range map[string]string{"access": "accessToken", "refresh": "refreshToken"} {
		b.Run(name, func(b *testing.B) {
			requests := make([]*http.Request, b.N)
			for i := range requests {
				body := []byte(url.Values{"token": {tokens.str(member)}, "client_id": {w.client.ARN}}.Encode())
				requests[i] = w.arriving(w.signed(b, w.caller, "/oauth2/introspect", "application/x-www-form-urlencoded", body), body)
			}
			w.serve(b, requests)
		})
	}
}
