package web

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

const (
	testAccount   = "111122223333"
	testDirectory = "d-1111111111"
	testPassword  = "correct horse battery staple"
	testRedirect  = "https://app.example/callback"
	testLoopback  = "http://127.0.0.1/callback"
	httpIssuer    = "http://127.0.0.1:8080"
	httpsIssuer   = "https://sso.example.com"
	testChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// house is the pages over the real rooms and a store in memory, with a clock that moves.
type house struct {
	*Server
	admin *ssoadmin.Server
	app   ssoadmin.Application
	alice identitystore.User
	logs  strings.Builder

	mu     sync.Mutex
	clock  time.Time
	events []event
	mute   string // the event that cannot be written
}

// event is what the audit log was given.
type event struct {
	name    string
	user    string
	failure error
	details map[string]any
}

var errMute = errors.New("the audit log is full")

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func newHouse(t testing.TB, issuer string) *house {
	t.Helper()
	backend, err := sqlite.Memory()
	must(t, err)
	h := &house{clock: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	log := slog.New(slog.NewTextHandler(&h.logs, nil))
	tables := slices.Concat(token.Tables(), iam.Tables(), identitystore.Tables(), ssoadmin.Tables(), oidc.Tables(), Tables())
	db, err := store.Open(t.Context(), backend, tables, store.Options{Now: h.now})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	keys, err := token.OpenKeyring(t.Context(), db, token.KeyringOptions{MasterKey: make([]byte, 32), Now: h.now, Log: log})
	must(t, err)
	pages := &wire.Pages{Keys: func() [][]byte { return [][]byte{make([]byte, 32)} }}
	h.admin = &ssoadmin.Server{DB: db, Pages: pages}
	h.Server = &Server{
		DB: db, Keys: keys, Issuer: issuer, SessionTTL: 8 * time.Hour, IdleTTL: time.Hour, Log: log, Audit: h.record,
		Directory: &identitystore.Server{DB: db, Pages: pages, OnDelete: ssoadmin.ForgetPrincipal},
		OIDC: &oidc.Server{
			DB: db, Admin: h.admin, Log: log, Minter: &token.Minter{Keys: keys, Issuer: issuer, Now: h.now},
			AccessTokenTTL: time.Hour, CodeTTL: time.Minute, RefreshTTL: 8 * time.Hour, RefreshIdleTTL: 8 * time.Hour,
		},
	}
	h.furnish(t)
	return h
}

// furnish declares an instance with alice, bob and an application that alice is assigned to.
func (h *house) furnish(t testing.TB) {
	instance := ssoadmin.NewInstanceARN()
	h.update(t, func(tx *store.Tx) error {
		err := errors.Join(
			iam.PutAccount(tx, iam.Account{ID: testAccount, Name: "test"}),
			identitystore.PutStore(tx, identitystore.IdentityStore{ID: testDirectory, AccountID: testAccount, InstanceARN: instance}),
			ssoadmin.PutInstance(tx, ssoadmin.Instance{
				ARN: instance, Name: "main", OwnerAccountID: testAccount, IdentityStoreID: testDirectory, Region: "us-east-1",
			}))
		if err != nil {
			return err
		}
		h.app, err = h.admin.PutApplication(tx, ssoadmin.Application{
			InstanceARN: instance, AccountID: testAccount, ProviderARN: ssoadmin.CustomProvider, Name: "analytics", Enabled: true, AssignmentRequired: true,
		})
		if err != nil {
			return err
		}
		return errors.Join(
			h.admin.PutGrant(tx, ssoadmin.ApplicationGrant{
				ApplicationARN: h.app.ARN, GrantType: ssoadmin.GrantAuthorizationCode, RedirectURIs: []string{testRedirect, testLoopback},
			}),
			h.admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: h.app.ARN, Scope: "data:read"}))
	})
	h.alice = h.user(t, "alice")
	h.update(t, func(tx *store.Tx) error {
		_, err := h.admin.Assign(tx, h.app.ARN, "USER", h.alice.ID)
		return err
	})
	h.user(t, "bob")
}

// user makes a user who has the test's password.
func (h *house) user(t testing.TB, name string) (u identitystore.User) {
	t.Helper()
	h.update(t, func(tx *store.Tx) (err error) {
		u, err = identitystore.PutUser(tx, identitystore.User{StoreID: testDirectory, UserName: name, Enabled: true})
		if err != nil {
			return err
		}
		return h.Directory.SetPassword(tx, testDirectory, u.ID, testPassword)
	})
	return u
}

func (h *house) setPassword(t testing.TB, userID, password string) {
	t.Helper()
	h.update(t, func(tx *store.Tx) error { return h.Directory.SetPassword(tx, testDirectory, userID, password) })
}

// setAlice changes alice.
func (h *house) setAlice(t testing.TB, change func(*identitystore.User)) {
	t.Helper()
	h.update(t, func(tx *store.Tx) error {
		u, err := identitystore.GetUser(tx, testDirectory, h.alice.ID)
		if err != nil {
			return err
		}
		change(&u)
		_, err = identitystore.PutUser(tx, u)
		return err
	})
}

func (h *house) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	must(t, h.DB.Update(t.Context(), fn))
}

// sessionRows are all sign-in sessions that live.
func (h *house) sessionRows(t testing.TB) (rows []session) {
	t.Helper()
	must(t, h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = sessions.List(tx, store.Query{})
		return err
	}))
	return rows
}

func (h *house) revoked(t testing.TB, id string) (revoked bool) {
	t.Helper()
	must(t, h.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		_, revoked, err = token.Revoked(tx, token.Session{ID: id})
		return err
	}))
	return revoked
}

func (h *house) record(_ context.Context, r *http.Request, name string, user identitystore.User, failure error, details map[string]any) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if name == h.mute {
		return errMute
	}
	h.events = append(h.events, event{name, user.UserName, failure, details})
	return nil
}

// told returns the events since the last call, as name:user, with ! when they failed.
func (h *house) told() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, e := range h.events {
		text := e.name + ":" + e.user
		if e.failure != nil {
			text = "!" + text
		}
		names = append(names, text)
	}
	h.events = nil
	return strings.Join(names, " ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser keeps cookies as a browser does.
type browser struct {
	h      *house
	jar    http.CookieJar
	header http.Header // sent with every request
}

func (h *house) browser() *browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &browser{h: h, jar: jar, header: http.Header{}}
}

// answer is what the browser got.
type answer struct {
	*http.Response
	text string
}

// location is where the browser is sent, parsed; an empty URL when it is not sent anywhere.
func (a answer) location() *url.URL {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// send makes the request; a body of url.Values is a form.
func (b *browser) send(t testing.TB, method, target string, body any) answer {
	t.Helper()
	var text io.Reader
	header := b.header.Clone()
	switch body := body.(type) {
	case url.Values:
		text = strings.NewReader(body.Encode())
	case string:
		text = strings.NewReader(body)
	}
	if text != nil && header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	at, err := url.Parse(b.h.Issuer)
	must(t, err)
	r := httptest.NewRequestWithContext(t.Context(), method, target, text)
	r.Host, r.Header = at.Host, header
	for _, c := range b.jar.Cookies(at) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.Handler().ServeHTTP(w, r)
	result := w.Result()
	b.jar.SetCookies(at, result.Cookies())
	checkHeaders(t, result, strings.Contains(w.Body.String(), "<form"))
	return answer{result, w.Body.String()}
}

func (b *browser) get(t testing.TB, target string) answer {
	t.Helper()
	return b.send(t, http.MethodGet, target, nil)
}

// checkHeaders is what every answer must have; one with a form must let browsers say that the form comes from us.
func checkHeaders(t testing.TB, r *http.Response, form bool) {
	t.Helper()
	referrer := map[bool]string{true: "same-origin", false: "no-referrer"}[form]
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": referrer, "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	policy := r.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "style-src 'sha256-", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %s", policy, part)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") {
		t.Errorf("the policy %q allows too much", policy)
	}
	if server := r.Header.Get("Server"); server != "" {
		t.Errorf("the answer tells of %s", server)
	}
}

// request is a good authorization request with other members; an empty value removes one.
func (h *house) request(members ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {h.app.ARN}, "redirect_uri": {testRedirect}, "state": {"st&=+ate"},
		"code_challenge": {testChallenge}, "code_challenge_method": {"S256"},
	}
	for pair := range slices.Chunk(members, 2) {
		if q.Set(pair[0], pair[1]); pair[1] == "" {
			q.Del(pair[0])
		}
	}
	return authorizePath + "?" + q.Encode()
}

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	attribute = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// fields are the form's fields with their values.
func (a answer) fields() url.Values {
	form := url.Values{}
	for _, tag := range inputTag.FindAllString(a.text, -1) {
		field := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			field[m[1]] = html.UnescapeString(m[2])
		}
		form.Set(field["name"], field["value"])
	}
	return form
}

// open opens the sign-in page of a request and returns its form.
func (b *browser) open(t testing.TB, request string) url.Values {
	t.Helper()
	page := b.get(t, request)
	if page.StatusCode != http.StatusOK || !strings.Contains(page.text, "<form") {
		t.Fatalf("GET %s: %d %s", request, page.StatusCode, page.Header.Get("Location"))
	}
	return page.fields()
}

// submit fills the form in and sends it.
func (b *browser) submit(t testing.TB, form url.Values, name, password string) answer {
	t.Helper()
	form.Set("username", name)
	form.Set("password", password)
	return b.send(t, http.MethodPost, signInPath, form)
}

// signIn goes the whole way and wants a code.
func (b *browser) signIn(t testing.TB, name string) answer {
	t.Helper()
	a := b.submit(t, b.open(t, b.h.request("prompt", "login")), name, testPassword)
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("signing in as %s: %d %s", name, a.StatusCode, a.text)
	}
	return a
}

// cookieValue is a cookie of ours, empty when the browser has none.
func (b *browser) cookieValue(kind string) string {
	at, _ := url.Parse(b.h.Issuer)
	for _, c := range b.jar.Cookies(at) {
		if c.Name == b.h.site().cookieName(kind) {
			return c.Value
		}
	}
	return ""
}

// keepCookie puts a cookie of ours into the browser.
func (b *browser) keepCookie(kind, value string) {
	at, _ := url.Parse(b.h.Issuer)
	b.jar.SetCookies(at, []*http.Cookie{{Name: b.h.site().cookieName(kind), Value: value, Path: "/", Secure: at.Scheme == "https"}})
}
