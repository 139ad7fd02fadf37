package identitystore

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// The reasons of a ConflictException.
const (
	reasonUniqueness   = "UNIQUENESS_CONSTRAINT_VIOLATION"
	reasonModification = "CONCURRENT_MODIFICATION"
)

// newError is one of the API's exceptions; they all carry the request's id in their body as well.
func newError(ctx context.Context, status int, code, message string, fields map[string]any) *wire.Error {
	if c := wire.CallFrom(ctx); c != nil && c.RequestID != "" {
		if fields == nil {
			fields = map[string]any{}
		}
		fields["RequestId"] = c.RequestID
	}
	return &wire.Error{Code: code, Status: status, Message: message, Fields: fields}
}

// invalid says what is wrong with an input. It must not repeat attribute values: they are personal data.
func invalid(ctx context.Context, format string, args ...any) *wire.Error {
	return newError(ctx, http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...), nil)
}

// notFound names the kind of thing that is not there, and its id where the caller gave one.
func notFound(ctx context.Context, resourceType, id string) *wire.Error {
	fields := map[string]any{"ResourceType": resourceType}
	if id != "" {
		fields["ResourceId"] = id
	}
	return newError(ctx, http.StatusNotFound, "ResourceNotFoundException", resourceType+" not found.", fields)
}

// duplicate says that a value is taken.
func duplicate(ctx context.Context, message string) *wire.Error {
	return newError(ctx, http.StatusConflict, "ConflictException", message, map[string]any{"Reason": reasonUniqueness})
}

// orNotFound turns store.ErrNotFound into the API's answer and leaves other errors alone.
func orNotFound(ctx context.Context, err error, resourceType, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return notFound(ctx, resourceType, id)
	}
	return err
}

// orDuplicate turns a collision that only the write itself noticed into the API's answer.
func orDuplicate(ctx context.Context, err error, message string) error {
	if errors.Is(err, store.ErrExists) {
		return duplicate(ctx, message)
	}
	return err
}

// checkRevision compares the revision a caller expects, if any, with the one there is.
func checkRevision(ctx context.Context, expected *string, current string) error {
	if expected == nil || *expected == current {
		return nil
	}
	return newError(ctx, http.StatusConflict, "ConflictException",
		"The resource is not at the expected revision.", map[string]any{"Reason": reasonModification})
}
