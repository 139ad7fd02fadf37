package policy

import "strings"

// truth is the outcome of a test. Unknown means that it cannot be evaluated: an Allow treats it as no, a Deny as yes.
type truth uint8

const (
	no truth = iota
	unknown
	yes
	// absent is the outcome of comparing with a variable that has no value: nothing equals it. It never leaves the list of
	// values or resources it arose in: there it is no, and under a negation unknown.
	absent
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) negate() truth {
	switch t {
	case no:
		return yes
	case yes:
		return no
	}
	return unknown
}

// env is one evaluation's view of the request.
type env struct {
	request *Request
	caller  caller
	// bounded: the caller has a permissions boundary.
	bounded bool
	// one backs derived values, so that they cost no allocation; it holds until the next lookup.
	one [1]string
	// filled is what Request.Fill gave; nil until the first look-up.
	filled Values
}

// context is the request's, filled at the first look-up.
func (e *env) context() Values {
	if e.request.Context != nil || e.request.Fill == nil {
		return e.request.Context
	}
	if e.filled == nil {
		if e.filled = e.request.Fill(); e.filled == nil {
			e.filled = Values{}
		}
	}
	return e.filled
}

// lookup gives a condition key's values; key is lower-case. None means that the key is absent. It is not ok when the
// context has the key in two spellings, neither of them lower-case: which one counts cannot be told.
func (e *env) lookup(key string) (values []string, ok bool) {
	context := e.context()
	if values := context[key]; len(values) > 0 {
		return values, true
	}
	found := 0
	for k, v := range context {
		if len(v) > 0 && len(k) == len(key) && strings.EqualFold(k, key) {
			values = v
			found++
		}
	}
	if found > 0 {
		return values, found == 1
	}
	if v := e.derive(key); v != "" {
		e.one[0] = v
		return e.one[:], true
	}
	return nil, true
}

// derive gives the global condition keys that follow from the principal (IAM User Guide, "AWS global condition context
// keys"); empty = absent. For a role session aws:PrincipalArn is the role's ARN, not the session's.
func (e *env) derive(key string) string {
	p := &e.request.Principal
	switch key {
	case "aws:principalarn":
		if p.RoleARN != "" {
			return p.RoleARN
		}
		return p.ARN
	case "aws:principalaccount":
		return p.Account
	case "aws:userid":
		return p.ID
	case "aws:principaltype":
		return e.caller.kind.principalType()
	case "aws:principalisawsservice":
		if e.caller.kind == callerService {
			return "true"
		}
		return "false"
	case "aws:principalservicename":
		return p.Service
	}
	return ""
}
