package iam

import (
	"context"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// CallerType as CloudTrail names it.
type CallerType string

const (
	Root        CallerType = "Root"
	IAMUser     CallerType = "IAMUser"
	AssumedRole CallerType = "AssumedRole"
)

// Caller is who signed a request, from our own records.
type Caller struct {
	Type        CallerType
	AccountID   string
	ARN         string // user ARN, assumed-role session ARN, or root ARN
	RoleARN     string // of a role session
	UserID      string // aws:userid
	Name        string // user or role name
	SessionName string
	AccessKeyID string
	IssuedAt    time.Time     // of a role session
	ExpiresAt   time.Time     // of a role session
	Session     token.Session // of a role session: its lineage
	// Tags of the session. The tags of the user or role itself are read from its record when a decision is made; where both have a
	// key the session's value is aws:PrincipalTag/….
	Tags map[string]string
	// TransitiveTags are the keys of Tags that sessions assumed from this one inherit and cannot change.
	TransitiveTags []string
	// SourceIdentity of the session, if any.
	SourceIdentity string
	// OnBehalfOf is the Identity Center user of an identity-enhanced or portal session, else nil.
	OnBehalfOf *token.IdentityContext
	// ContextProvider is the ARN of the provider whose context AssumeRole was given (ProvidedContexts); empty for a portal session.
	// A session that has one is identity-enhanced and bound to the allow list.
	ContextProvider string
	// SessionPolicies are documents; HasSession says that they limit.
	SessionPolicies   []string
	SessionPolicyARNs []string
	HasSession        bool
}

// CallerFrom returns the authenticated caller of a call; nil when there is none.
func CallerFrom(ctx context.Context) *Caller {
	if c := wire.CallFrom(ctx); c != nil {
		caller, _ := c.Caller.(*Caller)
		return caller
	}
	return nil
}

// Principal is the caller as policies see it.
func (c *Caller) Principal() policy.Principal {
	return policy.Principal{Account: c.AccountID, ARN: c.ARN, RoleARN: c.RoleARN, ID: c.UserID}
}

// ofRoot, ofUser and ofRole build callers from records only.

func ofRoot(account, accessKeyID string) *Caller {
	return &Caller{Type: Root, AccountID: account, ARN: rootARN(account), UserID: account, AccessKeyID: accessKeyID}
}

func ofUser(u User, accessKeyID string) *Caller {
	return &Caller{Type: IAMUser, AccountID: u.AccountID, ARN: u.ARN(), UserID: u.ID, Name: u.Name, AccessKeyID: accessKeyID}
}

func ofRole(r Role, sessionName string) *Caller {
	return &Caller{
		Type: AssumedRole, AccountID: r.AccountID, ARN: sessionARN(r.AccountID, r.Name, sessionName), RoleARN: r.ARN(),
		UserID: r.ID + ":" + sessionName, Name: r.Name, SessionName: sessionName,
	}
}

// CallerARN names the caller to rooms that do not know this one.
func (c *Caller) CallerARN() string { return c.ARN }
