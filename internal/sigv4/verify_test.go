package sigv4

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
