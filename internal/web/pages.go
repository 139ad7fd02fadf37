package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"strconv"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/store"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed pages/style.css
var styleSheet string

var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// styleHash lets a page's own style sheet through its Content-Security-Policy.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(styleSheet))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

// page is what every page has.
type page struct {
	template string
	Status   int
	Title    string
}

func (p page) name() string { return p.template }
func (p page) status() int  { return p.Status }

// Style is the style sheet. The template engine must not touch it: its hash is in the policy.
func (page) Style() template.CSS { return template.CSS(styleSheet) }

// rendered is a page with the data its template wants.
type rendered interface {
	name() string
	status() int
}

// signInPage is the form for user name and password.
type signInPage struct {
	page
	Action, Request, Ticket string // where the form goes and what it carries unseen
	Application             string // who asks
	Destination             string // the host the browser goes to afterwards, if worth telling
	UserName                string
	Alert                   string
}

// messagePage says one thing.
type messagePage struct {
	page
	Text string
	Hint string // what to do
	Code string // for whoever maintains the application
}

// signOutPage asks whether to sign out.
type signOutPage struct {
	page
	Action, Ticket, UserName string
}

func newSignOutPage(action string, user identitystore.User, ticket string) signOutPage {
	return signOutPage{
		page: page{"sign-out", http.StatusOK, "Sign out"}, Action: action, Ticket: ticket, UserName: user.UserName,
	}
}

func message(status int, title, text, hint string) messagePage {
	return messagePage{page: page{"message", status, title}, Text: text, Hint: hint}
}

// The pages that are always the same.
var (
	startPage = message(http.StatusOK, "Start from your application", "You sign in here when an application asks you to.",
		"Open the application you want to use and choose to sign in there. It will bring you back.")
	signedOut = message(http.StatusOK, "You are signed out", "No one is signed in here with this browser.",
		"To sign in again, start from your application.")

	notFound = message(http.StatusNotFound, "Page not found", "There is no page at this address.",
		"Check the address, or start again from your application.")
	wrongMethod = message(http.StatusMethodNotAllowed, "That does not work here", "This address does not take that kind of request.",
		"Start again from your application.")
	foreignForm = message(http.StatusForbidden, "This form came from another site", "For your safety, nothing was done.",
		"If you wanted to sign in, start again from your application.")
	forgedForm = message(http.StatusForbidden, "This form is not valid any more", "It was not opened in this browser, or cookies are turned off. Nothing was done.",
		"Allow cookies for this site, then start again from your application.")
	badForm = message(http.StatusBadRequest, "This form cannot be read", "The form arrived incomplete or damaged. Nothing was done.",
		"Start again from your application.")
	notAForm = message(http.StatusUnsupportedMediaType, "This is not a form", "This address takes plain forms only. Nothing was done.",
		"Start again from your application.")
	formTooLarge = message(http.StatusRequestEntityTooLarge, "This form is too large", "The form holds more than we accept. Nothing was done.",
		"Start again from your application.")

	busy = message(http.StatusServiceUnavailable, "Please try again in a moment", "We are very busy right now and could not finish.",
		"Wait a few seconds, then start again from your application.")
	broken = message(http.StatusInternalServerError, "Something went wrong", "The fault is on our side, and it has been written down.",
		"Try again in a moment. If it keeps happening, tell your administrator.")
)

// refusedRequest is for authorization requests that must not be answered by redirect.
func refusedRequest(fault *oidc.AuthorizeError) messagePage {
	p := message(http.StatusBadRequest, "This sign-in link does not work",
		"The application sent a request that we cannot accept, so we did not send you anywhere.",
		"Go back to the application and try again. If it keeps happening, show its maintainers this:")
	p.Code = fault.Error()
	return p
}

// render writes a page. Nothing is sent before the page is whole.
func (s *site) render(w http.ResponseWriter, p rendered) {
	var text bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&text, p.name(), p); err != nil {
		s.Log.Error("a page cannot be rendered", "page", p.name(), "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	switch p.(type) {
	case signInPage, signOutPage:
		// Under no-referrer a browser posts a form with Origin: null; one that does not send Sec-Fetch-Site either (Safari before 16.4) could
		// not be told from another site's.
		w.Header().Set("Referrer-Policy", "same-origin")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	w.WriteHeader(p.status())
	_, _ = w.Write(text.Bytes()) // the client is gone: nothing to do
}

// fail answers a fault of our own.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.Error("a page could not be answered", "path", r.URL.Path, "error", err)
	}
	for _, transient := range []error{store.ErrConflict, store.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, transient) {
			w.Header().Set("Retry-After", "5")
			s.render(w, busy)
			return
		}
	}
	s.render(w, broken)
}
