package oidc

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// family is a fresh refresh token family of the world's client.
func (w *world) family() answer {
	w.t.Helper()
	return w.present(w.codeFor(w.client)).granted(w.t)
}

// dead wants that nothing of these answers works any more.
func (w *world) dead(answers ...answer) {
	w.t.Helper()
	for i, a := range answers {
		w.present(refreshing(a)).refused(w.t, "InvalidGrantException", "")
		for _, text := range []string{a.str("accessToken"), a.str("refreshToken")} {
			if w.active(w.client, text) {
				w.t.Errorf("answer %d: %.3s… is still active", i, text)
			}
		}
	}
}

// refresh wants a successor.
func (w *world) refresh(a answer) answer {
	w.t.Helper()
	next := w.present(refreshing(a)).granted(w.t)
	if next.str("accessToken") == a.str("accessToken") {
		w.t.Error("the access token is the old one")
	}
	return next
}

// TestRotation: each use gives the next generation, and inside the window the same successor to whoever comes late (D01, D03).
func TestRotation(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	second := w.refresh(first)
	if second.str("refreshToken") == first.str("refreshToken") {
		t.Fatal("the refresh token does not rotate")
	}
	if _, noted := second.event.notes["refreshReplay"]; noted {
		t.Error("a first use is noted as a replay")
	}
	for range 3 {
		w.advance(9 * time.Second)
		replay := w.refresh(first)
		if replay.str("refreshToken") != second.str("refreshToken") {
			t.Error("a replay inside the window gets another successor")
		}
		if replay.event.notes["refreshReplay"] != true {
			t.Error("the event does not tell a replay")
		}
		if !w.active(w.client, first.str("refreshToken")) || !w.active(w.client, second.str("refreshToken")) {
			t.Error("a token that can be redeemed is introspected as inactive")
		}
	}
	// The window never extends: 27 s after the rotation it has 3 s left, whatever replays there were.
	w.advance(4 * time.Second)
	if w.active(w.client, first.str("refreshToken")) {
		t.Error("a token past its window is active")
	}
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "a superseded refresh token was used again")
	w.present(refreshing(second)).refused(t, "InvalidGrantException", "its family was revoked at")
	w.dead(first, second)
}

// TestWindowClosesAtFirstUseOfSuccessor (D03).
func TestWindowClosesAtFirstUseOfSuccessor(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	second := w.refresh(first)
	third := w.refresh(second)
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "superseded")
	w.dead(first, second, third)
}

// TestStrictRotation: without a window every second use is reuse.
func TestStrictRotation(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshGrace = 0
	first := w.family()
	second := w.refresh(first)
	if w.active(w.client, first.str("refreshToken")) {
		t.Error("a superseded token is active")
	}
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "superseded")
	w.dead(first, second)
}

// TestReuseKillsDescendants: what was exchanged from the family dies with it.
func TestReuseKillsDescendants(t *testing.T) {
	w := newHousedWorld(t)
	f := w.as(w.front)
	first := f.present(w.codeFor(w.front)).granted(t)
	second := f.refresh(first)
	exchanged := w.present(exchanging(second), wantsRefresh).granted(t)
	stranger := w.family()
	f.advance(31 * time.Second)
	f.present(refreshing(first)).refused(t, "InvalidGrantException", "superseded")
	w.dead(exchanged)
	if !w.active(w.client, stranger.str("accessToken")) {
		t.Error("a family of another session died")
	}
	w.refresh(stranger)
}

// TestWrongClientKillsNothing: a thief without the client's credentials cannot end the family, nor use it.
func TestWrongClientKillsNothing(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	second := w.refresh(first)
	w.advance(time.Minute)
	for _, stolen := range []answer{first, second} {
		w.as(w.other).present(refreshing(stolen)).refused(t, "InvalidGrantException", "was issued to")
		w.create(t, keypair{w.caller.id, "wrong", ""}, params{"clientId": w.client.ARN, "grantType": ssoadmin.GrantRefreshToken,
			"refreshToken": stolen.str("refreshToken")}).refused(t, "InvalidSignatureException", "")
	}
	w.refresh(second)
}

// TestGateRefusalLeavesFamily: a refusal at the gate neither rotates nor kills, inside the window or not.
func TestGateRefusalLeavesFamily(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	enabled := func(on bool) func(*identitystore.User) { return func(u *identitystore.User) { u.Enabled = on } }
	for range 3 {
		w.setUser(enabled(false))
		w.present(refreshing(first)).refused(t, "InvalidGrantException", "disabled")
		if w.active(w.client, first.str("refreshToken")) || w.active(w.client, first.str("accessToken")) {
			t.Error("tokens of a disabled user are active")
		}
		w.setUser(enabled(true))
		w.present(refreshing(first), params{"scope": []string{"data:none"}}).refused(t, "InvalidScopeException", "")
		w.advance(time.Minute)
	}
	second := w.refresh(first)
	w.setUser(enabled(false))
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "disabled") // a replay within the window
	w.setUser(enabled(true))
	w.refresh(second)
}

// TestFamilyLifetimes: the absolute life never moves, the idle life counts from the last rotation (D09).
func TestFamilyLifetimes(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshTTL, w.RefreshIdleTTL = 4*time.Hour, time.Hour
	a := w.family()
	for range 4 {
		w.advance(55 * time.Minute)
		a = w.refresh(a)
	}
	// 220 minutes have passed: the family ends in 20, and so does what it gives now.
	if got := a.body["expiresIn"].(float64); got > 1200 || got < 1190 {
		t.Errorf("an access token near the end of its family lives %v s", got)
	}
	w.advance(25 * time.Minute)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "expired or does not exist")
	if w.active(w.client, a.str("accessToken")) {
		t.Error("an access token outlives its family")
	}
	idle := w.family()
	w.advance(time.Hour)
	w.present(refreshing(idle)).refused(t, "InvalidGrantException", "idle")
}

// TestSignInSessionCapsFamily: nothing outlives the session it came from.
func TestSignInSessionCapsFamily(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshTTL = 48 * time.Hour
	a := w.family() // the sign-in session ends in 24 h
	w.advance(24*time.Hour - 10*time.Minute)
	a = w.refresh(a)
	if got := a.body["expiresIn"].(float64); got > 600 {
		t.Errorf("expiresIn is %v at ten minutes before the session's end", got)
	}
	w.advance(11 * time.Minute)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "")
}

// TestClockSkew: a rotation that another node, or a transaction that overtook this one, has stamped a little later than now is one of
// just now and no reuse. Hours in the future it is a clock that was put back, and the window must not stand open so long (D05).
func TestClockSkew(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	second := w.refresh(first)
	stamp := func(ahead time.Duration) {
		presented, err := w.Minter.VerifyRefreshToken(first.str("refreshToken"))
		must(t, err)
		w.change(func(tx *store.Tx) error {
			f, err := families.Get(tx, presented.Family)
			f.RotatedAt = w.now().Add(ahead)
			if err != nil {
				return err
			}
			return families.Put(tx, f)
		})
	}
	stamp(2 * time.Second)
	if !w.active(w.client, first.str("refreshToken")) {
		t.Error("a token inside the window is inactive")
	}
	if again := w.refresh(first); again.str("refreshToken") != second.str("refreshToken") {
		t.Error("there are two successors")
	}
	stamp(time.Hour)
	if w.active(w.client, first.str("refreshToken")) {
		t.Error("with the clock put back a superseded token is active")
	}
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "superseded")
	w.dead(first, second)
}

// TestAheadOfRow: a database put back to an older state is noticed by tokens it has not seen yet.
func TestAheadOfRow(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	var row refreshFamily
	presented, err := w.Minter.VerifyRefreshToken(first.str("refreshToken"))
	must(t, err)
	w.change(func(tx *store.Tx) error { row, err = families.Get(tx, presented.Family); return err })
	second := w.refresh(first)
	w.change(func(tx *store.Tx) error { return families.Put(tx, row) })
	w.present(refreshing(second)).refused(t, "InvalidGrantException", "ahead of its family")
	w.dead(first, second)
}

// TestKeyRotationKeepsFamilies: a family keeps the key it was born with.
func TestKeyRotationKeepsFamilies(t *testing.T) {
	w := newHousedWorld(t)
	first := w.family()
	for _, p := range []token.Purpose{token.RefreshMAC, token.AccessMAC, token.SigningES256, token.ContextSeal} {
		_, err := w.Minter.Keys.Rotate(t.Context(), p)
		must(t, err)
	}
	w.advance(20 * time.Minute)
	if !w.active(w.client, first.str("accessToken")) {
		t.Error("an access token died with its key's rotation")
	}
	w.verified(t, first.str("idToken"), "ES256")
	second := w.refresh(first)
	w.verified(t, second.str("idToken"), "ES256")
	young := w.family()
	w.refresh(young)
	w.refresh(second)
}

// TestRestart: a stop and start on the same store revives nothing used and loses nothing alive (D05, E03).
func TestRestart(t *testing.T) {
	folder := t.TempDir()
	before := newHouse(t, folder).newWorld(t)
	alive, reused := before.family(), before.family()
	before.refresh(reused)
	usedCode, usedAssertion := before.codeFor(before.client), before.assertion()
	issued := before.present(usedCode).granted(t)
	before.present(usedAssertion).granted(t)
	freshCode := before.codeFor(before.client)
	must(t, before.DB.Close())

	after := *before
	after.house = newHouse(t, folder)
	after.house.foreign = before.house.foreign
	after.Minter.Issuer = before.Minter.Issuer
	after.present(usedAssertion).refused(t, "InvalidGrantException", "used already (jti)")
	after.present(usedCode).refused(t, "InvalidGrantException", "a second time")
	if after.active(after.client, issued.str("accessToken")) {
		t.Error("the second use of a code after a restart ends nothing")
	}
	after.present(freshCode).granted(t)
	if !after.active(after.client, alive.str("accessToken")) {
		t.Error("an access token does not survive a restart")
	}
	after.refresh(after.refresh(alive))
	after.advance(31 * time.Second)
	after.present(refreshing(reused)).refused(t, "InvalidGrantException", "superseded")
}

// TestMutatedRefreshTokens: the whole token is bound (D11), and a token that was never ours kills nothing.
func TestMutatedRefreshTokens(t *testing.T) {
	w := newHousedWorld(t)
	a := w.family()
	good := a.str("refreshToken")
	mutants := []string{good[:len(good)-1], good[:40], "aor", good + "A", good + "=", " " + good, good + "\n", strings.ToUpper(good), strings.ToLower(good),
		"AOR" + good[3:], "aoa" + good[3:], good[3:], a.str("accessToken"), a.str("idToken"), "aor" + strings.Repeat("A", len(good)-3)}
	raw, err := base64.RawURLEncoding.DecodeString(good[3:])
	must(t, err)
	for i := range raw {
		flipped := append([]byte(nil), raw...)
		flipped[i] ^= 1 << (i % 8)
		mutants = append(mutants, "aor"+base64.RawURLEncoding.EncodeToString(flipped))
	}
	for _, m := range mutants {
		w.present(params{"grantType": ssoadmin.GrantRefreshToken, "refreshToken": m}).refused(t, "InvalidGrantException", badRefreshToken)
	}
	w.refresh(a)
}

// TestRestore: a raised epoch ends everything of before (M04), and nothing of after.
func TestRestore(t *testing.T) {
	w := newHousedWorld(t)
	old := w.family()
	w.advance(2 * time.Second)
	must(t, w.Minter.Keys.RaiseEpoch(t.Context()))
	w.dead(old)
	w.advance(2 * time.Second)
	w.refresh(w.family())
	w.refresh(w.present(w.assertion()).granted(t))
	w.present(w.assertion(params{"iat": nil})).refused(t, "InvalidGrantException", "before the store was restored")
	w.present(exchanging(w.subjectOf(w.front))).granted(t)
}
