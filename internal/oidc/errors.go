package oidc

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/symbolon/symbolon/internal/wire"
)

// The exceptions of sso-oidc, each with its RFC 6749 §5.2 code. This table and refuse are the only places that know both.
var exceptions = map[string]struct {
	code   string
	status int
}{
	"AccessDeniedException":         {"access_denied", http.StatusBadRequest},
	"InvalidClientException":        {"invalid_client", http.StatusUnauthorized},
	"InvalidGrantException":         {"invalid_grant", http.StatusBadRequest},
	"InvalidRequestException":       {"invalid_request", http.StatusBadRequest},
	"InvalidScopeException":         {"invalid_scope", http.StatusBadRequest},
	"UnauthorizedClientException":   {"unauthorized_client", http.StatusBadRequest},
	"UnsupportedGrantTypeException": {"unsupported_grant_type", http.StatusBadRequest},
	"InternalServerException":       {"server_error", http.StatusInternalServerError},
	"SlowDownException":             {"slow_down", http.StatusBadRequest},
}

// refuse builds an exception for a check that failed. The client sees the description, and the audit event repeats it.
func refuse(c *check, exception, format string, args ...any) *wire.Error {
	text := fmt.Sprintf(format, args...)
	e := exceptions[exception]
	return &wire.Error{
		Code: exception, Status: e.status, Message: text, Reason: text,
		Fields: map[string]any{"error": e.code}, Details: map[string]any{refusalCheck: c.name},
	}
}

func invalidRequest(c *check, format string, args ...any) *wire.Error {
	return refuse(c, "InvalidRequestException", format, args...)
}

func invalidGrant(c *check, format string, args ...any) *wire.Error {
	return refuse(c, "InvalidGrantException", format, args...)
}

func invalidScope(c *check, format string, args ...any) *wire.Error {
	return refuse(c, "InvalidScopeException", format, args...)
}

func accessDenied(c *check, format string, args ...any) *wire.Error {
	return refuse(c, "AccessDeniedException", format, args...)
}

// because keeps what the client sees and gives the audit event the exact reason.
func because(e *wire.Error, format string, args ...any) *wire.Error {
	e.Reason = fmt.Sprintf(format, args...)
	return e
}

// finalRefusal is a refusal whose writes must be committed: the reuse of a code or refresh token ends what was issued.
type finalRefusal struct{ answer *wire.Error }

func (r *finalRefusal) Error() string { return r.answer.Error() }
func (r *finalRefusal) Unwrap() error { return r.answer }

// refusalOf is the refusal in err, nil for faults of our own and for none.
func refusalOf(err error) *wire.Error {
	refusal, _ := errors.AsType[*wire.Error](err)
	return refusal
}
