package oidc

import (
	"testing"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
)

// contextStands is what AssumeRole asks about the identity context of an answer.
func (w *world) contextStands(a answer) error {
	w.t.Helper()
	c, err := w.Minter.OpenIdentityContext(a.identityContext(), w.now())
	must(w.t, err)
	return w.DB.View(w.t.Context(), func(tx *store.Tx) error { return w.ContextStands(tx, c) })
}

// TestContextStands: an identity context stands as long as the access token it was given with would, whatever is switched off.
func TestContextStands(t *testing.T) {
	h := newHouse(t)
	for name, strike := range map[string]func(w *world){
		"application disabled": func(w *world) { enable(w, w.client, false) },
		"application deleted":  func(w *world) { remove(w, w.client) },
		"user disabled":        func(w *world) { w.setUser(func(u *identitystore.User) { u.Enabled = false }) },
		"user unassigned":      func(w *world) { w.unassign(w.client, "USER", w.user) },
		"issuer deleted": func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.DeleteTrustedTokenIssuer(tx, w.tti) })
		},
		"issuer no longer listed": func(w *world) { w.trust("https://elsewhere.example") },
	} {
		t.Run(name, func(t *testing.T) {
			w := h.newWorld(t)
			a := w.present(w.assertion()).granted(t)
			must(t, w.contextStands(a))
			strike(w)
			refusal := refusalOf(w.contextStands(a))
			if refusal == nil || refusal.Code != "InvalidGrantException" || refusal.Reason == "" {
				t.Errorf("it is judged %v", refusal)
			}
		})
	}
	w := h.newWorld(t)
	a := w.family()
	must(t, w.contextStands(a))
	w.revoke(w.client, a.str("refreshToken"))
	if refusalOf(w.contextStands(a)) == nil {
		t.Error("the context of a revoked session stands")
	}
}
