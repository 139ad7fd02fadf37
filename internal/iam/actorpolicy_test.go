package iam

import (
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

// actorNames is what an application's actor policy says of the caller.
type actorNames int

const (
	namesNobody   actorNames = iota // no IAM authentication method
	namesOther                      // somebody else of the same account
	namesAccount                    // the account's id
	namesRoot                       // the account's root ARN, which is the same
	namesDirectly                   // the caller's own ARN, for a session its role's
	namesDenied                     // the account is allowed, the caller denied
)

// callerLimit is what stands over the caller beside its own policies.
type callerLimit int

const (
	unlimited callerLimit = iota
	boundaryAllows
	boundaryDoesNot
	ownDeny
	sessionAllows // roles only, like the next
	sessionDoesNot
)

// admitted is C16 in one place.
func admitted(n actorNames, identityAllows bool, l callerLimit, foreign bool) bool {
	switch {
	case n == namesNobody || n == namesOther || n == namesDenied:
		return false
	case l == boundaryDoesNot || l == ownDeny || l == sessionDoesNot:
		return false
	case n == namesDirectly && !foreign:
		return true
	}
	return identityAllows
}

// TestActorPolicyTable is C16: what the actor policy says × what the caller's own policies say × what limits it, for users and role
// sessions, from the application's account and from another.
func TestActorPolicyTable(t *testing.T) {
	r := newRoom(t)
	for _, account := range []string{ours, theirs} {
		r.update(func(tx *store.Tx) error {
			if err := PutManagedPolicy(tx, ManagedPolicy{AccountID: account, Name: "allows", Document: grants(createToken)}); err != nil {
				return err
			}
			return PutManagedPolicy(tx, ManagedPolicy{AccountID: account, Name: "other", Document: grants("s3:*")})
		})
		assumer := r.addUser(User{AccountID: account, Name: "assumer", Inline: inline(grants("sts:*"))})
		for _, identityAllows := range []bool{false, true} {
			for l := unlimited; l <= sessionDoesNot; l++ {
				if l < sessionAllows {
					c := r.limitedUser(account, identityAllows, l)
					r.checkActors(t, c, c.ARN, identityAllows, l)
				}
				c := r.limitedSession(assumer, account, identityAllows, l)
				r.checkActors(t, c, c.RoleARN, identityAllows, l)
			}
		}
	}
}

func (r *room) checkActors(t *testing.T, c *Caller, named string, identityAllows bool, l callerLimit) {
	t.Helper()
	for n, p := range map[actorNames]*policy.Policy{
		namesNobody:   nil,
		namesOther:    actor(t, statement("Allow", strings.Replace(named, "app", "other", 1))),
		namesAccount:  actor(t, statement("Allow", c.AccountID)),
		namesRoot:     actor(t, statement("Allow", rootARN(c.AccountID))),
		namesDirectly: actor(t, statement("Allow", named)),
		namesDenied:   actor(t, statement("Allow", c.AccountID), statement("Deny", named)),
	} {
		foreign := c.AccountID != ours
		a := r.ask(c, Access{Action: createToken, Resource: application, ResourceAccount: ours, ResourcePolicy: p, ResourceRequired: true})
		if a.Allowed != admitted(n, identityAllows, l, foreign) {
			t.Errorf("%s, names %v, identity allows %v, limit %v, foreign %v: allowed %v: %s", c.Type, n, identityAllows, l, foreign, a.Allowed, a)
		}
	}
}

// own are inline policies and boundary of a caller so limited.
func own(account string, identityAllows bool, l callerLimit) (documents map[string]string, boundary string) {
	documents = map[string]string{}
	if identityAllows {
		documents["allow"] = grants(createToken)
	}
	switch l {
	case boundaryAllows:
		boundary = "arn:aws:iam::" + account + ":policy/allows"
	case boundaryDoesNot:
		boundary = "arn:aws:iam::" + account + ":policy/other"
	case ownDeny:
		documents["deny"] = denies(createToken)
	}
	return documents, boundary
}

func (r *room) limitedUser(account string, identityAllows bool, l callerLimit) *Caller {
	r.t.Helper()
	documents, boundary := own(account, identityAllows, l)
	return r.caller(r.addUser(User{AccountID: account, Name: "app", Boundary: boundary, Inline: documents}))
}

func (r *room) limitedSession(assumer keypair, account string, identityAllows bool, l callerLimit) *Caller {
	r.t.Helper()
	documents, boundary := own(account, identityAllows, l)
	role := r.addRole(Role{AccountID: account, Name: "app", Boundary: boundary, Inline: documents, TrustPolicy: trusts(account, "")})
	var members []string
	switch l {
	case sessionAllows:
		members = []string{"Policy", grants(createToken)}
	case sessionDoesNot:
		members = []string{"Policy", grants("s3:*")}
	}
	return r.caller(r.session(assumer, role.ARN(), members...))
}

// TestActorPolicyForRoot: root needs no policies of its own, but the actor policy, and is denied like everybody.
func TestActorPolicyForRoot(t *testing.T) {
	r := newRoom(t)
	for _, account := range []string{ours, theirs} {
		root := r.caller(r.addKey(account, ""))
		for n, p := range map[actorNames]*policy.Policy{
			namesNobody:  nil,
			namesOther:   actor(t, statement("Allow", rootARN("999999999999"))),
			namesAccount: actor(t, statement("Allow", account)),
			namesDenied:  actor(t, statement("Allow", account), statement("Deny", rootARN(account))),
		} {
			a := r.ask(root, Access{Action: createToken, Resource: application, ResourceAccount: ours, ResourcePolicy: p, ResourceRequired: true})
			if a.Allowed != (n == namesAccount) {
				t.Errorf("root of %s, names %v: allowed %v: %s", account, n, a.Allowed, a)
			}
		}
	}
}
