// Package web is what a person sees: the sign-in, sign-out and error pages, and the authorization endpoint's journey through
// them. Browser routes stand apart from the APIs' and have rules of their own.
//
// What it guarantees:
//
//   - No page holds a script, is framed, cached, or tells other sites where the browser came from; its Content-Security-Policy
//     allows nothing but its own style sheet and its own forms.
//   - A browser is sent away only to a redirect URI that oidc has validated for the application. Every other fault is a
//     page of ours.
//   - A form works only in the browser it was given to, for what it was given for, and for a quarter of an hour: its ticket
//     is a MAC over all of that. The authorization request travels inside it and is validated again when it comes back.
//   - A sign-in session lives in a cookie and, as a hash, in the store. Its id changes at every sign-in; it ends when it is
//     too old or idle, when the user is disabled, deleted or given a new password, and when its token session is revoked.
//   - Every step is in the audit log before the browser hears of it; without that nobody gets a session or a code.
package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// Server serves the pages. Set every field.
type Server struct {
	DB        *store.DB
	OIDC      *oidc.Server
	Directory *identitystore.Server
	Keys      *token.Keyring
	// Issuer is our own base URL; https decides the cookies' form.
	Issuer string
	// Audit writes one event per sign-in step (CredentialChallenge, CredentialVerification, UserAuthentication, Authorize,
	// SignOut) before the answer. failure carries the private reason; details never hold a secret.
	Audit func(ctx context.Context, r *http.Request, name string, user identitystore.User, failure error, details map[string]any) error
	// SessionTTL and IdleTTL bound a sign-in session.
	SessionTTL, IdleTTL time.Duration
	Log                 *slog.Logger
}

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition { return []store.Definition{sessions} }

// The browser routes.
const (
	authorizePath = "/authorize"
	signInPath    = "/signin"
	signOutPath   = "/signout"
)

// Patterns are the browser routes, as net/http patterns. What lies below them is ours, too: a page says that it does not exist.
func (s *Server) Patterns() []string {
	return []string{authorizePath, authorizePath + "/", signInPath, signInPath + "/", signOutPath, signOutPath + "/"}
}

// site is a Server with what follows from its issuer.
type site struct {
	*Server
	base   string // path of the issuer, which forms must name when a proxy strips it
	port   string
	secure bool
	cross  *http.CrossOriginProtection
	routes map[string]map[string]http.HandlerFunc // by path and method
}

// Handler serves the patterns.
func (s *Server) Handler() http.Handler { return s.site() }

func (s *Server) site() *site {
	h := &site{Server: s, secure: true, cross: http.NewCrossOriginProtection()}
	if issuer, err := url.Parse(s.Issuer); err == nil {
		h.base, h.port, h.secure = strings.TrimSuffix(issuer.Path, "/"), issuer.Port(), issuer.Scheme != "http"
		// A proxy may change the Host that we would compare with. The error says that the issuer is no origin: trust none.
		_ = h.cross.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host)
	}
	h.routes = map[string]map[string]http.HandlerFunc{
		authorizePath: {http.MethodGet: h.authorize, http.MethodPost: h.authorizeForm},
		signInPath:    {http.MethodGet: h.showStart, http.MethodPost: h.signIn},
		signOutPath:   {http.MethodGet: h.showSignOut, http.MethodPost: h.signOut},
	}
	return h
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.setHeaders(w.Header())
	methods, ok := s.routes[r.URL.Path]
	if !ok {
		s.render(w, notFound)
		return
	}
	handle, ok := methods[r.Method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
		s.render(w, wrongMethod)
		return
	}
	handle(w, r)
}
