package web

import (
	"net/http"
	"net/url"
	"regexp"
)

// setHeaders gives every answer, redirects included, what a page of ours needs. Strict-Transport-Security is not the pages' alone: the
// server sets it before them.
func (s *site) setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 §5.1 wants both
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", contentSecurityPolicy(""))
}

// contentSecurityPolicy allows our style sheet, the icon, and forms to ourselves; and to destination if not empty, because
// Chromium applies form-action also to the redirect that answers a form.
func contentSecurityPolicy(destination string) string {
	if destination != "" {
		destination = " " + destination
	}
	return "default-src 'none'; style-src '" + styleHash + "'; img-src data:; form-action 'self'" + destination +
		"; frame-ancestors 'none'; base-uri 'none'"
}

// sourceHost is what a source expression can name (Content Security Policy Level 3 §2.3.1): no IPv6 address, for one.
var sourceHost = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?$`)

// formDestination is the source expression of a validated redirect URI: its origin, or its scheme where the grammar cannot
// name the origin.
func formDestination(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	if (u.Scheme == "https" || u.Scheme == "http") && sourceHost.MatchString(u.Host) {
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":"
}
