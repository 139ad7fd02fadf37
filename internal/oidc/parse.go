package oidc

import (
	"context"
	"slices"
	"strings"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/wire"
)

// parseRequest picks the grant and refuses members that are missing or belong to another grant, naming them.
func parseRequest(ctx context.Context, in *CreateTokenWithIAMInput) (*request, error) {
	r := &request{in: in, caller: iam.CallerFrom(ctx)}
	if r.caller == nil {
		return nil, accessDenied(callerSigned, "the caller is not authenticated")
	}
	if in.ClientId == "" {
		return nil, invalidRequest(clientNamed, "clientId is required")
	}
	for _, g := range grantTypes {
		if g.name == in.GrantType {
			r.grant = g
		}
	}
	if r.grant == nil {
		if in.GrantType == "" {
			return nil, invalidRequest(grantNamed, "grantType is required")
		}
		return nil, refuse(grantNamed, "UnsupportedGrantTypeException", "grantType is not supported: %q", clip(in.GrantType))
	}
	if err := checkMembers(r.grant, in); err != nil {
		return nil, err
	}
	return r, checkScopeSyntax(in.Scope)
}

// grantMembers are the members that belong to some grant, in the order they are judged.
func grantMembers(in *CreateTokenWithIAMInput) [8]member {
	return [...]member{
		{"code", in.Code}, {"redirectUri", in.RedirectUri}, {"codeVerifier", in.CodeVerifier},
		{"refreshToken", in.RefreshToken},
		{"assertion", in.Assertion},
		{"subjectToken", in.SubjectToken}, {"subjectTokenType", in.SubjectTokenType}, {"requestedTokenType", in.RequestedTokenType},
	}
}

type member struct {
	name  string
	value *string
}

func checkMembers(g *grantType, in *CreateTokenWithIAMInput) *wire.Error {
	for _, m := range grantMembers(in) {
		required, optional := slices.Contains(g.required, m.name), slices.Contains(g.optional, m.name)
		switch {
		case required && (m.value == nil || *m.value == ""):
			return invalidRequest(membersFit, "%s is required for grantType %s", m.name, g.name)
		case !required && !optional && m.value != nil:
			return invalidRequest(membersFit, "%s does not belong to grantType %s", m.name, g.name)
		case optional && m.value != nil && *m.value == "":
			return invalidRequest(membersFit, "%s must not be empty", m.name)
		}
	}
	return nil
}

// checkScopeSyntax refuses scopes outside RFC 6749 §3.3, and lists no honest client sends.
func checkScopeSyntax(scopes []string) error {
	if scopes != nil && len(scopes) == 0 {
		return invalidRequest(scopeFormed, "scope must not be an empty list; leave it out to ask for all scopes")
	}
	if len(scopes) > 100 {
		return invalidRequest(scopeFormed, "scope has %d entries, more than 100", len(scopes))
	}
	for i, sc := range scopes {
		if sc == "" || len(sc) > 256 || strings.ContainsFunc(sc, func(c rune) bool { return c <= 0x20 || c >= 0x7f || c == '"' || c == '\\' }) {
			return invalidScope(scopeFormed, "scope %q is malformed", clip(sc))
		}
		if slices.Contains(scopes[:i], sc) {
			return invalidRequest(scopeFormed, "scope %q is given twice", sc)
		}
	}
	return nil
}

// clip keeps quoted input short in messages.
func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
