package policy

import "strings"

// callerKind is what sort of principal asks.
type callerKind uint8

const (
	callerInvalid callerKind = iota
	callerRoot
	callerUser
	callerSession
	callerFederated
	callerService
)

// principalType is the value of aws:PrincipalType; a service has none.
func (k callerKind) principalType() string {
	switch k {
	case callerRoot:
		return "Account"
	case callerUser:
		return "User"
	case callerSession:
		return "AssumedRole"
	case callerFederated:
		return "FederatedUser"
	}
	return ""
}

// caller is a Principal that has been found consistent.
type caller struct {
	*Principal
	kind callerKind
	// uniqueID is the part of ID before the session name: AIDA…, AROA….
	uniqueID string
}

// Root says whether the principal is its account's root user.
func (p Principal) Root() bool { return p.identify().kind == callerRoot }

// identify tells what the principal is from the structure of its ARNs, never from a prefix or a pattern, and refuses it
// (callerInvalid) when account, ARN and role ARN do not speak of the same principal: so no comparison further on can be
// misled by a field that another one contradicts.
func (p *Principal) identify() caller {
	c := caller{Principal: p}
	if p.Service != "" {
		if p.ARN == "" && p.RoleARN == "" {
			c.kind = callerService
		}
		return c
	}
	a, ok := parseARN(p.ARN)
	if !ok || a.account != p.Account || !validAccount(p.Account) || a.region != "" || !validPartition(a.partition) {
		return c
	}
	c.uniqueID, _, _ = strings.Cut(p.ID, ":")
	sort, name, _ := strings.Cut(a.resource, "/")
	switch {
	case a.service == "sts" && sort == "assumed-role":
		if a.agreesWithRole(name, p.RoleARN) {
			c.kind = callerSession
		}
	case p.RoleARN != "":
	case a.service == "iam" && a.resource == "root":
		c.kind = callerRoot
	case a.service == "iam" && sort == "user" && validPathAndName(name):
		c.kind = callerUser
	case a.service == "sts" && sort == "federated-user" && validName(name):
		c.kind = callerFederated
	}
	return c
}

// agreesWithRole says whether the session R/S of ARN a belongs to the role: same partition, account and role name.
func (a *arn) agreesWithRole(roleAndSession, roleARN string) bool {
	role, session, ok := strings.Cut(roleAndSession, "/")
	if !ok || !validName(role) || !validName(session) {
		return false
	}
	r, ok := parseARN(roleARN)
	if !ok || r.partition != a.partition || r.service != "iam" || r.region != "" || r.account != a.account {
		return false
	}
	path, ok := strings.CutPrefix(r.resource, "role/")
	return ok && validPathAndName(path) && path[strings.LastIndexByte(path, '/')+1:] == role
}
