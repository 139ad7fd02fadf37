package wire

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

const benchBody = `{"clientId":"arn:aws:sso::123456789012:application/ssoins-1111111111111111/apl-2222222222222222",` +
	`"grantType":"urn:ietf:params:oauth:grant-type:token-exchange","scope":["openid","aws","sts:identity_context"],"code":"aoaAAAAAGVUYW5kb21hY2Nlc3N0b2tlbg"}`

// BenchmarkToken is the codec's share of one CreateTokenWithIAM: decode, validate, encode.
func BenchmarkToken(b *testing.B) {
	in, out := compile("In", reflect.TypeFor[tokenInput]()), compile("Out", reflect.TypeFor[tokenOutput]())
	answer := tokenOutput{AccessToken: new("aoaAAAAAGVUYW5kb21hY2Nlc3N0b2tlbg"), TokenType: new("Bearer"), ExpiresIn: new(3600),
		Scope: []string{"openid", "aws", "sts:identity_context"}}
	body := []byte(benchBody)
	b.ReportAllocs()
	for b.Loop() {
		var v tokenInput
		r := &reading{}
		seen, err := r.decodeJSON(in, reflect.ValueOf(&v).Elem(), body)
		if err != nil {
			b.Fatal(err)
		}
		r.require(in, seen)
		if err := r.validate(in, reflect.ValueOf(&v).Elem()); err != nil {
			b.Fatal(err)
		}
		if _, err := out.appendJSON(make([]byte, 0, 512), reflect.ValueOf(&answer).Elem()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecord is what the audit event shows of an input, as a map and as JSON.
func BenchmarkRecord(b *testing.B) {
	in := compile("In", reflect.TypeFor[tokenInput]())
	var v tokenInput
	if _, err := (&reading{}).decodeJSON(in, reflect.ValueOf(&v).Elem(), []byte(benchBody)); err != nil {
		b.Fatal(err)
	}
	c := &Call{Input: &v, Operation: &Operation{plan: &plan{in: in}}}
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.RequestParameters()
		}
	})
	b.Run("JSON", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if buf, err = c.AppendRequest(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkServe is the whole door, from the request to the answer, with hooks that do nothing.
func BenchmarkServe(b *testing.B) {
	h := newHouse(nil)
	h.Finish = func(context.Context, *Call) error { return nil }
	handler := h.Handler()
	r := httptest.NewRequest("POST", "/token?aws_iam=t", nil)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body := strings.NewReader(benchBody)
		r.Body, r.ContentLength = readCloser{body}, body.Size()
		handler.ServeHTTP(w, r)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
