package iam

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/token"
)

// Limits of AssumeRole (STS API Reference).
const (
	defaultSession     = 3600 // seconds
	maxChainedSession  = 3600 // seconds: a role assumed by a role session
	maxSessionPlain    = 2048 // characters of session policies, managed ones counted by ARN
	maxSessionPolicies = 10
)

// assumption is what one AssumeRole asks for, checked as far as it can be without looking at the role. So a mistake in the request is
// answered the same whether the role exists or not.
type assumption struct {
	role        entity
	roleARN     string
	sessionName string
	externalID  string
	seconds     int
	minimumSize int // of the session token, in bytes
	limits      limits
	packed      []byte
	percent     int
	// requested tags; limits.Tags holds the inherited ones too.
	requested      map[string]string
	transitive     []string // requested
	sourceIdentity string
	user           *token.IdentityContext
}

// newAssumption checks the request at the time of asking.
func (s *Server) newAssumption(c *Caller, in *AssumeRoleInput) (*assumption, error) {
	a := &assumption{
		roleARN: in.RoleArn, sessionName: in.RoleSessionName, externalID: deref(in.ExternalId), seconds: defaultSession,
		minimumSize: deref(in.MinimumSessionTokenSize),
	}
	var ok bool
	if a.role, ok = parseEntity(in.RoleArn); !ok || a.role.kind != "role" || a.role.account == "aws" {
		return nil, validationError("%s is invalid", in.RoleArn)
	}
	if in.DurationSeconds != nil {
		a.seconds = *in.DurationSeconds
	}
	if c.Type == AssumedRole && a.seconds > maxChainedSession {
		return nil, validationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if err := checkMFA(in); err != nil {
		return nil, err
	}
	if err := a.takePolicies(in); err != nil {
		return nil, err
	}
	if err := a.takeTags(c, in); err != nil {
		return nil, err
	}
	if err := a.takeSourceIdentity(c, deref(in.SourceIdentity)); err != nil {
		return nil, err
	}
	var err error
	if a.packed, a.percent, err = a.limits.pack(); err != nil {
		return nil, err
	}
	if a.percent > 100 {
		return nil, packedPolicyTooLarge("Packed size of session policies and session tags consumes %d%% of allotted space.", a.percent)
	}
	a.user, err = s.takeContext(in.ProvidedContexts)
	return a, err
}

// checkMFA: no principal of ours has an MFA device, so no code can be right.
func checkMFA(in *AssumeRoleInput) error {
	switch {
	case in.SerialNumber == nil && in.TokenCode == nil:
		return nil
	case in.SerialNumber == nil || in.TokenCode == nil:
		return accessDenied("MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.", "MFA half given")
	}
	return accessDenied("MultiFactorAuthentication failed, unable to validate MFA code. "+
		"Please verify your MFA serial number is valid and associated with this user.", "no MFA devices are kept")
}

func (a *assumption) takePolicies(in *AssumeRoleInput) error {
	if len(in.PolicyArns) > maxSessionPolicies {
		return constraint("policyArns", "…", "have length less than or equal to 10")
	}
	plain := 0
	for _, d := range in.PolicyArns {
		arn := deref(d.Arn)
		if e, ok := parseEntity(arn); !ok || e.kind != "policy" || e.account != "aws" && e.account != a.role.account {
			return validationError("The policy ARN %s is invalid: a session takes managed policies of AWS or of the role's account.", arn)
		}
		plain += len(arn)
		a.limits.PolicyARNs = append(a.limits.PolicyARNs, arn)
	}
	if in.Policy != nil {
		plain += len(*in.Policy)
		a.limits.Policy = *in.Policy
	}
	if plain > maxSessionPlain {
		return packedPolicyTooLarge("The session policies have %d characters; at most %d are allowed.", plain, maxSessionPlain)
	}
	if in.Policy == nil {
		return nil
	}
	if _, err := policy.Parse(policy.Identity, "session policy", []byte(*in.Policy)); err != nil {
		return malformedPolicy(err)
	}
	return nil
}

// takeTags adds the requested session tags to those the caller's session hands down, which cannot be changed (IAM User Guide, "Pass
// session tags in AWS STS", chaining).
func (a *assumption) takeTags(c *Caller, in *AssumeRoleInput) error {
	inherited := map[string]string{}
	for _, key := range c.TransitiveTags {
		inherited[strings.ToLower(key)] = key
	}
	a.requested = make(map[string]string, len(in.Tags))
	folded := map[string]string{}
	for _, tag := range in.Tags {
		if err := checkTag(tag.Key, tag.Value); err != nil {
			return err
		}
		lower := strings.ToLower(tag.Key)
		if folded[lower] != "" {
			return errDuplicateTag()
		}
		if inherited[lower] != "" {
			return validationError("One or more of the provided session tags was set as transitive in the previous session and cannot be changed: %s", tag.Key)
		}
		folded[lower] = tag.Key
		a.requested[tag.Key] = tag.Value
	}
	for _, key := range in.TransitiveTagKeys {
		lower := strings.ToLower(key)
		if folded[lower] == "" && inherited[lower] == "" {
			return validationError("The specified transitive tag key must be included in the requested tags.")
		}
		if tag := folded[lower]; tag != "" && !slices.Contains(a.transitive, tag) {
			a.transitive = append(a.transitive, tag)
		}
	}
	a.limits.Tags = maps.Clone(a.requested)
	for _, key := range c.TransitiveTags {
		a.limits.Tags[key] = c.Tags[key]
	}
	a.limits.Transitive = slices.Concat(c.TransitiveTags, a.transitive)
	if len(a.limits.Tags) > maxTags {
		return validationError("The number of session tags, inherited ones included, exceeds the maximum limit of %d.", maxTags)
	}
	return nil
}

// takeSourceIdentity: once set it stays through every chain (IAM User Guide, "Monitor and control actions taken with assumed roles").
func (a *assumption) takeSourceIdentity(c *Caller, asked string) error {
	if strings.HasPrefix(strings.ToLower(asked), "aws:") {
		return validationError("A source identity cannot begin with the reserved prefix aws:.")
	}
	if c.SourceIdentity != "" && asked != "" && asked != c.SourceIdentity {
		return accessDenied("The source identity of a session cannot be changed.", "the caller's session has another source identity")
	}
	a.sourceIdentity = asked
	if asked == "" {
		a.sourceIdentity = c.SourceIdentity
	}
	return nil
}

// takeContext opens the one provided context. Whether its user and session still stand is looked up later, for callers who may assume
// the role at all.
func (s *Server) takeContext(list []ProvidedContext) (*token.IdentityContext, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > 1 {
		return nil, validationError("Only one context can be provided.")
	}
	provider, assertion := deref(list[0].ProviderArn), deref(list[0].ContextAssertion)
	if provider != IdentityContextProvider {
		return nil, validationError("The context provider %s is not known; the one provider is %s.", provider, IdentityContextProvider)
	}
	if assertion == "" {
		return nil, validationError("A provided context needs a ContextAssertion.")
	}
	user, err := s.Minter.OpenIdentityContext(assertion, s.Now())
	if err != nil {
		return nil, contextError(err)
	}
	return &user, nil
}

// actions are what the caller must be allowed on the role, beside one another (IAM User Guide; sts:SetContext: identity-enhanced
// sessions). What is handed down counts like what is asked for.
func (a *assumption) actions() []string {
	list := []string{"sts:AssumeRole"}
	if a.user != nil {
		list = append(list, setContext)
	}
	if len(a.limits.Tags) > 0 {
		list = append(list, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		list = append(list, "sts:SetSourceIdentity")
	}
	return list
}

const setContext = "sts:SetContext"

func (a *assumption) duration() time.Duration { return time.Duration(a.seconds) * time.Second }

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
