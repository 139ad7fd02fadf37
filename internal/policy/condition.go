package policy

import (
	"errors"
	"fmt"
	"strings"
)

// condition is one key of one operator in a Condition element, with its values.
type condition struct {
	operator string // as written
	key      string // as written
	lookup   string // lower-case
	set      setQualifier
	ifExists bool
	negated  bool
	operands []operand
	values   []string // of operands, as written
	// null: the operator is Null; wantAbsent and wantPresent are its values true and false.
	null, wantAbsent, wantPresent bool
}

// setQualifier says how a key with several values is tested (IAM User Guide, "Set operators for multivalued context keys").
type setQualifier uint8

const (
	single setQualifier = iota
	forAllValues
	forAnyValue
)

// operatorName is an operator's name taken apart.
type operatorName struct {
	operator
	base     string
	set      setQualifier
	ifExists bool
}

func parseOperator(name string) (operatorName, error) {
	n := operatorName{base: name}
	if base, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		n.base, n.set = base, forAllValues
	} else if base, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		n.base, n.set = base, forAnyValue
	}
	if base, ok := strings.CutSuffix(n.base, "IfExists"); ok {
		n.base, n.ifExists = base, true
	}
	if n.base == "Null" {
		if n.base != name {
			return n, errors.New("Null takes neither ForAllValues:, ForAnyValue: nor IfExists")
		}
		return n, nil
	}
	op, ok := operators[n.base]
	if !ok {
		return n, errors.New("unknown condition operator (names are case-sensitive)")
	}
	n.operator = op
	return n, nil
}

// newCondition compiles one key of an operator.
func newCondition(written string, n operatorName, key string, values []string, version string) (condition, error) {
	c := condition{
		operator: written, key: key, lookup: strings.ToLower(key), values: values,
		set: n.set, ifExists: n.ifExists, negated: n.negated, null: n.base == "Null",
	}
	if err := checkConditionKey(key); err != nil {
		return c, err
	}
	for _, v := range values {
		if c.null {
			want, ok := parseBool(v)
			if !ok {
				return c, fmt.Errorf("%s: not a truth value: use true or false", quote(v))
			}
			c.wantAbsent = c.wantAbsent || want
			c.wantPresent = c.wantPresent || !want
			continue
		}
		o, err := n.compile(v, version)
		if err != nil {
			return c, fmt.Errorf("%s: %w", quote(v), err)
		}
		c.operands = append(c.operands, o)
	}
	return c, nil
}

// checkConditionKey: a vendor, a colon and a name, in which tag keys may have almost anything.
func checkConditionKey(key string) error {
	vendor, name, _ := strings.Cut(key, ":")
	if vendor == "" || name == "" || len(key) > 512 {
		return errors.New("a condition key is a service prefix, a colon and a name, such as \"aws:SourceIp\"")
	}
	for _, r := range key {
		if r < ' ' || r == 0x7f {
			return errors.New("a condition key has no control characters")
		}
	}
	return nil
}

// holds evaluates the condition.
//
// Absent key: a positive operator is no, a negated one yes, IfExists yes, ForAllValues yes, ForAnyValue no; Null asks for
// just that.
func (c *condition) holds(e *env) truth {
	values, ok := e.lookup(c.lookup)
	switch {
	case !ok:
		return unknown
	case c.null:
		return truthOf(len(values) == 0 && c.wantAbsent || len(values) > 0 && c.wantPresent)
	case c.set == single && len(values) == 1:
		return c.test(e, values[0])
	case c.set == single && len(values) > 1:
		return unknown
	case c.set != single && !allEmpty(values):
		return c.testSet(e, values)
	case c.ifExists:
		return yes
	case c.set == forAnyValue:
		return no
	case c.negated && c.unresolved(e):
		return unknown
	}
	return truthOf(c.negated || c.set == forAllValues)
}

// allEmpty says whether the key is absent or its values are a null data set, which set qualifiers treat alike.
func allEmpty(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

func (c *condition) testSet(e *env, values []string) truth {
	// Derived values live in env, where a variable's lookup overwrites them; being single, they are read before that.
	result := truthOf(c.set == forAllValues)
	for _, v := range values {
		t := c.test(e, v)
		if c.set == forAllValues {
			result = min(result, t)
		} else {
			result = max(result, t)
		}
	}
	return result
}

// test compares one value of the request with all of the policy's: any must match, or, negated, none.
func (c *condition) test(e *env, value string) truth {
	result := no
	for _, o := range c.operands {
		t := o.match(e, value)
		if t == absent {
			t = no
			if c.negated {
				t = unknown
			}
		}
		result = max(result, t)
	}
	if c.negated {
		return result.negate()
	}
	return result
}

// unresolved says whether some value has a variable that cannot be substituted.
func (c *condition) unresolved(e *env) bool {
	for _, o := range c.operands {
		if p := patternOf(o); p != nil && p.form == formUnresolved {
			if _, t := resolve(p.tokens, e); t != yes {
				return true
			}
		}
	}
	return false
}

// patternOf gives the pattern of an operand of those negated operators that have variables.
func patternOf(o operand) *pattern {
	switch o := o.(type) {
	case *pattern:
		return o
	case *arnOperand:
		return &o.pattern
	case *foldedText:
		return &o.pattern
	}
	return nil
}
