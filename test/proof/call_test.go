package proof

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
)

// call is a signed request, ready to be sent any number of times.
type call struct {
	s      *server
	bytes  []byte
	signed time.Time
	sign   func() []byte // anew
}

// freshness is how long a signature is sent; it counts for five minutes.
const freshness = 4 * time.Minute

// current is the request under a signature that counts now.
func (c *call) current() []byte {
	if time.Since(c.signed) > freshness {
		return c.sign()
	}
	return c.bytes
}

// answer is what came back; status 0 if nothing did, and not sent if there was nobody to send it to.
type answer struct {
	node       int // that was asked
	call, back int64
	sent       bool
	status     int
	id         string // the request's
	location   string // where a browser is sent
	body       []byte
	err        error
}

// tokens is the answer of CreateTokenWithIAM.
type tokens struct {
	AccessToken, RefreshToken, IDToken string
}

// prepare signs a request.
func (s *server) prepare(service, path string, header http.Header, body []byte) *call {
	sign := func() []byte {
		r, err := http.NewRequest(http.MethodPost, s.endpoint+path, bytes.NewReader(body))
		if err != nil {
			panic(err) // our own URL
		}
		r.Header = header.Clone()
		credential := sigv4.Credential{AccessKeyID: s.keyID, SecretAccessKey: s.keySecret}
		sigv4.Sign(r, body, credential, "", service, region, time.Now())
		var text bytes.Buffer
		if err := r.Write(&text); err != nil {
			panic(err) // to memory
		}
		return text.Bytes()
	}
	return &call{s: s, bytes: sign(), signed: time.Now(), sign: sign}
}

// token prepares CreateTokenWithIAM; members are name and value in turn.
func (s *server) token(app string, members ...string) *call {
	request := map[string]any{"clientId": s.apps[app]}
	for i := 0; i < len(members); i += 2 {
		request[members[i]] = members[i+1]
	}
	return s.prepare("sso-oauth", "/token?aws_iam=t", http.Header{"Content-Type": {"application/json"}}, encode(request))
}

func (s *server) refresh(app, refreshToken string) *call {
	return s.token(app, "grantType", "refresh_token", "refreshToken", refreshToken)
}

func (s *server) bearer(assertion string) *call {
	return s.token("worker", "grantType", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", assertion)
}

func (s *server) exchange(subject, wanted string) *call {
	const access = "urn:ietf:params:oauth:token-type:access_token"
	return s.token("reports", "grantType", "urn:ietf:params:oauth:grant-type:token-exchange", "subjectToken", subject,
		"subjectTokenType", access, "requestedTokenType", "urn:ietf:params:oauth:token-type:"+wanted)
}

// form prepares introspection or revocation.
func (s *server) form(path, app, token string) *call {
	body := url.Values{"token": {token}, "client_id": {s.apps[app]}}.Encode()
	return s.prepare("sso-oauth", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(body))
}

func (s *server) introspect(app, token string) *call { return s.form("/oauth2/introspect", app, token) }
func (s *server) revoke(app, token string) *call     { return s.form("/oauth2/revoke", app, token) }

// admin prepares an operation of the JSON 1.1 services.
func (s *server) admin(service, target string, request map[string]any) *call {
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	return s.prepare(service, "/", header, encode(request))
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}

// send sends the call on a connection of its own to any node, and waits for the answer.
func (c *call) send() answer { return c.sendTo(c.s.anyone(), nil) }

// sendTo asks this node, or the next that takes connections. Once ready is closed, if there is one, the call goes.
func (c *call) sendTo(node int, ready <-chan struct{}) (a answer) {
	conn, err := c.s.dial(node)
	if err != nil {
		a.err = err
		return a
	}
	defer conn.Close()
	a.node = c.s.nodeAt(conn.RemoteAddr())
	if ready != nil {
		<-ready
	}
	a.call, a.sent = moment(), true
	defer func() { a.back = moment() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, a.err = conn.Write(c.current()); a.err != nil {
		return a
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	if a.body, a.err = io.ReadAll(response.Body); a.err == nil {
		a.status, a.id = response.StatusCode, response.Header.Get("X-Amzn-Requestid")
	}
	return a
}

// must decodes an answer that has to be 200.
func (c *call) must(t *testing.T, into any) answer {
	t.Helper()
	a := c.send()
	if a.status != http.StatusOK {
		t.Fatalf("%s: %v\n%s", a, a.err, bytes.SplitN(c.bytes, []byte("\r\n"), 2)[0])
	}
	if into != nil {
		if err := json.Unmarshal(a.body, into); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func (a answer) String() string { return fmt.Sprintf("HTTP %d %s", a.status, bytes.TrimSpace(a.body)) }

// tokens are those of a 200 answer.
func (a answer) tokens() (k tokens) {
	if a.status == http.StatusOK {
		_ = json.Unmarshal(a.body, &k) // what is missing then fails the model
	}
	return k
}

// member is a text in the answer's object.
func (a answer) member(name string) (string, bool) {
	var object map[string]any
	if json.Unmarshal(a.body, &object) != nil {
		return "", false
	}
	text, ok := object[name].(string)
	return text, ok
}

// active is what introspection said.
func (a answer) active() bool {
	var said struct{ Active bool }
	return json.Unmarshal(a.body, &said) == nil && said.Active
}

// family begins a refresh token family of worker.
func (s *server) family(t *testing.T) tokens {
	t.Helper()
	var k tokens
	s.bearer(s.issuer.assertion(t, "alice@example.com")).must(t, &k)
	if k.RefreshToken == "" || k.AccessToken == "" {
		t.Fatalf("no tokens: %+v", k)
	}
	return k
}
