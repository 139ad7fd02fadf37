package sigv4

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const testToken = "FwoGZXIvYXdzEXAMPLE/+="

// post is the request the tests start from, unsigned.
func post(t testing.TB, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("POST", "http://127.0.0.1:8080"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Target", "Service.Operation")
	return r
}

// newVerifier accepts example, at exampleTime, in us-east-1 only.
func newVerifier() *Verifier {
	return &Verifier{Lookup: knows(example), Now: fixed(exampleTime), Regions: []string{"us-east-1"}}
}

// refused asserts an *Error of that code and returns it.
func refused(t *testing.T, err error, code string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a refusal %s", err, code)
	}
	wantStatus := http.StatusForbidden
	if code == codeIncomplete {
		wantStatus = http.StatusBadRequest
	}
	if e.Code != code || e.Status != wantStatus || e.Message == "" || e.Reason == "" {
		t.Fatalf("got %d %v (%s), want %d %s", e.Status, e, e.Reason, wantStatus, code)
	}
	return e
}

// The two places a signature can stand in.
var places = map[string]func(r *http.Request, body string, c Credential, token, service, region string, at time.Time){
	"header": func(r *http.Request, body string, c Credential, token, service, region string, at time.Time) {
		Sign(r, []byte(body), c, token, service, region, at)
	},
	"query": func(r *http.Request, body string, c Credential, token, service, region string, at time.Time) {
		Presign(r, []byte(body), c, token, service, region, at, time.Minute)
	},
}

func TestRoundTrip(t *testing.T) {
	for place, sign := range places {
		for _, target := range []string{"", "/", "/token?aws_iam=t", "/a%20b//c/../d/?q=a+b&q=%2B&q=&z&e=%C3%A9"} {
			var token string
			v := newVerifier()
			v.Lookup = func(_ context.Context, _, sessionToken string) (Credential, error) {
				token = sessionToken
				return example, nil
			}
			for range 2 { // derived, then cached
				r := post(t, target, `{"a":1}`)
				sign(r, `{"a":1}`, example, testToken, "sso-oauth", "us-east-1", exampleTime)
				id, err := v.Verify(t.Context(), r, []byte(`{"a":1}`), "sso-oauth")
				if err != nil {
					t.Fatalf("%s %s: %v", place, target, err)
				}
				if want := (Identity{"AKIDEXAMPLE", "us-east-1", "sso-oauth", exampleTime, place == "query", "example"}); id != want {
					t.Errorf("%s: got %+v, want %+v", place, id, want)
				}
				if token != testToken {
					t.Errorf("%s: Lookup got session token %q", place, token)
				}
			}
			if n := v.derivations.Load(); n != 1 {
				t.Errorf("%s: %d derivations for two requests", place, n)
			}
		}
	}
}

// TestWrongPart signs with one thing wrong at a time, in each place (C01, C04).
func TestWrongPart(t *testing.T) {
	type signer struct {
		cred            Credential
		service, region string
		at              time.Time
		edit            func(string) string // of the finished credential scope
	}
	same := func(s string) string { return s }
	wrong := map[string]func(*signer){
		"secret":        func(s *signer) { s.cred.SecretAccessKey = "wrong" },
		"empty secret":  func(s *signer) { s.cred.SecretAccessKey = "" },
		"service":       func(s *signer) { s.service = "sts" },
		"empty service": func(s *signer) { s.service = "" },
		"region":        func(s *signer) { s.region = "eu-west-1" },
		"empty region":  func(s *signer) { s.region = "" },
		"region's case": func(s *signer) { s.region = "US-EAST-1" },
		"terminator": func(s *signer) {
			s.edit = func(c string) string { return strings.Replace(c, "aws4_request", "aws4", 1) }
		},
		"date of the scope": func(s *signer) {
			s.edit = func(c string) string { return strings.Replace(c, "20150830", "20150829", 1) }
		},
		"no date": func(s *signer) { s.edit = func(c string) string { return strings.Replace(c, "20150830", "", 1) } },
	}
	for place, sign := range places {
		for name, spoil := range wrong {
			t.Run(place+"/"+name, func(t *testing.T) {
				s := signer{example, "sso-oauth", "us-east-1", exampleTime, same}
				spoil(&s)
				r := post(t, "/token?aws_iam=t", "{}")
				sign(r, "{}", s.cred, "", s.service, s.region, s.at)
				editScope(r, s.edit)
				_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sso-oauth")
				refused(t, err, codeMismatch)
			})
		}
	}
}

func editScope(r *http.Request, edit func(string) string) {
	const mark = "AKIDEXAMPLE/"
	if h := r.Header.Get("Authorization"); h != "" {
		before, after, _ := strings.Cut(h, mark)
		c, rest, _ := strings.Cut(after, ",")
		r.Header.Set("Authorization", before+mark+edit(c)+","+rest)
		return
	}
	q := r.URL.Query()
	q.Set(queryCredential, edit(q.Get(queryCredential)))
	r.URL.RawQuery = q.Encode()
}

// TestNoKeyOracle looks at what is done, not at a clock: whoever the claimed key is, a refusal costs one derivation
// (B04, C08), and unknown, disabled and session faults answer alike.
func TestNoKeyOracle(t *testing.T) {
	wrongSecret := example
	wrongSecret.SecretAccessKey = "wrong"
	tests := []struct {
		name   string
		answer error
		cred   Credential
		code   string
	}{
		{"wrong secret", nil, example, codeMismatch},
		{"unknown", fmt.Errorf("iam: %w", ErrUnknownKey), Credential{}, codeUnrecognized},
		{"disabled", ErrDisabled, example, codeUnrecognized},
		{"bad session", ErrBadSession, example, codeUnrecognized},
		{"expired", ErrExpired, example, codeExpired},
		{"record without secret", nil, Credential{AccessKeyID: "AKIDEXAMPLE"}, codeUnrecognized},
		{"record of another key", nil, Credential{AccessKeyID: "OTHER", SecretAccessKey: "wrong"}, codeUnrecognized},
	}
	for place, sign := range places {
		for _, tt := range tests {
			for _, warm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/warm=%t", place, tt.name, warm), func(t *testing.T) {
					v := newVerifier()
					if warm {
						r := post(t, "/", "{}")
						sign(r, "{}", example, "", "sts", "us-east-1", exampleTime)
						if _, err := v.Verify(t.Context(), r, []byte("{}"), "sts"); err != nil {
							t.Fatal(err)
						}
					}
					before := v.derivations.Load()
					v.Lookup = func(context.Context, string, string) (Credential, error) { return tt.cred, tt.answer }
					r := post(t, "/", "{}")
					sign(r, "{}", wrongSecret, "", "sts", "us-east-1", exampleTime)
					id, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
					refused(t, err, tt.code)
					if id != (Identity{}) {
						t.Errorf("a refusal came with %+v", id)
					}
					if n := v.derivations.Load() - before; n != 1 {
						t.Errorf("%d derivations, want 1", n)
					}
				})
			}
		}
	}
}

// Even a right signature does not help a key that Lookup refuses, nor does a cached key outlive its secret (C14).
func TestCachedKeyIsNoPass(t *testing.T) {
	v := newVerifier()
	verify := func() error {
		r := post(t, "/", "{}")
		Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
		_, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	v.Lookup = func(context.Context, string, string) (Credential, error) { return example, ErrDisabled }
	refused(t, verify(), codeUnrecognized)

	rotated := example
	rotated.SecretAccessKey = "rotated"
	v.Lookup = knows(rotated) // its Version not raised
	refused(t, verify(), codeMismatch)
	rotated.Version = "2"
	v.Lookup = knows(rotated)
	refused(t, verify(), codeMismatch)
}

// A store that cannot answer is our fault, not the caller's, and never a pass.
func TestLookupFailure(t *testing.T) {
	down := errors.New("store down")
	v := newVerifier()
	v.Lookup = func(context.Context, string, string) (Credential, error) { return example, down }
	r := post(t, "/", "{}")
	Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
	_, err := v.Verify(t.Context(), r, []byte("{}"), "sts")
	var e *Error
	if !errors.Is(err, down) || errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

func TestTime(t *testing.T) {
	tests := []struct {
		place   string
		offset  time.Duration // of the signature against now
		message string        // "" = accepted
	}{
		{"header", 0, ""},
		{"header", -5 * time.Minute, ""},
		{"header", 5 * time.Minute, ""},
		{"header", -5*time.Minute - time.Second,
			"Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"},
		{"header", 5*time.Minute + time.Second,
			"Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)"},
		{"header", 16 * time.Minute,
			"Signature not yet current: 20150830T125200Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)"},
		{"query", -time.Minute, ""},
		{"query", -61 * time.Second,
			"Signature expired: 20150830T123459Z is now earlier than 20150830T123500Z (20150830T123600Z - 60 sec.)"},
		{"query", 5*time.Minute + time.Second,
			"Signature not yet current: 20150830T124101Z is still later than 20150830T124100Z (20150830T123600Z + 5 min.)"},
	}
	for _, tt := range tests {
		t.Run(tt.place+tt.offset.String(), func(t *testing.T) {
			r := post(t, "/", "{}")
			places[tt.place](r, "{}", example, "", "sts", "us-east-1", exampleTime.Add(tt.offset))
			_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
			if tt.message == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if e := refused(t, err, codeMismatch); e.Message != tt.message {
				t.Errorf("got  %s\nwant %s", e.Message, tt.message)
			}
		})
	}
}

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

// The Date header stands in for X-Amz-Date, in both of its forms.
func TestDateHeader(t *testing.T) {
	for date, code := range map[string]string{
		"20150830T123600Z":              "",
		"Sun, 30 Aug 2015 12:36:00 GMT": "",
		"2015-08-30T12:36:00Z":          codeIncomplete,
		"20150830T123600.5Z":            codeIncomplete,
		"":                              codeIncomplete,
		"Sun, 30 Aug 2015 12:30:00 GMT": codeMismatch,
	} {
		r := post(t, "/", "{}")
		Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		m, c := resign(r, "{}", "content-type;date;host;x-amz-target")
		var f forms
		f.add(m.appendCanonical(nil, "/"), "20150830T123600Z", c.scope)
		key := deriveKey(example.SecretAccessKey, c.scope)
		r.Header.Set("Authorization", authorization(c, mac(key[:], f.text[0])))
		_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
		if code == "" {
			if err != nil {
				t.Errorf("%q: %v", date, err)
			}
		} else {
			refused(t, err, code)
		}
	}
}

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

func TestAuthorizationHeader(t *testing.T) {
	r := post(t, "/", "{}")
	Sign(r, []byte("{}"), example, "", "sts", "us-east-1", exampleTime)
	good := r.Header.Get("Authorization")
	parts := strings.Split(strings.TrimPrefix(good, algorithm+" "), ", ")
	cred, headers, sig := parts[0], parts[1], parts[2]
	tests := []struct{ header, code string }{
		{good, ""},
		{algorithm + " " + cred + "," + headers + "," + sig, ""},
		{algorithm + "  " + sig + " ,\t" + cred + " , " + headers + " ", ""},
		{"", codeMissing},
		{"Bearer x", codeMissing},
		{"Basic QUtJREVYQU1QTEU6eA==", codeMissing},
		{"AWS AKIDEXAMPLE:c2lnbmF0dXJl", codeIncomplete},
		{"AWS3-HTTPS AWSAccessKeyId=AKIDEXAMPLE", codeIncomplete},
		{strings.Replace(good, algorithm, "AWS4-ECDSA-P256-SHA256", 1), codeIncomplete},
		{strings.Replace(good, algorithm, "AWS4-HMAC-SHA512", 1), codeIncomplete},
		{algorithm, codeIncomplete},
		{algorithm + " ", codeIncomplete},
		{algorithm + " " + cred + ", " + headers, codeIncomplete},
		{algorithm + " " + cred + ", " + sig, codeIncomplete},
		{algorithm + " " + headers + ", " + sig, codeIncomplete},
		{good + ",", codeIncomplete},
		{good + ", " + sig, codeIncomplete},
		{good + ", Credential=", codeIncomplete},
		{good + ", Extra=1", codeIncomplete},
		{good + ", " + good, codeIncomplete},
		{strings.Replace(good, "Credential", "credential", 1), codeIncomplete},
		{strings.Replace(good, "/aws4_request", "", 1), codeIncomplete},
		{strings.Replace(good, "AKIDEXAMPLE", "AKID/EXAMPLE", 1), codeIncomplete},
		{strings.Replace(good, "AKIDEXAMPLE", "", 1), codeUnrecognized},
		{strings.Replace(good, "AKIDEXAMPLE", "AKID EXAMPLE", 1), codeUnrecognized},
		{strings.Replace(good, "AKIDEXAMPLE", strings.Repeat("A", 129), 1), codeUnrecognized},
		{algorithm + " " + cred + ", " + headers + ", Signature=" + strings.ToUpper(strings.TrimPrefix(sig, "Signature=")), codeMismatch},
		{good + "00", codeMismatch},
		{good[:len(good)-2], codeMismatch},
		{good[:len(good)-2] + "zz", codeMismatch},
		{algorithm + " " + strings.Repeat("a", maxAuthorization), codeIncomplete},
	}
	for _, tt := range tests {
		r.Header.Set("Authorization", tt.header)
		_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
		if tt.code != "" {
			refused(t, err, tt.code)
		} else if err != nil {
			t.Errorf("%q: %v", tt.header, err)
		}
	}
	r.Header["Authorization"] = []string{good, good}
	_, err := newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
	refused(t, err, codeIncomplete)
	r.Header.Del("Authorization")
	_, err = newVerifier().Verify(t.Context(), r, []byte("{}"), "sts")
	refused(t, err, codeMissing)
}

// No answer and no reason repeats a secret, a session token or a signature.
func TestErrorsKeepSecrets(t *testing.T) {
	r := post(t, "/", "{}")
	Sign(r, []byte("{}"), example, testToken, "sts", "us-east-1", exampleTime)
	_, err := newVerifier().Verify(t.Context(), r, []byte("{x}"), "sts")
	e := refused(t, err, codeMismatch)
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	for _, secret := range []string{example.SecretAccessKey, testToken, signature} {
		if strings.Contains(fmt.Sprintf("%+v", *e), secret) {
			t.Errorf("%+v holds %q", e, secret)
		}
	}
}

func TestQueryCode(t *testing.T) {
	for code, want := range map[string]string{
		codeMismatch: "SignatureDoesNotMatch", codeUnrecognized: "InvalidClientTokenId", codeMissing: "MissingAuthenticationToken",
		codeIncomplete: "IncompleteSignature", codeExpired: "ExpiredToken",
	} {
		if got := (&Error{Code: code}).QueryCode(); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
}

func TestKeyCache(t *testing.T) {
	var k keyCache
	s := scope{"20150830", "us-east-1", "sts", terminator}
	for i := range maxKeys + 10 {
		k.put(Credential{AccessKeyID: fmt.Sprint(i), SecretAccessKey: "s"}, s, signingKey{1})
	}
	if len(k.keys) != maxKeys {
		t.Errorf("%d keys held, want %d", len(k.keys), maxKeys)
	}
	last := Credential{AccessKeyID: fmt.Sprint(maxKeys + 9), SecretAccessKey: "s"}
	if _, ok := k.get(last, s); !ok {
		t.Fatal("the last key is not held")
	}
	k.forget(last.AccessKeyID)
	if _, ok := k.get(last, s); ok || len(k.keys) != maxKeys-1 {
		t.Error("a forgotten key is held")
	}
}
