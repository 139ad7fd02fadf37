package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// queryValues are a presigned request's own parameters, still encoded.
type queryValues struct {
	any bool // some parameter that only a presigned request has
	of  map[string]string
}

// reserved are the parameters that carry authentication. They are known by their exact names: another spelling of one
// would be skipped here and may be understood elsewhere (CVE-2022-2385).
var reserved = [...]string{
	queryAlgorithm, queryCredential, queryDate, queryExpires, querySecurityToken, querySignature, querySignedHeaders,
	queryContentSHA256,
}

const amzPrefix = "x-amz-"

// readQuery collects the reserved parameters and refuses any x-amz-* parameter given twice or, where reserved, in other
// letters.
func readQuery(params []param) (queryValues, error) {
	var q queryValues
	var seen []string
	for _, p := range params {
		if !hasPrefixFold(p.name, amzPrefix) {
			continue
		}
		for _, name := range seen {
			if strings.EqualFold(name, p.name) {
				return q, errInvalid("The query holds '" + name + "' more than once.")
			}
		}
		if seen = append(seen, p.name); len(seen) > maxSignedHeaders {
			return q, errInvalid("The query holds too many X-Amz parameters.")
		}
		for _, name := range reserved {
			if !strings.EqualFold(name, p.name) {
				continue
			}
			if name != p.name {
				return q, errInvalid("The query parameter '" + name + "' must be spelled so.")
			}
			if q.of == nil {
				q.of = make(map[string]string, len(reserved))
			}
			q.any = true
			q.of[name] = unescape(p.value)
		}
	}
	return q, nil
}

// readQuery reads a presigned request.
func (c *claim) readQuery(r *http.Request, q queryValues) error {
	for _, name := range [...]string{queryAlgorithm, queryCredential, queryDate, queryExpires, querySignature, querySignedHeaders} {
		if q.of[name] == "" {
			return errIncomplete("AWS query-string parameters must include '" + name + "'. Re-examine the query-string parameters.")
		}
	}
	if q.of[queryAlgorithm] != algorithm {
		return errIncomplete("Unsupported AWS 'algorithm': only " + algorithm + " is accepted.")
	}
	// A second session token or date in the headers would be a second opinion on who signs and when.
	for _, name := range [...]string{headerSecurityToken, headerDate} {
		if len(r.Header[name]) > 0 {
			return errInvalid("A presigned request must not carry the header '" + strings.ToLower(name) + "'.")
		}
	}
	c.presigned, c.sessionToken, c.contentSHA256 = true, q.of[querySecurityToken], q.of[queryContentSHA256]
	if err := c.fill(fields{q.of[queryCredential], q.of[querySignedHeaders], q.of[querySignature]}); err != nil {
		return err
	}
	return c.readQueryTimes(r, q)
}

// readQueryTimes reads X-Amz-Date and X-Amz-Expires, and the claimed body hash where a header has it.
func (c *claim) readQueryTimes(r *http.Request, q queryValues) error {
	if err := c.setTime(q.of[queryDate]); err != nil {
		return err
	}
	var ok bool
	if c.expires, ok = parseExpires(q.of[queryExpires]); !ok {
		return errInvalid("X-Amz-Expires must be a whole number of seconds from 1 to 60.")
	}
	hash, err := single(r, headerContentSHA256)
	if err != nil {
		return err
	}
	if hash != "" && c.contentSHA256 != "" {
		return errInvalid("The request has more than one 'x-amz-content-sha256'.")
	}
	if hash != "" {
		c.contentSHA256 = hash
	}
	return nil
}

// parseExpires reads 1 to 60 seconds, in digits without sign or leading zero.
func parseExpires(s string) (time.Duration, bool) {
	if len(s) == 0 || len(s) > 2 || s[0] == '0' {
		return 0, false
	}
	var d time.Duration
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		d = d*10 + time.Duration(s[i]-'0')*time.Second
	}
	return d, d <= maxExpires
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
