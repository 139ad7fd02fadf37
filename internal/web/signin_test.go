package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

func TestJourney(t *testing.T) {
	for _, issuer := range []string{httpIssuer, httpsIssuer} {
		h := newHouse(t, issuer)
		b := h.browser()
		page := b.get(t, h.request("scope", "openid data:read"))
		if !strings.Contains(page.text, "<strong>analytics</strong>") || !strings.Contains(page.text, "app.example") {
			t.Errorf("the page does not say who asks:\n%s", page.text)
		}
		wantCode(t, b.submit(t, page.fields(), "alice", testPassword), h)
		if got := h.told(); got != "CredentialChallenge: CredentialVerification:alice UserAuthentication:alice Authorize:alice" {
			t.Errorf("events %q", got)
		}
		if strings.Contains(h.logs.String(), "code=") {
			t.Error("a code is in the log")
		}
	}
}

func TestUserNames(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	for _, name := range []string{"alice", " alice ", "ALICE"} {
		b := h.browser()
		wantCode(t, b.submit(t, b.open(t, h.request()), name, testPassword), h)
	}
	if form := h.browser().open(t, h.request("login_hint", `a"><script>`)); form.Get("username") != `a"><script>` {
		t.Errorf("the hint became %q", form.Get("username"))
	}
}

// Whatever is wrong with a user name or password, the answer is the same.
func TestFailures(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	h.update(t, func(tx *store.Tx) error {
		_, err := identitystore.PutUser(tx, identitystore.User{StoreID: testDirectory, UserName: "nopassword", Enabled: true})
		return err
	})
	off := h.user(t, "disabled")
	h.update(t, func(tx *store.Tx) error {
		off.Enabled = false
		_, err := identitystore.PutUser(tx, off)
		return err
	})
	for _, c := range [][2]string{
		{"alice", "wrong"}, {"alice", ""}, {"alice", strings.Repeat("x", 5000)}, {"nobody", testPassword}, {"", ""}, {"disabled", testPassword},
		{"nopassword", ""}, {"alice\x00", testPassword}, {"\xff\xfe", "\xff"},
	} {
		b := h.browser()
		form := b.open(t, h.request())
		h.told()
		a := b.submit(t, form, c[0], c[1])
		if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.text, signInFailed) || a.Header.Get("Location") != "" {
			t.Errorf("%q: %d\n%s", c, a.StatusCode, a.text)
		}
		if b.cookieValue(sessionCookie) != "" {
			t.Errorf("%q has a session", c)
		}
		if got := h.told(); got != "!CredentialVerification: !UserAuthentication:" {
			t.Errorf("%q: events %q", c, got)
		}
		if c[1] != "" && strings.Contains(a.text, c[1]) {
			t.Errorf("%q: the page repeats the password", c)
		}
	}
	b := h.browser()
	a := b.submit(t, b.open(t, h.request()), "alice", "wrong")
	if a.fields().Get("username") != "alice" || !strings.Contains(a.text, `autocomplete="current-password" aria-describedby="alert" autofocus`) {
		t.Errorf("the page does not go on with the password:\n%s", a.text)
	}
	wantCode(t, b.submit(t, a.fields(), "alice", testPassword), h)
}

// The events of a failure carry the private reason, never what was typed.
func TestFailureEvents(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.submit(t, b.open(t, h.request()), "my-secret-as-name", "my-secret")
	b.submit(t, b.open(t, h.request()), "alice", "my-secret")
	var text string
	for _, e := range h.events {
		text += fmt.Sprintln(e.name, e.user, e.failure, e.details)
	}
	if !strings.Contains(text, "no user has the name") || !strings.Contains(text, "wrong password of user "+h.alice.ID) {
		t.Errorf("the events hide the reason: %s", text)
	}
	if strings.Contains(text+h.logs.String(), "my-secret") {
		t.Errorf("what was typed is in the events: %s", text)
	}
}

// Guessing locks the user, whatever spelling of the name is guessed with, and the page does not tell.
func TestLockout(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	form := b.open(t, h.request())
	for i := range 10 {
		if a := b.submit(t, form, []string{"alice", "Alice"}[i%2], "wrong"); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("attempt %d: %d", i, a.StatusCode)
		}
	}
	if a := b.submit(t, form, "alice", testPassword); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.text, signInFailed) {
		t.Errorf("a locked user: %d", a.StatusCode)
	}
	h.advance(6 * time.Minute)
	wantCode(t, b.submit(t, form, "alice", testPassword), h)
}

// A form works in its own browser, unchanged, in time.
func TestForgedForms(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b, other := h.browser(), h.browser()
	good, foreign := b.open(t, h.request()), other.open(t, h.request())
	evil := strings.Replace(good.Get("request"), url.QueryEscape(testRedirect), url.QueryEscape(testLoopback), 1)
	signedIn := h.browser()
	signedIn.signIn(t, "alice")
	signOut := signedIn.get(t, signOutPath).fields()
	before := len(h.sessionRows(t))
	key, mac, _ := strings.Cut(good.Get("ticket"), ".")
	for name, change := range map[string]func(url.Values){
		"no ticket":              func(f url.Values) { f.Del("ticket") },
		"empty ticket":           func(f url.Values) { f.Set("ticket", "") },
		"another browser's":      func(f url.Values) { f.Set("ticket", foreign.Get("ticket")) },
		"a sign-out ticket":      func(f url.Values) { f.Set("ticket", signOut.Get("ticket")) },
		"another redirect URI":   func(f url.Values) { f.Set("request", evil) },
		"another response type":  func(f url.Values) { f.Set("request", strings.Replace(f.Get("request"), "=code&", "=token&", 1)) },
		"no request":             func(f url.Values) { f.Del("request") },
		"one parameter more":     func(f url.Values) { f.Set("request", f.Get("request")+"&nonce=x") },
		"cut MAC":                func(f url.Values) { f.Set("ticket", f.Get("ticket")[:len(f.Get("ticket"))-1]) },
		"padded MAC":             func(f url.Values) { f.Set("ticket", f.Get("ticket")+"=") },
		"another key":            func(f url.Values) { f.Set("ticket", "0000000000000000."+mac) },
		"no key":                 func(f url.Values) { f.Set("ticket", "."+mac) },
		"a later end":            func(f url.Values) { f.Set("ticket", key+".9"+mac) },
		"the end in other words": func(f url.Values) { f.Set("ticket", key+".+"+mac) },
	} {
		form := url.Values{"request": {good.Get("request")}, "ticket": {good.Get("ticket")}}
		change(form)
		h.told()
		if a := b.submit(t, form, "alice", testPassword); a.StatusCode != http.StatusForbidden || a.Header.Get("Location") != "" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
		if got := h.told(); got != "!UserAuthentication:" {
			t.Errorf("%s: events %q", name, got)
		}
	}
	if a := h.browser().submit(t, good, "alice", testPassword); a.StatusCode != http.StatusForbidden {
		t.Errorf("a browser without cookies: %d", a.StatusCode)
	}
	if n := len(h.sessionRows(t)); n != before {
		t.Errorf("%d sessions more", n-before)
	}
	wantCode(t, b.submit(t, good, "alice", testPassword), h)
}

// A form that lay open too long comes again, with a new ticket, and nothing was tried.
func TestStaleForm(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	form := b.open(t, h.request())
	h.advance(ticketTTL - time.Second)
	if a := b.submit(t, form, "alice", "wrong"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("a form in time: %d", a.StatusCode)
	}
	h.advance(time.Second)
	a := b.submit(t, form, "alice", testPassword)
	if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.text, signInExpired) || b.cookieValue(sessionCookie) != "" {
		t.Fatalf("a stale form: %d\n%s", a.StatusCode, a.text)
	}
	wantCode(t, b.submit(t, a.fields(), "alice", testPassword), h)
}

// Another site's form does nothing, even with a good ticket; clients that say nothing of their origin are no browsers.
func TestForeignOrigin(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	for _, c := range []struct {
		header http.Header
		ok     bool
	}{
		{http.Header{}, true},
		{http.Header{"Origin": {httpsIssuer}}, true},
		{http.Header{"Origin": {"null"}, "Sec-Fetch-Site": {"same-origin"}}, true}, // a browser set to send no referrer
		{http.Header{"Sec-Fetch-Site": {"none"}}, true},
		{http.Header{"Origin": {"https://evil.example"}}, false},
		{http.Header{"Origin": {"null"}}, false},
		{http.Header{"Origin": {"http://sso.example.com:81"}}, false},
		{http.Header{"Sec-Fetch-Site": {"cross-site"}}, false},
		{http.Header{"Sec-Fetch-Site": {"same-site"}}, false},
	} {
		b := h.browser()
		form := b.open(t, h.request())
		b.header = c.header
		a := b.submit(t, form, "alice", testPassword)
		if want := map[bool]int{true: http.StatusSeeOther, false: http.StatusForbidden}[c.ok]; a.StatusCode != want {
			t.Errorf("%v: %d, want %d", c.header, a.StatusCode, want)
		}
	}
}

func TestForms(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	form := b.open(t, h.request())
	form.Set("username", "alice")
	form.Set("password", testPassword)
	good := form.Encode()
	for _, c := range []struct {
		name, kind, encoding, body string
		status                     int
	}{
		{"a field twice", "", "", good + "&username=bob", http.StatusBadRequest},
		{"a broken escape", "", "", good + "&x=%zz", http.StatusBadRequest},
		{"semicolons", "", "", strings.ReplaceAll(good, "&", ";"), http.StatusBadRequest},
		{"too large", "", "", good + "&x=" + strings.Repeat("a", maxForm), http.StatusRequestEntityTooLarge},
		{"JSON", "application/json", "", `{"username":"alice"}`, http.StatusUnsupportedMediaType},
		{"multipart", "multipart/form-data; boundary=x", "", good, http.StatusUnsupportedMediaType},
		{"text", "text/plain", "", good, http.StatusUnsupportedMediaType},
		{"compressed", "", "gzip", good, http.StatusUnsupportedMediaType},
		{"nothing", "", "", "", http.StatusForbidden},
	} {
		b.header = http.Header{}
		if c.kind != "" {
			b.header.Set("Content-Type", c.kind)
		}
		if c.encoding != "" {
			b.header.Set("Content-Encoding", c.encoding)
		}
		if a := b.send(t, http.MethodPost, signInPath, c.body); a.StatusCode != c.status || a.Header.Get("Location") != "" {
			t.Errorf("%s: %d, want %d", c.name, a.StatusCode, c.status)
		}
	}
	b.header = http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}}
	if a := b.send(t, http.MethodPost, signInPath+"?"+good, "request="); a.StatusCode != http.StatusForbidden {
		t.Errorf("fields in the URL: %d", a.StatusCode)
	}
	wantCode(t, b.send(t, http.MethodPost, signInPath, good), h)
}

// The longest request that is accepted still fits into its form.
func TestLongRequest(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	request := h.request()
	request += "&x=" + strings.Repeat("%2F", (maxRequest-len(request)-3)/3)
	wantCode(t, b.submit(t, b.open(t, request), "alice", testPassword), h)
}

// Without its event nothing is given.
func TestNoAuditNoSession(t *testing.T) {
	for _, mute := range []string{"CredentialChallenge", "CredentialVerification", "UserAuthentication", "Authorize"} {
		h := newHouse(t, httpsIssuer)
		b := h.browser()
		var form url.Values
		if mute == "CredentialChallenge" {
			h.mute = mute
			if a := b.get(t, h.request()); a.StatusCode != http.StatusInternalServerError || strings.Contains(a.text, "<form") {
				t.Errorf("%s: %d", mute, a.StatusCode)
			}
			continue
		}
		form = b.open(t, h.request())
		h.mute = mute
		for _, password := range []string{testPassword, "wrong"} {
			a := b.submit(t, form, "alice", password)
			if mute == "Authorize" && password == "wrong" {
				continue // no such event
			}
			if a.StatusCode != http.StatusInternalServerError || a.Header.Get("Location") != "" || b.cookieValue(sessionCookie) != "" {
				t.Errorf("%s: %d %s, session %q", mute, a.StatusCode, a.Header.Get("Location"), b.cookieValue(sessionCookie))
			}
			if strings.Contains(a.text, errMute.Error()) || !strings.Contains(h.logs.String(), errMute.Error()) {
				t.Errorf("%s: the reason belongs in the log only", mute)
			}
		}
	}
}

func TestRoutes(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/signin", 200, ""}, {"GET", "/signout", 200, ""}, {"GET", "/signin/", 404, ""}, {"GET", "/authorize/x", 404, ""}, {"POST", "/signout/x", 404, ""},
		{"POST", "/authorize", 415, ""}, {"HEAD", "/authorize", 405, "GET, POST"}, {"DELETE", "/signin", 405, "GET, POST"}, {"OPTIONS", "/signout", 405, "GET, POST"},
	} {
		a := b.send(t, c.method, c.path, nil)
		if a.StatusCode != c.status || a.Header.Get("Allow") != c.allow || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, a.StatusCode, a.Header.Get("Allow"))
		}
	}
}

// A fault of our own is a page that says so, an event, and a line in the log with the reason; nobody is sent anywhere.
func TestStoreGone(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	form := b.open(t, h.request())
	b.signIn(t, "alice")
	h.told()
	must(t, h.DB.Close())
	for request, events := range map[string]string{h.request(): "!Authorize:", "/signout": ""} {
		a := b.get(t, request)
		if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || a.Header.Get("Location") != "" {
			t.Errorf("GET %s: %d %s", request, a.StatusCode, a.Header.Get("Location"))
		}
		if got := h.told(); got != events {
			t.Errorf("GET %s: events %q", request, got)
		}
	}
	if a := b.submit(t, form, "alice", testPassword); a.StatusCode != http.StatusServiceUnavailable || len(a.Cookies()) != 0 {
		t.Errorf("POST: %d, cookies %v", a.StatusCode, a.Cookies())
	}
	if !strings.Contains(h.logs.String(), "could not be answered") {
		t.Errorf("the log says %q", h.logs.String())
	}
}

// One form sent many times at once, as an impatient user does: every answer is a code.
func TestSameFormAtOnce(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	form := b.open(t, h.request("prompt", "login"))
	form.Set("username", "alice")
	form.Set("password", testPassword)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if a := b.send(t, http.MethodPost, signInPath, maps.Clone(form)); a.StatusCode != http.StatusSeeOther || !a.location().Query().Has("code") {
				t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
			}
		})
	}
	all.Wait()
	if !b.signedIn(t) {
		t.Error("nobody is signed in")
	}
}
