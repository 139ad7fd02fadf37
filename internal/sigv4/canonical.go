package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// message is a request reduced to what is signed of it; everything in it has passed the rules of read.
type message struct {
	method        string
	path          string // as received
	query         []param
	presigned     bool
	host          string
	contentLength int64
	header        http.Header
	signedHeaders string
	bodyHash      [2 * sha256.Size]byte // in hex
}

// read checks what the claim covers against what was received: host and every x-amz-* header must be signed, every
// signed header must be there exactly once, and a claimed body hash must be the body's.
func (m *message) read(r *http.Request, t target, c *claim, body []byte) error {
	*m = message{
		method:        r.Method,
		path:          t.path,
		query:         t.query,
		presigned:     c.presigned,
		host:          host(r),
		contentLength: r.ContentLength,
		header:        r.Header,
		signedHeaders: c.signedHeaders,
		bodyHash:      hashBody(body),
	}
	if m.method == "" {
		m.method = http.MethodGet // as net/http's client has it
	}
	if c.contentSHA256 != "" && subtle.ConstantTimeCompare([]byte(c.contentSHA256), m.bodyHash[:]) == 0 {
		return errInvalid("The provided 'x-amz-content-sha256' does not match the SHA-256 of the body received; " +
			"unsigned and streaming payloads are not accepted.")
	}
	if err := m.checkAmzHeaders(); err != nil {
		return err
	}
	return m.checkSignedHeaders()
}

// checkAmzHeaders refuses an x-amz-* header that is not signed.
func (m *message) checkAmzHeaders() error {
	if !signs(m.signedHeaders, "host") {
		return errInvalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
	}
	var buf [maxHeaderName]byte
	for name := range m.header {
		if !hasPrefixFold(name, amzPrefix) {
			continue
		}
		// The spelling matters because values are looked up by it.
		if !signs(m.signedHeaders, name) || string(canonicalName(buf[:0], name)) != name {
			return errInvalid("Every 'x-amz-' header must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	return nil
}

// checkSignedHeaders refuses a signed header that is absent, given twice, or whose value could break the lines of the
// canonical request.
func (m *message) checkSignedHeaders() error {
	for names := m.signedHeaders; names != ""; {
		var name string
		name, names, _ = strings.Cut(names, ";")
		values := 1
		value := ""
		switch name {
		case "host":
			value = m.host
		case "content-length":
			if m.contentLength < 0 {
				values = 0
			}
		default:
			var buf [maxHeaderName]byte
			list := m.header[string(canonicalName(buf[:0], name))]
			if values = len(list); values > 0 {
				value = list[0]
			}
		}
		switch {
		case values == 0:
			return errInvalid("A header of 'SignedHeaders' is not in the request.")
		case values > 1:
			return errInvalid("A header of 'SignedHeaders' is in the request more than once.")
		case strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, 0) >= 0:
			return errInvalid("A header of 'SignedHeaders' holds a control character.")
		}
	}
	return nil
}

// appendCanonical writes the canonical request with the given path.
func (m *message) appendCanonical(dst []byte, path string) []byte {
	dst = append(dst, m.method...)
	dst = append(dst, '\n')
	dst = appendEscaped(dst, path, true) // the path came encoded: this is the second encoding
	dst = append(dst, '\n')
	dst = appendQuery(dst, m.query, m.presigned)
	dst = append(dst, '\n')
	var buf [maxHeaderName]byte
	for names := m.signedHeaders; names != ""; {
		var name string
		name, names, _ = strings.Cut(names, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		switch name {
		case "host":
			dst = appendTrimmed(dst, m.host)
		case "content-length":
			dst = strconv.AppendInt(dst, m.contentLength, 10)
		default:
			for _, value := range m.header[string(canonicalName(buf[:0], name))] {
				dst = appendTrimmed(dst, value)
			}
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, m.signedHeaders...)
	dst = append(dst, '\n')
	return append(dst, m.bodyHash[:]...)
}

// appendTrimmed writes a header's value without blanks at its ends and with runs of blanks as one space.
func appendTrimmed(dst []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") && strings.IndexByte(value, '\t') < 0 {
		return append(dst, value...)
	}
	blank := false
	for i := range len(value) {
		b := value[i]
		if b == ' ' || b == '\t' {
			if !blank {
				dst = append(dst, ' ')
			}
			blank = true
			continue
		}
		blank = false
		dst = append(dst, b)
	}
	return dst
}

// normalizePath removes empty and dot segments as the SDKs do: a closing slash stays, a closing dot segment leaves none.
func normalizePath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		kept = append(kept, "")
	}
	return "/" + strings.Join(kept, "/")
}

// host is the Host of the request, which net/http keeps out of the header map.
func host(r *http.Request) string {
	if r.Host == "" && r.URL != nil {
		return r.URL.Host
	}
	return r.Host
}

func hashBody(body []byte) (out [2 * sha256.Size]byte) {
	sum := sha256.Sum256(body)
	hex.Encode(out[:], sum[:])
	return out
}
