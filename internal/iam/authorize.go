package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// Access is one question to Authorize.
type Access struct {
	Action          string // "sso-oauth:CreateTokenWithIAM"
	Resource        string // ARN or "*"; empty = "*"
	ResourceAccount string // owner; empty = the caller's account
	// ResourcePolicy of the resource (an actor policy), with ResourceRequired as policy.Policies says.
	ResourcePolicy   *policy.Policy
	ResourceRequired bool
	// Context holds further condition values: of the request, the resource, the service. A key that speaks of the caller is ignored.
	Context map[string][]string
	// asked are values that replace even those: AssumeRole's, of the session asked for.
	asked values
}

// Authorize decides from the current records inside tx: identity policies, boundary, session policies, the identity-context allow list
// as guard, the resource policy. It also re-checks that the key / user / role still exists and is active. Source IP, time, region, TLS
// and principal keys of the condition context are filled from the call in tx.Context() and the caller.
//
// What is gone or does not parse denies; the answer's reasons say what that was, for audit, not for the client. An error says that the
// records could not be read, which decides nothing: whoever asked is to hear that error, which may be worth a retry, and no denial.
func (s *Server) Authorize(tx *store.Tx, c *Caller, a Access) (policy.Answer, error) {
	h, err := s.standing(tx, c)
	if err != nil {
		return refused(err)
	}
	policies, err := s.policies(tx, c, h)
	if err != nil {
		return refused(err)
	}
	policies.Resource, policies.ResourceRequired = a.ResourcePolicy, a.ResourceRequired
	if a.Resource == "" {
		a.Resource = "*"
	}
	return policies.Evaluate(&policy.Request{
		Principal: c.Principal(), Action: a.Action, Resource: a.Resource, ResourceAccount: a.ResourceAccount,
		Fill: func() policy.Values { return conditionValues(tx, c, h.tags, a) },
	}), nil
}

// denial says why a caller may do nothing, whatever is asked.
type denial string

func (d denial) Error() string { return string(d) }

func deny(format string, args ...any) error { return denial(fmt.Sprintf(format, args...)) }

// refused is the answer before any policy is asked: that of an evaluation of nothing, with the reason in its place. Only what is known
// to deny does; any other error is the asker's.
func refused(why error) (policy.Answer, error) {
	if _, denies := errors.AsType[denial](why); !denies && !isAny(why, store.ErrNotFound, sigv4.ErrUnknownKey, sigv4.ErrDisabled) {
		return policy.Answer{}, why
	}
	answer := (*policy.Policies)(nil).Evaluate(nil)
	answer.Reasons = []policy.Reason{{Detail: why.Error()}}
	return answer, nil
}

func isAny(err error, kinds ...error) bool {
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

// holder is what the caller's own record grants: a user's or a role's; a root's is empty.
type holder struct {
	account  string
	kind     string // "user" or "role", with the name for reasons
	name     string
	inline   map[string]string
	attached []string
	boundary string
	tags     map[string]string
}

// standing reads the caller's record as it is now, or says why the caller is nobody any more.
func (s *Server) standing(tx *store.Tx, c *Caller) (holder, error) {
	if c == nil {
		return holder{}, denial("there is no caller")
	}
	switch c.Type {
	case Root, IAMUser:
		return keyStanding(tx, c)
	case AssumedRole:
		return s.sessionStanding(tx, c)
	}
	return holder{}, deny("a caller of type %q is not known", c.Type)
}

func keyStanding(tx *store.Tx, c *Caller) (holder, error) {
	key, u, err := keyOwner(tx, c.AccessKeyID)
	if err != nil {
		return holder{}, fmt.Errorf("access key %s: %w", c.AccessKeyID, err)
	}
	switch {
	case c.Type == Root && key.UserName == "" && key.AccountID == c.UserID && c.AccountID == c.UserID:
		return holder{account: c.AccountID}, nil
	case c.Type != IAMUser || key.UserName == "" || u.ID != c.UserID || !isEntity(c.ARN, u.AccountID, "user", u.Path, u.Name):
		return holder{}, deny("access key %s belongs to somebody else now", c.AccessKeyID)
	}
	return holder{
		account: u.AccountID, kind: "user", name: u.Name, inline: u.Inline, attached: u.Attached, boundary: u.Boundary, tags: u.Tags,
	}, nil
}

func (s *Server) sessionStanding(tx *store.Tx, c *Caller) (holder, error) {
	id, _, _ := strings.Cut(c.UserID, ":")
	r, why, err := liveRole(tx, c.AccountID, c.Name, id, c.Session)
	if err != nil {
		return holder{}, fmt.Errorf("role session %s: %w", c.ARN, err)
	}
	if why == "" && !tx.Now().Before(c.ExpiresAt) {
		why = "it has expired"
	}
	if why != "" {
		return holder{}, deny("role session %s: %s", c.ARN, why)
	}
	if c.OnBehalfOf != nil {
		why, err := s.absentUser(tx, c.OnBehalfOf)
		if err != nil {
			return holder{}, fmt.Errorf("role session %s: %w", c.ARN, err)
		}
		if why != "" {
			return holder{}, deny("role session %s: %s", c.ARN, why)
		}
	}
	return holder{
		account: r.AccountID, kind: "role", name: r.Name, inline: r.Inline, attached: r.Attached, boundary: r.Boundary, tags: r.Tags,
	}, nil
}

// absentUser says why nothing may be done on behalf of the user; empty when it may.
func (s *Server) absentUser(tx *store.Tx, user *token.IdentityContext) (why string, err error) {
	if s.UserEnabled == nil {
		return "no directory can vouch for its user", nil
	}
	ok, err := s.UserEnabled(tx, user.IdentityStoreID, user.UserID)
	if err != nil {
		return "", fmt.Errorf("user %s: %w", user.UserID, err)
	}
	if !ok {
		return "user " + user.UserID + " is deleted or disabled", nil
	}
	return "", nil
}

// policies compiles all that bears on the caller. One that is gone or no longer parses could have held a deny, so it fails the whole.
func (s *Server) policies(tx *store.Tx, c *Caller, h holder) (*policy.Policies, error) {
	ps := &policy.Policies{HasSession: c.HasSession}
	var err error
	if c.Type != Root {
		if ps.Identity, err = s.identityPolicies(tx, h); err != nil {
			return nil, err
		}
	}
	if h.boundary != "" {
		if ps.Boundary, err = s.managed(tx, h.account, h.boundary); err != nil {
			return nil, err
		}
	}
	if ps.Session, err = s.sessionPolicies(tx, c); err != nil {
		return nil, err
	}
	if c.ContextProvider != "" {
		guard, err := s.identityContextGuard()
		if err != nil {
			return nil, denial(err.Error())
		}
		ps.Guards = []*policy.Policy{guard}
	}
	return ps, nil
}

// identityPolicies is never nil, because nil would mean root.
func (s *Server) identityPolicies(tx *store.Tx, h holder) ([]*policy.Policy, error) {
	list := make([]*policy.Policy, 0, len(h.inline)+len(h.attached))
	var room [4]string
	names := room[:0]
	for name := range h.inline {
		names = append(names, name)
	}
	slices.Sort(names) // the same reasons for the same records
	for _, name := range names {
		p, err := s.compile(policy.Inline{Kind: h.kind, Holder: h.name, Name: name}, h.inline[name])
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	for _, arn := range h.attached {
		p, err := s.managed(tx, h.account, arn)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (s *Server) sessionPolicies(tx *store.Tx, c *Caller) ([]*policy.Policy, error) {
	list := make([]*policy.Policy, 0, len(c.SessionPolicies)+len(c.SessionPolicyARNs))
	for _, document := range c.SessionPolicies {
		p, err := s.compile(policy.Inline{Name: "session policy"}, document)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	for _, arn := range c.SessionPolicyARNs {
		p, err := s.managed(tx, c.AccountID, arn)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (s *Server) managed(tx *store.Tx, account, arn string) (*policy.Policy, error) {
	document, err := managedDocument(tx, account, arn)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", arn, err)
	}
	return s.compile(policy.Inline{Name: arn}, document)
}

func (s *Server) compile(name policy.Inline, document string) (*policy.Policy, error) {
	p, err := s.compiled.ParseInline(policy.Identity, name, document)
	if err != nil {
		return nil, deny("policy %s does not parse: %v", name, err)
	}
	return p, nil
}
