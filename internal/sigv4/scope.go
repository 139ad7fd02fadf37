package sigv4

import (
	"fmt"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	timeFormat = "20060102T150405Z"
	maxSkew    = 5 * time.Minute
	maxExpires = 60 * time.Second // of a presigned request; AWS's own bound depends on the service
)

// scope is the credential scope as the message states it.
type scope struct {
	date, region, service, terminator string
}

// check compares every part with what it must be; timestamp is the time of signing in AWS's form.
func (s scope) check(service, timestamp string, regions []string) *Error {
	switch {
	case s.service != service:
		return errInvalid("Credential should be scoped to correct service: '" + service + "'.")
	case !wellFormedRegion(s.region) || !allowed(regions, s.region):
		return errInvalid("Credential should be scoped to a valid region.")
	case s.terminator != terminator:
		return errInvalid("Credential should be scoped with a valid terminator: '" + terminator + "'.")
	case s.date != timestamp[:len("20060102")]:
		return errInvalid("Date in Credential scope does not match YYYYMMDD from the request's date '" + timestamp + "'.")
	}
	return nil
}

// wellFormedRegion asks for one lower-case DNS label, which all of AWS's regions are.
func wellFormedRegion(region string) bool {
	if region == "" || len(region) > 63 || region[0] == '-' || region[len(region)-1] == '-' {
		return false
	}
	for i := range len(region) {
		b := region[i]
		if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-') {
			return false
		}
	}
	return true
}

// checkTime holds the time of signing against now: at most maxSkew away, and for a presigned request no longer ago
// than the request itself allows.
func (c *claim) checkTime(now time.Time) *Error {
	now = now.UTC()
	age, limit := maxSkew, "5 min"
	if c.presigned {
		age, limit = c.expires, fmt.Sprintf("%d sec", int(c.expires/time.Second))
	}
	if oldest := now.Add(-age); c.signedAt.Before(oldest.Truncate(time.Second)) {
		return errInvalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)",
			c.timestamp, oldest.Format(timeFormat), now.Format(timeFormat), limit))
	}
	if newest := now.Add(maxSkew); c.signedAt.After(newest) {
		return errInvalid(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			c.timestamp, newest.Format(timeFormat), now.Format(timeFormat)))
	}
	return nil
}

// parseScope splits a Credential into its key id and scope.
func parseScope(credential string) (accessKeyID string, s scope, err *Error) {
	if strings.Count(credential, "/") != 4 {
		return "", s, errIncomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	accessKeyID, rest, _ := strings.Cut(credential, "/")
	s.date, rest, _ = strings.Cut(rest, "/")
	s.region, rest, _ = strings.Cut(rest, "/")
	s.service, s.terminator, _ = strings.Cut(rest, "/")
	if !wellFormedKeyID(accessKeyID) {
		return "", s, errUnrecognized("malformed access key id")
	}
	return accessKeyID, s, nil
}

// wellFormedKeyID admits IAM's pattern (\w, at most 128 characters) and nothing that could mean something else further in.
func wellFormedKeyID(id string) bool {
	for i := range len(id) {
		b := id[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_') {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
