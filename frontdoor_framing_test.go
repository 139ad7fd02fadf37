package symbolon

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/wire"
)

// TestLargeBodies: more than 64 KiB is refused before the signature is looked at (B01), announced or not.
func TestLargeBodies(t *testing.T) {
	d := openDoor(t, nil)
	big := `{"clientId":"` + strings.Repeat("c", 64<<10) + `"}`
	for _, target := range []string{tokenTarget, "/oauth2/introspect", "/oauth2/revoke"} {
		a := d.send(t, d.request(t, "POST", target, big))
		a.machine(t, target)
		if a.status != http.StatusRequestEntityTooLarge || a.code() != "RequestEntityTooLargeException" || a.message() == "" {
			t.Errorf("%s: %d %s %s", target, a.status, a.code(), a.text)
		}
		limit := strings.Repeat(" ", 64<<10)
		if a := d.send(t, d.request(t, "POST", target, limit)); a.code() != "MissingAuthenticationTokenException" {
			t.Errorf("%s: a body at the limit: %d %s", target, a.status, a.code())
		}
	}
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "gzip, identity", "x"} { // M07
		r := d.signed(d.request(t, "POST", tokenTarget, tokenBody, "Content-Encoding", encoding), "sso-oauth")
		a := d.send(t, r)
		a.machine(t, encoding)
		if a.status != http.StatusUnsupportedMediaType {
			t.Errorf("Content-Encoding %s: %d %s", encoding, a.status, a.text)
		}
	}
}

// TestLargeForms: a query client can read why its form is refused before the form has been read.
func TestLargeForms(t *testing.T) {
	d := openDoor(t, nil)
	form := "Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=aa&Policy=" + strings.Repeat("x", 1<<20)
	for _, r := range []*http.Request{d.request(t, "POST", "/", form), d.signed(d.request(t, "POST", "/", form), "sts")} {
		a := d.send(t, r)
		a.machine(t, "a form of more than 1 MiB")
		if a.status != http.StatusRequestEntityTooLarge || a.header.Get("Content-Type") != "text/xml" || a.code() != "RequestEntityTooLarge" {
			t.Errorf("%d %v %s", a.status, a.header, a.text)
		}
	}
	a := d.send(t, d.signed(d.request(t, "POST", "/", "Version=2011-06-15"), "sts"))
	a.machine(t, "a form without Action")
	if a.status != http.StatusBadRequest || a.header.Get("Content-Type") != "text/xml" || a.code() != "MissingAction" {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}
	if a := d.send(t, d.signed(d.request(t, "POST", "/", "Version=2011-06-15"), "sso")); a.status != http.StatusNotFound || a.code() != "UnknownOperationException" {
		t.Errorf("%d %v %s", a.status, a.header, a.text)
	}
}

// TestFraming: what two parsers could read differently is refused and the connection closed (B12): by us in JSON, and by net/http in
// plain text what is no HTTP request to it. Its 501 and 505 are the only 5xx that a client can bring about.
func TestFraming(t *testing.T) {
	d := openDoor(t, nil)
	host := strings.TrimPrefix(d.url, "http://")
	post := func(target string, headers ...string) string {
		return "POST " + target + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
	}
	for name, c := range map[string]struct {
		text   string
		status int
		ours   bool
	}{
		"TE and CL":        {post(tokenTarget, "Host: "+host, "Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400, true},
		"chunked":          {post(tokenTarget, "Host: "+host, "Transfer-Encoding: chunked") + "0\r\n\r\n", 400, true},
		"absolute form":    {post("http://"+host+tokenTarget, "Host: "+host, "Content-Length: 0"), 400, true},
		"authority form":   {"CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", 400, true},
		"strange TE":       {post(tokenTarget, "Host: "+host, "Transfer-Encoding: xchunked"), 501, false},
		"two TEs":          {post(tokenTarget, "Host: "+host, "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n", 501, false},
		"no known version": {"POST " + tokenTarget + " HTTP/3.0\r\nHost: " + host + "\r\nContent-Length: 0\r\n\r\n", 505, false},
		"two lengths":      {post(tokenTarget, "Host: "+host, "Content-Length: 5", "Content-Length: 6") + "aaaaaa", 400, false},
		"bad length":       {post(tokenTarget, "Host: "+host, "Content-Length: +5") + "aaaaa", 400, false},
		"two hosts":        {post(tokenTarget, "Host: "+host, "Host: evil.example", "Content-Length: 0"), 400, false},
		"no host":          {post(tokenTarget, "Content-Length: 0"), 400, false},
		"blank in name":    {post(tokenTarget, "Host: "+host, "Content-Length : 0"), 400, false},
		"NUL":              {post(tokenTarget, "Host: "+host, "X-A: a\x00b", "Content-Length: 0"), 400, false},
	} {
		a, closed := d.raw(t, c.text)
		contentType := "text/plain; charset=utf-8"
		if c.ours {
			contentType = "application/json"
			a.machine(t, name)
		}
		if a.status != c.status || a.header.Get("Content-Type") != contentType || !closed {
			t.Errorf("%s: %d as %q, closed: %v", name, a.status, a.header.Get("Content-Type"), closed)
		}
	}
}

// raw sends bytes as they stand.
func (d *door) raw(t *testing.T, text string) (a reply, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	fatal(t, err)
	defer conn.Close()
	fatal(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
	_, err = io.WriteString(conn, text)
	fatal(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	fatal(t, err)
	body, err := io.ReadAll(res.Body)
	fatal(t, err)
	return reply{res.StatusCode, res.Header, string(body)}, res.Close
}

// TestFoldedHeader: a folded line is one line with a space (RFC 9112 §5.2), and the signature is judged over that.
func TestFoldedHeader(t *testing.T) {
	d := openDoor(t, nil)
	for sent, code := range map[string]string{
		"a b":         "InvalidClientException", // as signed
		"a\r\n b":     "InvalidClientException",
		"a\r\n\t  b":  "InvalidClientException",
		"a\r\n c":     "InvalidSignatureException",
		"a b\r\n c":   "InvalidSignatureException",
		"a\r\nX-A: b": "InvalidSignatureException",
	} {
		const body = `{"clientId":"c","grantType":"refresh_token","refreshToken":"aorX"}`
		r := d.signed(d.request(t, "POST", tokenTarget, body, "X-Amz-Folded", "a b"), "sso-oauth")
		var text strings.Builder
		fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", tokenTarget, r.Host, len(body))
		r.Header.Set("X-Amz-Folded", "HERE")
		fatal(t, r.Header.Write(&text))
		a, _ := d.raw(t, strings.Replace(text.String(), "HERE", sent, 1)+"\r\n"+body)
		a.machine(t, sent)
		if a.code() != code {
			t.Errorf("%q: %d %s, want %s", sent, a.status, a.text, code)
		}
	}
}

// TestErrorDescriptions: what a client sent and hears again has only characters that error_description may hold (RFC 6749 §5.2).
func TestErrorDescriptions(t *testing.T) {
	d := openDoor(t, nil)
	for _, r := range []*http.Request{
		d.request(t, "POST", tokenTarget, `{"clientId":"c","grantType":"a\"b\\é\u0001"}`),
		d.request(t, "POST", tokenTarget, `{"clientId":"c","grantType":"g","grantType\"é":1,"grantType\"é":1}`),
		d.request(t, "POST", "/oauth2/introspect", "token=x&client_id=c&a%22b=1&a%22b=1"),
		d.request(t, "POST", "/oauth2/revoke", "token=x&client_id=%22%C3%A9%5C"),
		d.request(t, "POST", tokenTarget, `{"clientId":"\"é","grantType":"refresh_token","refreshToken":"x"}`),
	} {
		a := d.send(t, d.signed(r, "sso-oauth"))
		a.machine(t, r.URL.Path)
		var body struct {
			Description string `json:"error_description"`
		}
		fatal(t, json.Unmarshal([]byte(a.text), &body))
		if a.status < 400 || body.Description == "" || strings.ContainsFunc(body.Description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
}

// TestChunks: chunked bodies are refused in the shape that the client reads, whatever their size and signature, and the refusal is recorded.
func TestChunks(t *testing.T) {
	d := openDoor(t, nil)
	chunked := func(r *http.Request) *http.Request {
		r.ContentLength, r.GetBody = -1, nil
		return r
	}
	target := func(name string) *http.Request {
		return d.request(t, "POST", "/", "{}", "Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", name)
	}
	for name, c := range map[string]struct {
		r                         *http.Request
		contentType, code, member string
	}{
		"token":            {d.tokenRequest(t), "application/json", "InvalidRequestException", `"error":"invalid_request"`},
		"large token":      {d.request(t, "POST", tokenTarget, strings.Repeat(" ", 70<<10)), "application/json", "InvalidRequestException", `"error":"invalid_request"`},
		"introspection":    {d.request(t, "POST", "/oauth2/introspect", "token=x"), "application/json", "InvalidRequestException", `"error":"invalid_request"`},
		"target":           {d.signed(target("SWBExternalService.ListInstances"), "sso"), "application/x-amz-json-1.1", "SerializationException", `"__type":"SerializationException"`},
		"unknown target":   {target("No.Thing"), "application/x-amz-json-1.1", "SerializationException", `"message":"`},
		"form":             {d.request(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15"), "text/xml", "MalformedInput", "<RequestId>"},
		"form for STS":     {d.signed(d.request(t, "POST", "/", "Action=GetCallerIdentity"), "sts"), "text/xml", "MalformedInput", "https://sts.amazonaws.com/doc/"},
		"sts on some path": {d.signed(d.request(t, "POST", "/nothing", "Action=GetCallerIdentity"), "sts"), "text/xml", "MalformedInput", "<RequestId>"},
		"nothing":          {d.request(t, "POST", "/nothing", "{}"), "application/json", "InvalidRequestException", `"message":"`},
	} {
		a := d.send(t, chunked(c.r))
		a.machine(t, name)
		if a.status != http.StatusBadRequest || a.header.Get("Content-Type") != c.contentType || a.code() != c.code || !strings.Contains(a.text, c.member) {
			t.Errorf("%s: %d %v %s", name, a.status, a.header, a.text)
		}
		events := d.events(t)
		if last := events[len(events)-1]; last["requestID"] != a.header.Get("x-amzn-RequestId") {
			t.Errorf("%s: the last event is %v", name, last)
		}
	}
}

// TestAnswerHeaders: nothing of the token service may be cached or sniffed, and nothing tells the server's make (B02, M05).
func TestAnswerHeaders(t *testing.T) {
	d := openDoor(t, nil)
	d.everyOperation(func(s *wire.Service, o *wire.Operation) {
		for _, r := range []*http.Request{d.operationRequest(t, s, o), d.signed(d.operationRequest(t, s, o), s.SigningName)} {
			h := d.send(t, r).header
			for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff", "Server": "", "Access-Control-Allow-Origin": ""} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s is %q", o.Name, name, got)
				}
			}
			if h.Get("x-amzn-RequestId") == "" {
				t.Errorf("%s: no request id", o.Name)
			}
		}
	})
}

// TestUnknownRoutes: paths, targets, actions and methods nobody serves are 404 or 405 in the protocol they came in.
func TestUnknownRoutes(t *testing.T) {
	d := openDoor(t, nil)
	for _, c := range []struct {
		method, target, body string
		headers              []string
		status               int
		code                 string
	}{
		{"POST", "/nothing", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/token", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/token?aws_iam=f", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/token?AWS_IAM=t", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/TOKEN?aws_iam=t", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "//token?aws_iam=t", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/x/../token?aws_iam=t", "{}", nil, 404, "UnknownOperationException"},
		{"POST", "/token/?aws_iam=t", "{}", nil, 404, "UnknownOperationException"},
		{"GET", tokenTarget, "", nil, 405, "MethodNotAllowedException"},
		{"PUT", tokenTarget, "{}", nil, 405, "MethodNotAllowedException"},
		{"OPTIONS", tokenTarget, "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 405, "MethodNotAllowedException"},
		{"GET", "/oauth2/introspect?token=x", "", nil, 405, "MethodNotAllowedException"},
		{"POST", "/", "{}", []string{"X-Amz-Target", "SWBExternalService.Nothing"}, 404, "UnknownOperationException"},
		{"POST", "/", "{}", []string{"X-Amz-Target", "swbexternalservice.ListInstances"}, 404, "UnknownOperationException"},
		{"POST", "/", "Action=Nothing&Version=2011-06-15", nil, 400, "InvalidAction"},
		{"GET", "/favicon.ico", "", nil, 404, "UnknownOperationException"},
		{"GET", "/.well-known/nothing", "", nil, 404, "UnknownOperationException"},
		{"GET", "/.git/config", "", nil, 404, "UnknownOperationException"},
		{"GET", "/metrics", "", nil, 404, "UnknownOperationException"},
		{"GET", "/debug/pprof/", "", nil, 404, "UnknownOperationException"},
		{"POST", "/apply", "{}", nil, 404, "UnknownOperationException"},
	} {
		a := d.send(t, d.request(t, c.method, c.target, c.body, c.headers...))
		a.machine(t, c.target)
		if a.status != c.status || a.code() != c.code {
			t.Errorf("%s %s: %d %s %s, want %d %s", c.method, c.target, a.status, a.code(), a.text, c.status, c.code)
		}
	}
}

// pages are where people are answered, in HTML.
var pages = []string{"/authorize", "/signin", "/sign-in", "/signout", "/sign-out", "/healthz"}

// TestAnythingGoes: whatever is sent, an SDK path answers JSON or XML, and never a fault of the server (M06). Each run draws its own
// requests; the seed in a failure's name repeats it.
func TestAnythingGoes(t *testing.T) {
	d := openDoor(t, nil)
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	pick := func(list []string) string { return list[rnd.IntN(len(list))] }
	var targets, forms []string
	d.everyOperation(func(s *wire.Service, o *wire.Operation) {
		targets = append(targets, s.TargetPrefix+"."+o.Name)
		forms = append(forms, "Action="+o.Name+"&Version="+s.Version)
	})
	bodies := []string{"", "{}", "null", "[]", `""`, "{", tokenBody, `{"clientId":null}`, strings.Repeat("[", 70), "\xff\xfe", "a=b&a=c", "%", "token=x", `{"InstanceArn":{}}`,
		`{"MaxResults":-1,"NextToken":"AAAA"}`, `{"ApplicationArn":"arn:aws:sso::1:application/x"}`, `{"UserId":"../../etc/passwd"}`, `{"a":1e999}`, `{"Tags":[{"Key":""}]}`}
	paths := []string{"/", tokenTarget, "/token", "/oauth2/introspect", "/oauth2/revoke", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/%00", "/é", "/a/b/c",
		"/token%2f", "/?Action=GetCallerIdentity&Version=2011-06-15", "/?", "/?a=%zz", tokenTarget + "&" + strings.Repeat("a", 3000), "/device_authorization", "/client/register"}
	for i := range 2000 {
		body := pick(append(bodies, forms...))
		r, err := http.NewRequest(pick([]string{"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW"}), d.url, strings.NewReader(body))
		fatal(t, err)
		r.URL.Opaque = pick(paths) // sent as it is
		if slices.ContainsFunc(pages, func(p string) bool { return strings.HasPrefix(r.URL.Opaque, p) }) {
			continue
		}
		r.Header.Set("Content-Type", pick([]string{"application/json", "application/x-amz-json-1.1", "application/x-www-form-urlencoded", "text/xml", "", "multipart/form-data"}))
		if rnd.IntN(2) == 0 {
			r.Header.Set("X-Amz-Target", pick(targets))
		}
		if rnd.IntN(3) > 0 && !strings.Contains(r.URL.Opaque, "%") {
			target := r.URL.Opaque
			r.URL.Opaque = ""
			r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
			d.signed(r, pick([]string{"sso-oauth", "sso", "identitystore", "sts", "iam"}))
		}
		a := d.send(t, r)
		if r.Method == "HEAD" || strings.HasPrefix(a.header.Get("Allow"), "GET") && strings.HasPrefix(r.URL.Path+r.URL.Opaque, "/.well-known/") || a.text == "400 Bad Request: malformed Host header" {
			continue
		}
		a.machine(t, fmt.Sprintf("seed %d, request %d: %s %s%s %q", seed, i, r.Method, r.URL.Opaque, r.URL.Path, body))
	}
}
