package web

import (
	"errors"
	"net/http"

	"github.com/symbolon/symbolon/internal/store"
)

// showSignOut asks whether to sign out, or says that nobody is signed in.
func (s *site) showSignOut(w http.ResponseWriter, r *http.Request) {
	v, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if v.session == nil {
		s.render(w, signedOut)
		return
	}
	ticket, err := s.newTicket(signOutForm, s.browserID(w, r), v.session.Hash, v.now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, newSignOutPage(s.base+signOutPath, v.user, ticket))
}

// signOut ends the session and all that was issued in it. It does so even if the event cannot be written, and then says so.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readForm(w, r)
	if !ok {
		return
	}
	v, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var ticket error
	if v.session != nil {
		ticket = s.checkTicket(form.Get("ticket"), signOutForm, s.cookie(r, browserCookie), v.session.Hash, v.now)
	}
	switch {
	case v.session == nil || errors.Is(ticket, errStale):
		s.redirect(w, s.base+signOutPath)
		return
	case ticket != nil:
		s.refuseForm(w, r, "SignOut", ticket)
		return
	}
	err = s.DB.Update(r.Context(), func(tx *store.Tx) error {
		return s.endSession(tx, s.cookie(r, sessionCookie), "the user signed out")
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, "")
	if err := s.Audit(r.Context(), r, "SignOut", v.user, nil, nil); err != nil {
		s.fail(w, r, err)
		return
	}
	s.redirect(w, s.base+signOutPath)
}
