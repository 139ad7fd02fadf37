package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

// signedIn says whether the browser is still signed in.
func (b *browser) signedIn(t testing.TB) bool {
	t.Helper()
	q := b.get(t, b.h.request("prompt", "none")).location().Query()
	if q.Get("error") != "" && q.Get("error") != "login_required" {
		t.Fatalf("answer %v", q)
	}
	return q.Has("code")
}

func TestCookies(t *testing.T) {
	for _, c := range []struct {
		issuer, session, browser string
		secure                   bool
	}{
		{"http://127.0.0.1:8080", "symbolon-session-8080", "symbolon-browser-8080", false},
		{"http://localhost:9", "symbolon-session-9", "symbolon-browser-9", false},
		{"http://127.0.0.1", "symbolon-session-80", "symbolon-browser-80", false},
		{"https://sso.example.com", "__Host-symbolon-session", "__Host-symbolon-browser", true},
		{"https://sso.example.com:8443", "__Host-symbolon-session", "__Host-symbolon-browser", true},
	} {
		h := newHouse(t, c.issuer)
		b := h.browser()
		page := b.get(t, h.request())
		all := append(page.Cookies(), b.submit(t, page.fields(), "alice", testPassword).Cookies()...)
		if len(all) != 2 || all[0].Name != c.browser || all[1].Name != c.session {
			t.Errorf("%s: cookies %v", c.issuer, all)
			continue
		}
		for _, k := range all {
			if k.Secure != c.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || len(k.Value) < 26 {
				t.Errorf("%s: cookie %s", c.issuer, k)
			}
		}
		if !b.signedIn(t) {
			t.Errorf("%s: the session does not count", c.issuer)
		}
	}
}

// The id changes at every sign-in: one that somebody planted, or learned, is worth nothing afterwards.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.keepCookie(sessionCookie, "PLANTED")
	b.signIn(t, "alice")
	first := b.cookieValue(sessionCookie)
	if first == "PLANTED" || first == "" {
		t.Fatalf("the session is %q", first)
	}
	thief := h.browser()
	thief.keepCookie(sessionCookie, first)
	if !thief.signedIn(t) {
		t.Fatal("the cookie is not what names the session")
	}
	b.signIn(t, "alice")
	if second := b.cookieValue(sessionCookie); second == first {
		t.Error("the id did not change")
	}
	if thief.signedIn(t) || !b.signedIn(t) {
		t.Error("the id from before still counts")
	}
	if rows := h.sessionRows(t); len(rows) != 1 || rows[0].Hash == b.cookieValue(sessionCookie) || h.revoked(t, rows[0].TokenSessionID) {
		t.Errorf("rows %+v", rows)
	}
}

// The same user signing in again keeps what was issued; another one ends it.
func TestTokenSession(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	first := h.sessionRows(t)[0]
	h.advance(time.Minute)
	b.signIn(t, "alice")
	again := h.sessionRows(t)[0]
	if again.TokenSessionID != first.TokenSessionID || !again.AuthTime.After(first.AuthTime) || !again.EndsAt.After(first.EndsAt) {
		t.Errorf("%+v, then %+v", first, again)
	}
	b.signIn(t, "bob")
	rows := h.sessionRows(t)
	if len(rows) != 1 || rows[0].TokenSessionID == first.TokenSessionID || !h.revoked(t, first.TokenSessionID) || h.revoked(t, rows[0].TokenSessionID) {
		t.Errorf("rows %+v", rows)
	}
}

func TestSessionEnds(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, h *house, n session){
		"disabled user": func(t *testing.T, h *house, _ session) {
			h.setAlice(t, func(u *identitystore.User) { u.Enabled = false })
		},
		"deleted user": func(t *testing.T, h *house, _ session) {
			h.update(t, func(tx *store.Tx) error { return h.Directory.DeleteUser(tx, testDirectory, h.alice.ID) })
		},
		"revoked token session": func(t *testing.T, h *house, n session) {
			h.update(t, func(tx *store.Tx) error { return h.OIDC.EndSession(tx, *n.signedIn(), "test") })
		},
		"changed password": func(t *testing.T, h *house, _ session) {
			h.advance(time.Second)
			h.setPassword(t, h.alice.ID, "another horse")
		},
		"restored store": func(t *testing.T, h *house, _ session) { must(t, h.Keys.RaiseEpoch(t.Context())) },
		"idle":           func(_ *testing.T, h *house, _ session) { h.advance(h.IdleTTL) },
	} {
		h := newHouse(t, httpsIssuer)
		b := h.browser()
		b.signIn(t, "alice")
		if !b.signedIn(t) {
			t.Fatal("not signed in")
		}
		end(t, h, h.sessionRows(t)[0])
		if b.signedIn(t) {
			t.Errorf("%s: still signed in", name)
		}
		if page := b.get(t, signOutPath); strings.Contains(page.text, "alice") {
			t.Errorf("%s: the sign-out page names the user", name)
		}
	}
}

// Whoever signs in with the new password, even within the second of the change, stays signed in.
func TestSignInAfterPasswordChange(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	old := h.sessionRows(t)[0].TokenSessionID
	h.advance(time.Second)
	h.setPassword(t, h.alice.ID, "another horse")
	form := b.open(t, h.request())
	if a := b.submit(t, form, "alice", testPassword); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old password: %d", a.StatusCode)
	}
	if a := b.submit(t, form, "alice", "another horse"); a.StatusCode != http.StatusSeeOther || !b.signedIn(t) {
		t.Errorf("the new password: %d", a.StatusCode)
	}
	if rows := h.sessionRows(t); len(rows) != 1 || rows[0].TokenSessionID == old || !h.revoked(t, old) {
		t.Errorf("the old token session goes on: %+v", rows)
	}
}

// A password that was right when it was checked begins no session once it has been changed.
func TestPasswordChangedDuringSignIn(t *testing.T) {
	for name, change := range map[string]func(h *house){
		"password changed": func(h *house) { h.setPassword(t, h.alice.ID, "another horse") },
		"user disabled":    func(h *house) { h.setAlice(t, func(u *identitystore.User) { u.Enabled = false }) },
		"user deleted": func(h *house) {
			h.update(t, func(tx *store.Tx) error { return h.Directory.DeleteUser(tx, testDirectory, h.alice.ID) })
		},
	} {
		h := newHouse(t, httpsIssuer)
		user, err := h.Directory.SignIn(t.Context(), testDirectory, "alice", testPassword)
		must(t, err)
		change(h)
		_, _, err = h.site().beginSession(t.Context(), "", user)
		if !errors.Is(err, identitystore.ErrSignIn) || len(h.sessionRows(t)) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Use keeps a session alive, but not for ever, and is written down at most once a minute.
func TestSessionLifetimes(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	seen := h.sessionRows(t)[0].SeenAt
	h.advance(59 * time.Second)
	b.get(t, signOutPath)
	if !h.sessionRows(t)[0].SeenAt.Equal(seen) {
		t.Error("a use within the minute was written")
	}
	h.advance(time.Second)
	b.get(t, signOutPath)
	if !h.sessionRows(t)[0].SeenAt.Equal(h.now()) {
		t.Error("a use after a minute was not written")
	}
	for range 10 {
		h.advance(45 * time.Minute)
		if !b.signedIn(t) {
			t.Fatal("a session in use ended")
		}
	}
	h.advance(28 * time.Minute) // 7h59m after the sign-in
	if !b.signedIn(t) {
		t.Error("ended early")
	}
	h.advance(time.Minute)
	if b.signedIn(t) {
		t.Error("longer than the absolute lifetime")
	}
}

func TestSignOut(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	row, id := h.sessionRows(t)[0], b.cookieValue(sessionCookie)
	page := b.get(t, signOutPath)
	if !strings.Contains(page.text, "<strong>alice</strong>") {
		t.Errorf("the page does not say who is signed in:\n%s", page.text)
	}
	form := page.fields()
	other := h.browser()
	other.signIn(t, "alice")
	for name, a := range map[string]answer{
		"no ticket":                b.send(t, http.MethodPost, signOutPath, ""),
		"another session's ticket": b.send(t, http.MethodPost, signOutPath, other.get(t, signOutPath).fields()),
		"a sign-in ticket":         b.send(t, http.MethodPost, signOutPath, b.open(t, h.request("prompt", "login"))),
	} {
		if a.StatusCode != http.StatusForbidden || !b.signedIn(t) {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	h.told()
	a := b.send(t, http.MethodPost, signOutPath, form)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != signOutPath || h.told() != "SignOut:alice" {
		t.Fatalf("%d %s", a.StatusCode, a.text)
	}
	if b.cookieValue(sessionCookie) != "" || !h.revoked(t, row.TokenSessionID) {
		t.Error("the session goes on")
	}
	b.keepCookie(sessionCookie, id)
	if b.signedIn(t) || !other.signedIn(t) {
		t.Error("the wrong session ended")
	}
	if a := b.send(t, http.MethodPost, signOutPath, form); a.StatusCode != http.StatusSeeOther {
		t.Errorf("signing out twice: %d", a.StatusCode)
	}
}

// A session that was ended does not come back when the revocation expires, however long it might have lived.
func TestRevocationOutlivesSession(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	h.SessionTTL, h.IdleTTL = 90*24*time.Hour, 90*24*time.Hour
	b := h.browser()
	b.signIn(t, "alice")
	row := h.sessionRows(t)[0]
	h.update(t, func(tx *store.Tx) error { return h.OIDC.EndSession(tx, *row.signedIn(), "test") })
	for range 90 {
		if b.signedIn(t) {
			t.Fatalf("signed in again at %s", h.now())
		}
		h.advance(24 * time.Hour)
	}
}

// A sign-out page that lay open too long asks again.
func TestStaleSignOut(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	form := b.get(t, signOutPath).fields()
	h.advance(ticketTTL)
	a := b.send(t, http.MethodPost, signOutPath, form)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != signOutPath || !b.signedIn(t) {
		t.Errorf("%d %s", a.StatusCode, a.Header.Get("Location"))
	}
}

// Signing out ends the session even when nobody can be told, but does not claim success.
func TestSignOutWithoutAudit(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	form := b.get(t, signOutPath).fields()
	h.mute = "SignOut"
	if a := b.send(t, http.MethodPost, signOutPath, form); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("%d", a.StatusCode)
	}
	if b.signedIn(t) {
		t.Error("still signed in")
	}
}

// The store holds nothing that a browser could be impersonated with.
func TestNothingSecretInRows(t *testing.T) {
	h := newHouse(t, httpsIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	row := h.sessionRows(t)[0]
	for _, column := range []string{row.Hash, row.TokenSessionID, row.UserID} {
		thief := h.browser()
		thief.keepCookie(sessionCookie, column)
		if column == b.cookieValue(sessionCookie) || thief.signedIn(t) {
			t.Errorf("%q is as good as the cookie", column)
		}
	}
}

// Two cookies of the same name: one of them is somebody else's, and nobody knows which.
func TestCookieTwice(t *testing.T) {
	h := newHouse(t, httpIssuer)
	b := h.browser()
	b.signIn(t, "alice")
	b.header.Set("Cookie", "symbolon-session-8080=PLANTED")
	if b.signedIn(t) {
		t.Error("one of two cookies counts")
	}
}
