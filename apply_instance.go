package symbolon

import (
	"errors"
	"fmt"
	"strings"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
)

// check finds what can be judged without the records: names given twice. The directory does not tell names apart by case.
func (o *Organization) check() error {
	var faults []error
	unique := func(section string, names []string) {
		seen := map[string]bool{}
		for i, n := range names {
			if n == "" {
				faults = append(faults, fmt.Errorf("%s[%d]: the name is missing", section, i))
			} else if seen[n] {
				faults = append(faults, fmt.Errorf("%s[%d]: %q is declared twice", section, i, n))
			}
			seen[n] = true
		}
	}
	unique("accounts", names(o.Accounts, func(d AccountDeclaration) string { return d.ID }))
	unique("users", names(o.Users, func(d UserDeclaration) string { return strings.ToLower(d.UserName) }))
	unique("groups", names(o.Groups, func(d GroupDeclaration) string { return strings.ToLower(d.Name) }))
	unique("trustedTokenIssuers", names(o.TrustedTokenIssuers, func(d TrustedTokenIssuerDeclaration) string { return d.Name }))
	unique("applications", names(o.Applications, func(d ApplicationDeclaration) string { return d.Name }))
	unique("iam.policies", names(o.IAM.Policies, func(d ManagedPolicyDeclaration) string { return inAccount(d.Account, d.Name) }))
	unique("iam.users", names(o.IAM.Users, func(d IAMUserDeclaration) string { return inAccount(d.Account, d.Name) }))
	unique("iam.roles", names(o.IAM.Roles, func(d RoleDeclaration) string { return inAccount(d.Account, d.Name) }))
	return errors.Join(faults...)
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = name(x)
	}
	return out
}

func inAccount(account, name string) string {
	if name == "" {
		return ""
	}
	return account + "/" + name
}

// applyInstance finds the one instance, or makes it with its identity store.
func (a *applier) applyInstance() error {
	d := a.o.Instance
	existing, err := ssoadmin.ListInstances(a.tx)
	if err != nil {
		return err
	}
	if len(existing) > 0 {
		a.instance = existing[0]
		return a.updateInstance(d)
	}
	if d.Account == "" {
		return errors.New("instance.account is missing, and there is no instance yet")
	}
	a.instance = ssoadmin.Instance{
		ARN: d.ARN, Name: d.Name, OwnerAccountID: d.Account, IdentityStoreID: d.IdentityStoreID, Region: d.Region, CreatedAt: a.tx.Now(),
	}
	if a.instance.ARN == "" {
		a.instance.ARN = ssoadmin.NewInstanceARN()
	}
	if a.instance.IdentityStoreID == "" {
		a.instance.IdentityStoreID = identitystore.NewStoreID()
	}
	if a.instance.Region == "" {
		a.instance.Region = a.s.config.Region
	}
	if err := ssoadmin.PutInstance(a.tx, a.instance); err != nil {
		return at("instance", d.Name, err)
	}
	a.changed("created", "instance", a.instance.ARN)
	return identitystore.PutStore(a.tx, identitystore.IdentityStore{
		ID: a.instance.IdentityStoreID, AccountID: d.Account, InstanceARN: a.instance.ARN, CreatedAt: a.tx.Now(),
	})
}

// updateInstance changes the name; the ids are for ever.
func (a *applier) updateInstance(d InstanceDeclaration) error {
	for _, fixed := range []struct{ name, declared, is string }{
		{"account", d.Account, a.instance.OwnerAccountID}, {"arn", d.ARN, a.instance.ARN},
		{"identityStoreId", d.IdentityStoreID, a.instance.IdentityStoreID}, {"region", d.Region, a.instance.Region},
	} {
		if fixed.declared != "" && fixed.declared != fixed.is {
			return fmt.Errorf("instance.%s is %s and cannot become %s", fixed.name, fixed.is, fixed.declared)
		}
	}
	if d.Name == "" || d.Name == a.instance.Name {
		return nil
	}
	a.instance.Name = d.Name
	a.changed("updated", "instance", a.instance.ARN)
	return ssoadmin.PutInstance(a.tx, a.instance)
}
