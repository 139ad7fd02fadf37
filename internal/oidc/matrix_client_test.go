package oidc

import (
	"errors"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// grantOf is the grant type the row under test needs; a cause that takes it away takes it for all.
func withoutGrants(w *world, names ...string) {
	w.change(func(tx *store.Tx) error {
		for _, name := range names {
			if err := w.Admin.DeleteGrant(tx, w.client.ARN, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func withGrants(w *world, names ...string) {
	w.change(func(tx *store.Tx) error {
		for _, name := range names {
			if err := w.Admin.PutGrant(tx, w.grant(w.client, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func everyGrant() (names []string) {
	for _, g := range grantTypes {
		names = append(names, g.name)
	}
	return names
}

func enable(w *world, app ssoadmin.Application, on bool) {
	w.editApp(app, func(a *ssoadmin.Application) { a.Enabled = on })
}

func remove(w *world, app ssoadmin.Application) {
	w.change(func(tx *store.Tx) error { return w.Admin.DeleteApplication(tx, app.ARN) })
}

func presentAs(id func(w *world) string) func(w *world) {
	return func(w *world) { w.presentedBy = id(w) }
}

var itself = presentAs(func(w *world) string { return w.client.ARN })

// clientCauses: the application, its grants, its scopes, its parent.
var clientCauses = []cause{
	{
		name:   "application disabled",
		strike: func(w *world) { enable(w, w.client, false) }, mend: func(w *world) { enable(w, w.client, true) },
		want: outcome{"InvalidClientException", "is disabled"},
	},
	{
		name: "application deleted", strike: func(w *world) { remove(w, w.client) },
		want: outcome{"InvalidClientException", "names no application"},
	},
	{
		name: "another application's clientId", strike: presentAs(func(w *world) string { return w.other.ARN }), mend: itself,
		want: outcome{"InvalidGrantException", "was issued to"},
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:     {"InvalidGrantException", "not among the AuthorizedAudiences"},
			ssoadmin.GrantTokenExchange: {"InvalidRequestException", "does not name this application"},
		},
	},
	{
		name: "unknown ARN as clientId", mend: itself,
		strike: presentAs(func(w *world) string { return w.client.ARN[:len(w.client.ARN)-4] + "0000" }),
		want:   outcome{"InvalidClientException", "names no application"},
	},
	{
		name: "malformed clientId", mend: itself, strike: presentAs(func(w *world) string { return "EXAMPLE-CLIENT-ID' OR 1=1 --" }),
		want: outcome{"InvalidClientException", "names no application"},
	},
	{
		name: "clientId in another case", mend: itself, strike: presentAs(func(w *world) string { return "ARN" + w.client.ARN[3:] }),
		want: outcome{"InvalidClientException", "names no application"},
	},
	{
		name:   "all grants removed, though another application has them",
		strike: func(w *world) { withoutGrants(w, everyGrant()...) }, mend: func(w *world) { withGrants(w, everyGrant()...) },
		want: outcome{"UnauthorizedClientException", "does not have the"},
	},
	{
		name: "its own grants only", strike: func(w *world) {
			withoutGrants(w, ssoadmin.GrantAuthorizationCode, ssoadmin.GrantTokenExchange)
		},
		mend: func(w *world) { withGrants(w, ssoadmin.GrantAuthorizationCode, ssoadmin.GrantTokenExchange) },
		want: outcome{"UnauthorizedClientException", "does not have the"},
		cells: map[string]outcome{
			ssoadmin.GrantRefreshToken: succeeds, ssoadmin.GrantJWTBearer: succeeds,
			"refresh of an exchange": {"InvalidGrantException", "may no longer exchange"},
		},
	},
	{
		name: "redirect URI removed from the grant", strike: func(w *world) {
			w.change(func(tx *store.Tx) error {
				g := w.grant(w.client, ssoadmin.GrantAuthorizationCode)
				g.RedirectURIs = g.RedirectURIs[1:]
				return w.Admin.PutGrant(tx, g)
			})
		},
		mend: func(w *world) { withGrants(w, ssoadmin.GrantAuthorizationCode) },
		want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantAuthorizationCode: {"InvalidGrantException", "no longer one of the application's"},
		},
	},
	{
		name: "scope not configured", strike: func(*world) {}, mend: func(*world) {}, more: params{"scope": []string{"data:none"}},
		want: outcome{"InvalidScopeException", `"data:none" is not configured`},
	},
	{
		name: "scope in another case", strike: func(*world) {}, mend: func(*world) {}, more: params{"scope": []string{"OpenID"}},
		want: outcome{"InvalidScopeException", "is not configured"},
	},
	{
		name: "scope removed meanwhile", more: params{"scope": []string{scopeRead}},
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.DeleteScope(tx, w.client.ARN, scopeRead) })
		},
		mend: func(w *world) {
			w.change(func(tx *store.Tx) error {
				return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: w.client.ARN, Scope: scopeRead})
			})
		},
		want: outcome{"InvalidScopeException", "is not configured"},
	},
	{
		name: "scope wider than the parent's", more: params{"scope": []string{"openid", scopeWrite}},
		before: func(w *world) { w.narrow(scopeRead, "openid") },
		strike: func(*world) {}, mend: func(*world) {},
		want:  outcome{"InvalidScopeException", "exceeds what was granted before"},
		cells: map[string]outcome{ssoadmin.GrantJWTBearer: succeeds},
	},
	{
		name: "parent application disabled", strike: func(w *world) { enable(w, w.front, false) }, mend: func(w *world) { enable(w, w.front, true) },
		want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantTokenExchange: {"InvalidGrantException", "its application is disabled"},
			"refresh of an exchange":    {"InvalidGrantException", "of the act chain is disabled"},
		},
	},
	{
		name: "parent application deleted", strike: func(w *world) { remove(w, w.front) }, want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantTokenExchange: {"InvalidGrantException", "does not exist"},
			"refresh of an exchange":    {"InvalidGrantException", "of the act chain does not exist"},
		},
	},
	{
		name: "parent no longer targets the application", strike: func(w *world) { w.target(w.front, w.other.ARN) },
		mend: func(w *world) { w.target(w.front, w.client.ARN) }, want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantTokenExchange: {"InvalidRequestException", "does not name this application"},
			"refresh of an exchange":    {"InvalidGrantException", "no longer names the next"},
		},
	},
	{
		name: "instance mismatch", mend: func(w *world) { itself(w); w.caller = w.spare },
		strike: func(w *world) {
			b := w.newWorld(w.t)
			w.presentedBy, w.spare, w.caller = b.client.ARN, w.caller, b.caller
		},
		want: outcome{"InvalidGrantException", "was issued to"},
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:     {"InvalidGrantException", "is not a trusted token issuer"},
			ssoadmin.GrantTokenExchange: {"InvalidRequestException", "does not name this application"},
		},
	},
	{
		name: "instance mismatch, the same issuer trusted there", mend: func(w *world) { itself(w); w.caller = w.spare },
		strike: func(w *world) {
			b := w.newWorld(w.t)
			b.trust(w.issuerURL)
			b.change(func(tx *store.Tx) error { return b.directoryServer().DeleteUser(tx, b.directory, b.user) })
			w.presentedBy, w.spare, w.caller = b.client.ARN, w.caller, b.caller
		},
		want: outcome{"InvalidGrantException", "was issued to"},
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:     {"InvalidGrantException", "no user has the emails.value"},
			ssoadmin.GrantTokenExchange: {"InvalidRequestException", "does not name this application"},
		},
	},
	{
		name: "evidence expired", strike: func(w *world) { w.advance(9 * time.Hour) },
		want: outcome{"InvalidGrantException", ""},
		cells: map[string]outcome{
			ssoadmin.GrantAuthorizationCode: {"InvalidGrantException", "expired"}, ssoadmin.GrantJWTBearer: {"InvalidGrantException", "has expired"},
			ssoadmin.GrantTokenExchange: {"InvalidGrantException", "expired"},
		},
	},
	{
		name: "epoch raised", alone: true, strike: func(w *world) {
			w.advance(2 * time.Second)
			if err := w.Minter.Keys.RaiseEpoch(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		},
		want: outcome{"InvalidGrantException", ""},
		cells: map[string]outcome{
			ssoadmin.GrantAuthorizationCode: {"InvalidGrantException", "epoch"},
			ssoadmin.GrantJWTBearer:         {"InvalidGrantException", "before the store was restored"},
		},
	},
}

// callerCauses: who signs the request.
var callerCauses = []cause{
	{
		name: "no IAM authentication method",
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.DeleteActorPolicy(tx, w.client.ARN) })
		},
		mend: actors(func(w *world) string { return allowed(w.callerARN) }),
		want: outcome{"AccessDeniedException", "has no IAM authentication method"},
	},
	{
		name:   "actor policy denies",
		strike: actors(func(w *world) string { return allowed(w.callerARN) + "," + denied(w.callerARN) }),
		mend:   actors(func(w *world) string { return allowed(w.callerARN) }),
		want:   outcome{"AccessDeniedException", "denied by statement"},
	},
	{
		name:   "actor policy names another principal",
		strike: actors(func(w *world) string { return allowed(w.secondUser()) }),
		mend:   actors(func(w *world) string { return allowed(w.callerARN) }),
		want:   outcome{"AccessDeniedException", "the resource's policy does not allow"},
	},
	{
		name: "actor policy names the account alone, no identity policy", strike: actors(func(w *world) string { return allowed(w.account) }),
		mend: actors(func(w *world) string { return allowed(w.callerARN) }),
		want: outcome{"AccessDeniedException", "no identity policy allows"},
	},
	{
		name:   "actor policy names another account",
		strike: actors(func(w *world) string { return allowed(w.newWorld(w.t).account) }),
		mend:   actors(func(w *world) string { return allowed(w.callerARN) }),
		want:   outcome{"AccessDeniedException", "the resource's policy does not allow"},
	},
	{
		name: "caller of another account without an identity policy",
		strike: func(w *world) {
			b := w.newWorld(w.t)
			actors(func(*world) string { return allowed(b.callerARN) })(w)
			w.spare, w.caller = w.caller, b.caller
		},
		mend: func(w *world) { actors(func(w *world) string { return allowed(w.callerARN) })(w); w.caller = w.spare },
		want: outcome{"InvalidClientException", "no identity policy allows"},
	},
	{
		name:   "identity policy denies",
		strike: callerEdit(func(u *iam.User) { u.Inline = identityPolicy("Deny") }),
		mend:   callerEdit(func(u *iam.User) { u.Inline = nil }),
		want:   outcome{"AccessDeniedException", "denied by statement"},
	},
	{
		name: "caller's key inactive", strike: keyStatus("Inactive"), mend: keyStatus(iam.Active),
		want: outcome{"UnrecognizedClientException", ""},
	},
	{
		name: "caller's user deleted", strike: func(w *world) {
			w.change(func(tx *store.Tx) error {
				return errors.Join(iam.DeleteAccessKey(tx, w.caller.id), iam.DeleteUser(tx, w.account, w.callerName))
			})
		},
		want: outcome{"UnrecognizedClientException", ""},
	},
	{
		name: "wrong secret", strike: func(w *world) { w.spare, w.caller.secret = w.caller, strings.Repeat("x", len(w.caller.secret)) },
		mend: func(w *world) { w.caller = w.spare }, want: outcome{"InvalidSignatureException", ""},
	},
}
