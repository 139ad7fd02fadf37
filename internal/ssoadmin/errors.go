package ssoadmin

import (
	"errors"
	"fmt"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Client errors are sent with status 400, as awsJson services do; SDKs look at the type alone.
const clientError = 400

func validation(format string, args ...any) error {
	return &wire.Error{Code: "ValidationException", Status: clientError, Message: fmt.Sprintf(format, args...)}
}

// missing is one answer for what does not exist and for what belongs to somebody else; the reason tells them apart in
// the audit event.
func missing(what, id, reason string) error {
	return &wire.Error{
		Code: "ResourceNotFoundException", Status: clientError, Reason: reason,
		Message: fmt.Sprintf("%s not found: %s", what, id),
	}
}

func conflict(format string, args ...any) error {
	return &wire.Error{Code: "ConflictException", Status: clientError, Message: fmt.Sprintf(format, args...)}
}

func quotaExceeded(format string, args ...any) error {
	return &wire.Error{Code: "ServiceQuotaExceededException", Status: clientError, Message: fmt.Sprintf(format, args...)}
}

func accessDenied(message, reason string) error {
	return &wire.Error{Code: "AccessDeniedException", Status: clientError, Message: message, Reason: reason}
}

// orMissing turns store.ErrNotFound into a ResourceNotFoundException and passes every other error on.
func orMissing(err error, what, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return missing(what, id, "no such row")
	}
	return err
}

// orConflict turns a collision in the store into a ConflictException and passes every other error on.
func orConflict(err error, format string, args ...any) error {
	if errors.Is(err, store.ErrExists) {
		return conflict(format, args...)
	}
	return err
}

// ignoreMissing passes every error on but store.ErrNotFound.
func ignoreMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
