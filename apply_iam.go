package symbolon

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/store"
)

func (a *applier) applyIAM() error {
	for _, d := range a.o.IAM.Policies {
		if err := a.applyPolicy(d); err != nil {
			return err
		}
	}
	for _, d := range a.o.IAM.Roles {
		if err := a.applyRole(d); err != nil {
			return err
		}
	}
	for _, d := range a.o.IAM.Users {
		if err := a.applyIAMUser(d); err != nil {
			return err
		}
	}
	for _, d := range a.o.IAM.RootAccessKeys {
		if err := a.applyKeys(a.account(d.Account), "", []AccessKeyDeclaration{d.AccessKeyDeclaration}); err != nil {
			return err
		}
	}
	return nil
}

// account is the account a declaration means: the instance's own unless it names one.
func (a *applier) account(declared string) string { return cmp.Or(declared, a.instance.OwnerAccountID) }

func (a *applier) applyPolicy(d ManagedPolicyDeclaration) error {
	account := a.account(d.Account)
	existing, err := iam.GetManagedPolicy(a.tx, account, d.Name)
	ok, err := found(err)
	if err != nil {
		return at("policy", d.Name, err)
	}
	wanted := existing
	wanted.AccountID, wanted.Name, wanted.Description = account, d.Name, cmp.Or(d.Description, existing.Description)
	wanted.Path = cmp.Or(d.Path, existing.Path, "/")
	if wanted.Document, err = documentText(d.Document, existing.Document); err != nil {
		return at("policy", d.Name, err)
	}
	return settle(a, "policy", d.Name, existing, ok, wanted, func(p iam.ManagedPolicy) error { return iam.PutManagedPolicy(a.tx, p) })
}

func (a *applier) applyRole(d RoleDeclaration) error {
	account := a.account(d.Account)
	existing, err := iam.GetRole(a.tx, account, d.Name)
	ok, err := found(err)
	if err != nil {
		return at("role", d.Name, err)
	}
	wanted := existing
	wanted.AccountID, wanted.Name, wanted.Description = account, d.Name, cmp.Or(d.Description, existing.Description)
	wanted.Boundary = boundary(d.Boundary, existing.Boundary)
	wanted.Path = cmp.Or(d.Path, existing.Path, "/")
	wanted.MaxSessionDuration = cmp.Or(d.MaxSessionDuration, existing.MaxSessionDuration, 3600)
	if d.Tags != nil {
		wanted.Tags = d.Tags
	}
	if wanted.TrustPolicy, err = documentText(d.TrustPolicy, existing.TrustPolicy); err != nil {
		return at("role", d.Name, err)
	}
	if wanted.Inline, wanted.Attached, err = a.policies(account, existing.Inline, existing.Attached, d.InlinePolicies, d.AttachedPolicies); err != nil {
		return at("role", d.Name, err)
	}
	return settle(a, "role", d.Name, existing, ok, wanted, func(r iam.Role) error { return iam.PutRole(a.tx, r) })
}

func (a *applier) applyIAMUser(d IAMUserDeclaration) error {
	account := a.account(d.Account)
	existing, err := iam.GetUser(a.tx, account, d.Name)
	ok, err := found(err)
	if err != nil {
		return at("IAM user", d.Name, err)
	}
	wanted := existing
	wanted.AccountID, wanted.Name, wanted.Boundary = account, d.Name, boundary(d.Boundary, existing.Boundary)
	wanted.Path = cmp.Or(d.Path, existing.Path, "/")
	if d.Tags != nil {
		wanted.Tags = d.Tags
	}
	if wanted.Inline, wanted.Attached, err = a.policies(account, existing.Inline, existing.Attached, d.InlinePolicies, d.AttachedPolicies); err != nil {
		return at("IAM user", d.Name, err)
	}
	if err := settle(a, "IAM user", d.Name, existing, ok, wanted, func(u iam.User) error { return iam.PutUser(a.tx, u) }); err != nil {
		return err
	}
	return a.applyKeys(account, d.Name, d.AccessKeys)
}

// boundary is the permissions boundary declared. One that is left out stays: a limit must not go because a line is missing.
func boundary(declared, existing string) string {
	if declared == "none" {
		return ""
	}
	return cmp.Or(declared, existing)
}

// policies are the inline documents as text and the attached policies as ARNs; a section that is left out stays as it is.
func (a *applier) policies(account string, inlineNow map[string]string, attachedNow []string, inline map[string]any, attached []string) (map[string]string, []string, error) {
	if inline != nil {
		inlineNow = map[string]string{}
		for name, document := range inline {
			text, err := documentText(document, "")
			if err != nil {
				return nil, nil, err
			}
			inlineNow[name] = text
		}
	}
	if attached != nil {
		attachedNow = make([]string, len(attached))
		for i, p := range attached {
			arn, err := a.policyARN(account, p)
			if err != nil {
				return nil, nil, err
			}
			attachedNow[i] = arn
		}
	}
	return inlineNow, attachedNow, nil
}

// policyARN resolves a policy given by name.
func (a *applier) policyARN(account, policy string) (string, error) {
	if strings.HasPrefix(policy, "arn:") {
		return policy, nil
	}
	p, err := iam.GetManagedPolicy(a.tx, account, policy)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("account %s has no policy called %q", account, policy)
	}
	return p.ARN(), err
}

// applyKeys makes and changes the keys of an IAM user, or of the account's root when user is empty.
func (a *applier) applyKeys(account, user string, declared []AccessKeyDeclaration) error {
	kind, name := "IAM user", user
	if user == "" {
		kind, name = "root of account", account
	}
	for i, d := range declared {
		var err error
		switch {
		case d.ID == "" && d.Secret != "":
			err = fmt.Errorf("accessKeys[%d] has a secret without its id", i)
		case d.ID == "":
			err = a.generateKey(account, user)
		default:
			err = a.applyKey(account, user, i, d)
		}
		if err != nil {
			return at(kind, name, err)
		}
	}
	return nil
}

// generateKey makes a key for a user that has none.
func (a *applier) generateKey(account, user string) error {
	keys, err := iam.ListAccessKeys(a.tx, account, user)
	if err != nil || len(keys) > 0 {
		return err
	}
	id, secret := iam.NewAccessKey()
	if err := a.s.iam.PutAccessKey(a.tx, iam.AccessKey{ID: id, AccountID: account, UserName: user, Status: iam.Active}, secret); err != nil {
		return err
	}
	a.changed("created", "access key", id)
	a.report.AccessKeys = append(a.report.AccessKeys, GeneratedKey{account, user, id, secret})
	return nil
}

// applyKey makes or changes the key that stands at place i. One that exists keeps its secret where none is given.
func (a *applier) applyKey(account, user string, i int, d AccessKeyDeclaration) error {
	existing, err := iam.GetAccessKey(a.tx, d.ID)
	ok, err := found(err)
	if err != nil {
		return err
	}
	wanted := iam.AccessKey{ID: d.ID, AccountID: account, UserName: user, Status: cmp.Or(d.Status, existing.Status, iam.Active)}
	action := "created"
	switch {
	case !ok && d.Secret == "":
		return fmt.Errorf("accessKeys[%d]: there is no access key %s; to make it, give its secret as well", i, d.ID)
	case ok:
		if existing.AccountID != account || existing.UserName != user {
			return fmt.Errorf("access key %s belongs to somebody else", d.ID)
		}
		same, err := a.sameSecret(existing, d.Secret)
		if err != nil || same && existing.Status == wanted.Status {
			return err
		}
		action, wanted.CreatedAt = "updated", existing.CreatedAt
	}
	a.changed(action, "access key", d.ID)
	return a.s.iam.PutAccessKey(a.tx, wanted, d.Secret)
}

// sameSecret says that the declared secret is the key's, as none at all is.
func (a *applier) sameSecret(key iam.AccessKey, declared string) (bool, error) {
	if declared == "" {
		return true, nil
	}
	secret, err := a.s.iam.Secret(key)
	return subtle.ConstantTimeCompare([]byte(secret), []byte(declared)) == 1, err
}
