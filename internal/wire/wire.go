// Package wire speaks the AWS protocols: it routes a request to an operation, decodes and validates its input, encodes
// its answer or its error, and gives it a request id. It knows nothing of Identity Center.
//
// A service declares its operations in one table, each row made by Op from a name and a function
// func(context.Context, *In) (*Out, error). At start-up a plan is compiled per type from its struct tags; the handler
// holds only domain code. Everything else is done by hooks that the root sets on Server: Admit, Authenticate,
// Authorize, Finish, MapError.
//
// The way of one request: route → Admit → read body once → Authenticate → decode → validate → Authorize → handler →
// Finish → answer. Whatever happens to a request that was admitted, Finish runs exactly once and before the first byte of
// the answer. Nothing here ever answers HTML or plain text.
//
// Input is read strictly, so that no two readers can understand one request differently: names are exact in case,
// duplicates are refused, invalid UTF-8, trailing data and nesting deeper than 64 are refused. Members a service does
// not know are ignored, as AWS ignores them. Messages name the member at fault and never repeat a secret's value.
package wire

import (
	"context"
	"reflect"
)

// Protocol is how a service's operations look on the wire.
type Protocol int

const (
	RestJSON1 Protocol = iota // path and query + JSON body (sso-oidc, sso)
	AWSJSON11                 // X-Amz-Target + JSON body (sso-admin, identitystore)
	AWSQuery                  // form with Action in, XML out (sts, iam)
	OAuthForm                 // path + form in, RFC 6749-style JSON out (introspection, revocation)
)

// Auth says who may reach an operation at all.
type Auth int

const (
	SigV4 Auth = iota // the default: a signed request
	None              // no authentication: an Authorization header is ignored, whatever is in it
)

// Service is one AWS service on our listener.
type Service struct {
	Name         string // as in the SDKs' endpoint ids: "sso-admin"
	Protocol     Protocol
	SigningName  string // the service in the credential scope
	EventSource  string // audit: "sso.amazonaws.com"
	ActionPrefix string // IAM: "sso" in "sso:CreateApplication"
	TargetPrefix string // AWSJSON11: "SWBExternalService"
	Version      string // AWSQuery: "2011-06-15"
	Namespace    string // AWSQuery: the XML name space
	// PlainErrors, for RestJSON1: errors made here carry only a message, not RFC 6749's error and error_description
	// (the access portal).
	PlainErrors bool
	// Resources returns the ARNs the call acts on, and may add to c.Context what policies can ask about (aws:RequestTag/…).
	// nil: the input's member tagged `wire:"resource"`, else "*". It runs after validation, before Authorize.
	Resources  func(ctx context.Context, c *Call) ([]string, error)
	Operations []Operation
}

// Operation is one row of a service's table. Build it with Op.
type Operation struct {
	Name string
	// Method, Path and Query (a constant query string such as "aws_iam=t") route RestJSON1 and OAuthForm.
	Method, Path, Query string
	Auth                Auth
	// SelfAuthorizes leaves authorization to the handler (because it needs a resource policy): Authorize is not called.
	SelfAuthorizes bool
	ReadOnly       bool   // for the audit event
	Action         string // IAM action name where it is not Name
	// MaxBody in bytes; 0 = 64 KiB for RestJSON1 and OAuthForm, 1 MiB for the others. Judged before the signature.
	MaxBody int64
	plan    *plan
}

// plan is what Op compiles of a row: the shapes of both sides and the handler without its type parameters.
type plan struct {
	in, out *shape
	newIn   func() any
	newOut  func() any
	handle  func(ctx context.Context, in any) (any, error)
}

// Op completes a row with its handler. It panics on a type whose tags do not compile.
//
// Input types: members carry `json:"Name"` (the exact wire name) and `wire:"…"` with any of required, resource (the
// member is the resource ARN), secret (audited as HIDDEN_DUE_TO_SECURITY_REASONS), opaque (may hold NUL, since
// nobody stores it: tokens and their like, whose faults the handler judges), idempotency, query=name, header=name
// (RestJSON1 GETs), plus `len:"1..100"`, `range:"1..100"`, `pattern:"regexp"` (always anchored), `enum:"A|B"`, `union:"true"`
// (on a struct member: exactly one of its fields is set). Element constraints of lists and map keys: `each-len`, `each-pattern`, `each-enum`.
// Required scalars are values; optional scalars are pointers, absent = nil; lists, maps and json documents (jsontext.Value) are nil when
// absent; optional structs are pointers. Timestamps are time.Time (epoch seconds with fraction in JSON, ISO 8601 in XML).
//
// Lengths count Unicode code points of a string, elements of a list, entries of a map.
func Op[In, Out any](row Operation, fn func(context.Context, *In) (*Out, error)) Operation {
	row.plan = &plan{
		in:     compile(row.Name, reflect.TypeFor[In]()),
		out:    compile(row.Name, reflect.TypeFor[Out]()),
		newIn:  func() any { return new(In) },
		newOut: func() any { return new(Out) },
		handle: func(ctx context.Context, in any) (any, error) {
			out, err := fn(ctx, in.(*In))
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(Out)
			}
			return out, nil
		},
	}
	return row
}

// maxBody is the limit that applies to the operation's bodies.
func (o *Operation) maxBody(p Protocol) int64 {
	switch {
	case o.MaxBody > 0:
		return o.MaxBody
	case p == RestJSON1 || p == OAuthForm:
		return 64 << 10
	}
	return maxFormBody
}
