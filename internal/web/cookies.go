package web

import "net/http"

// The cookies: one names the sign-in session, the other the browser that a form was given to.
const (
	sessionCookie = "session"
	browserCookie = "browser"
)

// cookieName over https has the prefix that binds a cookie to this very host and to TLS (RFC 6265bis §4.1.3.2). Over http, which
// only a loopback listener speaks, the name carries the port, since all ports of a host share their cookies.
func (s *site) cookieName(kind string) string {
	if s.secure {
		return "__Host-symbolon-" + kind
	}
	port := s.port
	if port == "" {
		port = "80"
	}
	return "symbolon-" + kind + "-" + port
}

// cookie is the value of a cookie, empty when there is none, or several: then somebody else has set one of them.
func (s *site) cookie(r *http.Request, kind string) string {
	if found := r.CookiesNamed(s.cookieName(kind)); len(found) == 1 {
		return found[0].Value
	}
	return ""
}

// setCookie sets a cookie that ends with the browser; an empty value removes it.
func (s *site) setCookie(w http.ResponseWriter, kind, value string) {
	c := &http.Cookie{
		Name: s.cookieName(kind), Value: value, Path: "/", Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
