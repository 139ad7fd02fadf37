package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
)

// maxRequest is the longest authorization request in bytes. Escaped once more it must fit into a form beside a password.
const maxRequest = 16 << 10

var errLongRequest = &oidc.AuthorizeError{Code: "invalid_request", Description: "the authorization request is longer than 16 KiB"}

// parseRequest validates an authorization request in the form of a query string. Its error is an *oidc.AuthorizeError or a
// fault of our own.
func (s *site) parseRequest(r *http.Request, query string) (*oidc.AuthorizeRequest, error) {
	if len(query) > maxRequest {
		return nil, errLongRequest
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, &oidc.AuthorizeError{Code: "invalid_request", Description: "the query is malformed"}
	}
	return s.OIDC.ParseAuthorize(r.Context(), values)
}

// authorize is the authorization endpoint (RFC 6749 §3.1): it answers with a code at once where a sign-in session suffices, and
// with the sign-in page where it does not.
func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.RawQuery
	a, err := s.parseRequest(r, query)
	if err != nil {
		s.refuse(w, r, identitystore.User{}, requestDetails(query), err)
		return
	}
	v, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if v.session != nil && v.session.IdentityStoreID == a.IdentityStoreID && !a.NeedsSignIn(v.session.signedIn(), v.now) {
		location, err := s.answer(r, a, v)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.redirect(w, location)
		return
	}
	if a.PromptNone {
		s.refuse(w, r, v.user, authorizeDetails(a), &oidc.AuthorizeError{
			Code: "login_required", Description: "the user must sign in", RedirectTo: s.OIDC.Refuse(a, "login_required", "the user must sign in"),
		})
		return
	}
	if err := s.Audit(r.Context(), r, "CredentialChallenge", v.user, nil, credentialDetails(a)); err != nil {
		s.fail(w, r, err)
		return
	}
	form := signInPage{page: page{Status: http.StatusOK}, UserName: a.LoginHint}
	if form.UserName == "" {
		form.UserName = v.user.UserName
	}
	s.showSignIn(w, r, a, query, v, form)
}

// authorizeForm takes an authorization request as a form (OpenID Connect Core §3.1.2.1) and sends the browser on to the same request by GET:
// it decides nothing itself. An application's form comes from another site, so the browser has left our cookies out; with GET it brings them.
func (s *site) authorizeForm(w http.ResponseWriter, r *http.Request) {
	form, ok := s.readFields(w, r)
	if !ok {
		return
	}
	query := form.Encode()
	if len(query) > maxRequest {
		s.refuse(w, r, identitystore.User{}, nil, errLongRequest)
		return
	}
	s.redirect(w, s.base+authorizePath+"?"+query)
}

// answer is where the browser of a signed-in user goes, with the application's code or with the refusal of one.
func (s *site) answer(r *http.Request, a *oidc.AuthorizeRequest, v visit) (location string, err error) {
	location, refusal := s.OIDC.IssueCode(r.Context(), a, *v.session.signedIn())
	if err := s.Audit(r.Context(), r, "Authorize", v.user, refusal, authorizeDetails(a)); err != nil {
		return "", err
	}
	if fault, ok := errors.AsType[*oidc.AuthorizeError](refusal); ok {
		return fault.RedirectTo, nil
	}
	return location, refusal
}

// refuse answers a refused authorization request: by redirect once the redirect URI is known to be good, else by a page.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, user identitystore.User, details map[string]any, err error) {
	if err := s.Audit(r.Context(), r, "Authorize", user, err, details); err != nil {
		s.fail(w, r, err)
		return
	}
	fault, ok := errors.AsType[*oidc.AuthorizeError](err)
	if !ok {
		s.fail(w, r, err)
		return
	}
	if fault.RedirectTo == "" {
		s.render(w, refusedRequest(fault))
		return
	}
	s.redirect(w, fault.RedirectTo)
}

// redirect sends the browser on with GET, also after a POST (RFC 9700 §4.12): location is whole and validated.
func (s *site) redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// authorizeDetails is what an audit event tells of an authorization request.
func authorizeDetails(a *oidc.AuthorizeRequest) map[string]any {
	return map[string]any{"applicationArn": a.Application.ARN, "redirectUri": a.RedirectURI, "scope": strings.Join(a.Scopes, " ")}
}

// requestDetails is what can be told of a request that was refused.
func requestDetails(query string) map[string]any {
	if len(query) > maxRequest {
		return nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	return map[string]any{"clientId": clip(values.Get("client_id")), "redirectUri": clip(values.Get("redirect_uri"))}
}

// clip shortens what a stranger wrote.
func clip(text string) string {
	if len(text) > 256 {
		text = text[:256]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
