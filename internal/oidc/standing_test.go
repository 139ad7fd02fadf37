package oidc

import (
	"errors"
	"testing"
	"time"
)

// TestPasswordChange: what the user signed in for before the password changed has ended: codes, tokens, families, identity contexts, of
// assertions too. What comes afterwards is good, from the second of the change on.
func TestPasswordChange(t *testing.T) {
	w := newHousedWorld(t)
	w.password("the first password")
	code, a, b := w.codeFor(w.client), w.family(), w.present(w.assertion()).granted(t)
	exchanged := w.present(exchanging(w.subjectOf(w.front)), wantsRefresh).granted(t)
	query := w.authorizing(w.client)
	signedIn := SignedIn{SessionID: w.signInID, UserID: w.user, AuthTime: w.now(), EndsAt: w.now().Add(time.Hour)}
	changePassword(w)
	w.present(code).refused(t, "InvalidGrantException", "before the password changed")
	w.dead(a, b, exchanged)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "before the password changed")
	if got := w.present(refreshing(a)).str("message"); got != "the session has ended" {
		t.Errorf("the client hears %q", got)
	}
	if refusalOf(w.contextStands(b)) == nil {
		t.Error("the identity context stands")
	}
	request, err := w.ParseAuthorize(t.Context(), query)
	must(t, err)
	var refused *AuthorizeError
	if location, err := w.IssueCode(t.Context(), request, signedIn); !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Errorf("the old sign-in gets %q, %v", location, err)
	}
	w.refresh(w.family())
	w.refresh(w.present(w.assertion()).granted(t))
}
