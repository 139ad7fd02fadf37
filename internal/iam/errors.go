package iam

import (
	"fmt"
	"net/http"

	"github.com/symbolon/symbolon/internal/wire"
)

// The refusals of IAM and STS, with the codes of their query protocol. Messages go to the client; reasons to audit only.

func validationError(format string, a ...any) *wire.Error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, a...)}
}

func noSuchEntity(format string, a ...any) *wire.Error {
	return &wire.Error{Code: "NoSuchEntity", Status: http.StatusNotFound, Message: fmt.Sprintf(format, a...)}
}

func alreadyExists(format string, a ...any) *wire.Error {
	return &wire.Error{Code: "EntityAlreadyExists", Status: http.StatusConflict, Message: fmt.Sprintf(format, a...)}
}

func deleteConflict(format string, a ...any) *wire.Error {
	return &wire.Error{Code: "DeleteConflict", Status: http.StatusConflict, Message: fmt.Sprintf(format, a...)}
}

func malformedPolicy(err error) *wire.Error {
	return &wire.Error{Code: "MalformedPolicyDocument", Status: http.StatusBadRequest, Message: err.Error(), Cause: err}
}

func packedPolicyTooLarge(format string, a ...any) *wire.Error {
	return &wire.Error{Code: "PackedPolicyTooLarge", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, a...)}
}

func expiredToken(message, reason string) *wire.Error {
	return &wire.Error{Code: "ExpiredTokenException", Status: http.StatusBadRequest, Message: message, Reason: reason}
}

func accessDenied(message, reason string) *wire.Error {
	return &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message, Reason: reason}
}

// notAuthorized is AWS's sentence; it is the same for a role that does not exist.
func notAuthorized(c *Caller, action, resource, reason string) *wire.Error {
	return accessDenied(fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", c.ARN, action, resource), reason)
}
