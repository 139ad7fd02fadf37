package sigv4

import "strings"

// maxHeaderName is the longest header name that can be signed.
const maxHeaderName = 128

// wellFormedSignedHeaders asks for lower-case header names, strictly ascending (so none twice), each of them a token of
// RFC 9110 §5.6.2.
func wellFormedSignedHeaders(list string) bool {
	previous, count := "", 0
	for more := true; more; {
		var name string
		name, list, more = strings.Cut(list, ";")
		if name <= previous || len(name) > maxHeaderName {
			return false
		}
		for i := range len(name) {
			if !lowerToken(name[i]) {
				return false
			}
		}
		previous = name
		if count++; count > maxSignedHeaders {
			return false
		}
	}
	return true
}

func lowerToken(b byte) bool {
	return 'a' <= b && b <= 'z' || b == '-' || '0' <= b && b <= '9' || strings.IndexByte("!#$%&'*+.^_`|~", b) >= 0
}

// signs reports whether the list names the header, whose letters may be of any case.
func signs(list, name string) bool {
	for more := true; more; {
		var signed string
		signed, list, more = strings.Cut(list, ";")
		if strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

// canonicalName appends the name as net/http spells it in its header maps, without the allocation of
// http.CanonicalHeaderKey. Names longer than maxHeaderName come back as they are.
func canonicalName(dst []byte, name string) []byte {
	upper := true
	for i := range len(name) {
		b := name[i]
		switch {
		case upper && 'a' <= b && b <= 'z':
			b -= 'a' - 'A'
		case !upper && 'A' <= b && b <= 'Z':
			b += 'a' - 'A'
		}
		upper = b == '-'
		dst = append(dst, b)
	}
	return dst
}
