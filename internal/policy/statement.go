package policy

import "strconv"

// statement is a compiled statement.
type statement struct {
	sid         string
	number      int // from 1
	deny        bool
	principals  *principals // nil in identity policies
	actions     []pattern
	notAction   bool
	resources   []pattern // nil in trust policies: the role itself
	notResource bool
	conditions  []condition
}

// label is how reasons call the statement.
func (s *statement) label() string {
	if s.sid != "" {
		return s.sid
	}
	return strconv.Itoa(s.number)
}

// part is an element of a statement, in the order of evaluation: the later a statement fails, the nearer it was.
type part uint8

const (
	partAction part = iota
	partResource
	partPrincipal
	partCondition
	partNone // all hold
)

// finding is the outcome of one statement for one request: which part decided that it does not apply, or cannot be told to.
type finding struct {
	truth truth // yes, no or unknown
	part  part
	level level // how the Principal element names the caller; direct where there is none
	// condition is the index of the condition that decided.
	condition int
}

// applies says whether the statement has its effect: a Deny that cannot be evaluated denies.
func (s *statement) applies(f finding) bool {
	return f.truth == yes || s.deny && f.truth == unknown
}

// check evaluates the statement. The parts are joined by "and": the first that fails decides, else the first unknown one.
func (s *statement) check(e *env) finding {
	if matchAction(s.actions, e.request.Action) == s.notAction {
		return finding{truth: no, part: partAction}
	}
	f := finding{truth: yes, part: partNone, level: direct}
	if s.resources != nil {
		t := matchResource(s.resources, e, s.notResource)
		if t == no {
			return finding{truth: no, part: partResource}
		}
		f.weaken(t, partResource, 0)
	}
	if s.principals != nil {
		if s.principals.inverted {
			f.level = direct
			if s.principals.exempts(&e.caller, e.bounded) {
				f.level = notNamed
			}
		} else {
			f.level = s.principals.level(&e.caller)
		}
		if f.level == notNamed {
			return finding{truth: no, part: partPrincipal}
		}
	}
	for i := range s.conditions {
		t := s.conditions[i].holds(e)
		if t == no {
			return finding{truth: no, part: partCondition, condition: i}
		}
		f.weaken(t, partCondition, i)
	}
	return f
}

// weaken joins a further part that is not no.
func (f *finding) weaken(t truth, p part, condition int) {
	if t == unknown && f.truth == yes {
		f.truth, f.part, f.condition = unknown, p, condition
	}
}

// matchAction ignores case, as IAM does. Actions have no variables, so the answer is never in doubt.
func matchAction(patterns []pattern, action string) bool {
	for i := range patterns {
		if patterns[i].match(nil, action) == yes {
			return true
		}
	}
	return false
}

func matchResource(patterns []pattern, e *env, negated bool) truth {
	result := no
	for i := range patterns {
		t := patterns[i].match(e, e.request.Resource)
		if t == absent {
			t = no
			if negated {
				t = unknown
			}
		}
		result = max(result, t)
	}
	if negated {
		return result.negate()
	}
	return result
}
