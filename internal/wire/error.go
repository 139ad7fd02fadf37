package wire

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is the one error type that reaches a client.
type Error struct {
	Code    string         // AWS's: "ValidationException"
	Status  int            // HTTP
	Message string         // the client sees it
	Fields  map[string]any // extra body members ("error": "invalid_grant", "Reason": …); the client sees them
	Reason  string         // the exact reason, for the audit event and the log only
	Cause   error          // private
	// Details say more of the reason, for the audit event only: which check refused, and what it looked at. Never a secret.
	Details map[string]any
	// RetryAfter is sent as a header when positive.
	RetryAfter time.Duration
}

// Error is Code: Message, with the private reason.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap is the private cause.
func (e *Error) Unwrap() error { return e.Cause }

// status is the HTTP status to send; an error that names none is our fault.
func (e *Error) status() int {
	if e.Status < 400 || e.Status > 599 {
		return http.StatusInternalServerError
	}
	return e.Status
}

// malformed is a body, form or query that cannot be read as what it should be.
type malformed struct{ message string }

func (m *malformed) Error() string { return m.message }

// inputError dresses what is wrong with an input in the way of the service's protocol: sso-oidc has only
// InvalidRequestException; the JSON 1.1 services tell unreadable (SerializationException) from unacceptable
// (ValidationException); the query services say ValidationError and MalformedInput.
func inputError(p Protocol, plain bool, err error) *Error {
	e := &Error{Status: http.StatusBadRequest, Message: err.Error(), Cause: err}
	var m *malformed
	unreadable := errors.As(err, &m)
	switch p {
	case RestJSON1, OAuthForm:
		e.Code = "InvalidRequestException"
		if !plain {
			e.Fields = map[string]any{"error": "invalid_request"}
		}
	case AWSJSON11:
		e.Code = "ValidationException"
		if unreadable {
			e.Code = "SerializationException"
		}
	default:
		e.Code = "ValidationError"
		if unreadable {
			e.Code = "MalformedInput"
		}
	}
	e.Cause = nil
	e.Reason = err.Error()
	return e
}

// internalError is what a client hears of a fault of ours: nothing but the fact.
func internalError(p Protocol, plain bool, cause error) *Error {
	e := &Error{Code: "InternalServerException", Status: http.StatusInternalServerError,
		Message: "The request could not be processed because of an internal error.", Cause: cause}
	if (p == RestJSON1 && !plain) || p == OAuthForm {
		e.Fields = map[string]any{"error": "server_error"}
	}
	return e
}

// oauthCodes are the error codes of RFC 6749 §5.2, RFC 7591 §3.2.2 and RFC 8628 §3.5 that have an exception of the same
// name (InvalidGrantException is invalid_grant).
var oauthCodes = []string{"access_denied", "authorization_pending", "expired_token", "invalid_client", "invalid_client_metadata",
	"invalid_grant", "invalid_redirect_uri", "invalid_request", "invalid_scope", "slow_down", "unauthorized_client", "unsupported_grant_type"}

// oauthFields completes an error of an RFC 6749-style endpoint, where every body has an error code: the one that the
// exception is named for, else the one that fits the status.
func oauthFields(e *Error) *Error {
	if _, ok := e.Fields["error"]; ok {
		return e
	}
	full := *e
	full.Fields = maps.Clone(e.Fields)
	if full.Fields == nil {
		full.Fields = map[string]any{}
	}
	full.Fields["error"] = oauthCode(e)
	return &full
}

func oauthCode(e *Error) string {
	name := strings.ToLower(strings.TrimSuffix(e.Code, "Exception"))
	for _, code := range oauthCodes {
		if strings.ReplaceAll(code, "_", "") == name {
			return code
		}
	}
	switch status := e.status(); {
	case status == http.StatusUnauthorized:
		return "invalid_client"
	case status == http.StatusForbidden:
		return "access_denied"
	case status == http.StatusTooManyRequests:
		return "slow_down"
	case status == http.StatusServiceUnavailable:
		return "temporarily_unavailable"
	case status >= 500:
		return "server_error"
	}
	return "invalid_request"
}

// quote shows a client's own text in a message: short, printable, in single quotes.
func quote(s string) string {
	const most = 128
	q := strconv.Quote(s)
	q = q[1 : len(q)-1]
	if len(q) > most {
		q = q[:most] + "…"
	}
	return "'" + q + "'"
}
