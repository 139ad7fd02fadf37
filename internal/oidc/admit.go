package oidc

import (
	"cmp"
	"errors"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// admit decides whether this caller may present this grant for this application at all: the application is known, the
// caller allowed, the application enabled, the grant type configured. It sets r.app.
func (s *Server) admit(tx *store.Tx, r *request) error {
	app, err := s.client(tx, r.caller, r.in.ClientId, ssoadmin.ActionCreateToken)
	r.app = app
	if err != nil {
		return err
	}
	switch _, err := ssoadmin.GetGrant(tx, app.ARN, r.grant.name); {
	case errors.Is(err, store.ErrNotFound):
		return refuse(grantConfigured, "UnauthorizedClientException", "the application does not have the %s grant", r.grant.name)
	case err != nil:
		return err
	}
	return nil
}

// client resolves the application a caller speaks for and decides whether the caller may do action on it. An application
// without an IAM authentication method admits nobody. A caller of another account that may not is answered as for an unknown
// client: it learns nothing of the application, not even that it exists.
func (s *Server) client(tx *store.Tx, c *iam.Caller, clientID, action string) (ssoadmin.Application, error) {
	app, err := s.admitted(tx, c, clientID, action)
	if err != nil {
		describeClient(err, app)
	}
	return app, err
}

// describeClient adds what is known of the application to a refusal.
func describeClient(err error, app ssoadmin.Application) {
	if e := refusalOf(err); e != nil && e.Details != nil {
		knowing(e, "application", app.ARN, "applicationName", app.Name, "instance", app.InstanceARN)
	}
}

func (s *Server) admitted(tx *store.Tx, c *iam.Caller, clientID, action string) (ssoadmin.Application, error) {
	if c == nil {
		return ssoadmin.Application{}, accessDenied(callerSigned, "the caller is not authenticated")
	}
	app, err := ssoadmin.ResolveClient(tx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return app, because(unknownClient(clientKnown), "clientId %q names no application", clip(clientID))
	}
	if err != nil {
		return app, err
	}
	if call := wire.CallFrom(tx.Context()); call != nil {
		call.Resources = append(call.Resources[:0], app.ARN)
	}
	if err := s.mayActAs(tx, c, app, action); err != nil {
		if denied := refusalOf(err); denied != nil && c.AccountID != app.AccountID {
			hidden := because(unknownClient(clientKnown), "%s", denied.Reason)
			hidden.Details = denied.Details
			return app, hidden
		}
		return app, err
	}
	if !app.Enabled {
		return app, because(unknownClient(clientEnabled), "application %s is disabled", app.ARN)
	}
	if s.Limit != nil {
		return app, s.Limit(tx.Context(), app.ARN)
	}
	return app, nil
}

func unknownClient(c *check) *wire.Error {
	return refuse(c, "InvalidClientException", "the client is unknown or disabled")
}

// mayActAs: the application's actor policy and the caller's own policies allow the action.
func (s *Server) mayActAs(tx *store.Tx, c *iam.Caller, app ssoadmin.Application, action string) error {
	actors, err := s.Admin.ActorPolicy(tx, app.ARN)
	if err != nil {
		return absent(err, knowing(accessDenied(actorPolicyThere, "the application has no IAM authentication method"), callFacts(c, action)...))
	}
	answer, err := s.IAM.Authorize(tx, c, iam.Access{
		Action: action, Resource: app.ARN, ResourceAccount: app.AccountID,
		ResourcePolicy: actors, ResourceRequired: true,
	})
	if err != nil {
		return err
	}
	if !answer.Allowed {
		refusal := knowing(accessDenied(deniedBy(answer), "%s is not authorized to perform %s on %s", c.ARN, action, app.ARN), callFacts(c, action)...)
		refusal.Details["statements"] = Statements(answer)
		knowing(refusal, "decidedBy", answer.String())
		return because(refusal, "%s: %s", refusal.Message, answer)
	}
	return nil
}

// deniedBy is the check that a policy's answer comes to.
func deniedBy(a policy.Answer) *check {
	switch a.Lacks() {
	case "resource":
		return actorPolicyAllows
	case "identity":
		return identityPolicyAllows
	case "boundary":
		return boundaryAllows
	case "session":
		return sessionPolicyAllows
	}
	if a.Explicit {
		return nothingDenies
	}
	return callerStands
}

// callFacts are what a policy statement about the call would name. A role session is named by its role.
func callFacts(c *iam.Caller, action string) []string {
	return []string{"action", action, "caller", c.ARN, "principal", cmp.Or(c.RoleARN, c.ARN)}
}

// Statements are the weightiest reasons of an answer, for the details of a refusal.
func Statements(a policy.Answer) (list []any) {
	const most = 5
	for _, r := range a.Reasons[:min(len(a.Reasons), most)] {
		list = append(list, map[string]any{"policy": r.Policy, "statement": r.Statement, "effect": r.Effect, "detail": r.Detail})
	}
	return list
}
