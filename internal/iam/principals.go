package iam

import "github.com/symbolon/symbolon/internal/store"

// PrincipalExists says whether the AWS principal of a policy is in our records: an account id, a root, user or role ARN (with its
// path), or a session ARN of a role we have. "*" and unique ids are no principals in this sense.
func PrincipalExists(tx *store.Tx, principal string) (bool, error) {
	if isAccountID(principal) {
		return present(GetAccount(tx, principal))
	}
	if account, role, _, ok := parseSession(principal); ok {
		return present(GetRole(tx, account, role))
	}
	e, ok := parseEntity(principal)
	if !ok {
		return false, nil
	}
	switch e.kind {
	case "root":
		return present(GetAccount(tx, e.account))
	case "user":
		u, ok, err := existing(GetUser(tx, e.account, e.name))
		return ok && u.ARN() == principal, err
	case "role":
		r, ok, err := existing(GetRole(tx, e.account, e.name))
		return ok && r.ARN() == principal, err
	}
	return false, nil
}

func present[T any](row T, err error) (bool, error) {
	_, ok, err := existing(row, err)
	return ok, err
}
