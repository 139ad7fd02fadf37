package sigv4

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// resign prepares a signature over other headers than Sign would choose.
func resign(r *http.Request, body, signedHeaders string) (*message, *claim) {
	c := newClaim(example.AccessKeyID, "sts", "us-east-1", exampleTime)
	c.signedHeaders = signedHeaders
	target, _ := parseTarget(r)
	return &message{
		method: r.Method, path: target.path, query: target.query, host: host(r), contentLength: r.ContentLength,
		header: r.Header, signedHeaders: signedHeaders, bodyHash: hashBody([]byte(body)),
	}, c
}

func authorization(c *claim, signature []byte) string {
	return fmt.Sprintf("%s Credential=%s, SignedHeaders=%s, Signature=%x", algorithm, c.credential(), c.signedHeaders, signature)
}

// signOver signs r over exactly these headers, whatever the rules say.
func signOver(r *http.Request, body, signedHeaders string) {
	m, c := resign(r, body, signedHeaders)
	var f forms
	f.add(m.appendCanonical(nil, m.path), c.timestamp, c.scope)
	key := deriveKey(example.SecretAccessKey, c.scope)
	r.Header.Set("Authorization", authorization(c, mac(key[:], f.text[0])))
}

// TestCoverage: a signature that is right over what it covers is refused where it covers too little or unclear things
// (C02, C03).
func TestCoverage(t *testing.T) {
	const all = "content-type;host;x-amz-date;x-amz-target"
	tests := []struct {
		name, signed string
		edit         func(*http.Request)
		code         string
	}{
		{"all", all, func(*http.Request) {}, ""},
		{"content-length of the request", "content-length;" + strings.TrimPrefix(all, "content-type;"), func(*http.Request) {}, ""},
		{"host unsigned", "content-type;x-amz-date;x-amz-target", func(*http.Request) {}, codeMismatch},
		{"x-amz-target unsigned", "content-type;host;x-amz-date", func(*http.Request) {}, codeMismatch},
		{"x-amz-date unsigned", "content-type;host;x-amz-target", func(*http.Request) {}, codeMismatch},
		{"signed header absent", "absent;" + all, func(*http.Request) {}, codeMismatch},
		{"second copy", all, func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }, codeMismatch},
		{"same value twice", all, func(r *http.Request) { r.Header.Add("Content-Type", "application/json") }, codeMismatch},
		{"second token", "content-type;host;x-amz-date;x-amz-security-token;x-amz-target", func(r *http.Request) {
			r.Header["X-Amz-Security-Token"] = []string{"a", "b"}
		}, codeMismatch},
		{"token unsigned", all, func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "a") }, codeMismatch},
		{"other spelling in the map", all, func(r *http.Request) { r.Header["x-amz-target"] = []string{"Other"} }, codeMismatch},
		{"unknown length", "content-length;" + strings.TrimPrefix(all, "content-type;"), func(r *http.Request) { r.ContentLength = -1 }, codeMismatch},
		{"line break", all, func(r *http.Request) { r.Header.Set("Content-Type", "a\nhost:b") }, codeMismatch},
		{"upper case name", "Content-Type;host;x-amz-date;x-amz-target", func(*http.Request) {}, codeIncomplete},
		{"unordered names", "host;content-type;x-amz-date;x-amz-target", func(*http.Request) {}, codeIncomplete},
		{"name twice", "content-type;host;host;x-amz-date;x-amz-target", func(*http.Request) {}, codeIncomplete},
		{"empty name", ";" + all, func(*http.Request) {}, codeIncomplete},
		{"true hash", "host;x-amz-content-sha256;x-amz-date;x-amz-target", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
		}, ""},
		{"other hash", "host;x-amz-content-sha256;x-amz-date;x-amz-target", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64))
		}, codeMismatch},
		{"unsigned payload", "host;x-amz-content-sha256;x-amz-date;x-amz-target", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		}, codeMismatch},
		{"streaming payload", "host;x-amz-content-sha256;x-amz-date;x-amz-target", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		}, codeMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := post(t, "/", "{}")
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			tt.edit(r)
			signOver(r, "{}", tt.signed)
			_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			refused(t, err, tt.code)
		})
	}
}

// A payload mode in the canonical request's last line, as S3 has it, is worth nothing here.
func TestPayloadConstantIsNotAHash(t *testing.T) {
	for _, mode := range []string{"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		for _, named := range []bool{false, true} {
			r := post(t, "/", "{}")
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			signed := "host;x-amz-date;x-amz-target"
			if named {
				r.Header.Set("X-Amz-Content-Sha256", mode)
				signed = "host;x-amz-content-sha256;x-amz-date;x-amz-target"
			}
			m, c := resign(r, "{}", signed)
			text := m.appendCanonical(nil, "/")
			text = append(text[:len(text)-64], mode...)
			var f forms
			f.add(text, c.timestamp, c.scope)
			key := deriveKey(example.SecretAccessKey, c.scope)
			r.Header.Set("Authorization", authorization(c, mac(key[:], f.text[0])))
			_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
			refused(t, err, codeMismatch)
		}
	}
}
