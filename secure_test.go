package symbolon

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serveTest hangs the server on loopback and returns its address.
func serveTest(t *testing.T, s *Server) string {
	t.Helper()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return h.Listener.Addr().String()
}

// raw sends bytes as they stand and reads the answer.
func raw(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	check(t, err)
	defer c.Close()
	_, err = io.WriteString(c, request)
	check(t, err)
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	check(t, err)
	body, err := io.ReadAll(response.Body)
	check(t, err)
	return response, string(body)
}

// TestAmbiguousRequestsAreRefused: what two parsers could read differently is answered 400, in JSON (RFC 9112 §3.2, §6).
func TestAmbiguousRequestsAreRefused(t *testing.T) {
	address := serveTest(t, testServer(t, Config{}))
	for name, request := range map[string]string{
		"absolute form":             "GET http://HOST/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"absolute form, other host": "GET http://evil.example/healthz HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"chunked":                   "POST /token?aws_iam=t HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunked with a length":     "POST /token?aws_iam=t HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"CONNECT":                   "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			response, body := raw(t, address, strings.ReplaceAll(request, "HOST", address))
			if response.StatusCode != http.StatusBadRequest || response.Header.Get("X-Amzn-Errortype") != "InvalidRequestException" || !response.Close {
				t.Errorf("HTTP %d %v: %s", response.StatusCode, response.Header, body)
			}
			refusedAsJSON(t, response, body)
		})
	}
	for name, request := range map[string]string{
		"two hosts":    "GET /healthz HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n",
		"no host":      "GET /healthz HTTP/1.1\r\n\r\n",
		"two lengths":  "POST /token?aws_iam=t HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"odd encoding": "POST /token?aws_iam=t HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"odd chunking": "POST /token?aws_iam=t HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) { // these net/http refuses before us
			if response, body := raw(t, address, strings.ReplaceAll(request, "HOST", address)); response.StatusCode != http.StatusBadRequest && response.StatusCode != http.StatusNotImplemented {
				t.Errorf("HTTP %d: %s", response.StatusCode, body)
			}
		})
	}
}

// refusedAsJSON: an SDK must be able to read the refusal, so it is never HTML, plain text or a redirect.
func refusedAsJSON(t *testing.T, response *http.Response, body string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); err != nil || object["message"] == nil && object["Message"] == nil {
		t.Errorf("HTTP %d with the body %q", response.StatusCode, body)
	}
	if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/") || !strings.Contains(kind, "json") {
		t.Errorf("Content-Type %q", kind)
	}
	if response.StatusCode < 400 || response.StatusCode > 499 || response.Header.Get("Location") != "" {
		t.Errorf("HTTP %d, Location %q", response.StatusCode, response.Header.Get("Location"))
	}
}

// TestStrangePathsAnswerJSON: the mux would redirect some of these, and an SDK's signature does not survive a redirect.
func TestStrangePathsAnswerJSON(t *testing.T) {
	address := serveTest(t, testServer(t, Config{}))
	for _, path := range []string{
		"//", "//token", "/token//", "/a//b", "/./token", "/a/../token", "/a/..", "/.", "/..", "/.env", "/token/", "/TOKEN", "/nothing", "/%2e%2e/token",
		"/token%2f", "/.well-known/", "/.well-known/nothing", "/.well-known/../token", "/.well-known//jwks.json", "/oauth2/", "/healthz/",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			t.Run(method+" "+path, func(t *testing.T) {
				response, body := raw(t, address, method+" "+path+" HTTP/1.1\r\nHost: "+address+"\r\nContent-Length: 0\r\n\r\n")
				refusedAsJSON(t, response, body)
				if response.Header.Get("X-Amzn-Requestid") == "" {
					t.Error("the answer has no request id")
				}
			})
		}
	}
}

// TestHeadersOfEveryAnswer: nothing sniffs, nothing names the server, and over TLS browsers stay there.
func TestHeadersOfEveryAnswer(t *testing.T) {
	s := testServer(t, Config{})
	for _, overTLS := range []bool{false, true} {
		handler := secure(s.Handler(), s.Handler(), s.Handler(), overTLS)
		for _, target := range []string{"/healthz", "/token?aws_iam=t", "/authorize", "/.well-known/jwks.json", "/nothing", "//"} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
			h := w.Header()
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Server") != "" || h.Get("X-Powered-By") != "" {
				t.Errorf("%s: headers %v", target, h)
			}
			if got := h.Get("Strict-Transport-Security") != ""; got != overTLS {
				t.Errorf("%s: Strict-Transport-Security %v, TLS %v", target, got, overTLS)
			}
		}
	}
	for issuer, told := range map[string]bool{"https://sso.example": true, "http://127.0.0.1:8080": false} {
		w := httptest.NewRecorder()
		testServer(t, Config{Issuer: issuer}).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/signin", nil))
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != told {
			t.Errorf("issuer %s: Strict-Transport-Security %v", issuer, got)
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/authorize", nil))
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != http.StatusBadRequest || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") ||
		strings.Contains(policy, "unsafe-inline") || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("HTTP %d with %v", w.Code, w.Header())
	}
}

// TestIssuerWithPath: everything is reached below the issuer's path, and a signature counts there.
func TestIssuerWithPath(t *testing.T) {
	s := testServer(t, Config{Issuer: "http://127.0.0.1:8080/sso"})
	get := func(target string) (int, string) {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w.Code, w.Body.String()
	}
	for _, target := range []string{"/sso/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/sso", "/sso/.well-known/jwks.json", "/sso/healthz"} {
		if status, body := get(target); status != http.StatusOK {
			t.Errorf("%s: HTTP %d: %s", target, status, body)
		}
	}
	if status, body := get("/sso/authorize"); status != http.StatusBadRequest || !strings.Contains(body, "<html") {
		t.Errorf("/sso/authorize: HTTP %d: %s", status, body)
	}
	for _, target := range []string{"/sso", "/sso/nothing", "/ssoauthorize", "/sso/.well-known/nothing"} {
		if status, body := get(target); status != http.StatusNotFound || !json.Valid([]byte(body)) {
			t.Errorf("%s: HTTP %d: %s", target, status, body)
		}
	}
	d := Development{AccountID: "111122223333", AccessKeyID: "AKIATESTTESTTESTTEST", SecretAccessKey: fmt.Sprintf("%040d", 7)}
	mustApply(t, s, smallOrganization)
	_, err := s.Apply(t.Context(), administratorOf(&d))
	check(t, err)
	if status, body := callerIdentity(s, d, "/sso/"); status != http.StatusOK || !strings.Contains(body, administrator) {
		t.Errorf("GetCallerIdentity: HTTP %d: %s", status, body)
	}
}

// TestThroughProxy: only the entry that the proxy itself added counts.
func TestThroughProxy(t *testing.T) {
	var seen string
	h := throughProxy(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = addressOf(r) }))
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{nil, "192.0.2.1"},
		{[]string{"203.0.113.9"}, "203.0.113.9"},
		{[]string{"10.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		{[]string{"10.0.0.1", "203.0.113.9"}, "203.0.113.9"},
		{[]string{"203.0.113.9, nonsense"}, "192.0.2.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header["X-Forwarded-For"] = c.headers
		h.ServeHTTP(httptest.NewRecorder(), r)
		if seen != c.want {
			t.Errorf("%q: %s, not %s", c.headers, seen, c.want)
		}
	}
	s := testServer(t, Config{})
	r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	if r.RemoteAddr != "192.0.2.1:4711" {
		t.Error("without behind-proxy the header must not be believed")
	}
}

// TestDeepPathsAreCheap: an issuer's path is taken off once, however often it stands in a target.
func TestDeepPathsAreCheap(t *testing.T) {
	s := testServer(t, Config{Issuer: "https://example.com/s"})
	r := httptest.NewRequest(http.MethodGet, "/s/s/healthz", nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("/s/s/healthz: HTTP %d", w.Code)
	}
}
