package oidc

import (
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// The strikes of the matrix that need more than a line.

func actors(statements func(w *world) string) func(w *world) {
	return func(w *world) {
		document := actorPolicy(statements(w))
		w.change(func(tx *store.Tx) error { return w.Admin.PutActorPolicy(tx, w.client.ARN, document) })
	}
}

func callerEdit(edit func(u *iam.User)) func(w *world) {
	return func(w *world) {
		w.change(func(tx *store.Tx) error {
			u, err := iam.GetUser(tx, w.account, w.callerName)
			if err != nil {
				return err
			}
			edit(&u)
			return iam.PutUser(tx, u)
		})
	}
}

func keyStatus(status string) func(w *world) {
	return func(w *world) {
		w.change(func(tx *store.Tx) error {
			k, err := iam.GetAccessKey(tx, w.caller.id)
			if err != nil {
				return err
			}
			k.Status = status
			return w.IAM.PutAccessKey(tx, k, w.caller.secret)
		})
	}
}

// secondUser makes another IAM user of the account.
func (w *world) secondUser() string {
	w.change(func(tx *store.Tx) error { return iam.PutUser(tx, iam.User{AccountID: w.account, Name: "second"}) })
	return "arn:aws:iam::" + w.account + ":user/second"
}

// narrow leaves only these scopes for what is granted before the evidence is presented.
func (w *world) narrow(scopes ...string) { w.scopes = scopes }

// target sets whom the front application's read scope targets.
func (w *world) target(from ssoadmin.Application, arn string) {
	w.change(func(tx *store.Tx) error {
		return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: from.ARN, Scope: scopeRead, AuthorizedTargets: []string{arn}})
	})
}

// trust makes the world's client take assertions of another issuer instead of its own.
func (w *world) trust(issuerURL string) {
	w.change(func(tx *store.Tx) error {
		tti, err := w.Admin.PutTrustedTokenIssuer(tx, ssoadmin.TrustedTokenIssuer{
			InstanceARN: w.instance, Name: "second", IssuerURL: issuerURL, ClaimAttributePath: "email", IdentityStoreAttributePath: "emails.value",
		})
		if err != nil {
			return err
		}
		return w.Admin.PutGrant(tx, ssoadmin.ApplicationGrant{
			ApplicationARN: w.client.ARN, GrantType: ssoadmin.GrantJWTBearer,
			TokenIssuers: []ssoadmin.AuthorizedTokenIssuer{{TrustedTokenIssuerArn: &tti.ARN, AuthorizedAudiences: []string{audience1}}},
		})
	})
}

func (w *world) directoryServer() *identitystore.Server { return w.house.directory }

func (w *world) setUser(edit func(u *identitystore.User)) {
	w.t.Helper()
	w.change(func(tx *store.Tx) error {
		u, err := identitystore.GetUser(tx, w.directory, w.user)
		if err != nil {
			return err
		}
		edit(&u)
		_, err = identitystore.PutUser(tx, u)
		return err
	})
}

func (w *world) unassign(app ssoadmin.Application, kind, id string) {
	w.change(func(tx *store.Tx) error { _, err := w.Admin.Unassign(tx, app.ARN, kind, id); return err })
}

func (w *world) assign(app ssoadmin.Application, kind, id string) {
	w.change(func(tx *store.Tx) error { _, err := w.Admin.Assign(tx, app.ARN, kind, id); return err })
}

func (w *world) join(member bool) {
	w.change(func(tx *store.Tx) error {
		var err error
		if member {
			_, err = identitystore.AddMember(tx, w.directory, w.group, w.user)
		} else {
			_, err = identitystore.RemoveMember(tx, w.directory, w.group, w.user)
		}
		return err
	})
}

// throughGroup assigns the user to the client by a group and not directly.
func throughGroup(w *world) {
	w.unassign(w.client, "USER", w.user)
	w.assign(w.client, "GROUP", w.group)
	w.join(true)
}

func endSession(w *world, id string) {
	w.change(func(tx *store.Tx) error { return token.Revoke(tx, id, "test", w.now().Add(48*time.Hour)) })
}

var unassigned = outcome{"AccessDeniedException", "the user is not assigned"}

// userCauses: the user and its assignment.
var userCauses = []cause{
	{
		name:   "user disabled",
		strike: func(w *world) { w.setUser(func(u *identitystore.User) { u.Enabled = false }) },
		mend:   func(w *world) { w.setUser(func(u *identitystore.User) { u.Enabled = true }) },
		want:   outcome{"InvalidGrantException", "user is disabled"},
	},
	{
		name: "user deleted",
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.directoryServer().DeleteUser(tx, w.directory, w.user) })
		},
		want:  outcome{"InvalidGrantException", "the user does not exist"},
		cells: map[string]outcome{ssoadmin.GrantJWTBearer: {"InvalidGrantException", "no user has the emails.value"}},
	},
	{
		name: "user unassigned", strike: func(w *world) { w.unassign(w.client, "USER", w.user) },
		mend: func(w *world) { w.assign(w.client, "USER", w.user) }, want: unassigned,
	},
	{
		name: "user left the assigned group", before: throughGroup,
		strike: func(w *world) { w.join(false) }, mend: func(w *world) { w.join(true) }, want: unassigned,
	},
	{
		name: "assigned group deleted", before: throughGroup, want: unassigned,
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.directoryServer().DeleteGroup(tx, w.directory, w.group) })
		},
	},
	{
		name: "user unassigned from the parent application", strike: func(w *world) { w.unassign(w.front, "USER", w.user) },
		mend: func(w *world) { w.assign(w.front, "USER", w.user) }, want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantTokenExchange: {"InvalidGrantException", "the user is not assigned"},
			"refresh of an exchange":    {"InvalidGrantException", "the user is not assigned"},
		},
	},
	{
		name: "password changed", before: func(w *world) { w.password("the first password") }, strike: changePassword,
		want:  outcome{"InvalidGrantException", "before the password changed"},
		cells: map[string]outcome{ssoadmin.GrantJWTBearer: succeeds},
	},
	{
		name: "session revoked", strike: func(w *world) {
			if w.subject.status != 0 {
				w.as(w.front).revoke(w.front, w.subject.str("accessToken"))
				return
			}
			endSession(w, w.signInID)
		},
		want: outcome{"InvalidGrantException", "the session has ended"},
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:   succeeds,
			"refresh of an assertion": succeeds,
		},
	},
	{
		name: "sign-in session revoked", strike: func(w *world) { endSession(w, w.signInID) },
		want: outcome{"InvalidGrantException", "the session has ended"},
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer: succeeds, "refresh of an assertion": succeeds, "exchange after an assertion": succeeds,
			"refresh of an exchange after an assertion": succeeds,
		},
	},
}

// trustCauses: the trusted token issuer.
var trustCauses = []cause{
	{
		name: "trusted token issuer deleted",
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.DeleteTrustedTokenIssuer(tx, w.tti) })
		},
		want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:                     {"InvalidGrantException", "is not a trusted token issuer"},
			"refresh of an assertion":                   {"InvalidGrantException", "no longer trusted"},
			"exchange after an assertion":               {"InvalidGrantException", "no longer trusted"},
			"refresh of an exchange after an assertion": {"InvalidGrantException", "no longer trusted"},
		},
	},
	{
		name: "issuer removed from the grant", strike: func(w *world) { w.trust("https://elsewhere.example") },
		mend: func(w *world) { withGrants(w, ssoadmin.GrantJWTBearer) },
		want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:   {"InvalidGrantException", "is not a trusted token issuer"},
			"refresh of an assertion": {"InvalidGrantException", "no longer trusted"},
		},
	},
	{
		name: "jwt-bearer grant removed", strike: func(w *world) { withoutGrants(w, ssoadmin.GrantJWTBearer) },
		mend: func(w *world) { withGrants(w, ssoadmin.GrantJWTBearer) },
		want: succeeds,
		cells: map[string]outcome{
			ssoadmin.GrantJWTBearer:   {"UnauthorizedClientException", "does not have the"},
			"refresh of an assertion": {"InvalidGrantException", "no longer trusted"},
		},
	},
	{
		name: "issuer removed from the parent's grant",
		strike: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.DeleteGrant(tx, w.front.ARN, ssoadmin.GrantJWTBearer) })
		},
		mend: func(w *world) {
			w.change(func(tx *store.Tx) error { return w.Admin.PutGrant(tx, w.grant(w.front, ssoadmin.GrantJWTBearer)) })
		},
		want: succeeds,
		cells: map[string]outcome{
			"exchange after an assertion":               {"InvalidGrantException", "no longer trusted"},
			"refresh of an exchange after an assertion": {"InvalidGrantException", "no longer trusted"},
		},
	},
	{
		name: "audience changed", strike: func(w *world) {
			w.change(func(tx *store.Tx) error {
				g := w.grant(w.client, ssoadmin.GrantJWTBearer)
				g.TokenIssuers[0].AuthorizedAudiences = []string{audience1 + "/"}
				return w.Admin.PutGrant(tx, g)
			})
		},
		mend:  func(w *world) { withGrants(w, ssoadmin.GrantJWTBearer) },
		want:  succeeds,
		cells: map[string]outcome{ssoadmin.GrantJWTBearer: {"InvalidGrantException", "not among the AuthorizedAudiences"}},
	},
}

// changePassword sets another password a while after everything so far.
func changePassword(w *world) {
	w.advance(2 * time.Second)
	w.password("another password")
}

// password sets the user's password.
func (w *world) password(text string) {
	w.t.Helper()
	w.change(func(tx *store.Tx) error { return w.directoryServer().SetPassword(tx, w.directory, w.user, text) })
}
