package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestBodyLimits: judged before the signature, by the announced length or by what arrives.
func TestBodyLimits(t *testing.T) {
	pad := func(n int) string {
		const head, tail = `{"clientId":"c","grantType":"g","code":"`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	refuse := &Error{Code: "InvalidSignatureException", Status: 403, Message: "no"}
	for _, c := range []struct {
		name, line, target, body string
		status                   int
	}{
		{"token, 64 KiB", "/token?aws_iam=t", "", pad(64 << 10), 403},
		{"token, one more", "/token?aws_iam=t", "", pad(64<<10 + 1), 413},
		{"form, one more", "/oauth2/introspect", "", "token=" + strings.Repeat("x", 64<<10), 413},
		{"target, 1 MiB", "/", "SWB.CreateApplication", strings.Repeat(" ", 1<<20), 403},
		{"target, one more", "/", "SWB.CreateApplication", strings.Repeat(" ", 1<<20+1), 413},
		{"query, one more", "/", "", "Action=AssumeRole&RoleArn=" + strings.Repeat("x", 1<<20), 413},
	} {
		for _, chunked := range []bool{false, true} {
			h := newHouse(t)
			h.authn = refuse
			r := httptest.NewRequest("POST", c.line, strings.NewReader(c.body))
			if chunked {
				r.ContentLength = -1
			}
			if c.target != "" {
				r.Header.Set("X-Amz-Target", c.target)
			}
			w := h.serve(r)
			if w.Code != c.status {
				t.Errorf("%s (chunked %v): %d %.200s, want %d", c.name, chunked, w.Code, w.Body, c.status)
			}
			code := w.Header().Get("X-Amzn-Errortype")
			if strings.Contains(w.Header().Get("Content-Type"), "xml") && strings.Contains(w.Body.String(), "<Code>RequestEntityTooLarge</Code>") {
				code = "RequestEntityTooLargeException"
			}
			if w.Code == 413 && (code != "RequestEntityTooLargeException" || (c.target == "" && c.line == "/") != (w.body == nil)) {
				t.Errorf("%s: %v %s", c.name, w.Header(), w.Body)
			}
		}
	}
}

func TestBodyRefusals(t *testing.T) {
	h := newHouse(t)
	for _, encoding := range []string{"gzip", "aws-chunked", "identity, gzip"} {
		if r := h.send("POST /token?aws_iam=t", []string{"Content-Encoding: " + encoding}, "{}"); r.Code != 415 {
			t.Errorf("%s: %d %s", encoding, r.Code, r.Body)
		}
	}
	for _, body := range []io.Reader{strings.NewReader("{"), errReader{}} {
		r := httptest.NewRequest("POST", "/token?aws_iam=t", body)
		r.ContentLength = 10
		if w := h.serve(r); w.Code != 400 || w.Header().Get("X-Amzn-Errortype") != "IncompleteBody" {
			t.Errorf("short body: %d %s", w.Code, w.Body)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("gone") }

// TestErrors: how one error looks in each protocol.
func TestErrors(t *testing.T) {
	h := newHouse(t)
	h.handle = func(context.Context) error {
		return &Error{Code: "AccessDeniedException", Status: 400, Message: "No, \"you\" may not.", Reason: "private", Cause: errForeign,
			Fields: map[string]any{"error": "access_denied", "reason": "KMS_X"}, RetryAfter: 1500 * time.Millisecond}
	}
	r := h.token(`{"clientId":"c","grantType":"g"}`)
	if want := `{"error":"access_denied","error_description":"No, 'you' may not.","message":"No, \"you\" may not.","reason":"KMS_X"}`; r.Body.String() != want {
		t.Errorf("rest-json: %s", r.Body)
	}
	if r.Header().Get("X-Amzn-Errortype") != "AccessDeniedException" || r.Header().Get("Retry-After") != "2" || r.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", r.Header())
	}
	r = h.create(`{"InstanceArn":"arn:1"}`)
	if want := `{"__type":"AccessDeniedException","Message":"No, \"you\" may not.","error":"access_denied","reason":"KMS_X"}`; r.Body.String() != want {
		t.Errorf("JSON 1.1: %s", r.Body)
	}
	r = h.assume("RoleArn=a")
	want := `<ErrorResponse xmlns="https://sts.example/doc/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>No, &#34;you&#34; may not.</Message></Error><RequestId>` +
		h.finished[len(h.finished)-1].RequestID + `</RequestId></ErrorResponse>`
	if r.Body.String() != want {
		t.Errorf("query: %s", r.Body)
	}
	if c := h.finished[len(h.finished)-1]; c.Err.Reason != "private" || c.Output != nil {
		t.Errorf("audit: %+v", c)
	}
}

// TestErrorDescription: RFC 6749 §5.2 allows %x20-21, %x23-5B and %x5D-7E, in whatever is told; the message has the text as it is.
func TestErrorDescription(t *testing.T) {
	h := newHouse(t)
	for text, want := range map[string]string{
		`a"b\é`:            "a'b/?",
		"§ 4 — \U0001F600": "? 4 ? ?",
		"\x00\t\n\x7f ~!":  "???? ~!",
		"too long…":        "too long...",
		"\xff\xfe":         "??",
	} {
		h.handle = func(context.Context) error { return &Error{Code: "InvalidGrantException", Status: 400, Message: text} }
		for _, r := range []reply{h.token(`{"clientId":"c","grantType":"g"}`), h.send("POST /oauth2/introspect", nil, "token=t&client_id=c")} {
			if r.body["error_description"] != want || r.body["message"] != strings.ToValidUTF8(text, "\uFFFD\uFFFD") {
				t.Errorf("%q: %s", text, r.Body)
			}
		}
	}
}

// TestFrontErrors: errors made before the service's own code have both spellings of the message.
func TestFrontErrors(t *testing.T) {
	h := newHouse(t)
	h.authn = &Error{Code: "InvalidSignatureException", Status: 403, Message: "no"}
	if r := h.create(`{`); r.Code != 403 || r.Body.String() != `{"__type":"InvalidSignatureException","Message":"no","message":"no"}` {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.token(`{`); r.Code != 403 || r.Body.String() != `{"message":"no"}` {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.assume(`x`); r.Code != 403 || !strings.Contains(r.Body.String(), "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.send("POST /oauth2/introspect", nil, "token=t"); r.Code != 403 || r.body["error"] != "access_denied" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.send("POST /token", nil, `{"clientId":"c","grantType":"g"}`); r.Code != 200 {
		t.Errorf("an operation without authentication was authenticated: %d %s", r.Code, r.Body)
	}
	h.authn, h.authz = nil, &Error{Code: "AccessDeniedException", Status: 403, Message: "denied"}
	if r := h.create(`{"InstanceArn":"arn:1"}`); r.Code != 403 || h.finished[len(h.finished)-1].RequestParameters()["InstanceArn"] != "arn:1" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if h.input == nil { // only CreateToken's
		t.Error("nothing was served")
	}
}

// TestFaults: foreign errors, panics and a failing audit are internal errors that say nothing and end nothing.
func TestFaults(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t)
	h.Log = slog.New(slog.NewTextHandler(&log, nil))
	body := `{"clientId":"c","grantType":"g"}`
	check := func(name string, r reply) {
		t.Helper()
		if r.Code != 500 || r.Header().Get("X-Amzn-Errortype") != "InternalServerException" || r.body["error"] != "server_error" ||
			strings.Contains(r.Body.String(), "fire") || strings.Contains(r.Body.String(), "aoa") {
			t.Errorf("%s: %d %s", name, r.Code, r.Body)
		}
		if !strings.Contains(log.String(), "fire") {
			t.Errorf("%s: not in the log: %s", name, log.String())
		}
		log.Reset()
	}
	h.handle = func(context.Context) error { return errForeign }
	check("foreign error", h.token(body))
	h.handle = func(context.Context) error { panic(errForeign) }
	check("panic", h.token(body))
	h.handle, h.finish = nil, errForeign
	check("failed audit", h.token(body))
	if c := h.finished[len(h.finished)-1]; c.Output != nil || c.Err == nil {
		t.Errorf("failed audit: %+v", c)
	}
	h.finish = &Error{Code: "X", Status: 503, Message: "not recorded", Cause: errForeign}
	if r := h.token(body); r.Code != 503 || !strings.Contains(r.Body.String(), "not recorded") || strings.Contains(r.Body.String(), "fire") {
		t.Errorf("a failed audit that says how to answer: %d %s", r.Code, r.Body)
	}
	h.finish = nil
	ran := 0
	h.Finish = func(context.Context, *Call) error { ran++; panic(errForeign) }
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/token?aws_iam=t", strings.NewReader(body)))
	if w.Code != 500 || ran != 1 || !strings.Contains(log.String(), "fire") {
		t.Errorf("panic in Finish: %d, ran %d times", w.Code, ran)
	}
}

func TestMapError(t *testing.T) {
	h := newHouse(t)
	h.handle = func(context.Context) error { return errForeign }
	h.MapError = func(err error) *Error {
		if errors.Is(err, errForeign) {
			return &Error{Code: "ConflictException", Status: 409, Message: "again"}
		}
		return nil
	}
	if r := h.create(`{"InstanceArn":"arn:1"}`); r.Code != 409 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	h.handle = func(context.Context) error { return context.Canceled }
	if r := h.create(`{"InstanceArn":"arn:1"}`); r.Code != 500 || r.body["__type"] != "InternalServerException" {
		t.Errorf("%d %s", r.Code, r.Body)
	}
}

// TestFinishOutlivesClient: the audit event is written also when the client has gone.
func TestFinishOutlivesClient(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	h.handle = func(context.Context) error { cancel(); return nil }
	h.Finish = func(ctx context.Context, c *Call) error {
		if CallFrom(ctx) != c {
			t.Error("Finish's context has no call")
		}
		return ctx.Err()
	}
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", "/token?aws_iam=t", strings.NewReader(`{"clientId":"c","grantType":"g"}`)))
	if w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestHandlerRefuses: a server that could not refuse or record does not start.
func TestHandlerRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Server){
		"no Finish":       func(s *Server) { s.Finish = nil },
		"no Authenticate": func(s *Server) { s.Authenticate = nil },
		"no Authorize":    func(s *Server) { s.Authorize = nil },
		"a row without Op": func(s *Server) {
			s.Services = append(s.Services, &Service{Operations: []Operation{{Name: "X", Method: "POST", Path: "/x"}}})
		},
		"the same route twice":  func(s *Server) { s.Services = append(s.Services, s.Services[0]) },
		"the same target twice": func(s *Server) { s.Services = append(s.Services, s.Services[2]) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: started", name)
				}
			}()
			h := newHouse(t)
			spoil(h.Server)
			h.Handler()
		}()
	}
}

func TestResources(t *testing.T) {
	h := newHouse(t)
	h.Services[2].Resources = func(_ context.Context, c *Call) ([]string, error) {
		if c.Input.(*createInput).ARN == "arn:none" {
			return nil, &Error{Code: "ResourceNotFoundException", Status: 404, Message: "none"}
		}
		c.Context = map[string][]string{"aws:RequestTag/a": {"b"}}
		return []string{"arn:1", "arn:2"}, nil
	}
	h.Authorize = func(_ context.Context, c *Call) error {
		if len(c.Resources) != 2 || c.Context["aws:RequestTag/a"] == nil {
			t.Errorf("%+v", c)
		}
		return nil
	}
	if r := h.create(`{"InstanceArn":"arn:1"}`); r.Code != 200 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	if r := h.create(`{"InstanceArn":"arn:none"}`); r.Code != 404 {
		t.Errorf("%d %s", r.Code, r.Body)
	}
	h.Authorize = func(context.Context, *Call) error { return nil }
	h.token(`{"clientId":"c","grantType":"g"}`)
	if got := h.finished[len(h.finished)-1].Resources; len(got) != 1 || got[0] != "*" {
		t.Errorf("no resource member: %v", got)
	}
}

func TestRequestID(t *testing.T) {
	a, b := NewRequestID(), NewRequestID()
	if len(a) != 36 || a == b || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s %s", a, b)
	}
}

// TestOverTheNet serves through net/http, where bodies stream and headers are canonical.
func TestOverTheNet(t *testing.T) {
	h := newHouse(t)
	s := httptest.NewServer(h.Handler())
	defer s.Close()
	resp, err := http.Post(s.URL+"/token?aws_iam=t", "application/json", strings.NewReader(strings.Repeat("x", 1<<20)))
	if err != nil || resp.StatusCode != 413 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	r, _ := http.NewRequest("POST", s.URL+"/", strings.NewReader(`{"InstanceArn":"arn:1"}`))
	r.Header["x-amz-target"] = []string{"SWB.CreateApplication"}
	if resp, err = http.DefaultClient.Do(r); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
}

// TestOAuthCodes: every error of an OAuth service that its own code makes has an error code.
func TestOAuthCodes(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		code   string
		status int
		want   string
	}{
		{"InvalidGrantException", 400, "invalid_grant"},
		{"UnsupportedGrantTypeException", 400, "unsupported_grant_type"},
		{"AccessDeniedException", 400, "access_denied"},
		{"InternalServerException", 500, "server_error"},
		{"ThrottlingException", 429, "slow_down"},
		{"SomethingException", 401, "invalid_client"},
		{"SomethingException", 403, "access_denied"},
		{"SomethingException", 503, "temporarily_unavailable"},
		{"SomethingException", 409, "invalid_request"},
		{"SomethingException", 0, "server_error"},
	} {
		h.handle = func(context.Context) error { return &Error{Code: c.code, Status: c.status, Message: "m"} }
		if r := h.token(`{"clientId":"c","grantType":"g"}`); r.body["error"] != c.want || r.body["error_description"] != "m" {
			t.Errorf("%+v: %d %s", c, r.Code, r.Body)
		}
	}
	h.handle = func(context.Context) error {
		return &Error{Code: "ForbiddenException", Status: 403, Message: "No access"}
	}
	r := h.send("GET /assignment/roles?account_id=1", []string{"X-Amz-Sso_bearer_token: tok"}, "")
	if r.Code != 403 || r.Body.String() != `{"message":"No access"}` {
		t.Errorf("portal: %d %s", r.Code, r.Body)
	}
}
