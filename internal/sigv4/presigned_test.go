package sigv4

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestExpires(t *testing.T) {
	for expires, ok := range map[string]bool{
		"1": true, "60": true, "0": false, "61": false, "-1": false, "+1": false, "01": false, "1.5": false, "604800": false,
		"18446744073709551617": false, "1 ": false, "１": false,
	} {
		if _, got := parseExpires(expires); got != ok {
			t.Errorf("X-Amz-Expires=%s: %t", expires, got)
		}
	}
	r := post(t, "/", "")
	Presign(r, nil, example, "", "sts", "us-east-1", exampleTime, time.Hour)
	_, err := newVerifier().Verify(t.Context(), r, nil, "sts")
	refused(t, err, codeMismatch)
}

// TestPresignedQuery: whatever could be read in two ways is refused (C04, C12).
func TestPresignedQuery(t *testing.T) {
	tests := []struct {
		name string
		edit func(*http.Request)
		code string
	}{
		{"header as well", func(r *http.Request) {
			other := r.Clone(context.Background())
			Sign(other, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
			r.Header = other.Header
		}, codeMismatch},
		{"bearer as well", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, codeMismatch},
		{"token in a header", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, codeMismatch},
		{"date in a header", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20150830T123600Z") }, codeMismatch},
		{"unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Other", "x") }, codeMismatch},
		{"signature twice", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=" + strings.Repeat("0", 64) }, codeMismatch},
		{"token twice", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Security-Token=other" }, codeMismatch},
		{"folded twin", func(r *http.Request) { r.URL.RawQuery += "&x-amz-credential=x" }, codeMismatch},
		{"escaped twin", func(r *http.Request) { r.URL.RawQuery += "&X%2DAmz-Credential=x" }, codeMismatch},
		{"folded name", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Amz-Expires", "x-amz-expires", 1)
		}, codeMismatch},
		{"other twins", func(r *http.Request) { r.URL.RawQuery += "&x-amz-a=1&X-Amz-A=1" }, codeMismatch},
		{"unsigned parameter", func(r *http.Request) { r.URL.RawQuery += "&a=b" }, codeMismatch},
		{"malformed escape", func(r *http.Request) { r.URL.RawQuery += "&a=%zz" }, codeMismatch},
		{"claimed hash", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD" }, codeMismatch},
		{"other algorithm", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, algorithm, "AWS4-ECDSA-P256-SHA256", 1)
		}, codeIncomplete},
		{"bad date", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "20150830T123600Z", "20150830T123660Z", 1)
		}, codeIncomplete},
	}
	for _, name := range []string{queryAlgorithm, queryCredential, queryDate, queryExpires, querySignature, querySignedHeaders} {
		tests = append(tests, struct {
			name string
			edit func(*http.Request)
			code string
		}{"without " + name, func(r *http.Request) {
			q := r.URL.Query()
			q.Del(name)
			r.URL.RawQuery = q.Encode()
		}, codeIncomplete})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := post(t, "/", "{}")
			Presign(r, []byte("{}"), example, testToken, "sts", "us-east-1", exampleTime, time.Minute)
			tt.edit(r)
			_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
			refused(t, err, tt.code)
		})
	}
}

func TestHeaderAuthWithQueryRemnants(t *testing.T) {
	for _, name := range reserved {
		r := post(t, "/?"+url.QueryEscape(name)+"=x", "{}")
		Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
		_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
		refused(t, err, codeMismatch)
	}
	// A service's own parameter of that prefix is none of ours.
	r := post(t, "/?x-amz-client-auth-method=iam", "{}")
	Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
	if _, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts"); err != nil {
		t.Error(err)
	}
}
