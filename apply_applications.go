package symbolon

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

func (a *applier) applyIssuers() error {
	for _, d := range a.o.TrustedTokenIssuers {
		existing, err := ssoadmin.TrustedTokenIssuerByName(a.tx, a.instance.ARN, d.Name)
		ok, err := found(err)
		if err != nil {
			return at("trusted token issuer", d.Name, err)
		}
		if ok && d.IssuerURL != existing.IssuerURL {
			return fmt.Errorf("trusted token issuer %q: its issuerUrl is %s and cannot change", d.Name, existing.IssuerURL)
		}
		wanted := existing
		wanted.InstanceARN, wanted.Name, wanted.IssuerURL = a.instance.ARN, d.Name, d.IssuerURL
		wanted.ClaimAttributePath = cmp.Or(d.Claim, existing.ClaimAttributePath, "email")
		wanted.IdentityStoreAttributePath = cmp.Or(d.Attribute, existing.IdentityStoreAttributePath, "emails.value")
		if d.Algorithms != nil {
			wanted.Algorithms = d.Algorithms
		}
		if d.Tags != nil {
			wanted.Tags = d.Tags
		}
		err = settle(a, "trusted token issuer", d.Name, existing, ok, wanted, func(t ssoadmin.TrustedTokenIssuer) error {
			_, err := a.s.admin.PutTrustedTokenIssuer(a.tx, t)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// applyApplications makes all applications first, so that their scopes can name each other as targets.
func (a *applier) applyApplications() error {
	apps := make([]ssoadmin.Application, len(a.o.Applications))
	for i, d := range a.o.Applications {
		app, err := a.applyApplication(d)
		if err != nil {
			return err
		}
		apps[i] = app
	}
	for i, d := range a.o.Applications {
		for _, part := range []func(ssoadmin.Application, ApplicationDeclaration) error{
			a.applyActors, a.applyGrants, a.applyScopes, a.applyAssignments,
		} {
			if err := part(apps[i], d); err != nil {
				return at("application", d.Name, err)
			}
		}
	}
	return nil
}

func (a *applier) applyApplication(d ApplicationDeclaration) (ssoadmin.Application, error) {
	existing, err := ssoadmin.ApplicationByName(a.tx, a.instance.ARN, d.Name)
	ok, err := found(err)
	if err != nil {
		return existing, at("application", d.Name, err)
	}
	wanted := existing
	wanted.InstanceARN, wanted.Name, wanted.Description = a.instance.ARN, d.Name, cmp.Or(d.Description, existing.Description)
	wanted.ProviderARN = cmp.Or(existing.ProviderARN, ssoadmin.CustomProvider)
	wanted.Enabled = declared(d.Enabled, existing.Enabled, ok)
	wanted.AssignmentRequired = declared(d.AssignmentRequired, existing.AssignmentRequired, ok)
	if d.Tags != nil {
		wanted.Tags = d.Tags
	}
	result := existing
	err = settle(a, "application", d.Name, existing, ok, wanted, func(x ssoadmin.Application) error {
		result, err = a.s.admin.PutApplication(a.tx, x)
		return err
	})
	return result, err
}

// actorPolicyOf is the declared actor policy, or the one the shorthand means; "" when neither is declared.
func actorPolicyOf(d ApplicationDeclaration) (string, error) {
	if d.ActorPolicy != nil && len(d.Actors) > 0 {
		return "", errors.New("actorPolicy and actors exclude each other")
	}
	if d.ActorPolicy != nil {
		return documentText(d.ActorPolicy, "")
	}
	if len(d.Actors) == 0 {
		return "", nil
	}
	return documentText(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": d.Actors}, "Resource": "*",
			"Action": ssoadmin.ActorActions(),
		}},
	}, "")
}

func (a *applier) applyActors(app ssoadmin.Application, d ApplicationDeclaration) error {
	wanted, err := actorPolicyOf(d)
	if err != nil || wanted == "" {
		return err
	}
	existing, err := a.s.admin.ActorPolicyDocument(a.tx, app.ARN)
	ok, err := found(err)
	if err != nil || ok && sameDocument(existing, wanted) {
		return err
	}
	if err := a.s.admin.PutActorPolicy(a.tx, app.ARN, wanted); err != nil {
		return err
	}
	action := map[bool]string{true: "updated", false: "created"}[ok]
	a.changed(action, "actor policy", d.Name)
	return nil
}

// grantsOf are the declared grants as records.
func (a *applier) grantsOf(app ssoadmin.Application, d *GrantsDeclaration) (map[string]ssoadmin.ApplicationGrant, error) {
	grants := map[string]ssoadmin.ApplicationGrant{}
	add := func(g ssoadmin.ApplicationGrant) { g.ApplicationARN = app.ARN; grants[g.GrantType] = g }
	if d.AuthorizationCode != nil {
		add(ssoadmin.ApplicationGrant{GrantType: ssoadmin.GrantAuthorizationCode, RedirectURIs: d.AuthorizationCode.RedirectURIs})
	}
	if d.RefreshToken {
		add(ssoadmin.ApplicationGrant{GrantType: ssoadmin.GrantRefreshToken})
	}
	if d.TokenExchange {
		add(ssoadmin.ApplicationGrant{GrantType: ssoadmin.GrantTokenExchange})
	}
	if len(d.JWTBearer) == 0 {
		return grants, nil
	}
	bearer := ssoadmin.ApplicationGrant{GrantType: ssoadmin.GrantJWTBearer}
	for i, b := range d.JWTBearer {
		tti, err := ssoadmin.TrustedTokenIssuerByName(a.tx, a.instance.ARN, b.Issuer)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("grants.jwtBearer[%d]: no trusted token issuer is called %q", i, b.Issuer)
		}
		if err != nil {
			return nil, err
		}
		bearer.TokenIssuers = append(bearer.TokenIssuers, ssoadmin.AuthorizedTokenIssuer{TrustedTokenIssuerArn: &tti.ARN, AuthorizedAudiences: b.Audiences})
	}
	add(bearer)
	return grants, nil
}

func (a *applier) applyGrants(app ssoadmin.Application, d ApplicationDeclaration) error {
	if d.Grants == nil {
		return nil
	}
	wanted, err := a.grantsOf(app, d.Grants)
	if err != nil {
		return err
	}
	for _, grantType := range []string{ssoadmin.GrantAuthorizationCode, ssoadmin.GrantRefreshToken, ssoadmin.GrantJWTBearer, ssoadmin.GrantTokenExchange} {
		existing, err := ssoadmin.GetGrant(a.tx, app.ARN, grantType)
		ok, err := found(err)
		if err != nil {
			return err
		}
		name := d.Name + " " + grantType
		grant, declared := wanted[grantType]
		switch {
		case declared:
			err = settle(a, "grant", name, existing, ok, grant, func(g ssoadmin.ApplicationGrant) error { return a.s.admin.PutGrant(a.tx, g) })
		case ok:
			a.changed("removed", "grant", name)
			err = a.s.admin.DeleteGrant(a.tx, app.ARN, grantType)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) applyScopes(app ssoadmin.Application, d ApplicationDeclaration) error {
	if d.Scopes == nil {
		return nil
	}
	present, err := ssoadmin.Scopes(a.tx, app.ARN)
	if err != nil {
		return err
	}
	left := map[string]ssoadmin.ApplicationScope{}
	for _, sc := range present {
		left[sc.Scope] = sc
	}
	for i, sd := range *d.Scopes {
		wanted := ssoadmin.ApplicationScope{ApplicationARN: app.ARN, Scope: sd.Scope}
		for _, t := range sd.Targets {
			arn, err := a.target(t)
			if err != nil {
				return fmt.Errorf("scopes[%d]: %w", i, err)
			}
			wanted.AuthorizedTargets = append(wanted.AuthorizedTargets, arn)
		}
		existing, ok := left[sd.Scope]
		delete(left, sd.Scope)
		err := settle(a, "scope", d.Name+" "+sd.Scope, existing, ok, wanted, func(s ssoadmin.ApplicationScope) error { return a.s.admin.PutScope(a.tx, s) })
		if err != nil {
			return err
		}
	}
	for _, sc := range present {
		if _, gone := left[sc.Scope]; gone {
			a.changed("removed", "scope", d.Name+" "+sc.Scope)
			if err := a.s.admin.DeleteScope(a.tx, app.ARN, sc.Scope); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is the ARN of an authorized target: an application by name, the instance, or an ARN as it stands.
func (a *applier) target(name string) (string, error) {
	switch {
	case name == "instance":
		return a.instance.ARN, nil
	case strings.HasPrefix(name, "arn:"):
		return name, nil
	}
	app, err := ssoadmin.ApplicationByName(a.tx, a.instance.ARN, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("no application is called %q", name)
	}
	return app.ARN, err
}

func (a *applier) applyAssignments(app ssoadmin.Application, d ApplicationDeclaration) error {
	if d.Assignments == nil {
		return nil
	}
	present, err := ssoadmin.Assignments(a.tx, app.ARN)
	if err != nil {
		return err
	}
	wanted := map[[2]string]bool{}
	assign := func(kind, id, name string) error {
		wanted[[2]string{kind, id}] = true
		added, err := a.s.admin.Assign(a.tx, app.ARN, kind, id)
		if added {
			a.changed("created", "assignment", d.Name+" "+name)
		}
		return err
	}
	for _, name := range d.Assignments.Users {
		id, err := a.userID("assignments", name)
		if err == nil {
			err = assign("USER", id, name)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range d.Assignments.Groups {
		group, err := identitystore.GetGroupByName(a.tx, a.instance.IdentityStoreID, name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("assignments: no group is called %q", name)
		}
		if err == nil {
			err = assign("GROUP", group.ID, name)
		}
		if err != nil {
			return err
		}
	}
	return a.unassign(app, d.Name, present, wanted)
}

// unassign removes the assignments that are not declared.
func (a *applier) unassign(app ssoadmin.Application, name string, present []ssoadmin.Assignment, wanted map[[2]string]bool) error {
	for _, p := range present {
		if wanted[[2]string{p.PrincipalType, p.PrincipalID}] {
			continue
		}
		if _, err := a.s.admin.Unassign(a.tx, app.ARN, p.PrincipalType, p.PrincipalID); err != nil {
			return err
		}
		a.changed("removed", "assignment", name+" "+a.principalName(p.PrincipalType, p.PrincipalID))
	}
	return nil
}
