package symbolon

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/oidc"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// authenticate is wire's hook: who signed the request, by our own records, and for which region.
func (s *Server) authenticate(ctx context.Context, c *wire.Call) error {
	if s.audit.Failing() && s.audit.Check(ctx) != nil {
		return unrecorded("Nothing was changed; try again.", nil)
	}
	identity, err := s.verifier.Verify(ctx, c.Request, c.Body, c.Service.SigningName)
	if err != nil {
		return signatureError(c, err)
	}
	c.Caller, c.Region = identity.Principal, identity.Region
	if len(s.config.Regions) > 0 && !slices.Contains(s.config.Regions, identity.Region) {
		return s.wrongRegion(c)
	}
	if err := s.limits.admit(c); err != nil {
		return err
	}
	s.catchUpFor(ctx, c)
	return nil
}

// accessKeyID is what access keys and role credentials are called by. A claimed one of another form is not recorded: it may be a secret that
// somebody has put into the wrong place.
var accessKeyID = regexp.MustCompile(`^A[KS]IA[A-Z0-9]{12,124}$`)

// signatureError gives a refused signature the code of the protocol it came by. The event names the key that was claimed.
func signatureError(c *wire.Call, err error) error {
	var refused *sigv4.Error
	if !errors.As(err, &refused) {
		return err
	}
	code := refused.Code
	if c.Service.Protocol == wire.AWSQuery {
		code = refused.QueryCode()
	}
	var details map[string]any
	if accessKeyID.MatchString(refused.AccessKeyID) {
		details = map[string]any{"accessKey": refused.AccessKeyID}
	}
	return &wire.Error{Code: code, Status: refused.Status, Message: refused.Message, Reason: refused.Reason, Details: details, Cause: refused}
}

// wrongRegion tells a token client where its tokens are (AWS API reference, InvalidRequestRegionException); the other services know
// only a wrong signature scope.
func (s *Server) wrongRegion(c *wire.Call) error {
	home := s.config.Regions[0]
	message := "Credential should be scoped to a valid region, not '" + c.Region + "'."
	if c.Operation.Name != "CreateTokenWithIAM" {
		return &wire.Error{Code: "InvalidSignatureException", Status: http.StatusForbidden, Message: message, Reason: message}
	}
	return &wire.Error{
		Code: "InvalidRequestRegionException", Status: http.StatusBadRequest, Message: message, Reason: message,
		Fields: map[string]any{"error": "invalid_request", "endpoint": s.issuer, "region": home},
	}
}

// authorize is wire's hook for operations that identity policies alone decide: every resource must be allowed.
func (s *Server) authorize(ctx context.Context, c *wire.Call) error {
	action := c.Operation.Action
	if action == "" {
		action = c.Operation.Name
	}
	if !strings.Contains(action, ":") {
		action = c.Service.ActionPrefix + ":" + action
	}
	if len(c.Resources) == 0 {
		return denied("User is not authorized to perform: "+action, "the operation names no resource")
	}
	return s.db.View(ctx, func(tx *store.Tx) error {
		for _, resource := range c.Resources {
			if err := s.permit(ctx, tx, action, resource, c.Context); err != nil {
				return err
			}
		}
		return nil
	})
}

// authorizeInside is the same question asked by a room in the middle of its own transaction.
func (s *Server) authorizeInside(ctx context.Context, tx *store.Tx, action, resource string) error {
	var values map[string][]string
	if call := wire.CallFrom(ctx); call != nil {
		values = call.Context
	}
	return s.permit(ctx, tx, action, resource, values)
}

func (s *Server) permit(ctx context.Context, tx *store.Tx, action, resource string, values map[string][]string) error {
	caller := iam.CallerFrom(ctx)
	if caller == nil {
		return denied("the request is not authenticated", "no caller")
	}
	answer, err := s.iam.Authorize(tx, caller, iam.Access{Action: action, Resource: resource, ResourceAccount: accountOf(resource), Context: values})
	if err != nil {
		return err
	}
	if answer.Allowed {
		return nil
	}
	because, check := "no identity-based policy allows the "+action+" action", "access"
	if answer.Explicit {
		because, check = "a policy explicitly denies the "+action+" action", "access-undenied"
	}
	refusal := denied("User: "+caller.ARN+" is not authorized to perform: "+action+" on resource: "+resource+" because "+because, answer.String())
	refusal.Details = map[string]any{
		"check": check, "action": action, "resource": strings.ToValidUTF8(resource, "\uFFFD"), "caller": caller.ARN,
		"principal": cmp.Or(caller.RoleARN, caller.ARN), "decidedBy": answer.String(), "statements": oidc.Statements(answer),
	}
	return refusal
}

func denied(message, reason string) *wire.Error {
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: message, Reason: reason}
}

// accountOf is the account that owns a resource, by its ARN; empty, meaning the caller's own, where the ARN has none, as those of
// instances, or is everybody's, as those of application providers.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[4] != "aws" {
		return parts[4]
	}
	return ""
}

// unrecorded is the answer to what has not been done, or is not told, because it cannot be recorded.
func unrecorded(outcome string, cause error) *wire.Error {
	return &wire.Error{
		Code: "InternalServerException", Status: http.StatusServiceUnavailable, Cause: cause, Reason: "the audit log cannot be written",
		Message: "The request cannot be recorded. " + outcome, Fields: map[string]any{"error": "server_error"},
	}
}

// mapError is wire's hook for errors no room gave a shape: faults of the store and our own.
func mapError(err error) *wire.Error {
	e := &wire.Error{
		Code: "InternalServerException", Status: http.StatusInternalServerError, Cause: err, Reason: err.Error(),
		Message: "The request could not be completed because of an internal fault.", Fields: map[string]any{"error": "server_error"},
	}
	switch {
	case errors.Is(err, store.ErrUncertain):
		e.Status, e.Message = http.StatusServiceUnavailable, "The store was lost on the way. The request may have been carried out, or not at all."
	case errors.Is(err, store.ErrUnavailable): // whatever it ran out of
		e.Status, e.Message = http.StatusServiceUnavailable, "The store is not available. Nothing was changed; try again."
	case errors.Is(err, context.DeadlineExceeded):
		e.Status, e.Message = http.StatusServiceUnavailable, "The request ran out of time. Try again."
	case errors.Is(err, context.Canceled):
		e.Message = "The request was cancelled."
	case errors.Is(err, store.ErrConflict):
		e.Status, e.Message = http.StatusServiceUnavailable, "Too many changes at once. Nothing was changed; try again."
	}
	return e
}
