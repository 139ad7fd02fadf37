package iam

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

// ManagedPolicy is a customer managed policy. The built-in ones, arn:aws:iam::aws:policy/…, are no rows: see builtin.go.
type ManagedPolicy struct {
	AccountID string `store:"account_id,key"`
	Name      string `store:"name,key"`
	// FoldedName is Name in lower case, filled by PutManagedPolicy: names are unique in their account without regard to case.
	FoldedName  string    `store:"folded_name"`
	Path        string    `store:"path"`
	ID          string    `store:"policy_id"` // ANPA…
	Description string    `store:"description"`
	Document    string    `store:"document"`
	CreatedAt   time.Time `store:"created_at"`
}

// ARN is arn:aws:iam::ACCOUNT:policy/PATH/NAME.
func (p ManagedPolicy) ARN() string { return entityARN(p.AccountID, "policy", p.Path, p.Name) }

var managedPolicies = store.NewTable[ManagedPolicy](store.Spec{
	Name: "iam_managed_policies", Cached: true,
	Indexes: []store.Index{{Name: "folded_name", Columns: []string{"account_id", "folded_name"}, Unique: true}},
})

// GetManagedPolicy returns the customer managed policy of exactly that name, or store.ErrNotFound.
func GetManagedPolicy(tx *store.Tx, accountID, name string) (ManagedPolicy, error) {
	return managedPolicies.Get(tx, accountID, name)
}

// ListManagedPolicies returns the customer managed policies of an account by name.
func ListManagedPolicies(tx *store.Tx, accountID string) ([]ManagedPolicy, error) {
	return managedPolicies.List(tx, store.Query{Values: []string{accountID}})
}

// PutManagedPolicy adds or changes a policy. Path defaults to "/" and cannot change later, because the ARN others attach holds it;
// ID and CreatedAt are filled when it is new and kept when it is not.
func PutManagedPolicy(tx *store.Tx, p ManagedPolicy) error {
	if p.Path == "" {
		p.Path = "/"
	}
	if err := p.check(tx); err != nil {
		return err
	}
	old, found, err := existing(managedPolicies.Get(tx, p.AccountID, p.Name))
	if err != nil {
		return err
	}
	if found && old.Path != p.Path {
		return alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	p.ID = uniqueID("ANPA")
	if found {
		p.ID = old.ID
	}
	p.CreatedAt = firstTime(old.CreatedAt, found, p.CreatedAt, tx.Now())
	p.FoldedName = strings.ToLower(p.Name)
	if err := managedPolicies.Put(tx, p); errors.Is(err, store.ErrExists) {
		return alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	} else if err != nil {
		return err
	}
	return nil
}

func (p ManagedPolicy) check(tx *store.Tx) error {
	if err := checkName("policyName", p.Name, maxPolicyName); err != nil {
		return err
	}
	if err := checkPath(p.Path, policyPathPattern); err != nil {
		return err
	}
	if err := checkDescription(p.Description); err != nil {
		return err
	}
	if err := checkAccount(tx, p.AccountID); err != nil {
		return err
	}
	return checkDocument(policy.Identity, p.Name, p.Document)
}

// DeleteManagedPolicy removes a policy that nothing in its account uses any more (else DeleteConflict), or returns store.ErrNotFound.
func DeleteManagedPolicy(tx *store.Tx, accountID, name string) error {
	p, err := managedPolicies.Get(tx, accountID, name)
	if err != nil {
		return err
	}
	us, err := ListUsers(tx, accountID)
	if err != nil {
		return err
	}
	rs, err := ListRoles(tx, accountID)
	if err != nil {
		return err
	}
	arn := p.ARN()
	used := slices.ContainsFunc(us, func(u User) bool { return u.Boundary == arn || slices.Contains(u.Attached, arn) }) ||
		slices.ContainsFunc(rs, func(r Role) bool { return r.Boundary == arn || slices.Contains(r.Attached, arn) })
	if used {
		return deleteConflict("Cannot delete a policy attached to entities.")
	}
	return managedPolicies.Delete(tx, accountID, name)
}

// managedDocument is the document of a policy that entities of the account can attach, or store.ErrNotFound.
func managedDocument(tx *store.Tx, accountID, arn string) (string, error) {
	e, ok := parseEntity(arn)
	if !ok || e.kind != "policy" {
		return "", store.ErrNotFound
	}
	if e.account == "aws" {
		if document, ok := builtin[arn]; ok {
			return document, nil
		}
		return "", store.ErrNotFound
	}
	if e.account != accountID {
		return "", store.ErrNotFound
	}
	p, err := managedPolicies.Get(tx, e.account, e.name)
	if err != nil {
		return "", err
	}
	if p.ARN() != arn {
		return "", store.ErrNotFound
	}
	return p.Document, nil
}
