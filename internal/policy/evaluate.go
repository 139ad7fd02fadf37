package policy

// verdict is why an evaluation came out as it did.
type verdict uint8

const (
	allowed verdict = iota
	// deniedExplicitly: a Deny statement applies.
	deniedExplicitly
	// deniedInvalid: the request or a policy makes no sense.
	deniedInvalid
	// The others are implicit denials: a kind of policies that had to allow did not.
	deniedByIdentity
	deniedByBoundary
	deniedBySession
	deniedByResource
)

// place is what a policy is there for.
type place uint8

const (
	placeIdentity place = iota
	placeBoundary
	placeSession
	placeGuard
	placeResource
)

// tally is what the policies of one place say together.
type tally struct {
	deny  bool
	level level // the closest way an Allow names the caller; direct wherever there is no Principal element
	allow ruling
}

// ruling points to a statement that decides.
type ruling struct {
	policy    *Policy
	statement *statement
}

// Evaluate decides. Every Deny of every policy is looked at, whatever the others say.
//
// The combination is that of the IAM User Guide, "Policy evaluation logic", with the limits that the package comment names:
//
//  1. An explicit Deny in any policy denies.
//  2. A boundary, and session policies, must allow.
//  3. In the resource owner's account, identity policies or a resource policy that names the caller directly must allow;
//     from another account both must. With ResourceRequired the resource policy must allow, and identity policies too
//     where it names only the caller's account. A service has no identity policies: the resource policy must name it.
func (ps *Policies) Evaluate(r *Request) Answer {
	if ps == nil || r == nil {
		return invalid("", "nothing to evaluate")
	}
	e := &env{request: r, caller: r.Principal.identify(), bounded: ps.Boundary != nil}
	if why, ok := ps.sensible(e); !ok {
		return why
	}
	var identity, boundary, session, guards, resource tally
	identity.addAll(ps.Identity, e)
	session.addAll(ps.Session, e)
	guards.addAll(ps.Guards, e)
	boundary.add(ps.Boundary, e)
	resource.add(ps.Resource, e)

	v := allowed
	switch {
	case identity.deny || boundary.deny || session.deny || guards.deny || resource.deny:
		v = deniedExplicitly
	case ps.Boundary != nil && boundary.level == notNamed:
		v = deniedByBoundary
	case ps.HasSession && session.level == notNamed:
		v = deniedBySession
	default:
		v = ps.grant(e, identity.level != notNamed || ps.rootMayAll(e), resource.level)
	}
	if v != allowed {
		return ps.explain(e, v)
	}
	a := Answer{Allowed: true, action: r.Action, resource: r.Resource}
	a.Reasons = make([]Reason, 0, 4)
	for _, t := range []*tally{&resource, &identity, &boundary, &session} {
		if t.allow.policy != nil {
			a.Reasons = append(a.Reasons, Reason{Policy: t.allow.policy.name, Statement: t.allow.statement.label(), Effect: "Allow"})
		}
	}
	if len(a.Reasons) == 0 || identity.allow.policy == nil && ps.rootMayAll(e) {
		a.Reasons = append(a.Reasons, Reason{Effect: "Allow", Detail: "the account's root user may do everything"})
	}
	return a
}

// grant says whether the policies that grant do so.
func (ps *Policies) grant(e *env, identity bool, resource level) verdict {
	sameAccount := e.request.ResourceAccount == "" || e.request.ResourceAccount == e.caller.Account
	switch {
	case e.caller.kind == callerService:
		if resource != direct {
			return deniedByResource
		}
		return allowed
	case resource == notNamed && (ps.ResourceRequired || !sameAccount):
		return deniedByResource
	case identity:
		return allowed
	case resource == direct && sameAccount:
		return allowed
	}
	return deniedByIdentity
}

// rootMayAll: the root user of an account has no identity policies and needs none.
func (ps *Policies) rootMayAll(e *env) bool {
	return ps.Identity == nil && e.caller.kind == callerRoot
}

// sensible refuses what cannot be evaluated at all.
func (ps *Policies) sensible(e *env) (Answer, bool) {
	if e.caller.kind == callerInvalid {
		return invalid("", "the caller "+quote(e.request.Principal.ARN)+" contradicts itself or is no principal"), false
	}
	if e.request.Action == "" {
		return invalid("", "the request names no action"), false
	}
	for _, group := range [][]*Policy{ps.Identity, ps.Session, ps.Guards} {
		for _, p := range group {
			if p == nil || p.version == "" || p.kind != Identity {
				return misplaced(p), false
			}
		}
	}
	if p := ps.Boundary; p != nil && (p.version == "" || p.kind != Identity) {
		return misplaced(p), false
	}
	if p := ps.Resource; p != nil && (p.version == "" || p.kind == Identity) {
		return misplaced(p), false
	}
	return Answer{}, true
}

func misplaced(p *Policy) Answer {
	if p == nil || p.version == "" {
		return invalid("", "a policy is missing where one was given")
	}
	return invalid(p.name, "a "+p.kind.String()+" policy stands where another kind belongs")
}

// Refused is the denial of a request for which there is nothing to evaluate, such as that of a deleted caller.
func Refused(detail string) Answer { return invalid("", detail) }

func invalid(policy, detail string) Answer {
	return Answer{verdict: deniedInvalid, Reasons: []Reason{{Policy: policy, Detail: detail}}}
}

func (t *tally) addAll(policies []*Policy, e *env) {
	for _, p := range policies {
		t.add(p, e)
	}
}

// add looks at all statements of a policy, but skips an Allow once one allows as closely as can be.
func (t *tally) add(p *Policy, e *env) {
	if p == nil {
		return
	}
	for i := range p.statements {
		s := &p.statements[i]
		if s.deny && t.deny || !s.deny && t.level == direct {
			continue
		}
		f := s.check(e)
		if !s.applies(f) {
			continue
		}
		if s.deny {
			t.deny = true
		} else if f.level > t.level {
			t.level = f.level
			t.allow = ruling{p, s}
		}
	}
}
