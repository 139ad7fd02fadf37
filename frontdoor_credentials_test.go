package symbolon

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/wire"
)

// public are the operations anybody may call. There is none; a new one is a decision, and its place is here.
var public = []string{}

// TestEveryOperationWantsCredentials enumerates the router: without credentials, or with what only looks like some, nothing is done
// (K02).
func TestEveryOperationWantsCredentials(t *testing.T) {
	d := openDoor(t, nil)
	n := 0
	d.everyOperation(func(s *wire.Service, o *wire.Operation) {
		name := s.Name + "." + o.Name
		if o.Auth == wire.None {
			if !slices.Contains(public, name) {
				t.Errorf("%s is open to everybody, and nobody decided that it should be", name)
			}
			return
		}
		n++
		scope := d.AccessKeyID + "/" + time.Now().UTC().Format("20060102") + "/us-east-1/" + s.SigningName + "/aws4_request"
		for what, authorization := range map[string]string{
			"nothing": "", "basic": "Basic YWRtaW46YWRtaW4=", "bearer": "Bearer aoaX", "version 2": "AWS " + d.AccessKeyID + ":c2ln",
			"no signature":    "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=",
			"wrong signature": "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64),
			"ECDSA":           "AWS4-ECDSA-P256-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64),
		} {
			r := d.operationRequest(t, s, o)
			r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			a := d.send(t, r)
			a.machine(t, name)
			if a.status != http.StatusForbidden && a.status != http.StatusBadRequest || !slices.Contains(refusals, a.code()) {
				t.Errorf("%s with %s: %d %s", name, what, a.status, a.text)
			}
		}
	})
	t.Logf("%d operations", n)
	if n < 30 {
		t.Errorf("only %d operations found", n)
	}
}

// refusals are the front layer's codes for requests nobody signed well, in both spellings.
var refusals = []string{
	"MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignatureException", "IncompleteSignature",
	"InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidClientTokenId",
}

// TestSignedForAnotherService: a signature is good for one service, and routing by the signature opens nothing (C15).
func TestSignedForAnotherService(t *testing.T) {
	d := openDoor(t, nil)
	names := []string{"sso-oauth", "sso", "identitystore", "sts", "iam", "s3", "s3tables", "execute-api", "awsssoportal", ""}
	d.everyOperation(func(s *wire.Service, o *wire.Operation) {
		for _, name := range names {
			if name == s.SigningName {
				continue
			}
			a := d.send(t, d.signed(d.operationRequest(t, s, o), name))
			a.machine(t, o.Name)
			if a.status < 400 || !slices.Contains(append(refusals, "InvalidAction"), a.code()) {
				t.Fatalf("%s.%s signed for %q: %d %s", s.Name, o.Name, name, a.status, a.text)
			}
		}
	})
	for _, s := range d.services() {
		a := d.send(t, d.signed(d.operationRequest(t, s, &s.Operations[0]), s.SigningName))
		if slices.Contains(refusals, a.code()) {
			t.Errorf("%s signed for itself is refused: %s", s.Name, a.text)
		}
	}
}

// TestSignatures: what a signature must hold at the token endpoint (C01–C08).
func TestSignatures(t *testing.T) {
	d := openDoor(t, nil)
	now := time.Now()
	sign := func(at time.Time, region string, edit func(*sigv4.Credential)) *http.Request {
		c := d.administrator()
		edit(&c)
		r := d.request(t, "POST", tokenTarget, tokenBody, "Content-Type", "application/json")
		sigv4.Sign(r, []byte(tokenBody), c, "", "sso-oauth", region, at)
		return r
	}
	edited := func(edit func(r *http.Request)) *http.Request {
		r := d.tokenRequest(t)
		edit(r)
		return r
	}
	authorization := func(from, to string) *http.Request {
		return edited(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		})
	}
	none := func(*sigv4.Credential) {}
	day := now.UTC().Format("20060102")
	for name, r := range map[string]*http.Request{
		"unknown key":            sign(now, "us-east-1", func(c *sigv4.Credential) { c.AccessKeyID = "AKIAAAAAAAAAAAAAAAAA" }),
		"wrong secret":           sign(now, "us-east-1", func(c *sigv4.Credential) { c.SecretAccessKey += "x" }),
		"empty secret":           sign(now, "us-east-1", func(c *sigv4.Credential) { c.SecretAccessKey = "" }),
		"six minutes old":        sign(now.Add(-6*time.Minute), "us-east-1", none),
		"six minutes early":      sign(now.Add(6*time.Minute), "us-east-1", none),
		"no region":              sign(now, "", none),
		"strange region":         sign(now, "US_EAST", none),
		"another day":            authorization(day, "20200101"),
		"another terminator":     authorization("aws4_request", "aws5_request"),
		"another region":         authorization("us-east-1", "us-east-2"),
		"lower-case algorithm":   authorization("AWS4-HMAC-SHA256", "aws4-hmac-sha256"),
		"host not signed":        authorization("host;", ""),
		"another body":           edited(func(r *http.Request) { r.Body, r.ContentLength = body(strings.Replace(tokenBody, "aorX", "aorY", 1)) }),
		"another query":          edited(func(r *http.Request) { r.URL.RawQuery += "&x=1" }),
		"another host":           edited(func(r *http.Request) { r.Host = "oidc.us-east-1.amazonaws.com" }),
		"unsigned x-amz header":  edited(func(r *http.Request) { r.Header.Set("X-Amz-Meta", "1") }),
		"a second X-Amz-Date":    edited(func(r *http.Request) { r.Header.Add("X-Amz-Date", r.Header.Get("X-Amz-Date")) }),
		"a second Authorization": edited(func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }),
		"no X-Amz-Date":          edited(func(r *http.Request) { r.Header.Del("X-Amz-Date") }),
		"token with a long-term key": edited(func(r *http.Request) {
			sigv4.Sign(r, []byte(tokenBody), d.administrator(), "IQoJtoken", "sso-oauth", "us-east-1", now)
		}),
		"header and query": edited(func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=x" }),
	} {
		a := d.send(t, r)
		a.machine(t, name)
		if a.status != 403 && a.status != 400 || !strings.HasSuffix(a.code(), "Exception") || a.message() == "" || strings.Contains(a.text, `"error"`) {
			t.Errorf("%s: %d %s %s", name, a.status, a.code(), a.text)
		}
	}
}

// TestGoodSignatures: well signed, a request gets as far as its client, whatever name we were reached by; unknown keys read the same.
func TestGoodSignatures(t *testing.T) {
	d := openDoor(t, nil)
	now := time.Now()
	sign := func(at time.Time, c sigv4.Credential) *http.Request {
		r := d.request(t, "POST", tokenTarget, tokenBody, "Content-Type", "application/json")
		sigv4.Sign(r, []byte(tokenBody), c, "", "sso-oauth", "eu-west-3", at)
		return r
	}
	for _, at := range []time.Time{now, now.Add(-4 * time.Minute), now.Add(4 * time.Minute)} {
		if a := d.send(t, sign(at, d.administrator())); a.code() != "InvalidClientException" || a.status != 401 {
			t.Errorf("signed at %s: %d %s", at, a.status, a.text)
		}
	}
	for _, host := range []string{"oidc.us-east-1.amazonaws.com", "localhost:1", "sso.example"} { // by DNS or through a proxy
		r := d.request(t, "POST", tokenTarget, tokenBody)
		r.Host = host
		if a := d.send(t, d.signed(r, "sso-oauth")); a.code() != "InvalidClientException" {
			t.Errorf("signed for the host %s: %d %s", host, a.status, a.text)
		}
	}
	one := d.send(t, sign(now, sigv4.Credential{AccessKeyID: "AKIAAAAAAAAAAAAAAAAA", SecretAccessKey: "x"}))
	two := d.send(t, sign(now, sigv4.Credential{AccessKeyID: "AKIABBBBBBBBBBBBBBBB", SecretAccessKey: d.SecretAccessKey}))
	if one.text != two.text || one.code() != "UnrecognizedClientException" {
		t.Errorf("two unknown keys are answered %s and %s", one.text, two.text)
	}
}

const tokenBody = `{"clientId":"c","grantType":"refresh_token","refreshToken":"aorX"}`

func body(s string) (io.ReadCloser, int64) { return io.NopCloser(strings.NewReader(s)), int64(len(s)) }

// TestPayloadHashes: what the client claims of its body is compared, never believed (C03).
func TestPayloadHashes(t *testing.T) {
	d := openDoor(t, nil)
	for _, claim := range []string{
		"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", strings.Repeat("0", 64),
	} {
		for _, good := range []bool{true, false} {
			r := d.request(t, "POST", tokenTarget, tokenBody, "Content-Type", "application/json", "X-Amz-Content-Sha256", claim)
			c := d.administrator()
			if !good {
				c.SecretAccessKey = "wrong"
			}
			sigv4.Sign(r, []byte(tokenBody), c, "", "sso-oauth", "us-east-1", time.Now())
			if a := d.send(t, r); a.status != 403 && a.status != 400 || !slices.Contains(refusals, a.code()) {
				t.Errorf("x-amz-content-sha256 %q: %d %s", claim, a.status, a.text)
			}
		}
	}
}

// TestPresigned: the query form is good for a minute at most (C04), and a secret in a URL is no secret (B01).
func TestPresigned(t *testing.T) {
	d := openDoor(t, nil)
	presigned := func(expires time.Duration, edit func(q url.Values)) *http.Request {
		r := d.request(t, "POST", tokenTarget, tokenBody)
		sigv4.Presign(r, []byte(tokenBody), d.administrator(), "", "sso-oauth", "us-east-1", time.Now(), expires)
		q := r.URL.Query()
		edit(q)
		r.URL.RawQuery = q.Encode()
		return r
	}
	nothing := func(url.Values) {}
	if a := d.send(t, presigned(time.Minute, nothing)); a.code() != "InvalidClientException" {
		t.Errorf("a presigned request: %d %s", a.status, a.text)
	}
	for name, r := range map[string]*http.Request{
		"an hour": presigned(time.Hour, nothing), "no expiry": presigned(time.Minute, func(q url.Values) { q.Del("X-Amz-Expires") }),
		"longer by hand": presigned(30*time.Second, func(q url.Values) { q.Set("X-Amz-Expires", "60") }),
		"zero":           presigned(time.Minute, func(q url.Values) { q.Set("X-Amz-Expires", "0") }),
		"negative":       presigned(time.Minute, func(q url.Values) { q.Set("X-Amz-Expires", "-5") }),
		"twice":          presigned(time.Minute, func(q url.Values) { q.Add("X-Amz-Expires", "60") }),
		"case variant":   presigned(time.Minute, func(q url.Values) { q.Set("x-amz-expires", "60") }),
		"no signature":   presigned(time.Minute, func(q url.Values) { q.Del("X-Amz-Signature") }),
	} {
		if a := d.send(t, r); a.status < 400 || !slices.Contains(append(refusals, "InvalidRequestException"), a.code()) {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	for _, m := range []string{"refreshToken", "assertion", "code", "subjectToken", "clientId", "grantType"} {
		r := d.signed(d.request(t, "POST", tokenTarget+"&"+m+"=x", tokenBody), "sso-oauth")
		if a := d.send(t, r); a.code() != "InvalidRequestException" || !strings.Contains(a.message(), m) {
			t.Errorf("%s in the query: %d %s", m, a.status, a.text)
		}
	}
}

// TestRegions: with the setting, a signature for another region is sent home.
func TestRegions(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Regions = []string{"us-east-1", "eu-west-1"} })
	for region, want := range map[string]string{"us-east-1": "InvalidClientException", "eu-west-1": "InvalidClientException", "eu-west-2": "InvalidRequestRegionException"} {
		r := d.request(t, "POST", tokenTarget, tokenBody)
		sigv4.Sign(r, []byte(tokenBody), d.administrator(), "", "sso-oauth", region, time.Now())
		a := d.send(t, r)
		if a.code() != want {
			t.Errorf("%s: %d %s", region, a.status, a.text)
		}
		if home := fmt.Sprintf(`"endpoint":%q`, d.Server.Issuer()); want == "InvalidRequestRegionException" &&
			(a.status != 400 || !strings.Contains(a.text, home) || !strings.Contains(a.text, `"region":"us-east-1"`)) {
			t.Errorf("the answer is %s", a.text)
		}
	}
}

// TestNUL: a token, code or assertion with NUL in it is one that nobody has issued, and is answered as any other such.
func TestNUL(t *testing.T) {
	d := openDoor(t, nil)
	i := newIDP(t)
	analytics, data := d.declare(t, i)
	d.allGrants(t)
	issued, a := d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": i.assertion(t, "one")})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	refresh, access := issued["refreshToken"].(string), issued["accessToken"].(string)
	for _, spoilt := range []func(string) string{
		func(s string) string { return s + "\x00" },
		func(s string) string { return s[:3] + "\x00" + s[3:] },
		func(string) string { return "\x00" },
	} {
		for name, in := range map[string]map[string]string{
			"refresh token": {"clientId": analytics, "grantType": "refresh_token", "refreshToken": spoilt(refresh)},
			"assertion":     {"clientId": analytics, "grantType": jwtBearer, "assertion": spoilt(i.assertion(t, "two"))},
			"subject token": {"clientId": data, "grantType": tokenExchange, "subjectToken": spoilt(access), "subjectTokenType": accessToken},
			"code": {"clientId": analytics, "grantType": "authorization_code", "code": spoilt("code"), "redirectUri": "http://127.0.0.1/callback",
				"codeVerifier": strings.Repeat("v", 43)},
			"verifier": {"clientId": analytics, "grantType": "authorization_code", "code": "code", "redirectUri": "http://127.0.0.1/callback",
				"codeVerifier": spoilt(strings.Repeat("v", 43))},
		} {
			if _, a := d.create(t, in); a.status != 400 || a.code() != "InvalidGrantException" {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
		}
		for _, token := range []string{refresh, access} {
			form := url.Values{"token": {spoilt(token)}, "client_id": {analytics}}.Encode()
			if a := d.send(t, d.signed(d.request(t, "POST", "/oauth2/introspect", form), "sso-oauth")); a.status != 200 || a.text != `{"active":false}` {
				t.Errorf("introspection: %d %s", a.status, a.text)
			}
			if a := d.send(t, d.signed(d.request(t, "POST", "/oauth2/revoke", form), "sso-oauth")); a.status != 200 || a.text != "{}" {
				t.Errorf("revocation: %d %s", a.status, a.text)
			}
		}
	}
	if !d.active(t, analytics, refresh) || !d.active(t, analytics, access) {
		t.Error("what was never presented has ended")
	}
	for _, in := range []map[string]string{
		{"clientId": analytics + "\x00", "grantType": "refresh_token", "refreshToken": refresh},
		{"clientId": analytics, "grantType": "refresh_token\x00", "refreshToken": refresh},
	} {
		if _, a := d.create(t, in); a.status != 400 || a.code() != "InvalidRequestException" {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
}
