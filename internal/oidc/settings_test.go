package oidc

import (
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// TestTokenLifeSetting: access and ID tokens live as long as the setting says.
func TestTokenLifeSetting(t *testing.T) {
	w := newHousedWorld(t)
	w.AccessTokenTTL = 10 * time.Minute
	a := w.family()
	_, claims := w.verified(t, a.str("idToken"), "ES256")
	if a.body["expiresIn"] != 600.0 || claims["exp"].(float64)-claims["iat"].(float64) != 600 {
		t.Errorf("expiresIn is %v, the ID token's %v to %v", a.body["expiresIn"], claims["iat"], claims["exp"])
	}
	w.advance(599 * time.Second)
	if !w.active(w.client, a.str("accessToken")) {
		t.Error("the token is dead a second early")
	}
	w.advance(2 * time.Second)
	if w.active(w.client, a.str("accessToken")) {
		t.Error("the token outlives its time")
	}
}

// TestLoweredLifetimes: a session revoked stays so, even for families born when the setting let them live longer than a revocation is
// remembered now.
func TestLoweredLifetimes(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshTTL, w.RefreshIdleTTL = 90*24*time.Hour, 30*24*time.Hour
	a := w.present(w.assertion()).granted(t)
	w.RefreshTTL = time.Hour
	w.revoke(w.client, a.str("accessToken"))
	for range 10 {
		w.present(refreshing(a)).refused(t, "InvalidGrantException", "")
		w.advance(12 * time.Hour)
		must(t, sweep(w))
	}
}

// TestShortFamilies: where refresh tokens die before access tokens, a session's first token does not outlive it either.
func TestShortFamilies(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshTTL = time.Minute
	a := w.present(w.assertion()).granted(t)
	if a.body["expiresIn"] != float64(60) {
		t.Errorf("expiresIn is %v", a.body["expiresIn"])
	}
	w.advance(61 * time.Second)
	if w.active(w.client, a.str("accessToken")) {
		t.Error("the access token outlives its family")
	}
}

// TestShortFamiliesAndCodes: a code's second use ends the access token however short families live.
func TestShortFamiliesAndCodes(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshTTL = time.Minute
	w.change(func(tx *store.Tx) error { return w.Admin.DeleteGrant(tx, w.client.ARN, ssoadmin.GrantRefreshToken) })
	code := w.codeFor(w.client)
	a := w.present(code).granted(t)
	w.advance(30 * time.Minute)
	must(t, sweep(w))
	if !w.active(w.client, a.str("accessToken")) {
		t.Fatal("the access token is dead early")
	}
	w.present(code).refused(t, "InvalidGrantException", "a second time")
	if w.active(w.client, a.str("accessToken")) {
		t.Error("the access token outlives the code's second use")
	}
}

// TestRevocationLasts: a revocation is remembered until nothing that was issued could live, whatever the settings say now; and no
// longer than that where the end is known.
func TestRevocationLasts(t *testing.T) {
	w := newHousedWorld(t)
	long := 90 * 24 * time.Hour
	revoked := func(session token.Session) bool {
		var ended bool
		w.change(func(tx *store.Tx) (err error) { _, ended, err = token.Revoked(tx, session); return err })
		return ended
	}
	sessionOf := func(a answer) token.Session {
		access, err := w.Minter.VerifyAccessToken(a.str("accessToken"), w.now())
		must(t, err)
		return access.Session
	}
	lasts := func(name string, d time.Duration, s token.Session) {
		t.Helper()
		w.advance(d - time.Minute)
		must(t, sweep(w))
		if !revoked(s) {
			t.Errorf("%s: the revocation is forgotten before %s", name, d)
		}
		w.advance(2 * time.Minute)
		must(t, sweep(w))
		if revoked(s) {
			t.Errorf("%s: the revocation is remembered after %s", name, d)
		}
	}
	w.RefreshTTL = long
	a := w.present(w.assertion()).granted(t)
	w.RefreshTTL = time.Hour
	s := sessionOf(a)
	w.revoke(w.client, a.str("refreshToken"))
	lasts("a family born under a longer life", long+longestDerived, s)

	w.RefreshTTL = long
	a = w.present(w.assertion()).granted(t)
	next := w.refresh(a)
	w.RefreshTTL, w.RefreshIdleTTL = time.Hour, long
	s = sessionOf(next)
	w.advance(time.Minute)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "was used again")
	lasts("reuse", long-time.Minute+longestDerived, s)

	w.RefreshTTL = long
	w.signInLasts = 2 * long
	code := w.codeFor(w.client)
	s = sessionOf(w.present(code).granted(t))
	w.RefreshTTL = time.Hour
	w.present(code).refused(t, "InvalidGrantException", "")
	lasts("a code's second use", long+longestDerived, s)

	w.RefreshTTL = long
	a = w.present(exchanging(w.subjectOf(w.front))).granted(t)
	s = sessionOf(a)
	w.revoke(w.client, a.str("accessToken"))
	lasts("an exchanged token", time.Hour+longestDerived, s)
}

// TestOpenApplications: where no assignment is required everybody of the directory is let in, and nobody else.
func TestOpenApplications(t *testing.T) {
	w := newHousedWorld(t)
	w.change(func(tx *store.Tx) error {
		_, err := identitystore.PutUser(tx, person(w.directory, "bob", "bob@example.com"))
		return err
	})
	bob := params{"email": "bob@example.com"}
	w.present(w.assertion(bob)).refused(t, "AccessDeniedException", "not assigned")
	required := func(on bool) { w.editApp(w.client, func(a *ssoadmin.Application) { a.AssignmentRequired = on }) }
	required(false)
	a := w.present(w.assertion(bob)).granted(t)
	w.present(w.assertion(params{"email": "carol@example.com"})).refused(t, "InvalidGrantException", "no user")
	required(true)
	w.deadBy(a, "AccessDeniedException")
}

// deadBy is dead for another refusal than InvalidGrantException.
func (w *world) deadBy(a answer, exception string) {
	w.t.Helper()
	w.present(refreshing(a)).refused(w.t, exception, "")
	if w.active(w.client, a.str("accessToken")) || w.active(w.client, a.str("refreshToken")) {
		w.t.Error("a token is still active")
	}
}

// TestRefusalsAlike: an unknown client and a disabled one, a used code and one that never was, read the same (B04).
func TestRefusalsAlike(t *testing.T) {
	w := newHousedWorld(t)
	used, expired, foreign := w.codeFor(w.client), w.codeFor(w.client), w.codeFor(w.other)
	w.present(used).granted(t)
	w.advance(2 * time.Minute)
	text := w.present(with(used, params{"code": "AAAA"})).text
	for _, evidence := range []params{used, used, expired, foreign} {
		if got := w.present(evidence).text; got != text {
			t.Errorf("a code is refused with %s, an unknown one with %s", got, text)
		}
	}
	a := w.family()
	enable(w, w.client, false)
	disabled := w.present(refreshing(a))
	w.presentedBy += "0"
	if unknown := w.present(refreshing(a)); unknown.text != disabled.text || unknown.status != disabled.status {
		t.Errorf("an unknown client is answered %s, a disabled one %s", unknown.text, disabled.text)
	}
}

// TestNothingPilesUp: what can serve no more is swept: codes, assertions, families.
func TestNothingPilesUp(t *testing.T) {
	w := newHousedWorld(t)
	for range 3 {
		w.codeFor(w.client)
		w.refresh(w.family())
		w.present(w.assertion()).granted(t)
	}
	count := func() (n int) {
		w.change(func(tx *store.Tx) error {
			c, err := codes.List(tx, store.Query{})
			if err != nil {
				return err
			}
			f, err := families.List(tx, store.Query{})
			if err != nil {
				return err
			}
			a, err := assertions.List(tx, store.Query{})
			n = len(c) + len(f) + len(a)
			return err
		})
		return n
	}
	if got := count(); got != 6+6+3 {
		t.Errorf("%d rows, want 6 codes, 6 families and 3 assertions", got)
	}
	w.advance(48 * time.Hour)
	must(t, sweep(w))
	if got := count(); got != 0 {
		t.Errorf("%d rows are left after two days", got)
	}
}

// TestRevocationIsInTheFamilysRow: the session's revocation reaches other nodes with the change feed; the family's own row ends it for all
// of them at once.
func TestRevocationIsInTheFamilysRow(t *testing.T) {
	for name, end := range map[string]func(*world) answer{
		"refresh token": func(w *world) answer {
			a := w.present(w.assertion()).granted(t)
			w.revoke(w.client, a.str("refreshToken"))
			return a
		},
		"access token": func(w *world) answer {
			a := w.present(w.assertion()).granted(t)
			w.revoke(w.client, a.str("accessToken"))
			return a
		},
		"a code's second use": func(w *world) answer {
			code := w.codeFor(w.client)
			a := w.present(code).granted(t)
			w.present(code).refused(t, "InvalidGrantException", "")
			return a
		},
	} {
		w := newHousedWorld(t)
		a := end(w)
		var f refreshFamily
		w.change(func(tx *store.Tx) (err error) {
			f, _, err = w.familyOf(tx, a.str("refreshToken"))
			return err
		})
		if f.RevokedAt.IsZero() {
			t.Errorf("%s: the family's row lives on", name)
		}
		refused := w.present(refreshing(a))
		refused.refused(t, "InvalidGrantException", "its family was revoked at")
		if got := refused.str("message"); got != sessionEnded {
			t.Errorf("%s: the refusal of the refresh token says %q", name, got)
		}
	}
}
