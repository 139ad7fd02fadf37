// Package policy is the IAM policy language: parse, compile, evaluate, explain. It knows nothing of Identity Center.
//
// [Parse] turns a document into an immutable [Policy] or says what is wrong with it and where; [Policies.Evaluate] decides
// one [Request] against all policies that bear on it and gives its reasons. The language and its combination are those of
// the IAM User Guide ("IAM JSON policy elements", "Policy evaluation logic"), both versions, 2008-10-17 and 2012-10-17.
//
// What it guarantees:
//
//   - Nothing is allowed unless a statement says so, and an explicit deny anywhere wins.
//   - What cannot be evaluated denies. A statement whose match is unknown (a request value of the wrong type, several values
//     where one is compared, a variable that cannot be substituted under a negation) never allows; if it is a Deny, it
//     denies. A caller, policy or request that makes no sense is refused whole.
//   - Evaluation compiles nothing, fetches nothing and takes time proportional to policy size × request size: there are no
//     regular expressions and no wildcard pattern is exponential.
//
// It is stricter than AWS in these places:
//
//   - A permissions boundary and session policies limit every grant, also one by a resource policy that names the session.
//   - A negated test (StringNotEquals, NotResource, ...) against a variable without value never holds in an Allow.
//   - An operator without set qualifier on a key with several values is unknown (AWS leaves it undefined).
//   - NotPrincipal with Allow is refused; NotPrincipal with Deny exempts a caller only if its account, its role and itself
//     are all listed, and never one that has a permissions boundary.
//   - Element names, operators and value types are checked to the letter at Parse.
package policy

// Kind says what a document is for: each kind allows and demands different elements.
type Kind int

const (
	Identity Kind = iota // no Principal, no Id; also boundaries, session policies and guards
	Resource             // Principal required, Resource required: actor policies
	Trust                // Principal required, no NotPrincipal, no Resource: role trust policies
)

// String is the kind's name as used in messages.
func (k Kind) String() string {
	switch k {
	case Identity:
		return "identity"
	case Resource:
		return "resource"
	case Trust:
		return "trust"
	}
	return "unknown"
}

// Versions of the policy language. Variables exist only in Version2012.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Policy is a compiled document. Immutable, safe for concurrent use. Only Parse makes usable ones: the zero Policy, like
// a nil one, denies everything wherever it is put.
type Policy struct {
	name       string
	kind       Kind
	version    string
	statements []statement
}

// Version is the language version in force: the document's, or 2008-10-17 where it names none.
func (p *Policy) Version() string { return p.version }

// Principals are the AWS principals that the policy's Allow statements name, as written and without repetition: ARNs,
// account ids and unique ids, but not "*". An actor policy that names a principal that does not exist can so be refused
// when it is put.
func (p *Policy) Principals() []string {
	return p.collect(func(s *statement) []string { return s.principals.names() })
}

// Actions are the actions named in Allow statements, as written and without repetition. A NotAction counts as "*", since it
// grants actions without naming them.
func (p *Policy) Actions() []string {
	return p.collect(func(s *statement) []string {
		if s.notAction {
			return []string{"*"}
		}
		return sources(s.actions)
	})
}

// Resources are the resources named in Allow statements, as written and without repetition. A NotResource counts as "*".
func (p *Policy) Resources() []string {
	return p.collect(func(s *statement) []string {
		if s.notResource {
			return []string{"*"}
		}
		return sources(s.resources)
	})
}

// Inverted says whether some statement, of either effect, uses NotAction, NotResource or NotPrincipal.
func (p *Policy) Inverted() bool {
	for i := range p.statements {
		s := &p.statements[i]
		if s.notAction || s.notResource || s.principals != nil && s.principals.inverted {
			return true
		}
	}
	return false
}

func (p *Policy) collect(of func(*statement) []string) []string {
	var all []string
	seen := map[string]bool{}
	for i := range p.statements {
		if p.statements[i].deny {
			continue
		}
		for _, v := range of(&p.statements[i]) {
			if !seen[v] {
				seen[v] = true
				all = append(all, v)
			}
		}
	}
	return all
}

// Principal is the caller as policies see it. Either Service is set and the ARNs are empty, or ARN and Account are set and
// agree; a Principal that contradicts itself is denied everything.
type Principal struct {
	Account string // 12 digits
	// ARN: arn:aws:iam::A:user/path/N, arn:aws:sts::A:assumed-role/R/S, arn:aws:sts::A:federated-user/N, arn:aws:iam::A:root
	ARN string
	// RoleARN of a role session: arn:aws:iam::A:role/path/R (its path kept); else empty.
	RoleARN string
	// ID is aws:userid: AIDA…, AROA…:session, the account id for root.
	ID string
	// Service is a service principal's name ("sso.amazonaws.com"), else empty.
	Service string
}

// Values are condition context values by condition key; keys compare case-insensitively (keep them lower-case: that is the
// fast way, and of two spellings the lower-case one counts). A key with an empty list is a key that is absent.
type Values map[string][]string

// Request is what is being asked.
type Request struct {
	Principal Principal
	Action    string // "sso:CreateApplication"; compared case-insensitively
	Resource  string // the ARN, or "*" for an action that has no resource
	// ResourceAccount owns the resource; empty = the principal's own.
	ResourceAccount string
	// Context holds the condition keys of the request. Those that follow from Principal (aws:PrincipalArn,
	// aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName, aws:userid) are
	// derived where Context lacks them.
	Context Values
	// Fill gives the Context where that is nil. It is asked at the first key that a condition or a variable reads, at most once in an
	// evaluation: most policies read none, and then nobody pays for the values.
	Fill func() Values
}

// Policies are all that bear on a request.
type Policies struct {
	// Identity policies of the user (with its groups) or role. Nil for an account's root user means that it may do
	// everything; for anybody else it means nothing.
	Identity []*Policy
	Boundary *Policy // nil = none
	// Session policies limit when HasSession, even if the list is empty of allows.
	Session    []*Policy
	HasSession bool
	// Guards can only deny (service allow-lists, organization guards): their Allow statements count for nothing.
	Guards []*Policy
	// Resource is the resource's policy: nil = none.
	Resource *Policy
	// ResourceRequired: the resource policy must itself allow (actor policies, trust policies). Identity policies must
	// allow too when the resource policy names only the caller's account, and always across accounts.
	ResourceRequired bool
}
