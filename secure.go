package symbolon

import (
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// noSniff stands in the headers of all answers; nobody changes it.
var noSniff = []string{"nosniff"}

// badFraming is what clients are told whose request never reaches a route.
const badFraming = "The request's framing or target form is not accepted: send an origin-form target and a Content-Length, not chunks."

// secure stands before every route. Requests whose framing or target two parsers could read differently go to framing, which
// refuses them in AWS's shape; over TLS, ours or a proxy's, the browser is told to stay there.
func secure(routes, api, framing http.Handler, overTLS bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Content-Type-Options"] = noSniff
		if overTLS {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		// net/http drops Content-Length beside Transfer-Encoding without a word, so that chunks alone look like both; no SDK sends chunks here.
		if len(r.TransferEncoding) > 0 || r.URL.IsAbs() || r.URL.Path == "" || !strings.HasPrefix(r.RequestURI, "/") {
			framing.ServeHTTP(w, r)
			return
		}
		// The mux would redirect these to their clean form; an SDK's signature would not survive that.
		if !clean(r.URL.Path) {
			api.ServeHTTP(w, r)
			return
		}
		routes.ServeHTTP(w, r)
	})
}

// throughProxy takes the client's address from the proxy, which is the one that speaks to us: the last entry of X-Forwarded-For. What
// stands before it is the client's own word. Limits, policies (aws:SourceIp) and audit events then speak of the client.
func throughProxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if given := r.Header.Values("X-Forwarded-For"); len(given) > 0 {
			entries := strings.Split(given[len(given)-1], ",")
			if ip, err := netip.ParseAddr(strings.TrimSpace(entries[len(entries)-1])); err == nil {
				r.RemoteAddr = netip.AddrPortFrom(ip, 0).String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// clean says that a path has no empty, "." or ".." parts; a final slash is none.
func clean(p string) bool {
	cleaned := path.Clean(p)
	return p == cleaned || p == cleaned+"/" && p != "//"
}

// closing ends the connection with the answer: where a request ends that may be read in two ways, nobody knows.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		next.ServeHTTP(w, r)
	})
}

// quietLog passes net/http's own complaints (TLS handshakes, broken connections) to the log at debug level.
func quietLog(l *slog.Logger) *log.Logger {
	return slog.NewLogLogger(l.Handler(), slog.LevelDebug)
}
