package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Bounds on what is canonicalized before anyone has proved anything.
const (
	maxTarget        = 32 << 10 // bytes of path and query
	maxAuthorization = 16 << 10 // bytes of the Authorization header
	maxSignedHeaders = 100
)

// target is the request target as received.
type target struct {
	path  string
	query []param
}

// param is one query parameter, name and value in AWS's percent-encoding.
type param struct{ name, value string }

// parseTarget takes path and query from the request line, so that no rewriting of r.URL on the way here counts. Where
// that is in absolute form, or missing because the request was never received, they are taken as they would be sent.
func parseTarget(r *http.Request) (target, error) {
	uri := r.RequestURI
	if uri == "" || uri[0] != '/' {
		uri = r.URL.RequestURI()
	}
	if len(uri) > maxTarget {
		return target{}, errInvalid("The request's path and query are too long to be signed.")
	}
	if uri == "" || uri[0] != '/' {
		return target{}, errInvalid("The request target must start with a slash.")
	}
	path, query, _ := strings.Cut(uri, "?")
	params, ok := parseQuery(query)
	if !ok {
		return target{}, errInvalid("The query string holds a malformed percent-encoding.")
	}
	return target{path, params}, nil
}

// parseQuery reads a query string into parameters sorted as AWS signs them: by encoded name, then by encoded value.
// '+' is a space, as it is to whoever reads the parameters afterwards; botocore would sign a bare one as it stands, but
// never sends one. ok is false for a malformed percent-encoding.
func parseQuery(query string) (params []param, ok bool) {
	if query == "" {
		return nil, true
	}
	params = make([]param, 0, 1+strings.Count(query, "&"))
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, okName := reencode(name)
		value, okValue := reencode(value)
		if !okName || !okValue {
			return nil, false
		}
		params = append(params, param{name, value})
	}
	slices.SortFunc(params, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	return params, true
}

// reencode turns a query component of any encoding into AWS's: unreserved characters (RFC 3986 §2.3) bare, all others
// as %XX in upper case.
func reencode(s string) (string, bool) {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = unreserved(s[i])
	}
	if plain {
		return s, true
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return "", false
	}
	return string(appendEscaped(make([]byte, 0, len(s)+8), decoded, false)), true
}

// appendQuery writes the canonical query; the presigned signature itself is not part of it.
func appendQuery(dst []byte, params []param, presigned bool) []byte {
	start := len(dst)
	for _, p := range params {
		if presigned && p.name == querySignature {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '&')
		}
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return dst
}

func appendEscaped(dst []byte, s string, path bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		b := s[i]
		if unreserved(b) || path && b == '/' {
			dst = append(dst, b)
		} else {
			dst = append(dst, '%', hex[b>>4], hex[b&15])
		}
	}
	return dst
}

func unreserved(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		b == '-' || b == '.' || b == '_' || b == '~'
}
