package policy

import (
	"errors"
	"fmt"
	"strings"
)

// compile turns a document as read into a policy, checking what each kind demands and forbids.
func compile(kind Kind, name string, raw *rawPolicy) (*Policy, error) {
	p := &Policy{name: name, kind: kind, version: Version2008}
	if raw.version != nil {
		p.version = *raw.version
		if p.version != Version2008 && p.version != Version2012 {
			return nil, fmt.Errorf("Version: %s: must be %q or %q", quote(p.version), Version2012, Version2008)
		}
	}
	if raw.id != nil && kind == Identity {
		return nil, errors.New("Id: not allowed in an identity policy")
	}
	if raw.statements == nil {
		return nil, errors.New("Statement: missing")
	}
	sids := map[string]bool{}
	for i := range raw.statements {
		s := &statement{number: i + 1}
		if err := s.compile(kind, p.version, &raw.statements[i]); err != nil {
			return nil, fmt.Errorf("Statement %d: %w", i+1, err)
		}
		if s.sid != "" && sids[s.sid] {
			return nil, fmt.Errorf("Statement %d: Sid: %s: another statement has it", i+1, quote(s.sid))
		}
		sids[s.sid] = true
		p.statements = append(p.statements, *s)
	}
	return p, nil
}

func (s *statement) compile(kind Kind, version string, raw *rawStatement) error {
	if err := s.compileSid(kind, raw.sid); err != nil {
		return err
	}
	switch {
	case raw.effect == nil:
		return errors.New("Effect: missing")
	case *raw.effect != "Allow" && *raw.effect != "Deny":
		return fmt.Errorf("Effect: %s: must be \"Allow\" or \"Deny\"", quote(*raw.effect))
	}
	s.deny = *raw.effect == "Deny"
	if err := s.compilePrincipal(kind, raw); err != nil {
		return err
	}
	if err := s.compileActions(raw); err != nil {
		return err
	}
	if err := s.compileResources(kind, version, raw); err != nil {
		return err
	}
	return s.compileConditions(version, raw.conditions)
}

// compileSid: letters and digits; resource policies may have more (IAM User Guide, "IAM JSON policy elements: Sid").
func (s *statement) compileSid(kind Kind, sid *string) error {
	if sid == nil {
		return nil
	}
	s.sid = *sid
	allowed := isAlphanumeric
	if kind == Resource {
		allowed = func(c byte) bool { return ' ' <= c && c <= '~' }
	}
	if len(s.sid) > 256 || !allOf(s.sid, allowed) {
		return fmt.Errorf("Sid: %s: only letters and digits are allowed", quote(s.sid))
	}
	return nil
}

func (s *statement) compilePrincipal(kind Kind, raw *rawStatement) error {
	s.principals = raw.principal
	switch {
	case kind == Identity && (raw.principal != nil || raw.notPrincipal != nil):
		return errors.New("Principal: not allowed in an identity policy")
	case kind == Identity:
		return nil
	case raw.principal != nil && raw.notPrincipal != nil:
		return errors.New("Principal: not together with NotPrincipal")
	case raw.principal != nil:
		return nil
	case raw.notPrincipal == nil:
		return fmt.Errorf("Principal: missing; a %s policy needs it", kind)
	case kind == Trust:
		return errors.New("NotPrincipal: not allowed in a trust policy")
	case !s.deny:
		return errors.New("NotPrincipal: not allowed with Allow: it would allow everybody else")
	case raw.notPrincipal.everyone:
		return errors.New("NotPrincipal: \"*\" leaves nobody to deny")
	}
	s.principals = raw.notPrincipal
	return nil
}

func (s *statement) compileActions(raw *rawStatement) error {
	texts, element := raw.action, "Action"
	switch {
	case raw.action != nil && raw.notAction != nil:
		return errors.New("Action: not together with NotAction")
	case raw.action == nil && raw.notAction == nil:
		return errors.New("Action: missing")
	case raw.notAction != nil:
		texts, element, s.notAction = raw.notAction, "NotAction", true
	}
	for _, text := range texts {
		p, err := newAction(text)
		if err != nil {
			return fmt.Errorf("%s: %w", element, err)
		}
		s.actions = append(s.actions, p)
	}
	return nil
}

// newAction reads "*" or "prefix:name", of which only the name may have wildcards. "*:*" is "*".
func newAction(text string) (pattern, error) {
	source := text
	if text == "*:*" {
		text = "*"
	}
	if text != "*" {
		prefix, name, _ := strings.Cut(text, ":")
		prefixByte := func(c byte) bool { return isAlphanumeric(c) || c == '-' }
		nameByte := func(c byte) bool { return isNameByte(c) || c == '*' || c == '?' }
		if prefix == "" || name == "" || len(text) > 256 || !allOf(prefix, prefixByte) || !allOf(name, nameByte) {
			return pattern{}, fmt.Errorf("%s: must be a service prefix, a colon and an action, or \"*\"", quote(text))
		}
	}
	p, err := newPattern(text, syntax{wildcards: true, fold: true})
	p.source = source
	return p, err
}

func (s *statement) compileResources(kind Kind, version string, raw *rawStatement) error {
	texts, element := raw.resource, "Resource"
	switch {
	case kind == Trust && (raw.resource != nil || raw.notResource != nil):
		return errors.New("Resource: not allowed in a trust policy")
	case kind == Trust:
		return nil
	case raw.resource != nil && raw.notResource != nil:
		return errors.New("Resource: not together with NotResource")
	case raw.resource == nil && raw.notResource == nil:
		return errors.New("Resource: missing")
	case raw.notResource != nil:
		texts, element, s.notResource = raw.notResource, "NotResource", true
	}
	for _, text := range texts {
		p, err := newResource(text, version)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", element, quote(text), err)
		}
		s.resources = append(s.resources, p)
	}
	return nil
}

// newResource reads "*" or an ARN: wildcards anywhere but in the service, variables only after the fifth colon (IAM User
// Guide, "IAM JSON policy elements: Resource", "Where you can use policy variables"). An ARN may end early with a *.
func newResource(text, version string) (pattern, error) {
	p, err := newPattern(text, syntax{wildcards: true, variables: version == Version2012, arn: resourceARN})
	if err != nil || text == "*" {
		return p, err
	}
	if len(text) > 2048 {
		return p, errors.New("longer than 2048 characters")
	}
	head := text
	if cut := strings.Index(text, "${"); cut >= 0 && version == Version2012 {
		head = text[:cut]
		if strings.Count(head, ":") < 5 {
			return p, errors.New("a policy variable is allowed only after the fifth colon")
		}
	}
	sections := strings.SplitN(head, ":", 6)
	switch {
	case sections[0] != "arn" || len(sections) < 4 || len(sections) < 6 && !strings.HasSuffix(head, "*"):
		return p, errors.New("must be an ARN or \"*\"")
	case !validPartition(sections[1]) && !strings.ContainsAny(sections[1], "*?"):
		return p, fmt.Errorf("%s is not a partition", quote(sections[1]))
	case strings.ContainsAny(sections[2], "*?"):
		return p, errors.New("a wildcard is not allowed in the service")
	case sections[2] == "":
		return p, errors.New("the service is missing")
	}
	return p, nil
}

func (s *statement) compileConditions(version string, raw []rawCondition) error {
	seen := map[[2]string]bool{}
	for i := range raw {
		c := &raw[i]
		n, err := parseOperator(c.operator)
		if err != nil {
			return fmt.Errorf("Condition: %s: %w", label(c.operator), err)
		}
		compiled, err := newCondition(c.operator, n, c.key, c.values, version)
		if err != nil {
			return fmt.Errorf("Condition: %s: %s: %w", c.operator, label(c.key), err)
		}
		once := [2]string{c.operator, compiled.lookup}
		if seen[once] {
			return fmt.Errorf("Condition: %s: %s: the key appears twice (keys are case-insensitive)", c.operator, label(c.key))
		}
		seen[once] = true
		s.conditions = append(s.conditions, compiled)
	}
	return nil
}
