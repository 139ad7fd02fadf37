package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

// world is a tenant: an instance with a directory, four applications and callers. Its client has every grant; front is the
// application whose tokens client may exchange; other is set up like client and belongs to the same people.
type world struct {
	*house
	t                            testing.TB
	issuer                       *foreign
	account, instance, directory string
	tti, issuerURL               string
	user, group                  string
	client, front, other         ssoadmin.Application
	caller                       keypair // the IAM user the actor policies name
	callerARN, callerName        string
	signInID                     string // of codes
	signInLasts                  time.Duration
	presentedBy                  string // clientId to present evidence as
	subject                      answer // what front was granted, for exchanges
	spare                        keypair
	scopes                       []string // to ask for while evidence is made; nil = none
}

const (
	scopeRead, scopeWrite = "data:read", "data:write"
	redirectURI           = "https://app.example/callback"
	verifier              = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	audience1, audience2  = "https://symbolon.example/client", "https://symbolon.example/other"
)

// newWorld adds a tenant to the house.
func (h *house) newWorld(t testing.TB) *world {
	t.Helper()
	n := h.worlds.Add(1)
	w := &world{
		house: h, t: t, issuer: h.foreign, account: fmt.Sprintf("%012d", 100000000000+n), instance: ssoadmin.NewInstanceARN(),
		directory: identitystore.NewStoreID(), callerName: "service", signInLasts: 24 * time.Hour, signInID: fmt.Sprintf("sign-in-%d", n),
	}
	w.issuerURL = fmt.Sprintf("%s/issuer/%d", w.issuer.URL, n)
	w.callerARN = "arn:aws:iam::" + w.account + ":user/" + w.callerName
	h.update(t, w.populate)
	w.caller = w.newKey(w.account, w.callerName)
	h.update(t, w.furnish)
	w.presentedBy = w.client.ARN
	return w
}

// newHousedWorld is a world in a house of its own.
func newHousedWorld(t testing.TB) *world { return newHouse(t).newWorld(t) }

func (w *world) populate(tx *store.Tx) error {
	if err := identitystore.PutStore(tx, identitystore.IdentityStore{ID: w.directory, AccountID: w.account, InstanceARN: w.instance}); err != nil {
		return err
	}
	if err := ssoadmin.PutInstance(tx, ssoadmin.Instance{
		ARN: w.instance, Name: "main", OwnerAccountID: w.account, IdentityStoreID: w.directory, Region: "eu-central-1",
	}); err != nil {
		return err
	}
	if err := iam.PutAccount(tx, iam.Account{ID: w.account, Name: w.account}); err != nil {
		return err
	}
	if err := iam.PutUser(tx, iam.User{AccountID: w.account, Name: w.callerName}); err != nil {
		return err
	}
	user, err := identitystore.PutUser(tx, person(w.directory, "alice", "alice@example.com"))
	if err != nil {
		return err
	}
	group, err := identitystore.PutGroup(tx, identitystore.Group{StoreID: w.directory, DisplayName: "engineers"})
	w.user, w.group = user.ID, group.ID
	return err
}

func person(directory, name, email string) identitystore.User {
	u := identitystore.User{StoreID: directory, UserName: name, Enabled: true}
	a := identitystore.UserAttributes{DisplayName: &name}
	if email != "" {
		a.Emails = []identitystore.Email{{Value: &email, Primary: ptr(true)}}
	}
	u.Attributes = store.LazyOf(a)
	return u
}

// furnish makes the issuer and the applications.
func (w *world) furnish(tx *store.Tx) error {
	tti, err := w.Admin.PutTrustedTokenIssuer(tx, ssoadmin.TrustedTokenIssuer{
		InstanceARN: w.instance, Name: "idp", IssuerURL: w.issuerURL, ClaimAttributePath: "email", IdentityStoreAttributePath: "emails.value",
	})
	if err != nil {
		return err
	}
	w.tti = tti.ARN
	for name, app := range map[string]*ssoadmin.Application{"client": &w.client, "front": &w.front, "other": &w.other} {
		if *app, err = w.Admin.PutApplication(tx, ssoadmin.Application{
			InstanceARN: w.instance, ProviderARN: ssoadmin.CustomProvider, Name: name, Enabled: true, AssignmentRequired: true,
		}); err != nil {
			return err
		}
	}
	for _, app := range []ssoadmin.Application{w.client, w.front, w.other} {
		if err := w.equip(tx, app); err != nil {
			return err
		}
	}
	return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: w.front.ARN, Scope: scopeRead, AuthorizedTargets: []string{w.client.ARN}})
}

// equip gives an application everything.
func (w *world) equip(tx *store.Tx, app ssoadmin.Application) error {
	for _, g := range grantTypes {
		if err := w.Admin.PutGrant(tx, w.grant(app, g.name)); err != nil {
			return err
		}
	}
	for _, scope := range []string{scopeRead, scopeWrite} {
		if err := w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: app.ARN, Scope: scope}); err != nil {
			return err
		}
	}
	if _, err := w.Admin.Assign(tx, app.ARN, "USER", w.user); err != nil {
		return err
	}
	return w.Admin.PutActorPolicy(tx, app.ARN, actorPolicy(allowed(w.callerARN)))
}

// grant is the configuration of a grant type that the worlds use.
func (w *world) grant(app ssoadmin.Application, grantType string) ssoadmin.ApplicationGrant {
	g := ssoadmin.ApplicationGrant{ApplicationARN: app.ARN, GrantType: grantType}
	switch grantType {
	case ssoadmin.GrantAuthorizationCode:
		g.RedirectURIs = []string{redirectURI, "https://app.example/second", "http://127.0.0.1/loop"}
	case ssoadmin.GrantJWTBearer:
		aud := audience1
		if app.ARN == w.other.ARN {
			aud = audience2
		}
		g.TokenIssuers = []ssoadmin.AuthorizedTokenIssuer{{TrustedTokenIssuerArn: &w.tti, AuthorizedAudiences: []string{aud}}}
	}
	return g
}

func allowed(principals ...string) string { return statement("Allow", principals...) }
func denied(principals ...string) string  { return statement("Deny", principals...) }

func statement(effect string, principals ...string) string {
	return fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":["%s"]},"Action":["sso-oauth:CreateTokenWithIAM","sso-oauth:IntrospectTokenWithIAM","sso-oauth:RevokeTokenWithIAM"],"Resource":"*"}`,
		effect, strings.Join(principals, `","`))
}

func actorPolicy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// identityPolicy is an inline policy for sso-oauth actions on everything.
func identityPolicy(effect string) map[string]string {
	return map[string]string{"inline": fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":%q,"Action":"sso-oauth:*","Resource":"*"}}`, effect)}
}

// newKey makes an access key; an empty user is the account's root.
func (h *house) newKeyIn(t testing.TB, account, user string) keypair {
	t.Helper()
	id, secret := iam.NewAccessKey()
	h.update(t, func(tx *store.Tx) error {
		return h.IAM.PutAccessKey(tx, iam.AccessKey{ID: id, AccountID: account, UserName: user, Status: iam.Active}, secret)
	})
	return keypair{id: id, secret: secret}
}

func (w *world) newKey(account, user string) keypair { return w.newKeyIn(w.t, account, user) }

// change edits records of the world.
func (w *world) change(fn func(tx *store.Tx) error) {
	w.t.Helper()
	w.update(w.t, fn)
}

// editApp changes an application's record.
func (w *world) editApp(app ssoadmin.Application, edit func(*ssoadmin.Application)) {
	w.t.Helper()
	w.change(func(tx *store.Tx) error {
		a, err := ssoadmin.GetApplication(tx, app.ARN)
		if err != nil {
			return err
		}
		edit(&a)
		_, err = w.Admin.PutApplication(tx, a)
		return err
	})
}

// present sends evidence as the world's caller for the world's client, with further members.
func (w *world) present(evidence params, more ...params) answer {
	w.t.Helper()
	in := params{"clientId": w.presentedBy}
	if w.scopes != nil {
		in["scope"] = w.scopes
	}
	maps.Copy(in, evidence)
	for _, m := range more {
		maps.Copy(in, m)
	}
	return w.create(w.t, w.caller, in)
}

// as is the same world, presenting as another application.
func (w *world) as(app ssoadmin.Application) *world {
	other := *w
	other.presentedBy = app.ARN
	return &other
}

// authorizing is the query of a good authorization request.
func (w *world) authorizing(app ssoadmin.Application) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {app.ARN}, "redirect_uri": {redirectURI}, "state": {"s"}, "nonce": {"n-0S6_WzA2Mj"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

// codeFor gives a code for an application, as the sign-in page would.
func (w *world) codeFor(app ssoadmin.Application, scopes ...string) params {
	w.t.Helper()
	query := w.authorizing(app)
	if len(scopes) == 0 {
		scopes = w.scopes
	}
	if len(scopes) > 0 {
		query.Set("scope", strings.Join(scopes, " "))
	}
	a, err := w.ParseAuthorize(w.t.Context(), query)
	must(w.t, err)
	location, err := w.IssueCode(w.t.Context(), a, SignedIn{SessionID: w.signInID, UserID: w.user, AuthTime: w.now(), EndsAt: w.now().Add(w.signInLasts)})
	must(w.t, err)
	u, err := url.Parse(location)
	must(w.t, err)
	if u.Query().Get("code") == "" {
		w.t.Fatalf("no code: %s", location)
	}
	return params{"grantType": ssoadmin.GrantAuthorizationCode, "code": u.Query().Get("code"), "redirectUri": redirectURI, "codeVerifier": verifier}
}

// claims of a good assertion, with changes; a nil value removes the claim.
func (w *world) claims(changes ...params) params {
	c := params{
		"iss": w.issuerURL, "sub": "a-user", "aud": audience1, "email": "alice@example.com", "jti": token.NewCredentialID(w.now()),
		"iat": w.now().Unix(), "exp": w.now().Add(5 * time.Minute).Unix(),
	}
	for _, m := range changes {
		for name, value := range m {
			c[name] = value
			if value == nil {
				delete(c, name)
			}
		}
	}
	return c
}

// assertion is evidence of the jwt-bearer grant.
func (w *world) assertion(changes ...params) params {
	w.t.Helper()
	return bearer(esSigner().sign(w.t, w.claims(changes...)))
}

func bearer(jwt string) params {
	return params{"grantType": ssoadmin.GrantJWTBearer, "assertion": jwt}
}

func refreshing(tokens answer) params {
	return params{"grantType": ssoadmin.GrantRefreshToken, "refreshToken": tokens.str("refreshToken")}
}

// exchanging presents the access token of another application's answer.
func exchanging(subject answer) params {
	return params{"grantType": ssoadmin.GrantTokenExchange, "subjectToken": subject.str("accessToken"), "subjectTokenType": typeAccessToken}
}

var wantsRefresh = params{"requestedTokenType": typeRefreshToken}

// form calls introspection or revocation on behalf of an application.
func (w *world) form(target string, app ssoadmin.Application, values url.Values) answer {
	w.t.Helper()
	values.Set("client_id", app.ARN)
	a := w.do(w.t, w.signed(w.t, w.caller, target, "application/x-www-form-urlencoded", []byte(values.Encode())))
	a.form = true
	return a
}

func (w *world) introspected(app ssoadmin.Application, text string) answer {
	w.t.Helper()
	a := w.form("/oauth2/introspect", app, url.Values{"token": {text}})
	if a.status != 200 {
		w.t.Fatalf("introspection answers %d %s", a.status, a.text)
	}
	return a
}

// active says whether a token is in force for an application.
func (w *world) active(app ssoadmin.Application, text string) bool {
	w.t.Helper()
	return w.introspected(app, text).body["active"] == true
}

func (w *world) revoke(app ssoadmin.Application, text string) {
	w.t.Helper()
	if a := w.form("/oauth2/revoke", app, url.Values{"token": {text}}); a.status != 200 {
		w.t.Fatalf("revocation answers %d %s", a.status, a.text)
	}
}

func withoutScope(w *world, app ssoadmin.Application, scope string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error { return w.Admin.DeleteScope(tx, app.ARN, scope) }
}
