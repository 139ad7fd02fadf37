package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// level is how closely a Principal element names the caller.
type level uint8

const (
	notNamed level = iota
	// byAccount: only by its account, which delegates to the account's identity policies.
	byAccount
	// direct: by user, role, session or unique id, as a service, or by "*".
	direct
)

// principals is a compiled Principal or NotPrincipal element.
type principals struct {
	inverted bool
	everyone bool
	accounts []string // of account ids and root ARNs
	arns     []string // of users, roles, sessions and federated users
	ids      []string // unique ids AIDA…, AROA…
	services []string // lower-case
	aws      []string // all AWS entries as written, without "*"
}

func (ps *principals) names() []string {
	if ps == nil {
		return nil
	}
	return ps.aws
}

// add compiles one entry of a Principal element.
func (ps *principals) add(sort, value string) error {
	switch {
	case sort != "AWS" && sort != "Service" && sort != "Federated" && sort != "CanonicalUser":
		return errors.New("unknown kind of principal: use AWS, Service, Federated or CanonicalUser")
	case sort == "AWS" && value == "*":
		ps.everyone = true
		return nil
	case strings.ContainsAny(value, "*?"):
		return fmt.Errorf("%s: a wildcard is not allowed in a principal, only \"*\" alone for everyone", quote(value))
	}
	switch sort {
	case "AWS":
		return ps.addAWS(value)
	case "Service":
		if !validDomain(value) {
			return fmt.Errorf("%s is not a service principal such as \"sso.amazonaws.com\"", quote(value))
		}
		ps.services = append(ps.services, strings.ToLower(value))
	case "Federated":
		// No caller of ours is a federated identity before it has assumed a role: accepted, checked, never matched.
		if _, ok := parseARN(value); !ok && !validDomain(value) {
			return fmt.Errorf("%s is neither an identity provider's ARN nor its domain name", quote(value))
		}
	case "CanonicalUser":
		if len(value) != 64 || !allOf(value, isAlphanumeric) {
			return fmt.Errorf("%s is not a canonical user id", quote(value))
		}
	}
	return nil
}

func (ps *principals) addAWS(value string) error {
	switch {
	case validAccount(value):
		ps.accounts = append(ps.accounts, value)
	case isUniqueID(value):
		ps.ids = append(ps.ids, value)
	default:
		a, ok := parseARN(value)
		if !ok || !validPartition(a.partition) || a.region != "" || !validAccount(a.account) {
			return fmt.Errorf("%s is not an AWS principal: use an account id, an ARN or \"*\"", quote(value))
		}
		if a.service == "iam" && a.resource == "root" {
			ps.accounts = append(ps.accounts, a.account)
		} else if a.namesPrincipal() {
			ps.arns = append(ps.arns, value)
		} else {
			return fmt.Errorf("%s is not the ARN of an account root, user, role or session", quote(value))
		}
	}
	ps.aws = append(ps.aws, value)
	return nil
}

func (a *arn) namesPrincipal() bool {
	sort, name, _ := strings.Cut(a.resource, "/")
	switch {
	case a.service == "iam" && (sort == "user" || sort == "role"):
		return validPathAndName(name)
	case a.service == "sts" && sort == "assumed-role":
		role, session, _ := strings.Cut(name, "/")
		return validName(role) && validName(session)
	case a.service == "sts" && sort == "federated-user":
		return validName(name)
	}
	return false
}

// isUniqueID says whether s is a user's or role's unique id, which AWS puts in place of an ARN whose principal was deleted.
func isUniqueID(s string) bool {
	upper := func(c byte) bool { return isDigit(c) || 'A' <= c && c <= 'Z' }
	return (strings.HasPrefix(s, "AIDA") || strings.HasPrefix(s, "AROA")) && len(s) >= 16 && len(s) <= 128 && allOf(s, upper)
}

func validDomain(s string) bool {
	ok := func(c byte) bool { return isAlphanumeric(c) || c == '.' || c == '-' }
	return len(s) <= 253 && strings.Contains(s, ".") && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") && allOf(s, ok)
}

// level says how a Principal element names the caller. Not for NotPrincipal.
func (ps *principals) level(c *caller) level {
	switch {
	case ps.everyone:
		return direct
	case c.kind == callerService:
		if ps.namesService(c.Service) {
			return direct
		}
		return notNamed
	case ps.namesItself(c) || ps.namesRole(c):
		return direct
	case slices.Contains(ps.accounts, c.Account):
		return byAccount
	}
	return notNamed
}

// exempts says whether a NotPrincipal element lists the caller. AWS looks at the account, then the role, then the session,
// and each must be listed ("AWS JSON policy elements: NotPrincipal"); a caller with a permissions boundary is never exempt.
func (ps *principals) exempts(c *caller, bounded bool) bool {
	if c.kind == callerService {
		return ps.namesService(c.Service)
	}
	if bounded || !slices.Contains(ps.accounts, c.Account) {
		return false
	}
	switch c.kind {
	case callerRoot:
		return true
	case callerSession:
		return ps.namesRole(c) && slices.Contains(ps.arns, c.ARN)
	}
	return ps.namesItself(c)
}

func (ps *principals) namesService(name string) bool {
	return slices.ContainsFunc(ps.services, func(s string) bool { return strings.EqualFold(s, name) })
}

// namesItself: by the caller's own ARN or, for a user, unique id.
func (ps *principals) namesItself(c *caller) bool {
	return slices.Contains(ps.arns, c.ARN) || c.kind == callerUser && slices.Contains(ps.ids, c.uniqueID)
}

// namesRole: by the ARN, with its path, or unique id of the role whose session the caller is.
func (ps *principals) namesRole(c *caller) bool {
	return c.kind == callerSession && (slices.Contains(ps.arns, c.RoleARN) || slices.Contains(ps.ids, c.uniqueID))
}
