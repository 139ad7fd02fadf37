package sigv4

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
)

// plainQuery is the canonical query by way of net/url.
func plainQuery(values url.Values) string {
	var pairs [][2]string
	for name, list := range values {
		for _, value := range list {
			pairs = append(pairs, [2]string{awsEscape(name), awsEscape(value)})
		}
	}
	sort.Slice(pairs, func(i, j int) bool {
		a, b := pairs[i], pairs[j]
		return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
	})
	var out []string
	for _, p := range pairs {
		out = append(out, p[0]+"="+p[1])
	}
	return strings.Join(out, "&")
}

func awsEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// FuzzCanonical holds paths and queries against what net/url makes of them.
func FuzzCanonical(f *testing.F) {
	for _, seed := range [][2]string{
		{"/", ""}, {"/token", "aws_iam=t"}, {"//a/./b/../c/", "b=2&a=1&a=%20&a=+"}, {"/%2F/ሴ", "%61=%7E&&=x&y"}, {"/a b", "a=%"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		normal := normalizePath("/" + path)
		if again := normalizePath(normal); again != normal {
			t.Errorf("normalizing %q again gives %q", normal, again)
		}
		if strings.Contains(normal+"/", "/./") || strings.Contains(normal+"/", "/../") || strings.Contains(normal, "//") {
			t.Errorf("normalizePath(%q) = %q", "/"+path, normal)
		}
		escaped := string(appendEscaped(nil, path, true))
		if back, err := url.PathUnescape(escaped); err != nil || back != path {
			t.Errorf("path %q became %q", path, escaped)
		}
		params, ok := parseQuery(query)
		values, err := url.ParseQuery(query)
		if strings.Contains(query, ";") {
			return // plain text to AWS, an error to net/url
		}
		if ok != (err == nil) {
			t.Fatalf("parseQuery(%q) ok = %t, net/url says %v", query, ok, err)
		}
		if !ok {
			return
		}
		if got, want := string(appendQuery(nil, params, false)), plainQuery(values); got != want {
			t.Errorf("query %q\ngot  %s\nwant %s", query, got, want)
		}
	})
}

// FuzzVerify feeds whole requests: nothing panics, every refusal is a proper one, and what is accepted was signed.
func FuzzVerify(f *testing.F) {
	for _, place := range []string{"header", "query"} {
		r, _ := http.NewRequest("POST", "http://127.0.0.1:8080/token?aws_iam=t", strings.NewReader("{}"))
		places[place](r, "{}", example, testToken, "sso-oauth", "us-east-1", exampleTime)
		var buf bytes.Buffer
		if err := r.Write(&buf); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=;, Signature=0\r\n\r\n"))
	f.Add([]byte("GET /?X-Amz-Algorithm&x-amz-date=%zz HTTP/1.0\r\nHost: h\r\n\r\n"))
	stranger := example
	stranger.SecretAccessKey = "of no seed"
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, body := parseWire(wire)
		if r == nil {
			return
		}
		for _, cred := range []Credential{example, stranger} {
			v := &Verifier{Lookup: knows(cred), Now: fixed(exampleTime)}
			id, err := v.Verify(context.Background(), r, body, "sso-oauth")
			var e *Error
			switch {
			case err == nil && (cred == stranger || id.AccessKeyID != example.AccessKeyID):
				t.Fatalf("accepted as %+v", id)
			case err != nil && (!errors.As(err, &e) || e.Code == e.QueryCode() || e.Status < 400 || e.Status > 403):
				t.Fatalf("refused with %v", err)
			}
		}
	})
}
