package iam

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// AssumeRole lends a role to the caller, for itself or, with ProvidedContexts, on behalf of an Identity Center user. The session of a caller
// that acts on behalf of a user already is that user's too.
//
// The role's trust policy must allow, and the caller's own policies too where the trust policy names only the account and always across
// accounts. A session lives until its end whatever becomes of the identity context's own expiry, and dies at once with any session it
// descends from: the context's, and the caller's where that is a role session itself.
func (s *Server) AssumeRole(ctx context.Context, in *AssumeRoleInput) (*AssumeRoleOutput, error) {
	c := CallerFrom(ctx)
	if c == nil {
		return nil, accessDenied("The request is not signed.", "no caller")
	}
	if c.Type == Root {
		return nil, accessDenied("Roles may not be assumed by root accounts.", "the caller is root")
	}
	a, err := s.newAssumption(c, in)
	if err != nil {
		return nil, err
	}
	auditContext(ctx, a.user)
	var out *AssumeRoleOutput
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		role, err := s.admit(tx, c, a)
		if err != nil {
			return err
		}
		out, err = s.lend(tx, c, role, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// admit returns the role if the caller may have it as asked.
func (s *Server) admit(tx *store.Tx, c *Caller, a *assumption) (Role, error) {
	role, ok, err := existing(GetRole(tx, a.role.account, a.role.name))
	if err != nil {
		return role, err
	}
	if !ok || role.ARN() != a.roleARN {
		return role, notAuthorized(c, "sts:AssumeRole", a.roleARN, "the role does not exist")
	}
	trust, err := s.compiled.Parse(policy.Trust, "trust policy of role "+role.Name, role.TrustPolicy)
	if err != nil {
		return role, notAuthorized(c, "sts:AssumeRole", a.roleARN, "the trust policy does not parse: "+err.Error())
	}
	for _, action := range a.actions() {
		if answer, err := s.mayAssume(tx, c, action, role, trust, a); err != nil {
			return role, err
		} else if !answer.Allowed {
			return role, notAuthorized(c, action, a.roleARN, answer.String())
		}
	}
	if a.seconds > int(role.MaxSessionDuration) {
		return role, validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	for _, arn := range a.limits.PolicyARNs {
		if _, err := managedDocument(tx, role.AccountID, arn); errors.Is(err, store.ErrNotFound) {
			return role, validationError("Policy %s does not exist or is not attachable.", arn)
		} else if err != nil {
			return role, err
		}
	}
	return role, s.checkUser(tx, c, a)
}

// mayAssume asks for one action. sts:SetContext must be the caller's by its own policies as well, even where the trust policy names it
// directly (aws-behaviour: both must allow).
func (s *Server) mayAssume(tx *store.Tx, c *Caller, action string, role Role, trust *policy.Policy, a *assumption) (policy.Answer, error) {
	access := Access{
		Action: action, Resource: a.roleARN, ResourceAccount: role.AccountID, ResourcePolicy: trust, ResourceRequired: true,
		asked: a.values(c, action, role),
	}
	answer, err := s.Authorize(tx, c, access)
	if answer.Allowed && action == setContext && role.AccountID == c.AccountID {
		access.ResourcePolicy, access.ResourceRequired = nil, false
		return s.Authorize(tx, c, access)
	}
	return answer, err
}

// values are the condition keys of the request (IAM User Guide, "IAM and AWS STS condition context keys"). The user of the provided
// context is identitystore:UserId where the caller has none of its own, and always where the question is whether it may be set.
func (a *assumption) values(c *Caller, action string, role Role) values {
	v := values{"sts:rolesessionname": {a.sessionName}}
	v.setSome("sts:externalid", a.externalID)
	v.setSome("sts:sourceidentity", a.sourceIdentity)
	if len(a.transitive) > 0 {
		v.set("sts:transitivetagkeys", a.transitive...)
	}
	if len(a.requested) > 0 {
		v.set("aws:tagkeys", sortedKeys(a.requested)...)
	}
	for key, value := range a.requested {
		v.set("aws:requesttag/"+strings.ToLower(key), value)
	}
	for key, value := range role.Tags {
		v.set("aws:resourcetag/"+strings.ToLower(key), value)
		v.set("iam:resourcetag/"+strings.ToLower(key), value)
	}
	if a.user != nil {
		v.set("sts:requestcontextproviders", IdentityContextProvider)
		v.ofUser("sts:requestcontext/", a.user)
		if c.OnBehalfOf == nil || action == setContext {
			v.ofUser("", a.user)
		}
	}
	return v
}

// checkUser says whether the identity context may still be used: its session has not ended, and the token service lets it stand.
func (s *Server) checkUser(tx *store.Tx, c *Caller, a *assumption) error {
	if a.user == nil {
		return nil
	}
	by, revoked, err := token.Revoked(tx, a.user.Session)
	if err != nil {
		return err
	}
	if revoked {
		return expiredToken("The session of the provided context has ended.", "session "+by+" is revoked")
	}
	if s.ContextStands == nil {
		return notAuthorized(c, setContext, a.roleARN, "no token service can vouch for the provided context")
	}
	err = s.ContextStands(tx, *a.user)
	if refusal, ok := errors.AsType[*wire.Error](err); ok {
		return notAuthorized(c, setContext, a.roleARN, cmp.Or(refusal.Reason, refusal.Message))
	}
	return err
}

// contextError is the answer to an assertion that cannot be opened.
func contextError(err error) error {
	switch {
	case errors.Is(err, token.ErrExpired):
		return expiredToken("The provided context assertion has expired.", err.Error())
	case errors.Is(err, token.ErrInvalid):
		e := validationError("The provided context assertion is invalid.")
		e.Reason = err.Error()
		return e
	}
	return err
}

func auditContext(ctx context.Context, user *token.IdentityContext) {
	call := wire.CallFrom(ctx)
	if call == nil || user == nil {
		return
	}
	call.Audit.Text("identitystore:UserId", user.UserID)
	call.Audit.Text("identitystore:IdentityStoreArn", user.IdentityStoreARN)
	call.Audit.Text("identitycenter:InstanceArn", user.InstanceARN)
	call.Audit.Text("identitycenter:ApplicationArn", user.ApplicationARN)
	call.Audit.Text("identitycenter:CredentialId", user.CredentialID)
}

// lineage starts the session of the new credentials below all it depends on.
func lineage(c *Caller, user *token.IdentityContext) (token.Session, error) {
	var parent *token.Session
	switch {
	case user != nil && c.Type == AssumedRole:
		both := token.Session{ID: user.Session.ID, Ancestors: slices.Clone(user.Session.Ancestors)}
		for _, id := range append([]string{c.Session.ID}, c.Session.Ancestors...) {
			if id != "" && id != both.ID && !slices.Contains(both.Ancestors, id) {
				both.Ancestors = append(both.Ancestors, id)
			}
		}
		parent = &both
	case user != nil:
		parent = &user.Session
	case c.Type == AssumedRole:
		parent = &c.Session
	}
	session, err := token.NewSession(parent)
	if errors.Is(err, token.ErrTooDeep) {
		return session, validationError("The chain of sessions is too long: at most %d can descend from one another.", token.MaxDepth)
	}
	return session, err
}

// lend makes the credentials.
func (s *Server) lend(tx *store.Tx, c *Caller, role Role, a *assumption) (*AssumeRoleOutput, error) {
	session, err := lineage(c, a.user)
	if err != nil {
		return nil, err
	}
	now := tx.Now().Truncate(time.Second)
	claims := &sessionClaims{
		Account: role.AccountID, Role: role.Name, RoleID: role.ID, Session: a.sessionName, IssuedAt: now.Unix(),
		SourceIdentity: a.sourceIdentity, Limits: a.packed,
	}
	switch {
	case a.user != nil:
		claims.User, claims.Provider = claimOf(a.user), IdentityContextProvider
	case c.OnBehalfOf != nil: // still that user's, and no less limited
		claims.User, claims.Provider = claimOf(c.OnBehalfOf), c.ContextProvider
	}
	credentials, err := s.mint(claims, session, now.Add(a.duration()), a.minimumSize)
	if err != nil {
		return nil, err
	}
	size := len(credentials.SessionToken)
	utilization := min((size*100+maxTokenSize-1)/maxTokenSize, 100)
	out := &AssumeRoleOutput{
		Credentials: &Credentials{
			AccessKeyId: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey,
			SessionToken: credentials.SessionToken, Expiration: credentials.ExpiresAt,
		},
		AssumedRoleUser: &AssumedRoleUser{
			AssumedRoleId: role.ID + ":" + a.sessionName, Arn: sessionARN(role.AccountID, role.Name, a.sessionName),
		},
		SessionTokenSize: &size, SessionTokenUtilization: &utilization,
	}
	if a.percent > 0 {
		out.PackedPolicySize = &a.percent
	}
	if a.sourceIdentity != "" {
		out.SourceIdentity = &a.sourceIdentity
	}
	return out, nil
}

// maxTokenSize is the longest session token AssumeRole gives, in bytes.
const maxTokenSize = 4096

// mint seals the claims, padded until the token has the size asked for.
func (s *Server) mint(claims *sessionClaims, session token.Session, expires time.Time, minimum int) (token.RoleCredentials, error) {
	for first := true; ; first = false {
		raw, err := claims.encode()
		if err != nil {
			return token.RoleCredentials{}, err
		}
		credentials, err := s.Minter.RoleCredentials(raw, session, expires)
		if err != nil {
			return token.RoleCredentials{}, err
		}
		size := len(credentials.SessionToken)
		if first && size > maxTokenSize {
			return token.RoleCredentials{}, packedPolicyTooLarge("Serialized token too large for session")
		}
		if size >= minimum {
			return credentials, nil
		}
		// Sealing writes three bytes as four characters; the member itself takes some, too.
		claims.Padding += strings.Repeat("=", max(1, (minimum-size)*3/4-len(`,"z":""`)))
	}
}
