// Package ssoadmin is Identity Center's configuration: instances, applications with their grants, scopes, actor policies
// and assignments, and trusted token issuers, with the sso-admin API over them.
//
// What the rooms above may rely on:
//
//   - Every write goes through one validated function per noun, shared by the API and the organization file, so a row
//     that exists satisfies its rules. References are another matter: a grant may name a trusted token issuer and a
//     scope an application that has been deleted since. Whoever follows a reference must find it alive.
//   - All nouns are cached tables: reading them on the way of a token costs no query.
//   - The API shows and changes only what belongs to the caller's account (the instance's owner, or the account that
//     owns the application), whatever the caller's policies say. Everything else is not found.
//   - A redirect URI that passed ValidateRedirectURI is one a browser may be sent to.
//
// Source: the sso-admin API reference; the Service Authorization Reference for AWS IAM Identity Center.
package ssoadmin

import (
	"context"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Tables are the tables of this room, for store.Open.
func Tables() []store.Definition {
	return []store.Definition{
		instances, applications, grants, scopes, authenticationMethods, assignments, trustedTokenIssuers, clientTokens,
	}
}

// Server serves the sso-admin API. Set the fields before the first request.
type Server struct {
	DB    *store.DB
	Pages *wire.Pages
	// Authorize says whether the caller of ctx may do one more action than the one it called: changing a reserved tag
	// also needs the noun's update action. The error is the refusal. nil refuses.
	Authorize func(ctx context.Context, tx *store.Tx, action, resource string) error

	actorPolicies policy.Cache
}

// Bounds that hold everywhere; AWS's own, but for the last.
const (
	maxScopes         = 25  // of an application
	maxAssignedGroups = 100 // of an application
	maxUserTags       = 50  // of a resource, reserved ones not counted
	// maxTargetsJWT bounds the distinct targets of all scopes of an application whose access tokens are JWTs: their aud names
	// each, and the token must fit into a header.
	maxTargetsJWT = 50
)

// Service is the sso-admin table of operations.
func (s *Server) Service() *wire.Service {
	return &wire.Service{
		Name:         "sso-admin",
		Protocol:     wire.AWSJSON11,
		SigningName:  "sso",
		EventSource:  "sso.amazonaws.com",
		ActionPrefix: "sso",
		TargetPrefix: "SWBExternalService",
		Resources:    s.resources,
		Operations:   s.operations(),
	}
}

func (s *Server) operations() []wire.Operation {
	return []wire.Operation{
		read("ListInstances", s.listInstances),
		read("DescribeInstance", s.describeInstance),

		write("CreateApplication", s.createApplication),
		read("DescribeApplication", s.describeApplication),
		write("UpdateApplication", s.updateApplication),
		write("DeleteApplication", s.deleteApplication),
		read("ListApplications", s.listApplications),

		read("ListApplicationProviders", s.listApplicationProviders),
		read("DescribeApplicationProvider", s.describeApplicationProvider),

		write("PutApplicationGrant", s.putApplicationGrant),
		read("GetApplicationGrant", s.getApplicationGrant),
		read("ListApplicationGrants", s.listApplicationGrants),
		write("DeleteApplicationGrant", s.deleteApplicationGrant),

		write("PutApplicationAuthenticationMethod", s.putApplicationAuthenticationMethod),
		read("GetApplicationAuthenticationMethod", s.getApplicationAuthenticationMethod),
		read("ListApplicationAuthenticationMethods", s.listApplicationAuthenticationMethods),
		write("DeleteApplicationAuthenticationMethod", s.deleteApplicationAuthenticationMethod),

		write("PutApplicationAccessScope", s.putApplicationAccessScope),
		read("GetApplicationAccessScope", s.getApplicationAccessScope),
		read("ListApplicationAccessScopes", s.listApplicationAccessScopes),
		write("DeleteApplicationAccessScope", s.deleteApplicationAccessScope),

		write("PutApplicationAssignmentConfiguration", s.putApplicationAssignmentConfiguration),
		read("GetApplicationAssignmentConfiguration", s.getApplicationAssignmentConfiguration),
		write("CreateApplicationAssignment", s.createApplicationAssignment),
		read("DescribeApplicationAssignment", s.describeApplicationAssignment),
		write("DeleteApplicationAssignment", s.deleteApplicationAssignment),
		read("ListApplicationAssignments", s.listApplicationAssignments),
		read("ListApplicationAssignmentsForPrincipal", s.listApplicationAssignmentsForPrincipal),

		write("PutApplicationSessionConfiguration", s.putApplicationSessionConfiguration),
		read("GetApplicationSessionConfiguration", s.getApplicationSessionConfiguration),

		write("CreateTrustedTokenIssuer", s.createTrustedTokenIssuer),
		read("DescribeTrustedTokenIssuer", s.describeTrustedTokenIssuer),
		write("UpdateTrustedTokenIssuer", s.updateTrustedTokenIssuer),
		write("DeleteTrustedTokenIssuer", s.deleteTrustedTokenIssuer),
		read("ListTrustedTokenIssuers", s.listTrustedTokenIssuers),

		write("TagResource", s.tagResource),
		write("UntagResource", s.untagResource),
		read("ListTagsForResource", s.listTagsForResource),
	}
}

func read[In, Out any](name string, fn func(context.Context, *In) (*Out, error)) wire.Operation {
	return wire.Op(wire.Operation{Name: name, ReadOnly: true}, fn)
}

func write[In, Out any](name string, fn func(context.Context, *In) (*Out, error)) wire.Operation {
	return wire.Op(wire.Operation{Name: name}, fn)
}
