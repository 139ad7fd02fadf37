package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// wantPage: the fault stands on a page of ours and the browser goes nowhere.
func wantPage(t *testing.T, h *house, request, code string) {
	t.Helper()
	h.told()
	a := h.browser().get(t, request)
	if a.StatusCode != http.StatusBadRequest || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("GET %s: %d %s", request, a.StatusCode, a.Header.Get("Content-Type"))
	}
	if _, ok := a.Header["Location"]; ok {
		t.Errorf("GET %s sends the browser to %s", request, a.Header.Get("Location"))
	}
	if !strings.Contains(a.text, code+": ") || strings.Contains(a.text, "<form") {
		t.Errorf("GET %s: the page does not say %s:\n%s", request, code, a.text)
	}
	if got := h.told(); got != "!Authorize:" {
		t.Errorf("GET %s: events %q", request, got)
	}
}

// wantError: the fault goes to the application, with state and issuer (RFC 6749 §4.1.2.1, RFC 9207).
func wantError(t *testing.T, b *browser, request, code string) {
	t.Helper()
	a := b.get(t, request)
	u := a.location()
	q := u.Query()
	if a.StatusCode != http.StatusSeeOther || u.Scheme+"://"+u.Host+u.Path != testRedirect {
		t.Errorf("GET %s: %d %s", request, a.StatusCode, u)
		return
	}
	sent, _ := url.Parse(request)
	if q.Get("error") != code || q.Get("state") != sent.Query().Get("state") || q.Get("iss") != b.h.Issuer || q.Has("code") {
		t.Errorf("GET %s: answer %v, want %s", request, q, code)
	}
	// The characters an error_description may hold.
	if strings.ContainsFunc(q.Get("error_description"), func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		t.Errorf("error_description %q", q.Get("error_description"))
	}
}

// wantCode: the answer carries a code, the state and the issuer, and goes to the application.
func wantCode(t *testing.T, a answer, h *house) {
	t.Helper()
	u := a.location()
	q := u.Query()
	if a.StatusCode != http.StatusSeeOther || u.Scheme+"://"+u.Host+u.Path != testRedirect || len(q) != 3 {
		t.Fatalf("%d %s\n%s", a.StatusCode, u, a.text)
	}
	if len(q.Get("code")) < 26 || q.Get("state") != "st&=+ate" || q.Get("iss") != h.Issuer {
		t.Fatalf("answer %v", q)
	}
}

func TestRefusedByPage(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	base := h.request()
	for _, c := range []struct{ request, code string }{
		{authorizePath, "invalid_client"},
		{h.request("client_id", ""), "invalid_client"},
		{h.request("client_id", "arn:aws:sso::111122223333:application/ssoins-0000000000000000/apl-0000000000000000"), "invalid_client"},
		{h.request("client_id", "<script>alert(1)</script>"), "invalid_client"},
		{h.request("client_id", "a\x00b"), "invalid_client"},
		{h.request("redirect_uri", ""), "invalid_request"},
		{base + "&client_id=" + url.QueryEscape(h.app.ARN), "invalid_request"},
		{base + "&Client_Id=x", "invalid_request"},
		{base + "&client_id=" + url.QueryEscape(h.app.ARN) + "&scope=openid&scope=openid", "invalid_request"},
		{base + "&redirect_uri=" + url.QueryEscape(testRedirect), "invalid_request"},
		{h.request("client_id", "unknown") + "&scope=openid&scope=openid", "invalid_client"},
		{h.request("redirect_uri", "https://evil.example") + "&state=again", "invalid_request"},
		{base + "&REDIRECT_URI=" + url.QueryEscape("https://evil.example"), "invalid_request"},
		{base + "&x=%zz", "invalid_request"},
		{base + ";client_id=x", "invalid_request"},
		{base + "&x=" + strings.Repeat("a", maxRequest), "invalid_request"},
	} {
		wantPage(t, h, c.request, c.code)
	}
}

// A parameter that stands twice is the application's fault, and told to it (RFC 6749 §4.1.2.1), unless it is one of the two that say who
// it is. Which of two states is meant cannot be known: none goes back.
func TestParameterTwice(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	base := h.request("scope", "openid", "nonce", "n")
	for _, more := range []string{
		"&scope=openid", "&response_type=code", "&nonce=n", "&NONCE=n", "&Scope=openid", "&code_challenge=" + testChallenge, "&prompt=none&prompt=none",
		"&prompt=login&prompt=none", "&max_age=1&MAX_AGE=1", "&Request=x", "&State_=x&scope=data:read",
	} {
		wantError(t, b, base+more, "invalid_request")
	}
	for _, more := range []string{"&state=z", "&STATE=z", "&state=", "&scope=openid&state=z", "&state=z&scope=openid"} {
		h.told()
		a := b.get(t, base+more)
		q := a.location().Query()
		if a.StatusCode != http.StatusSeeOther || q.Get("error") != "invalid_request" || q.Has("state") || q.Get("iss") != h.Issuer || q.Has("code") {
			t.Errorf("%s: %d %v", more, a.StatusCode, q)
		}
		if got := h.told(); got != "!Authorize:" {
			t.Errorf("%s: events %q", more, got)
		}
	}
	if q := b.get(t, h.request("state", "")+"&STATE=z").location().Query(); q.Get("error") != "invalid_request" || q.Has("state") {
		t.Errorf("a state in capitals: %v", q)
	}
	wantCode(t, b.get(t, base+"&unknown=1&unknown=2&UNKNOWN=3"), h)
}

// The redirect URI of a request is one of the application's, byte for byte, save a loopback literal's port.
func TestOpenRedirect(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	for _, uri := range []string{
		"https://evil.example", "https://evil.example/callback", "https://app.example", "https://app.example/", "https://app.example/Callback",
		"https://APP.example/callback", "https://app.example/callback/", "https://app.example/callback?x=1", "https://app.example/callback#f",
		"https://app.example:443/callback", "http://app.example/callback", "https://app.example@evil.example/callback",
		"https://evil.example\\@app.example/callback", "https:\\\\app.example/callback", "//app.example/callback", "/callback",
		"https://app.example.evil.example/callback", "https://app.example%2fevil/callback", "https://app.example/../callback", "https://app.example/./callback",
		"https://app.example/%63allback", "https://app.example/callback%2f..", "https://app.example/callback\t", "\thttps://app.example/callback",
		"https://app.example/callback\n", "https://app.example/callback\r\nLocation: https://evil.example", "https://аpp.example/callback", "javascript:alert(1)",
		"data:text/html,x", "https://app.example/callback,https://evil.example", " https://app.example/callback",
		"http://127.0.0.1/Callback", "http://127.0.0.1:0/callback", "http://127.0.0.1:80@evil.example/callback", "http://127.0.0.2/callback",
		"http://localhost/callback", "http://[::1]/callback", "https://127.0.0.1/callback", "http://127.0.0.1:5000/callback?x=1", "http://2130706433/callback",
	} {
		wantPage(t, h, h.request("redirect_uri", uri), "invalid_request")
	}
	for _, uri := range []string{testRedirect, testLoopback, "http://127.0.0.1:51004/callback"} {
		h.browser().open(t, h.request("redirect_uri", uri))
	}
}

// What an administrator switches off is off at once, and by page: the application is not to be trusted with an answer.
func TestApplicationOff(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	form := b.open(t, h.request())
	h.update(t, func(tx *store.Tx) error {
		app, err := ssoadmin.GetApplication(tx, h.app.ARN)
		if err != nil {
			return err
		}
		app.Enabled = false
		_, err = h.admin.PutApplication(tx, app)
		return err
	})
	wantPage(t, h, h.request(), "unauthorized_client")
	if a := b.submit(t, form, "alice", testPassword); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
		t.Errorf("signing in to a disabled application: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if n := len(h.sessionRows(t)); n != 0 {
		t.Errorf("%d sessions", n)
	}
	h.update(t, func(tx *store.Tx) error { return h.admin.DeleteGrant(tx, h.app.ARN, ssoadmin.GrantAuthorizationCode) })
	wantPage(t, h, h.request(), "unauthorized_client")
}

func TestRefusedByRedirect(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	for _, c := range []struct{ request, code string }{
		{h.request("response_type", ""), "invalid_request"},
		{h.request("response_type", "token"), "unsupported_response_type"},
		{h.request("response_type", "id_token"), "unsupported_response_type"},
		{h.request("response_type", "code id_token"), "unsupported_response_type"},
		{h.request("response_mode", "fragment"), "invalid_request"},
		{h.request("response_mode", "form_post"), "invalid_request"},
		{h.request("code_challenge", ""), "invalid_request"},
		{h.request("code_challenge_method", ""), "invalid_request"},
		{h.request("code_challenge_method", "plain"), "invalid_request"},
		{h.request("code_challenge", testChallenge[1:]), "invalid_request"},
		{h.request("code_challenge", testChallenge[1:]+"="), "invalid_request"},
		{h.request("scope", "openid data:write"), "invalid_scope"},
		{h.request("scope", `"\`), "invalid_scope"},
		{h.request("scope", "data:read", "scopes", "openid"), "invalid_request"},
		{h.request("prompt", "none login"), "invalid_request"},
		{h.request("max_age", "-1"), "invalid_request"},
		{h.request("max_age", "soon"), "invalid_request"},
		{h.request("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"},
		{h.request("request_uri", "https://evil.example/request"), "request_uri_not_supported"},
		{h.request("nonce", "a\x00b"), "invalid_request"},
		{h.request("nonce", "a\xffb"), "invalid_request"},
		{h.request("nonce", strings.Repeat("n", 1025)), "invalid_request"},
		{h.request("state", strings.Repeat("s", 4097)), "invalid_request"},
		{h.request("prompt", "none"), "login_required"},
		{h.request("prompt", "none", "state", ""), "login_required"},
	} {
		wantError(t, h.browser(), c.request, c.code)
		if got := h.told(); got != "!Authorize:" {
			t.Errorf("%s: events %q", c.request, got)
		}
	}
}

// An authorization request may come as a form, from another site's page (OpenID Connect Core §3.1.2.1): the browser asks again by GET.
func TestAuthorizeByPost(t *testing.T) {
	h := newHouse(t, "https://sso.example.com/sso")
	b := h.browser()
	b.signIn(t, "alice")
	h.told()
	post := func(target, body string) answer { t.Helper(); return b.send(t, http.MethodPost, target, body) }
	query := func(request string) string { return strings.TrimPrefix(request, authorizePath+"?") }
	b.header = http.Header{"Origin": {"https://app.example"}, "Sec-Fetch-Site": {"cross-site"}}
	for _, c := range []struct{ request, code string }{
		{h.request(), ""}, {h.request("state", "ü+&%"), ""}, {h.request("response_type", "token"), "unsupported_response_type"},
		{h.request() + "&scope=openid&scope=openid", "invalid_request"},
	} {
		a := post(authorizePath+"?state=url&client_id=x", query(c.request))
		to, found := strings.CutPrefix(a.Header.Get("Location"), "/sso"+authorizePath+"?")
		if a.StatusCode != http.StatusSeeOther || !found || len(a.Cookies()) != 0 {
			t.Errorf("POST %s: %d %s", c.request, a.StatusCode, a.Header.Get("Location"))
			continue
		}
		sent, _ := url.ParseQuery(query(c.request))
		u := b.get(t, authorizePath+"?"+to).location()
		if q := u.Query(); u.Host != "app.example" || q.Get("error") != c.code || q.Has("code") != (c.code == "") || q.Get("state") != sent.Get("state") {
			t.Errorf("%s: answer %s", c.request, u)
		}
	}
	h.told()
	if a := post(authorizePath, query(h.request("state", strings.Repeat("é", maxRequest/4)))); a.StatusCode != http.StatusBadRequest || a.Header.Get("Location") != "" {
		t.Errorf("a long one: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if got := h.told(); got != "!Authorize:" {
		t.Errorf("a long one: events %q", got)
	}
	for body, status := range map[string]int{"a=%zz": 400, "a=1;b=2": 400, strings.Repeat("a", maxForm+1): 413} {
		if a := post(authorizePath, body); a.StatusCode != status || a.Header.Get("Location") != "" {
			t.Errorf("%.20s: %d %s", body, a.StatusCode, a.Header.Get("Location"))
		}
	}
	b.header.Set("Content-Type", "application/json")
	if a := post(authorizePath, "{}"); a.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: %d", a.StatusCode)
	}
}

func TestSessionSuffices(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	wantCode(t, b.signIn(t, "alice"), h)
	h.told()
	wantCode(t, b.get(t, h.request()), h)
	if got := h.told(); got != "Authorize:alice" {
		t.Errorf("events %q", got)
	}
	wantCode(t, b.get(t, h.request("prompt", "none")), h)
	wantCode(t, b.get(t, h.request("prompt", "none", "scope", "openid data:read", "nonce", "n")), h)
	wantCode(t, b.get(t, h.request("max_age", "60")), h)
	for _, prompt := range []string{"login", "select_account", "login consent"} {
		if form := b.open(t, h.request("prompt", prompt)); form.Get("username") != "alice" {
			t.Errorf("prompt=%s: the page names %q", prompt, form.Get("username"))
		}
	}
	h.advance(61 * time.Second)
	b.open(t, h.request("max_age", "60"))
	b.open(t, h.request("max_age", "0"))
	wantError(t, b, h.request("max_age", "60", "prompt", "none"), "login_required")
	wantCode(t, b.submit(t, b.open(t, h.request("max_age", "60")), "alice", testPassword), h)
	wantCode(t, b.get(t, h.request("max_age", "60")), h)
}

func TestNotAssigned(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	a := b.submit(t, b.open(t, h.request()), "bob", testPassword)
	q := a.location().Query()
	if a.StatusCode != http.StatusSeeOther || q.Get("error") != "access_denied" || q.Get("state") != "st&=+ate" || q.Get("iss") != h.Issuer || q.Has("code") {
		t.Errorf("%d %v", a.StatusCode, q)
	}
	if got := h.told(); got != "CredentialChallenge: CredentialVerification:bob UserAuthentication:bob !Authorize:bob" {
		t.Errorf("events %q", got)
	}
	wantError(t, b, h.request("prompt", "none"), "access_denied")
}

// A session of one identity store says nothing in another.
func TestOtherInstance(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	h.update(t, func(tx *store.Tx) error {
		n, err := sessions.Get(tx, sessionHash(b.cookieValue(sessionCookie)))
		if err != nil {
			return err
		}
		n.IdentityStoreID = "d-2222222222"
		return sessions.Put(tx, n)
	})
	wantError(t, b, h.request("prompt", "none"), "login_required")
}
