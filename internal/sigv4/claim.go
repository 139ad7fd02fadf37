package sigv4

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The query parameters of a presigned request.
const (
	queryAlgorithm     = "X-Amz-Algorithm"
	queryCredential    = "X-Amz-Credential"
	queryDate          = "X-Amz-Date"
	queryExpires       = "X-Amz-Expires"
	querySecurityToken = "X-Amz-Security-Token"
	querySignature     = "X-Amz-Signature"
	querySignedHeaders = "X-Amz-SignedHeaders"
	queryContentSHA256 = "X-Amz-Content-Sha256"

	headerAuthorization = "Authorization"
	headerSecurityToken = "X-Amz-Security-Token"
	headerDate          = "X-Amz-Date"
	headerContentSHA256 = "X-Amz-Content-Sha256"
)

// claim is what the message says of its signature. Nothing in it is believed before the signature matches.
type claim struct {
	accessKeyID   string
	sessionToken  string
	scope         scope
	signedHeaders string // lower case, ascending, separated by ';'
	signature     [32]byte
	timestamp     string // time of signing in timeFormat, as it stands in the string to sign
	signedAt      time.Time
	presigned     bool
	expires       time.Duration // of a presigned request
	contentSHA256 string        // claimed hash of the body, "" if none
}

// read finds the signature in the header or in the query. In both places at once, or twice in one, it is refused: two readers could then
// choose differently. The claim is the caller's, here and below, so that it needs no memory of the heap.
func (c *claim) read(r *http.Request, t target) error {
	values, err := readQuery(t.query)
	if err != nil {
		return err
	}
	headers := r.Header[headerAuthorization]
	switch {
	case len(headers) > 1:
		return errIncomplete("The request has more than one Authorization header.")
	case len(headers) == 1 && values.any:
		return errInvalid("Authentication must be in the Authorization header or in the query, not in both.")
	case len(headers) == 1:
		return c.readHeader(r, headers[0])
	case values.any:
		return c.readQuery(r, values)
	}
	return errMissing("no Authorization header and no X-Amz-Signature")
}

// readHeader reads the Authorization header and the headers that belong to it.
func (c *claim) readHeader(r *http.Request, authorization string) error {
	f, err := parseAuthorization(authorization)
	if err != nil {
		return err
	}
	if err := c.fill(f); err != nil {
		return err
	}
	if c.sessionToken, err = single(r, headerSecurityToken); err != nil {
		return err
	}
	if c.contentSHA256, err = single(r, headerContentSHA256); err != nil {
		return err
	}
	return c.readHeaderDate(r)
}

// readHeaderDate takes the time of signing from X-Amz-Date or, where that is absent, from Date.
func (c *claim) readHeaderDate(r *http.Request) error {
	date, err := single(r, headerDate)
	if err != nil {
		return err
	}
	if date == "" {
		if date, err = single(r, "Date"); err != nil {
			return err
		}
		if t, err := time.Parse(http.TimeFormat, date); err == nil { // RFC 9110 §5.6.7
			date = t.Format(timeFormat)
		}
	}
	if date == "" {
		return errIncomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return c.setTime(date)
}

// setTime takes the basic ISO 8601 form.
func (c *claim) setTime(timestamp string) error {
	// The length is checked because time.Parse would let fractions of a second pass.
	t, err := time.Parse(timeFormat, timestamp)
	if err != nil || len(timestamp) != len(timeFormat) {
		return errIncomplete("Date must be in ISO-8601 'basic format', e.g. 20260101T000000Z.")
	}
	c.timestamp, c.signedAt = timestamp, t
	return nil
}

// fields are the three parts of a signature that both places share.
type fields struct{ credential, signedHeaders, signature string }

func (c *claim) fill(f fields) error {
	var refusal *Error
	if c.accessKeyID, c.scope, refusal = parseScope(f.credential); refusal != nil {
		return refusal
	}
	if c.signedHeaders = f.signedHeaders; !wellFormedSignedHeaders(f.signedHeaders) {
		return errIncomplete("SignedHeaders must name lower-case headers in ascending order, separated by semicolons.")
	}
	// Lower case only: AWS compares the text.
	_, err := hex.Decode(c.signature[:], []byte(f.signature[:min(len(f.signature), 64)]))
	if err != nil || len(f.signature) != 64 || strings.ToLower(f.signature) != f.signature {
		return errMismatch("the signature is not 64 lower-case hex digits")
	}
	return nil
}

// parseAuthorization reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`: each of the three once, in any
// order, with or without blanks after the commas.
func parseAuthorization(header string) (f fields, err error) {
	if len(header) > maxAuthorization {
		return f, errIncomplete("The Authorization header is too long.")
	}
	scheme, rest, _ := strings.Cut(strings.Trim(header, " \t"), " ")
	if scheme != algorithm {
		if strings.HasPrefix(scheme, "AWS") {
			return f, errIncomplete("Unsupported AWS 'algorithm': only " + algorithm + " is accepted.")
		}
		return f, errMissing("the Authorization header is of another scheme")
	}
	for more := strings.Trim(rest, " \t") != ""; more; {
		var part string
		part, rest, more = strings.Cut(rest, ",")
		if err := f.set(strings.Trim(part, " \t")); err != nil {
			return f, err
		}
	}
	return f, f.complete()
}

// set takes one key=value part.
func (f *fields) set(part string) error {
	key, value, _ := strings.Cut(part, "=")
	if value == "" {
		return errIncomplete("The Authorization header holds a part that is not a key=value pair.")
	}
	var dst *string
	switch key {
	case "Credential":
		dst = &f.credential
	case "SignedHeaders":
		dst = &f.signedHeaders
	case "Signature":
		dst = &f.signature
	default:
		return errIncomplete("The Authorization header holds a parameter other than Credential, SignedHeaders and Signature.")
	}
	if *dst != "" {
		return errIncomplete("Authorization header holds '" + key + "' more than once.")
	}
	*dst = value
	return nil
}

func (f *fields) complete() error {
	switch "" {
	case f.credential:
		return errIncomplete("Authorization header requires 'Credential' parameter.")
	case f.signature:
		return errIncomplete("Authorization header requires 'Signature' parameter.")
	case f.signedHeaders:
		return errIncomplete("Authorization header requires 'SignedHeaders' parameter.")
	}
	return nil
}

// single returns the one value of a header, "" if it is absent.
func single(r *http.Request, name string) (string, error) {
	switch values := r.Header[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return strings.Trim(values[0], " \t"), nil
	}
	return "", errInvalid("The request has more than one '" + strings.ToLower(name) + "' header.")
}

// unescape undoes the encoding that parseQuery gave a value.
func unescape(value string) string {
	if s, err := url.PathUnescape(value); err == nil {
		return s
	}
	return value
}
