package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
)

// signInWait is how long a sign-in may wait for its turn: few passwords are checked at once.
const signInWait = 10 * time.Second

// What the sign-in page says above the form. One text for every failure: it must not tell which users exist.
const (
	signInFailed  = "The user name or password is not right, or the account cannot sign in now."
	signInExpired = "This page had been open for too long. Please sign in again."
)

// showStart is for those who come without an application.
func (s *site) showStart(w http.ResponseWriter, r *http.Request) {
	s.render(w, startPage)
}

// showSignIn renders the form. query is the authorization request, which comes back with it.
func (s *site) showSignIn(w http.ResponseWriter, r *http.Request, a *oidc.AuthorizeRequest, query string, v visit, p signInPage) {
	var err error
	if p.Ticket, err = s.newTicket(signInForm, s.browserID(w, r), query, v.now); err != nil {
		s.fail(w, r, err)
		return
	}
	p.Title, p.template = "Sign in", "sign-in"
	p.Action, p.Request, p.Application, p.Destination = s.base+signInPath, query, a.Application.Name, destinationName(a.RedirectURI)
	p.UserName = clip(p.UserName)
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy(formDestination(a.RedirectURI)))
	s.render(w, p)
}

// destinationName is how the page calls the place the browser goes to; empty for an application on this machine.
func destinationName(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return u.Host
}

// signIn takes the form: it checks that the form is ours, the request still valid and the password right, and in this order
// writes the audit events, begins the session and issues the code.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readForm(w, r)
	if !ok {
		return
	}
	v, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	query := form.Get("request")
	ticket := s.checkTicket(form.Get("ticket"), signInForm, s.cookie(r, browserCookie), query, v.now)
	if ticket != nil && !errors.Is(ticket, errStale) {
		s.refuseForm(w, r, "UserAuthentication", ticket)
		return
	}
	a, err := s.parseRequest(r, query)
	if err != nil {
		s.refuse(w, r, identitystore.User{}, requestDetails(query), err)
		return
	}
	name := strings.TrimSpace(form.Get("username"))
	if ticket != nil {
		s.showSignIn(w, r, a, query, v, signInPage{page: page{Status: http.StatusBadRequest}, UserName: name, Alert: signInExpired})
		return
	}
	user, err := s.verifyPassword(r, a, name, form.Get("password"))
	if err == nil {
		err = s.welcome(w, r, a, user)
	}
	switch {
	case errors.Is(err, identitystore.ErrSignIn):
		s.showSignIn(w, r, a, query, v, signInPage{page: page{Status: http.StatusUnauthorized}, UserName: name, Alert: signInFailed})
	case err != nil:
		s.fail(w, r, err)
	}
}

// refuseForm answers a form whose ticket does not fit.
func (s *site) refuseForm(w http.ResponseWriter, r *http.Request, event string, reason error) {
	if err := s.Audit(r.Context(), r, event, identitystore.User{}, reason, nil); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, forgedForm)
}

// verifyPassword checks the password and writes down what came of it. A failure is identitystore.ErrSignIn; other errors say that
// nothing was decided.
func (s *site) verifyPassword(r *http.Request, a *oidc.AuthorizeRequest, name, password string) (identitystore.User, error) {
	ctx, cancel := context.WithTimeout(r.Context(), signInWait)
	defer cancel()
	user, refusal := s.Directory.SignIn(ctx, a.IdentityStoreID, name, password)
	for _, event := range []string{"CredentialVerification", "UserAuthentication"} {
		if err := s.Audit(r.Context(), r, event, user, refusal, credentialDetails(a)); err != nil {
			return identitystore.User{}, err
		}
	}
	return user, refusal
}

// welcome gives a user who has just proved itself a session, and the application its code. When it returns an error it has not
// answered; identitystore.ErrSignIn says that the proof no longer holds.
func (s *site) welcome(w http.ResponseWriter, r *http.Request, a *oidc.AuthorizeRequest, user identitystore.User) error {
	id, n, err := s.beginSession(r.Context(), s.cookie(r, sessionCookie), user)
	if errors.Is(err, identitystore.ErrSignIn) {
		if err := s.Audit(r.Context(), r, "UserAuthentication", user, err, credentialDetails(a)); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	location, err := s.answer(r, a, visit{now: n.AuthTime, session: &n, user: user})
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, id)
	s.redirect(w, location)
	return nil
}

// credentialDetails is what an audit event tells of a sign-in. The name that was typed is not in it: people type passwords there.
func credentialDetails(a *oidc.AuthorizeRequest) map[string]any {
	return map[string]any{"CredentialType": "PASSWORD", "applicationArn": a.Application.ARN, "identityStoreId": a.IdentityStoreID}
}
