package policy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Answer is a decision with its reasons.
type Answer struct {
	Allowed bool
	// Explicit: some statement denied.
	Explicit bool
	// Reasons, the weightiest first. Of an allowed request: the statements that allow. Of a denied one: the statements that
	// deny, then for each policy that had to allow the statements that name the action (nearest first) and what they lack,
	// or that there are none; at most 32.
	Reasons []Reason

	verdict          verdict
	action, resource string
}

// Reason is what one policy contributed: which statement, and for a statement that did not apply, which part failed.
type Reason struct {
	Policy    string
	Statement string // its Sid, else its number from 1
	Effect    string // "Allow", "Deny", or "" when it did not apply
	Detail    string // why
}

const maxReasons = 32

// Lacks is the kind of policies that had to allow and did not: "identity", "boundary", "session" or "resource". It is empty when the
// request was allowed, denied explicitly, or could not be evaluated.
func (a Answer) Lacks() string {
	switch a.verdict {
	case deniedByIdentity:
		return "identity"
	case deniedByBoundary:
		return "boundary"
	case deniedBySession:
		return "session"
	case deniedByResource:
		return "resource"
	}
	return ""
}

// String is the answer in one sentence, for audit and for messages. It quotes what comes from outside and keeps it short.
func (a Answer) String() string {
	first := Reason{}
	if len(a.Reasons) > 0 {
		first = a.Reasons[0]
	}
	switch {
	case a.Allowed && first.Policy == "" && first.Detail != "":
		return "allowed: " + first.Detail
	case a.Allowed:
		return "allowed by " + first.who()
	case a.verdict == deniedInvalid || first == Reason{}:
		return "denied: cannot be evaluated: " + first.Detail
	case a.Explicit:
		return "denied by " + first.who() + ": " + first.Detail
	}
	what := " allows " + clip(a.action) + " on " + clip(a.resource)
	s := "no identity policy" + what
	switch a.verdict {
	case deniedByBoundary:
		s = "the permissions boundary does not allow " + clip(a.action) + " on " + clip(a.resource)
	case deniedBySession:
		s = "no session policy" + what
	case deniedByResource:
		s = "the resource's policy does not allow " + clip(a.action) + " on " + clip(a.resource)
	}
	if first.Statement == "" {
		return s + ": " + first.Detail
	}
	return s + ": nearest: " + first.who() + ": " + first.Detail
}

func (r Reason) who() string {
	return "statement " + quote(r.Statement) + " of policy " + quote(r.Policy)
}

// near is a reason with how near its statement came to applying.
type near struct {
	Reason
	part part
}

// explain evaluates once more, this time for the reasons: a denial may cost more than a permission.
func (ps *Policies) explain(e *env, v verdict) Answer {
	a := Answer{Explicit: v == deniedExplicitly, verdict: v, action: e.request.Action, resource: e.request.Resource}
	var denials, misses []near
	visit := func(at place, p *Policy) {
		if p == nil {
			return
		}
		d, m := p.explain(e, at)
		denials = append(denials, d...)
		if v.concerns(at) {
			misses = append(misses, m...)
		}
	}
	for _, p := range ps.Identity {
		visit(placeIdentity, p)
	}
	visit(placeBoundary, ps.Boundary)
	for _, p := range ps.Session {
		visit(placeSession, p)
	}
	for _, p := range ps.Guards {
		visit(placeGuard, p)
	}
	visit(placeResource, ps.Resource)

	slices.SortStableFunc(misses, func(x, y near) int { return cmp.Compare(y.part, x.part) })
	for _, n := range append(denials, misses...) {
		if len(a.Reasons) < maxReasons {
			a.Reasons = append(a.Reasons, n.Reason)
		}
	}
	if len(a.Reasons) == 0 {
		a.Reasons = []Reason{{Detail: v.nothing()}}
	}
	return a
}

// concerns says whether policies at a place had a say in an implicit denial.
func (v verdict) concerns(at place) bool {
	switch v {
	case deniedByBoundary:
		return at == placeBoundary
	case deniedBySession:
		return at == placeSession
	case deniedByResource:
		return at == placeResource
	case deniedByIdentity:
		return at == placeIdentity || at == placeResource
	}
	return false
}

// nothing is the detail when there is no policy at all.
func (v verdict) nothing() string {
	switch v {
	case deniedBySession:
		return "the session has no policies"
	case deniedByResource:
		return "the resource has no policy"
	}
	return "the caller has no policies"
}

// explain gives a reason for each statement that denies and for each Allow that did not suffice although it names the
// action; if there is neither, one for the whole policy.
func (p *Policy) explain(e *env, at place) (denials, misses []near) {
	for i := range p.statements {
		s := &p.statements[i]
		if !s.deny && at == placeGuard {
			continue
		}
		f := s.check(e)
		r := Reason{Policy: p.name, Statement: s.label()}
		switch {
		case s.applies(f) && s.deny:
			r.Effect, r.Detail = "Deny", s.detail(e, f)
			denials = append(denials, near{r, f.part})
		case s.deny || f.part == partAction:
		case s.applies(f):
			r.Effect, r.Detail = "Allow", "allows, but does not suffice"
			if f.level == byAccount {
				r.Detail = "names only the caller's account: an identity policy must allow as well"
			}
			misses = append(misses, near{r, f.part})
		default:
			r.Detail = s.detail(e, f)
			misses = append(misses, near{r, f.part})
		}
	}
	if len(denials) == 0 && len(misses) == 0 {
		misses = []near{{Reason{Policy: p.name, Detail: "none of its statements allows this action"}, partAction}}
	}
	return denials, misses
}

// detail says why a statement denies or does not apply.
func (s *statement) detail(e *env, f finding) string {
	detail := "explicit deny"
	switch f.part {
	case partResource:
		detail = "the resource does not match " + listed("Resource", "NotResource", s.notResource, sources(s.resources))
	case partPrincipal:
		detail = "the caller is not a principal it names"
	case partCondition:
		detail = s.conditions[f.condition].detail(e)
	}
	if f.truth == unknown {
		detail = "cannot be evaluated: " + detail
	}
	return detail
}

func (c *condition) detail(e *env) string {
	values, ok := e.lookup(c.lookup)
	has := "the request has " + quotes(values)
	switch {
	case !ok:
		has = "the request has the key in several spellings"
	case len(values) == 0:
		has = "the request has none"
	}
	return "condition " + c.operator + " " + clip(c.key) + " " + quotes(c.values) + ": " + has
}

func listed(element, inverse string, inverted bool, texts []string) string {
	if inverted {
		element = inverse
	}
	return element + " " + quotes(texts)
}

// quotes shows at most three values.
func quotes(values []string) string {
	const most = 3
	var b strings.Builder
	for i, v := range values {
		if i == most {
			b.WriteString(", … (" + strconv.Itoa(len(values)) + ")")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(v))
	}
	return b.String()
}

const maxQuote = 128

// quote makes a text safe to print and short.
func quote(s string) string {
	if len(s) > maxQuote {
		return strconv.Quote(s[:maxQuote]) + "…"
	}
	return strconv.Quote(s)
}

// clip is quote without the marks where none are needed.
func clip(s string) string {
	if q := quote(s); q != `"`+s+`"` || s == "" {
		return q
	}
	return s
}

// label is a name for use before a colon in an error.
func label(s string) string { return clip(s) }
