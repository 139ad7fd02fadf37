package ssoadmin

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/symbolon/symbolon/internal/wire"
)

const maxRedirectURI = 2048 // characters

var (
	privateScheme = wire.NewPattern(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)
	hostLabel     = wire.NewPattern(`^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$`)
	// hiddenByte is an escape that a later decoding turns into a separator, a dot segment or a control character.
	hiddenByte = wire.NewPattern(`(?i)%(2e|2f|5c|[01][0-9a-f]|7f)`)
)

// ValidateRedirectURI says whether a redirect URI may be registered. The text is stored and compared exactly as it is,
// so whatever a browser would rewrite on the way is refused: dot segments, escaped slashes, backslashes, blanks, text
// beyond ASCII (write an IDN host in its xn-- form).
//
// Allowed are https with a host, http to 127.0.0.1, [::1] or localhost (RFC 8252 section 7.3), and an application's own
// scheme, which must hold a dot (RFC 8252 section 7.1): com.example.app:/callback. Never a fragment (RFC 6749 section
// 3.1.2), user information, or a wildcard. The error says what is wrong, in words for the client.
func ValidateRedirectURI(uri string) error {
	if uri == "" || len(uri) > maxRedirectURI {
		return errors.New("a redirect URI has 1 to 2048 characters")
	}
	if i := strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\\*\"<>^`{|}", r) }); i >= 0 {
		return errors.New("a redirect URI holds no blanks, control characters, backslashes, wildcards or characters that must be escaped")
	}
	if strings.Contains(uri, "#") {
		return errors.New("a redirect URI has no fragment")
	}
	scheme, rest, found := strings.Cut(uri, ":")
	if !found {
		return errors.New("a redirect URI is absolute: it begins with a scheme")
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errors.New("the redirect URI is not a valid URI")
	}
	if u.User != nil || strings.Contains(u.Host, "@") {
		return errors.New("a redirect URI has no user information")
	}
	if err := checkPath(u); err != nil {
		return err
	}
	switch {
	case scheme == "https" && strings.HasPrefix(rest, "//"):
		return checkHost(u)
	case scheme == "http" && strings.HasPrefix(rest, "//"):
		return checkLoopback(u)
	case privateScheme.MatchString(scheme) && strings.HasPrefix(rest, "/"):
		return nil
	}
	return errors.New("the scheme of a redirect URI is https, http to a loopback address, or an application's own with a dot in it, in lower case")
}

func checkPath(u *url.URL) error {
	path := u.EscapedPath()
	if hiddenByte.MatchString(path) {
		return errors.New("the path of a redirect URI has no escaped dots, slashes, backslashes or control characters")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return errors.New("the path of a redirect URI has no dot segments")
		}
	}
	if strings.HasPrefix(path, "//") {
		return errors.New("the path of a redirect URI does not begin with two slashes")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return errors.New("the query of a redirect URI is malformed")
	}
	return nil
}

func checkHost(u *url.URL) error {
	if err := checkPort(u.Host); err != nil {
		return err
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if address, err := netip.ParseAddr(host); err != nil || address.Zone() != "" {
			return errors.New("the redirect URI has no valid host")
		}
		return nil
	}
	if host == "" || len(host) > 253 {
		return errors.New("the redirect URI has no valid host")
	}
	for label := range strings.SplitSeq(host, ".") {
		if !hostLabel.MatchString(label) {
			return errors.New("the redirect URI has no valid host")
		}
	}
	return nil
}

func checkLoopback(u *url.URL) error {
	if err := checkPort(u.Host); err != nil {
		return err
	}
	switch strings.TrimSuffix(u.Host, ":"+u.Port()) {
	case "127.0.0.1", "[::1]", "localhost":
		return nil
	}
	return errors.New("a redirect URI with http goes to 127.0.0.1, [::1] or localhost only")
}

// checkPort refuses a colon without a port and a port out of range.
func checkPort(hostport string) error {
	host, port, found := cutPort(hostport)
	if found && !validPort(port) || host == "" {
		return errors.New("the redirect URI has no valid host and port")
	}
	return nil
}

// cutPort splits host:port at the last colon outside brackets.
func cutPort(hostport string) (host, port string, found bool) {
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		return hostport[:i], hostport[i+1:], true
	}
	return hostport, "", false
}

// validPort is 1 to 65535 in decimal without leading zeros.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port == strconv.FormatUint(n, 10)
}

// loopbackLiterals are the redirect URIs whose port is free (RFC 8252 section 7.3): a native application listens on
// whatever port the system gave it. localhost is not among them, because it may resolve to something else.
var loopbackLiterals = []string{"http://127.0.0.1", "http://[::1]"}

// RedirectURIMatches says whether the redirect URI of a request is the registered one: the same text, byte for byte,
// save that the port of an http URI to 127.0.0.1 or [::1] may be another (RFC 8252 section 7.3).
func RedirectURIMatches(registered, requested string) bool {
	if registered == requested {
		return true
	}
	for _, literal := range loopbackLiterals {
		want, ok := afterPort(registered, literal)
		got, ok2 := afterPort(requested, literal)
		if ok && ok2 {
			return want == got
		}
	}
	return false
}

// afterPort is what follows literal and its optional port: path and query. It is not ok when uri has another host.
func afterPort(uri, literal string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(uri, literal)
	if !ok {
		return "", false
	}
	if port, found := strings.CutPrefix(rest, ":"); found {
		end := strings.IndexAny(port, "/?")
		if end < 0 {
			end = len(port)
		}
		if !validPort(port[:end]) {
			return "", false
		}
		rest = port[end:]
	}
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?'
}
