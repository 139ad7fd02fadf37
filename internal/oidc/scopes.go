package oidc

import (
	"slices"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// Scopes every application has without configuring them (AWS API reference, CreateTokenWithIAM, "scope").
const (
	ScopeOpenID          = "openid"
	ScopeAWS             = "aws"
	ScopeIdentityContext = "sts:identity_context"
)

var defaultScopes = []string{ScopeOpenID, ScopeAWS, ScopeIdentityContext}

// availableScopes are those configured for the application and the defaults, configured ones first.
func availableScopes(tx *store.Tx, applicationARN string) ([]string, error) {
	configured, err := ssoadmin.Scopes(tx, applicationARN)
	if err != nil {
		return nil, err
	}
	return withDefaults(configured), nil
}

func withDefaults(configured []ssoadmin.ApplicationScope) []string {
	all := make([]string, 0, len(configured)+len(defaultScopes))
	for _, c := range configured {
		if !slices.Contains(defaultScopes, c.Scope) {
			all = append(all, c.Scope)
		}
	}
	return append(all, defaultScopes...)
}

// grantedScopes is (configured ∪ defaults) ∩ requested ∩ parent's. A scope asked for by name and not available is refused
// (RFC 6749 §6: a refresh may not widen; RFC 8693 §2.1); with none asked, all that the bounds leave are given.
// parent nil = no parent bounds.
func grantedScopes(tx *store.Tx, applicationARN string, requested, parent []string) ([]string, error) {
	configured, err := ssoadmin.Scopes(tx, applicationARN)
	if err != nil {
		return nil, err
	}
	for _, sc := range requested {
		if !slices.Contains(defaultScopes, sc) && !slices.ContainsFunc(configured, func(c ssoadmin.ApplicationScope) bool { return c.Scope == sc }) {
			return nil, knowing(invalidScope(scopeConfigured, "scope %q is not configured for the application", clip(sc)), "scope", clip(sc))
		}
		if parent != nil && !slices.Contains(parent, sc) {
			return nil, knowing(invalidScope(scopeGranted, "scope %q exceeds what was granted before", clip(sc)), "scope", clip(sc))
		}
	}
	granted := requested
	if len(requested) == 0 {
		granted = withDefaults(configured)
		if parent != nil {
			granted = intersect(granted, parent)
		}
	}
	if len(granted) == 0 {
		return nil, invalidScope(scopeLeft, "no scope is left to grant")
	}
	return granted, nil
}

func intersect(a, b []string) []string {
	out := make([]string, 0, len(a))
	for _, s := range a {
		if slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// appendTargets adds the authorized targets of those configured scopes a token holds.
func appendTargets(aud []string, configured []ssoadmin.ApplicationScope, held []string) []string {
	for _, c := range configured {
		if !slices.Contains(held, c.Scope) {
			continue
		}
		for _, target := range c.AuthorizedTargets {
			if !slices.Contains(aud, target) {
				aud = append(aud, target)
			}
		}
	}
	return aud
}
