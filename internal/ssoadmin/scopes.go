package ssoadmin

import (
	"context"
	"slices"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// ApplicationScope is one access scope of an application.
type ApplicationScope struct {
	ApplicationARN string `store:"application_arn,key"`
	Scope          string `store:"scope,key"`
	// AuthorizedTargets are the applications, or the whole instance, that a token with this scope is good for.
	AuthorizedTargets []string `store:"authorized_targets"`
}

var scopes = store.NewTable[ApplicationScope](store.Spec{Name: "ssoadmin_application_scopes", Cached: true})

// The scopes that every application has (openid, aws, sts:identity_context) fit the pattern as well and may be
// configured: that is how they get targets.
var scopeName = wire.NewPattern(`^[A-Za-z0-9_]{1,50}(:[A-Za-z0-9_]{1,50}){0,2}$`)

// Scopes returns the configured scopes of an application, in the order of their names.
//
// It is not inlined: in another room the compiler would put its arguments on the heap.
//
//go:noinline
func Scopes(tx *store.Tx, applicationARN string) ([]ApplicationScope, error) {
	return scopes.List(tx, store.Query{Values: []string{applicationARN}})
}

// Targets says whether the scope names target (an application), itself or by its instance's ARN.
func (sc ApplicationScope) Targets(target Application) bool {
	return slices.Contains(sc.AuthorizedTargets, target.ARN) || slices.Contains(sc.AuthorizedTargets, target.InstanceARN)
}

// PutScope adds or replaces a scope with its targets. It returns a *wire.Error for what is wrong.
func (s *Server) PutScope(tx *store.Tx, sc ApplicationScope) error {
	a, err := GetApplication(tx, sc.ApplicationARN)
	if err != nil {
		return orMissing(err, "Application", sc.ApplicationARN)
	}
	if !scopeName.MatchString(sc.Scope) {
		return validation("Scope %q must be one to three words of 1 to 50 letters, digits and underscores, joined by colons", sc.Scope)
	}
	if err := checkTargets(tx, a, sc.AuthorizedTargets); err != nil {
		return err
	}
	was, err := Scopes(tx, sc.ApplicationARN)
	if err != nil {
		return err
	}
	others := keep(was, func(other ApplicationScope) bool { return other.Scope != sc.Scope })
	if len(others) >= maxScopes {
		return quotaExceeded("Application %s has %d access scopes, the most it may have", sc.ApplicationARN, len(others))
	}
	if err := a.checkTokenTargets(was, append(others, sc)); err != nil {
		return err
	}
	return scopes.Put(tx, sc)
}

// checkTokenTargets bounds what the application's scopes name together, where its tokens hold that. Scopes that named as
// many before the bound may stay.
func (a Application) checkTokenTargets(was, now []ApplicationScope) error {
	n := len(distinctTargets(now))
	if a.AccessTokenFormat() != token.JWT || n <= maxTargetsJWT || n <= len(distinctTargets(was)) {
		return nil
	}
	return quotaExceeded("The access scopes of application %s would name %d authorized targets; with the tag %s=%s they can name %d, as each token holds all of them",
		a.ARN, n, tagAccessTokenFormat, token.JWT, maxTargetsJWT)
}

// distinctTargets is what the scopes name, each once, sorted.
func distinctTargets(rows []ApplicationScope) []string {
	var targets []string
	for _, sc := range rows {
		targets = append(targets, sc.AuthorizedTargets...)
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

func checkTargets(tx *store.Tx, a Application, targets []string) error {
	if len(targets) > 10 {
		return validation("AuthorizedTargets must have at most 10 members, not %d", len(targets))
	}
	for i, arn := range targets {
		if slices.Contains(targets[:i], arn) {
			return validation("AuthorizedTargets[%d] stands there twice", i)
		}
		if arn == a.InstanceARN {
			continue
		}
		target, err := GetApplication(tx, arn)
		if err != nil {
			return orMissing(err, "Authorized target", arn)
		}
		if target.InstanceARN != a.InstanceARN {
			return missing("Authorized target", arn, "the target belongs to another instance")
		}
	}
	return nil
}

// DeleteScope deletes a scope; a *wire.Error when the application lacks it.
func (s *Server) DeleteScope(tx *store.Tx, applicationARN, scope string) error {
	return orMissing(scopes.Delete(tx, applicationARN, scope), "Access scope", scope)
}

func (s *Server) putApplicationAccessScope(ctx context.Context, in *PutApplicationAccessScopeInput) (*PutApplicationAccessScopeOutput, error) {
	return &PutApplicationAccessScopeOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.PutScope(tx, ApplicationScope{
			ApplicationARN: in.ApplicationArn, Scope: in.Scope, AuthorizedTargets: in.AuthorizedTargets,
		})
	})
}

func (s *Server) getApplicationAccessScope(ctx context.Context, in *GetApplicationAccessScopeInput) (*GetApplicationAccessScopeOutput, error) {
	out := &GetApplicationAccessScopeOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		sc, err := scopes.Get(tx, in.ApplicationArn, in.Scope)
		*out = GetApplicationAccessScopeOutput(sc.details())
		return orMissing(err, "Access scope", in.Scope)
	})
	return out, err
}

func (sc ApplicationScope) details() ScopeDetails {
	return ScopeDetails{Scope: sc.Scope, AuthorizedTargets: sc.AuthorizedTargets}
}

func (s *Server) listApplicationAccessScopes(ctx context.Context, in *ListApplicationAccessScopesInput) (*ListApplicationAccessScopesOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.listing(account, "ListApplicationAccessScopes", in.MaxResults, 10, in.NextToken, in.ApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &ListApplicationAccessScopesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		rows, err := scopes.List(tx, store.Query{Values: []string{in.ApplicationArn}, After: list.after, Limit: list.more()})
		if err != nil {
			return err
		}
		rows, out.NextToken = cut(list, rows, func(sc ApplicationScope) []string { return []string{sc.ApplicationARN, sc.Scope} })
		out.Scopes = each(rows, ApplicationScope.details)
		return nil
	})
	return out, err
}

func (s *Server) deleteApplicationAccessScope(ctx context.Context, in *DeleteApplicationAccessScopeInput) (*DeleteApplicationAccessScopeOutput, error) {
	return &DeleteApplicationAccessScopeOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := visibleApplication(ctx, tx, in.ApplicationArn); err != nil {
			return err
		}
		return s.DeleteScope(tx, in.ApplicationArn, in.Scope)
	})
}
