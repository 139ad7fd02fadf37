package token

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Assertion is a verified foreign JWT.
type Assertion struct {
	Issuer, Subject, ID            string
	Audience                       []string
	IssuedAt, NotBefore, ExpiresAt time.Time // zero when absent (exp never is)

	claims claimSet
}

// Claim is a claim as it was written, nil where there is none.
func (a Assertion) Claim(name string) jsontext.Value { return a.claims[name] }

// Longest values of registered claims: what is kept of them (the jti's hash, audit) stays small.
const (
	maxTokenID = 256
	maxSubject = 1024
)

// claimSet is a JWT's claims, each still as it was written: numbers are judged by their spelling.
type claimSet map[string]jsontext.Value

// parseClaims reads a payload: one JSON object in valid UTF-8, no name twice at any depth (RFC 7519 §4).
func parseClaims(payload []byte) (claimSet, error) {
	var c claimSet
	if err := json.Unmarshal(payload, &c); err != nil || c == nil {
		return nil, refuse("the assertion's claims are not a JSON object with unique members")
	}
	return c, nil
}

// assertion judges the registered claims. A claim that is missing is never a claim that passed.
func (c claimSet) assertion(issuer string, at time.Time, maxLifetime time.Duration) (a Assertion, err error) {
	a.claims = c
	if a.Issuer, err = c.text("iss", 0); err != nil {
		return Assertion{}, err
	}
	if a.Issuer != issuer {
		return Assertion{}, refuse("the assertion's iss is not %q", issuer)
	}
	if a.Subject, err = c.text("sub", maxSubject); err != nil {
		return Assertion{}, err
	}
	if a.ID, err = c.text("jti", maxTokenID); err != nil {
		return Assertion{}, err
	}
	if a.Audience, err = c.audience(); err != nil {
		return Assertion{}, err
	}
	if err := c.times(&a, at, maxLifetime); err != nil {
		return Assertion{}, err
	}
	return a, nil
}

func (c claimSet) times(a *Assertion, at time.Time, maxLifetime time.Duration) (err error) {
	if a.ExpiresAt, err = c.time("exp"); err != nil {
		return err
	}
	if a.NotBefore, err = c.time("nbf"); err != nil {
		return err
	}
	if a.IssuedAt, err = c.time("iat"); err != nil {
		return err
	}
	switch {
	case a.ExpiresAt.IsZero():
		return refuse("the assertion has no exp")
	case !at.Before(a.ExpiresAt.Add(ClockSkew)):
		return refuse("the assertion has expired")
	case a.ExpiresAt.Sub(at) > maxLifetime:
		return refuse("the assertion's exp is more than %s away", maxLifetime)
	case a.NotBefore.After(at.Add(ClockSkew)):
		return refuse("the assertion is not valid yet (nbf)")
	case a.IssuedAt.After(at.Add(ClockSkew)):
		return refuse("the assertion was issued in the future (iat)")
	case !a.IssuedAt.IsZero() && a.ExpiresAt.Sub(a.IssuedAt) > maxLifetime:
		return refuse("the assertion lives longer than %s from its iat to its exp", maxLifetime)
	}
	return nil
}

// text is a claim that must be a non-empty string; longest 0 = no bound of its own.
func (c claimSet) text(name string, longest int) (string, error) {
	raw, ok := c[name]
	if !ok {
		return "", refuse("the assertion has no %s", name)
	}
	var s string
	if raw.Kind() != '"' || json.Unmarshal(raw, &s) != nil || s == "" {
		return "", refuse("the assertion's %s is not a non-empty string", name)
	}
	if longest > 0 && len(s) > longest {
		return "", refuse("the assertion's %s is longer than %d bytes", name, longest)
	}
	return s, nil
}

// audience is aud: a string or an array of strings, none of them empty (RFC 7519 §4.1.3).
func (c claimSet) audience() ([]string, error) {
	if raw, ok := c["aud"]; ok && raw.Kind() == '[' {
		var list []jsontext.Value
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			return nil, refuse("the assertion's aud is empty")
		}
		var aud []string
		for _, item := range list {
			s, err := claimSet{"aud": item}.text("aud", 0)
			if err != nil {
				return nil, err
			}
			aud = append(aud, s)
		}
		return aud, nil
	}
	s, err := c.text("aud", 0)
	if err != nil {
		return nil, err
	}
	return []string{s}, nil
}

// maxNumber is the largest integer that every JSON reader reads alike (RFC 8259 §6).
const maxNumber = 1 << 53

// time is a NumericDate. RFC 7519 §2 would allow fractions; we take positive integers alone, written without fraction or
// exponent, so that no two readers can differ. Absent is zero.
func (c claimSet) time(name string) (time.Time, error) {
	raw, ok := c[name]
	if !ok {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseUint(string(raw), 10, 64)
	if err != nil || seconds == 0 || seconds > maxNumber {
		return time.Time{}, refuse("the assertion's %s is not a whole number of seconds", name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

// ClaimString resolves a ClaimAttributePath ("email", "user.name") in verified claims: a string value, or an error.
// A claim of that very name comes first; otherwise "." leads into nested objects, at most three names deep.
func (a Assertion) ClaimString(path string) (string, error) {
	value, ok := a.claims[path]
	if !ok {
		value, ok = a.claims.descend(strings.SplitN(path, ".", 4))
	}
	if !ok {
		return "", refuse("the assertion has no claim %q", path)
	}
	var s string
	if value.Kind() != '"' || json.Unmarshal(value, &s) != nil || s == "" {
		return "", refuse("the assertion's claim %q is not a non-empty string", path)
	}
	return s, nil
}

func (c claimSet) descend(names []string) (value jsontext.Value, ok bool) {
	if len(names) > 3 {
		return nil, false
	}
	for i, name := range names {
		if value, ok = c[name]; !ok || i == len(names)-1 {
			return value, ok
		}
		c = nil
		if value.Kind() != '{' || json.Unmarshal(value, &c) != nil {
			return nil, false
		}
	}
	return nil, false
}
