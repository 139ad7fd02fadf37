package symbolon

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/wire"
)

// door is the whole server behind a real listener, with the built-in organization and its administrator.
type door struct {
	*Server
	Development
	url    string
	folder string
	// serve answers requests; a test may put something before the server's own handler.
	serve http.HandlerFunc
}

// openDoor starts a server in memory; edit may change its settings.
func openDoor(t testing.TB, edit func(*Config)) *door {
	t.Helper()
	return openDoorIn(t, t.TempDir(), edit)
}

// openDoorIn starts a server on a development folder, new or not.
func openDoorIn(t testing.TB, folder string, edit func(*Config)) *door {
	t.Helper()
	d := &door{folder: folder}
	listener := httptest.NewUnstartedServer(nil)
	c := Config{
		Listen: listener.Listener.Addr().String(), Data: d.folder, Memory: true, Development: true,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if edit != nil {
		edit(&c)
	}
	var err error
	d.Development, err = PrepareDevelopment(d.folder)
	fatal(t, err)
	d.Server, err = New(t.Context(), c)
	fatal(t, err)
	t.Cleanup(func() { _ = d.Server.Close() })
	fatal(t, d.Seed(t.Context(), nil, &d.Development))
	fatal(t, d.Development.Write(folder))
	d.serve = d.Handler().ServeHTTP
	listener.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serve(w, r) })
	listener.Start()
	t.Cleanup(listener.Close)
	d.url = listener.URL
	return d
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	text   string
}

// code is the error's, by the protocol it came in.
func (r reply) code() string {
	if strings.HasPrefix(r.header.Get("Content-Type"), "text/xml") {
		var e struct{ Error struct{ Code string } }
		_ = xml.Unmarshal([]byte(r.text), &e)
		return e.Error.Code
	}
	return r.header.Get("x-amzn-ErrorType")
}

func (r reply) message() string {
	var e struct{ Message, Msg string }
	var m map[string]any
	if json.Unmarshal([]byte(r.text), &m) != nil {
		return e.Message
	}
	for _, name := range []string{"message", "Message"} {
		if s, ok := m[name].(string); ok {
			return s
		}
	}
	return ""
}

// machine says that an SDK can read the reply: JSON or XML, an error with a code, no fault of the server.
func (r reply) machine(t testing.TB, what string) {
	t.Helper()
	contentType := r.header.Get("Content-Type")
	switch {
	case strings.HasPrefix(contentType, "text/xml"):
		if err := xml.Unmarshal([]byte(r.text), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: %d with broken XML %q", what, r.status, r.text)
		}
	case strings.HasPrefix(contentType, "application/json"), strings.HasPrefix(contentType, "application/x-amz-json"):
		if !json.Valid([]byte(r.text)) {
			t.Errorf("%s: %d with broken JSON %q", what, r.status, r.text)
		}
	default:
		t.Errorf("%s: %d as %q: %.80q", what, r.status, contentType, r.text)
	}
	if r.status >= 500 || r.status >= 300 && r.code() == "" {
		t.Errorf("%s: %d %q %s", what, r.status, r.code(), r.text)
	}
}

func (d *door) send(t testing.TB, r *http.Request) reply {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	fatal(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	fatal(t, err)
	return reply{res.StatusCode, res.Header, string(text)}
}

func (d *door) request(t testing.TB, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.url+target, strings.NewReader(body))
	fatal(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (d *door) administrator() sigv4.Credential {
	return sigv4.Credential{AccessKeyID: d.AccessKeyID, SecretAccessKey: d.SecretAccessKey}
}

// signed signs a request as the administrator.
func (d *door) signed(r *http.Request, service string) *http.Request {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	sigv4.Sign(r, body, d.administrator(), "", service, "us-east-1", time.Now())
	return r
}

const tokenTarget = "/token?aws_iam=t"

// tokenRequest is a signed request to the token endpoint that is good up to its client.
func (d *door) tokenRequest(t testing.TB) *http.Request {
	t.Helper()
	return d.signed(d.request(t, "POST", tokenTarget, `{"clientId":"c","grantType":"refresh_token","refreshToken":"aorX"}`,
		"Content-Type", "application/json"), "sso-oauth")
}

// operationRequest calls an operation as its protocol wants, unsigned, with nothing in it.
func (d *door) operationRequest(t testing.TB, s *wire.Service, o *wire.Operation) *http.Request {
	t.Helper()
	switch s.Protocol {
	case wire.AWSJSON11:
		return d.request(t, "POST", "/", "{}", "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", s.TargetPrefix+"."+o.Name)
	case wire.AWSQuery:
		return d.request(t, "POST", "/", "Action="+o.Name+"&Version="+s.Version, "Content-Type", "application/x-www-form-urlencoded")
	case wire.OAuthForm:
		return d.request(t, o.Method, o.Path, "token=x&client_id=y", "Content-Type", "application/x-www-form-urlencoded")
	}
	target := o.Path
	if o.Query != "" {
		target += "?" + o.Query
	}
	return d.request(t, o.Method, target, "{}", "Content-Type", "application/json")
}

// everyOperation calls fn for each operation of each service.
func (d *door) everyOperation(fn func(s *wire.Service, o *wire.Operation)) {
	for _, s := range d.services() {
		for i := range s.Operations {
			fn(s, &s.Operations[i])
		}
	}
}

// events are the audit log's.
func (d *door) events(t testing.TB) (list []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.folder, "audit.jsonl"))
	fatal(t, err)
	for line := range strings.Lines(string(text)) {
		e := map[string]any{}
		fatal(t, json.Unmarshal([]byte(line), &e))
		list = append(list, e)
	}
	return list
}
