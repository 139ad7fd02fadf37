package oidc

import (
	"errors"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// admit decides whether this caller may present this grant for this application at all: the application is known, the
// caller allowed, the application enabled, the grant type configured. It sets r.app.
func (s *Server) admit(tx *store.Tx, r *request) error {
	app, err := s.client(tx, r.caller, r.in.ClientId, ssoadmin.ActionCreateToken)
	if err != nil {
		return err
	}
	r.app = app
	switch _, err := ssoadmin.GetGrant(tx, app.ARN, r.grant.name); {
	case errors.Is(err, store.ErrNotFound):
		return refuse("UnauthorizedClientException", "the application does not have the %s grant", r.grant.name)
	case err != nil:
		return err
	}
	return nil
}

// client resolves the application a caller speaks for and decides whether the caller may do action on it. An application
// without an IAM authentication method admits nobody. A caller of another account that may not is answered as for an unknown
// client: it learns nothing of the application, not even that it exists.
func (s *Server) client(tx *store.Tx, c *iam.Caller, clientID, action string) (ssoadmin.Application, error) {
	if c == nil {
		return ssoadmin.Application{}, accessDenied("the caller is not authenticated")
	}
	app, err := ssoadmin.ResolveClient(tx, clientID)
	if errors.Is(err, store.ErrNotFound) {
		return app, because(unknownClient(), "clientId %q names no application", clip(clientID))
	}
	if err != nil {
		return app, err
	}
	if call := wire.CallFrom(tx.Context()); call != nil {
		call.Resources = []string{app.ARN}
	}
	if err := s.mayActAs(tx, c, app, action); err != nil {
		if denied := refusalOf(err); denied != nil && c.AccountID != app.AccountID {
			return app, because(unknownClient(), "%s", denied.Reason)
		}
		return app, err
	}
	if !app.Enabled {
		return app, because(unknownClient(), "application %s is disabled", app.ARN)
	}
	if s.Limit != nil {
		return app, s.Limit(tx.Context(), app.ARN)
	}
	return app, nil
}

func unknownClient() *wire.Error {
	return refuse("InvalidClientException", "the client is unknown or disabled")
}

// mayActAs: the application's actor policy and the caller's own policies allow the action.
func (s *Server) mayActAs(tx *store.Tx, c *iam.Caller, app ssoadmin.Application, action string) error {
	actors, err := s.Admin.ActorPolicy(tx, app.ARN)
	if err != nil {
		return absent(err, accessDenied("the application has no IAM authentication method"))
	}
	answer := s.IAM.Authorize(tx, c, iam.Access{
		Action: action, Resource: app.ARN, ResourceAccount: app.AccountID,
		ResourcePolicy: actors, ResourceRequired: true,
	})
	if !answer.Allowed {
		refusal := accessDenied("%s is not authorized to perform %s on %s", c.ARN, action, app.ARN)
		return because(refusal, "%s: %s", refusal.Message, answer)
	}
	return nil
}
