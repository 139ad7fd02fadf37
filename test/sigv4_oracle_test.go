package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/symbolon/symbolon/internal/sigv4"
)

// What the SDK for Go signs, our verifier must accept after a journey over the wire, and must refuse once anything that
// is signed has changed. The corpus is every combination of the parts below.
var (
	oddPaths = []string{
		"", "/", "//", "/token", "/a//b/", "/a/./b", "/a/../b", "/a/..", "/.well-known/x", "/%2F", "/a%2Fb", "/a%20b", "/a+b",
		"/%25", "/é", "/ሴ", "/~._-", "/!$&'()*,;=:@", "/a%2e%2e/b",
	}
	oddQueries = []string{
		"", "aws_iam=t", "a=b&a=a&A=c", "b&a=", "a=b+c", "a=%2B", "a=%20", "a=é&%C3%A9=a", "a=/-&a=-/", "a/=1&a-=2", "~a=%7E", "a==b",
		"x-amz-client-auth-method=iam", "z=1&&y=2",
	}
	oddHeaders = []http.Header{
		{},
		{"Content-Type": {"application/json"}},
		{"X-Amz-Target": {"Service.Operation"}, "X-Odd": {"  a   b  "}},
		{"X-Empty": {""}, "X-Quoted": {`"a   b"`}, "Amz-Sdk-Invocation-Id": {"1"}, "User-Agent": {"sdk"}, "X-Amzn-Trace-Id": {"Root=1"}},
	}
	oddBodies = []string{"", "{}", "a=b&c", "\x00\xff\r\n\r\n", strings.Repeat("x", 70_000)}
)

const (
	oracleService = "sso-oauth"
	oracleRegion  = "eu-west-1"
)

var oracleTime = time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC)

func TestSDKSignaturesVerify(t *testing.T) {
	for _, token := range []string{"", "FwoGZXIvYXdzEXAMPLE/+="} {
		for _, path := range oddPaths {
			for _, query := range oddQueries {
				for i, header := range oddHeaders {
					body := oddBodies[(i+len(path)+len(query))%len(oddBodies)]
					for _, presign := range []bool{false, true} {
						name := fmt.Sprintf("presign=%t token=%q path=%q query=%q header=%d", presign, token, path, query, i)
						checkOracle(t, name, path, query, header, body, token, presign)
					}
				}
			}
		}
	}
}

// checkOracle signs with the SDK and verifies, then changes one part at a time.
func checkOracle(t *testing.T, name, path, query string, header http.Header, body, token string, presign bool) {
	t.Helper()
	wire := sdkRequest(t, path, query, header, body, token, presign)
	v := &sigv4.Verifier{
		Now: func() time.Time { return oracleTime.Add(30 * time.Second) },
		Lookup: func(_ context.Context, id, sessionToken string) (sigv4.Credential, error) {
			if id != "AKIDEXAMPLE" || sessionToken != token {
				return sigv4.Credential{}, sigv4.ErrUnknownKey
			}
			return sigv4.Credential{AccessKeyID: id, SecretAccessKey: "secret"}, nil
		},
	}
	verify := func(change func(r *http.Request, body []byte) []byte) error {
		r, received := receiveWire(t, wire)
		_, err := v.Verify(context.Background(), r, change(r, received), oracleService)
		return err
	}
	if err := verify(func(_ *http.Request, b []byte) []byte { return b }); err != nil {
		t.Errorf("%s: %v\n%.2000s", name, err, wire)
	}
	for what, change := range map[string]func(*http.Request, []byte) []byte{
		"body":   func(_ *http.Request, b []byte) []byte { return append(b, 'x') },
		"host":   func(r *http.Request, b []byte) []byte { r.Host = "other"; return b },
		"method": func(r *http.Request, b []byte) []byte { r.Method = "PUT"; return b },
		"path":   func(r *http.Request, b []byte) []byte { r.RequestURI = "/x" + r.RequestURI; return b },
		"header": func(r *http.Request, b []byte) []byte { r.Header.Set("X-Amz-Added", "x"); return b },
		"query": func(r *http.Request, b []byte) []byte {
			separator := "?"
			if strings.Contains(r.RequestURI, "?") {
				separator = "&"
			}
			r.RequestURI += separator + "added"
			return b
		},
	} {
		if verify(change) == nil {
			t.Errorf("%s: accepted with another %s", name, what)
		}
	}
}

// sdkRequest is a request as the SDK puts it on the wire.
func sdkRequest(t *testing.T, path, query string, header http.Header, body, token string, presign bool) []byte {
	t.Helper()
	u, err := url.Parse("http://oidc.eu-west-1.amazonaws.com:8080" + path)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = query
	r, err := http.NewRequest("POST", u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	cred := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: token}
	if presign {
		r.URL.RawQuery = strings.TrimPrefix(query+"&X-Amz-Expires=60", "&")
		signed, headers, err := v4.NewSigner().PresignHTTP(t.Context(), cred, r, hash, oracleService, oracleRegion, oracleTime)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = http.NewRequest("POST", signed, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		headers.Del("Host")
		headers.Del("Content-Length")
		r.Header = headers
	} else if err := v4.NewSigner().SignHTTP(t.Context(), cred, r, hash, oracleService, oracleRegion, oracleTime); err != nil {
		t.Fatal(err)
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return wire.Bytes()
}

func receiveWire(t *testing.T, wire []byte) (*http.Request, []byte) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, body
}
