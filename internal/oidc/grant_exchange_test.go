package oidc

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// subjectOf is the answer a subject token comes from.
func (w *world) subjectOf(app ssoadmin.Application, scopes ...string) answer {
	w.t.Helper()
	return w.as(app).present(w.codeFor(app, scopes...)).granted(w.t)
}

// TestExchangeSubjects: the subject is our own live access token of another application, and nothing else (F01).
func TestExchangeSubjects(t *testing.T) {
	w := newHousedWorld(t)
	front := w.subjectOf(w.front)
	good := front.str("accessToken")
	for _, c := range []struct{ name, token, exception, reason string }{
		{"a refresh token", front.str("refreshToken"), "InvalidGrantException", "invalid or has expired"},
		{"an ID token", front.str("idToken"), "InvalidGrantException", "invalid or has expired"},
		{"an identity context", front.identityContext(), "InvalidGrantException", "invalid or has expired"},
		{"a foreign JWT", w.assertion()["assertion"].(string), "InvalidGrantException", "invalid or has expired"},
		{"garbage", "aoaAAAA", "InvalidGrantException", "invalid or has expired"},
		{"a cut token", good[:len(good)-1], "InvalidGrantException", "invalid or has expired"},
		{"a longer token", good + "A", "InvalidGrantException", "invalid or has expired"},
		{"a token in another case", strings.ToUpper(good), "InvalidGrantException", "invalid or has expired"},
		{"its own token", w.family().str("accessToken"), "InvalidRequestException", "to this application itself"},
		{"a token that targets nobody", w.subjectOf(w.other).str("accessToken"), "InvalidRequestException", "does not name this application"},
		{"a token without the scope that targets", w.subjectOf(w.front, "openid").str("accessToken"), "InvalidRequestException", "does not name this application"},
	} {
		in := params{"grantType": ssoadmin.GrantTokenExchange, "subjectToken": c.token, "subjectTokenType": typeAccessToken}
		t.Run(c.name, func(t *testing.T) { w.present(in).refused(t, c.exception, c.reason) })
	}
	raw, err := base64.RawURLEncoding.DecodeString(good[3:])
	must(t, err)
	for i := range raw { // G06: every byte is under the MAC
		flipped := slices.Clone(raw)
		flipped[i] ^= 1 << (i % 8)
		in := params{"grantType": ssoadmin.GrantTokenExchange, "subjectTokenType": typeAccessToken, "subjectToken": "aoa" + base64.RawURLEncoding.EncodeToString(flipped)}
		if a := w.present(in); a.status == 200 {
			t.Fatalf("byte %d is not bound", i)
		}
	}
	w.present(exchanging(front)).granted(t)
	w.present(exchanging(front)).granted(t) // a subject token may be exchanged again
}

// TestExchangeTypes: only the token types AWS documents, exactly (F08).
func TestExchangeTypes(t *testing.T) {
	w := newHousedWorld(t)
	evidence := exchanging(w.subjectOf(w.front))
	for _, typ := range []string{typeRefreshToken, "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt", "access_token", strings.ToUpper(typeAccessToken), " " + typeAccessToken} {
		w.present(evidence, params{"subjectTokenType": typ}).refused(t, "InvalidRequestException", "subjectTokenType")
		if typ != typeRefreshToken {
			w.present(evidence, params{"requestedTokenType": typ}).refused(t, "InvalidRequestException", "requestedTokenType")
		}
	}
	w.present(evidence, params{"requestedTokenType": typeAccessToken}).granted(t)
}

// TestExchangeTargets: the instance as a target means every application of it, and only those.
func TestExchangeTargets(t *testing.T) {
	w := newHousedWorld(t)
	w.target(w.front, w.instance)
	subject := w.subjectOf(w.front)
	w.present(exchanging(subject)).granted(t)
	w.as(w.other).present(exchanging(subject)).granted(t)
	b := w.newWorld(t)
	b.present(exchanging(subject)).refused(t, "InvalidRequestException", "does not name this application")
	if b.active(b.client, subject.str("accessToken")) {
		t.Error("a token is active for an application of another instance")
	}
	// A target taken away counts at once, for tokens already issued too.
	w.target(w.front, w.other.ARN)
	w.present(exchanging(subject)).refused(t, "InvalidRequestException", "does not name this application")
	w.as(w.other).present(exchanging(subject)).granted(t)
}

// TestExchangeScopes: never more than the subject had, nor than the application may have (F03).
func TestExchangeScopes(t *testing.T) {
	w := newHousedWorld(t)
	w.change(func(tx *store.Tx) error {
		return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: w.front.ARN, Scope: "front:only"})
	})
	subject := w.subjectOf(w.front, scopeRead, "front:only", "openid")
	if got := w.present(exchanging(subject)).granted(t).strings("scope"); !slices.Equal(got, []string{scopeRead, "openid"}) {
		t.Errorf("the exchange gives %q", got)
	}
	for scope, reason := range map[string]string{"front:only": "not configured", scopeWrite: "exceeds", "aws": "exceeds"} {
		w.present(exchanging(subject), params{"scope": []string{scope}}).refused(t, "InvalidScopeException", reason)
	}
	w.change(withoutScope(w, w.client, scopeRead))
	w.present(exchanging(w.subjectOf(w.front, scopeRead))).refused(t, "InvalidScopeException", "no scope is left")
}

// TestExchangeLife: the result ends with the subject, the family too, and dies with the subject's session (F05).
func TestExchangeLife(t *testing.T) {
	w := newHousedWorld(t)
	subject := w.subjectOf(w.front)
	w.advance(45 * time.Minute)
	a := w.present(exchanging(subject), wantsRefresh).granted(t)
	if got := a.body["expiresIn"].(float64); got > 900 || got < 890 {
		t.Errorf("the subject has 15 minutes left, its exchange %v s", got)
	}
	w.advance(14 * time.Minute)
	if got := w.refresh(a).body["expiresIn"].(float64); got > 60 {
		t.Errorf("the subject has a minute left, a refresh of its exchange %v s", got)
	}
	w.advance(2 * time.Minute)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "")
	w.present(exchanging(subject)).refused(t, "InvalidGrantException", "expired")

	subject = w.subjectOf(w.front)
	a = w.present(exchanging(subject), wantsRefresh).granted(t)
	sibling := w.subjectOf(w.front)
	kept := w.present(exchanging(sibling), wantsRefresh).granted(t)
	w.revoke(w.front, subject.str("refreshToken"))
	w.dead(a)
	if !w.active(w.client, kept.str("accessToken")) {
		t.Error("an exchange of another session died")
	}
	// Revoking the exchanged token ends nothing above it.
	w.revoke(w.client, kept.str("accessToken"))
	w.dead(kept)
	if !w.active(w.front, sibling.str("accessToken")) {
		t.Error("revoking an exchanged token ended its subject")
	}
}

// TestExchangeLoop: two applications that target each other cannot lengthen a life or a chain without end (F06, F09).
func TestExchangeLoop(t *testing.T) {
	w := newHousedWorld(t)
	w.change(func(tx *store.Tx) error {
		return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: w.client.ARN, Scope: scopeRead, AuthorizedTargets: []string{w.front.ARN}})
	})
	current := w.subjectOf(w.front)
	first, depth, refusals := w.introspected(w.front, current.str("accessToken")).body["exp"].(float64), 0, 0
	turn := []*world{w, w.as(w.front)}
	for range 1000 {
		w.advance(3 * time.Second)
		a := turn[depth%2].present(exchanging(current))
		if a.status != 200 {
			refusals++
			if w.advance(0); refusals == 1 {
				a.refused(t, "InvalidRequestException", "chain")
			}
			continue
		}
		current, depth = a, depth+1
		app := w.client
		if depth%2 == 0 {
			app = w.front
		}
		if exp := w.introspected(app, current.str("accessToken")).body["exp"].(float64); exp > first {
			t.Fatalf("after %d exchanges exp has grown from %v to %v", depth, first, exp)
		}
	}
	if depth == 0 || depth > 5 || refusals != 1000-depth {
		t.Errorf("%d exchanges of 1000 went through", depth)
	}
}

// TestActChain: introspection shows who acts for the user, outermost first (F06), and nobody can bring an act of its own.
func TestActChain(t *testing.T) {
	w := newHousedWorld(t)
	subject := w.as(w.front).present(w.assertion(params{"act": params{"sub": "mallory"}, "may_act": params{"sub": "mallory"}})).granted(t)
	a := w.present(exchanging(subject), params{"act": params{"sub": "mallory"}, "actorToken": "x"}).granted(t)
	got := w.introspected(w.client, a.str("accessToken")).body["act"]
	if want := acting(w.client.ARN, w.front.ARN, w.tti); !reflect.DeepEqual(got, want) {
		t.Errorf("act is %v, want %v", got, want)
	}
}

// TestLongChain: of a token exchanged twice every application still counts, not only its neighbour: the first one too, for its access
// token, its refresh token and its identity context.
func TestLongChain(t *testing.T) {
	h := newHouse(t)
	front := func(w *world) ssoadmin.Application { return w.front }
	client := func(w *world) ssoadmin.Application { return w.client }
	switchable := func(app func(w *world) ssoadmin.Application) [2]func(w *world) {
		return [2]func(w *world){func(w *world) { enable(w, app(w), false) }, func(w *world) { enable(w, app(w), true) }}
	}
	assignable := func(app func(w *world) ssoadmin.Application) [2]func(w *world) {
		return [2]func(w *world){func(w *world) { w.unassign(app(w), "USER", w.user) }, func(w *world) { w.assign(app(w), "USER", w.user) }}
	}
	grantable := func(app func(w *world) ssoadmin.Application, grantType string) [2]func(w *world) {
		return [2]func(w *world){
			func(w *world) {
				w.change(func(tx *store.Tx) error { return w.Admin.DeleteGrant(tx, app(w).ARN, grantType) })
			},
			func(w *world) {
				w.change(func(tx *store.Tx) error { return w.Admin.PutGrant(tx, w.grant(app(w), grantType)) })
			},
		}
	}
	for name, c := range map[string][2]func(w *world){
		"first disabled": switchable(front), "middle disabled": switchable(client),
		"unassigned from the first": assignable(front), "unassigned from the middle": assignable(client),
		"middle may not exchange": grantable(client, ssoadmin.GrantTokenExchange), "first takes no assertions": grantable(front, ssoadmin.GrantJWTBearer),
		"first targets the middle no more":  {func(w *world) { w.target(w.front, w.other.ARN) }, func(w *world) { w.target(w.front, w.client.ARN) }},
		"middle targets the last no more":   {func(w *world) { w.target(w.client, w.front.ARN) }, func(w *world) { w.target(w.client, w.other.ARN) }},
		"first deleted":                     {func(w *world) { remove(w, w.front) }},
		"middle takes no assertions itself": {nil, func(w *world) { withoutGrants(w, ssoadmin.GrantJWTBearer) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := h.newWorld(t)
			w.target(w.client, w.other.ARN)
			subject := w.as(w.front).present(w.assertion()).granted(t)
			last := w.as(w.other)
			a := last.present(exchanging(w.present(exchanging(subject)).granted(t)), wantsRefresh).granted(t)
			if c[0] != nil {
				c[0](w)
				last.present(refreshing(a)).refused(t, "InvalidGrantException", "")
				if w.active(w.other, a.str("accessToken")) || w.active(w.other, a.str("refreshToken")) {
					t.Error("a token at the end of the chain is active")
				}
				if err := w.contextStands(a); err == nil {
					t.Error("the identity context stands")
				}
			}
			if c[1] == nil {
				return
			}
			c[1](w)
			must(t, w.contextStands(a))
			if !w.active(w.other, a.str("accessToken")) {
				t.Error("the token is not active")
			}
			last.present(refreshing(a)).granted(t)
		})
	}
}

// TestParentScopes: a refresh also looks at the scopes the subject had: another scope that targets the application does not replace them.
func TestParentScopes(t *testing.T) {
	w := newHousedWorld(t)
	scope := func(name string, targets ...string) {
		w.change(func(tx *store.Tx) error {
			return w.Admin.PutScope(tx, ssoadmin.ApplicationScope{ApplicationARN: w.front.ARN, Scope: name, AuthorizedTargets: targets})
		})
	}
	a := w.present(exchanging(w.subjectOf(w.front, scopeRead, "openid")), wantsRefresh).granted(t)
	scope(scopeRead)
	scope(scopeWrite, w.client.ARN)
	w.present(refreshing(a)).refused(t, "InvalidGrantException", "no longer names this application")
	scope(scopeRead, w.client.ARN)
	w.refresh(a)
}
