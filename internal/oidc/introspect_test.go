package oidc

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// TestIntrospectionAnswer: member by member, for the application a token was issued to and for its targets.
func TestIntrospectionAnswer(t *testing.T) {
	w := newHousedWorld(t)
	a := w.subjectOf(w.front, scopeRead, "openid")
	for _, app := range []ssoadmin.Application{w.front, w.client} {
		got := w.introspected(app, a.str("accessToken"))
		for name, want := range map[string]any{
			"active": true, "scope": "data:read openid", "client_id": w.front.ARN, "username": "alice", "token_type": "Bearer", "sub": w.user, "iss": w.url,
			"aws:identity_store_id": w.directory, "aws:instance_arn": w.instance,
		} {
			if got.body[name] != want {
				t.Errorf("%s is %v, want %v", name, got.body[name], want)
			}
		}
		if aud := got.strings("aud"); !slices.Equal(aud, []string{w.front.ARN, w.client.ARN}) {
			t.Errorf("aud is %q", aud)
		}
		if got.body["exp"].(float64)-got.body["iat"].(float64) != 3600 || got.body["jti"] == "" || got.body["auth_time"] == nil {
			t.Errorf("exp %v, iat %v, jti %v, auth_time %v", got.body["exp"], got.body["iat"], got.body["jti"], got.body["auth_time"])
		}
	}
	refresh := w.introspected(w.front, a.str("refreshToken"))
	if refresh.body["active"] != true || refresh.str("token_type") != "refresh_token" || refresh.str("client_id") != w.front.ARN {
		t.Errorf("of the refresh token: %s", refresh.text)
	}
	if got := slices.Sorted(maps.Keys(refresh.body)); slices.Contains(got, "aud") {
		t.Errorf("a refresh token has the members %q", got)
	}
}

// TestInactiveIsAllTheSame: whatever is wrong with a token, the answer is {"active":false} and nothing else (I01, I02). The event
// has the reason.
func TestInactiveIsAllTheSame(t *testing.T) {
	w := newHousedWorld(t)
	expired, idle := w.family(), w.family()
	w.advance(9 * time.Hour)
	revoked, stranger, foreignInstance := w.family(), w.as(w.other).present(w.codeFor(w.other)).granted(t), w.newWorld(t).family()
	w.revoke(w.client, revoked.str("accessToken"))
	good := w.family().str("accessToken")
	bodies := map[string]string{}
	for name, text := range map[string]string{
		"expired access token": expired.str("accessToken"), "expired refresh token": idle.str("refreshToken"),
		"revoked access token": revoked.str("accessToken"), "revoked refresh token": revoked.str("refreshToken"),
		"another application's access token": stranger.str("accessToken"), "another application's refresh token": stranger.str("refreshToken"),
		"another instance's access token": foreignInstance.str("accessToken"), "another instance's refresh token": foreignInstance.str("refreshToken"),
		"an ID token": revoked.str("idToken"), "an identity context": revoked.identityContext(), "garbage": "x", "a mutant": good[:len(good)-2] + "AA",
		"prefix only": "aoa", "refresh prefix only": "aor", "JWT-like": "a.b.c", "long": strings.Repeat("a", 20000), "unicode": "aoaé",
	} {
		a := w.introspected(w.client, text)
		bodies[a.text] = name
		if reason, _ := a.event.notes["inactive"].(string); reason == "" {
			t.Errorf("%s: the event has no reason: %v", name, a.event.notes)
		}
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the answer may be cached", name)
		}
	}
	if len(bodies) != 1 || bodies[`{"active":false}`] == "" {
		t.Errorf("inactive tokens are answered %q", bodies)
	}
}

// TestIntrospectionFollowsRecords: what is switched off is inactive with the next request, and active again afterwards (L04, D02).
func TestIntrospectionFollowsRecords(t *testing.T) {
	h := newHouse(t)
	for _, c := range slices.Concat(clientCauses, userCauses, trustCauses) {
		if c.mend == nil || c.before != nil || slices.Contains([]string{"redirect URI removed from the grant", "audience changed"}, c.name) {
			continue
		}
		want, named := c.cells["refresh of an exchange"]
		if !named {
			want = c.want
		}
		if want == succeeds || len(c.more) > 0 || want.exception == "InvalidClientException" || want.exception == "UnauthorizedClientException" {
			continue // refused, not inactive
		}
		t.Run(c.name, func(t *testing.T) {
			w := h.newWorld(t)
			subject := w.subjectOf(w.front)
			a := w.present(exchanging(subject), wantsRefresh).granted(t)
			app := w.client
			c.strike(w)
			if w.presentedBy != app.ARN {
				return // who presents it is of another application
			}
			for _, name := range []string{"refreshToken", "accessToken"} {
				if w.active(app, a.str(name)) {
					t.Errorf("the %s is active", name)
				}
			}
			c.mend(w)
			if !w.active(app, a.str("refreshToken")) || !w.active(app, a.str("accessToken")) {
				t.Error("undone, the tokens are not active again")
			}
		})
	}
}

// TestOAuthEndpointsNeedTheirCaller: introspection and revocation are authorized as CreateTokenWithIAM is (I01), each by its own action.
func TestOAuthEndpointsNeedTheirCaller(t *testing.T) {
	w := newHousedWorld(t)
	a := w.family()
	values := func() url.Values { return url.Values{"token": {a.str("accessToken")}} }
	for _, target := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		for _, c := range slices.Concat(callerCauses, clientCauses[:2]) {
			if c.mend == nil {
				continue
			}
			c.strike(w)
			w.form(target, w.client, values()).refused(t, c.want.exception, c.want.reason)
			c.mend(w)
		}
		w.form(target, ssoadmin.Application{ARN: w.client.ARN + "0"}, values()).refused(t, "InvalidClientException", "names no application")
		for _, action := range []string{"CreateTokenWithIAM", "IntrospectTokenWithIAM", "RevokeTokenWithIAM"} {
			allowed := strings.HasPrefix(strings.ToLower(action), strings.TrimPrefix(target, "/oauth2/"))
			actors(func(w *world) string {
				return `{"Effect":"Allow","Principal":{"AWS":"` + w.callerARN + `"},"Action":"sso-oauth:` + action + `","Resource":"*"}`
			})(w)
			if got := w.form(target, w.client, url.Values{"token": {"x"}}); (got.status == 200) != allowed {
				t.Errorf("%s with %s alone: %d %s", target, action, got.status, got.text)
			}
		}
		actors(func(w *world) string { return allowed(w.callerARN) })(w)
	}
	if !w.active(w.client, a.str("accessToken")) {
		t.Error("a refused revocation revoked")
	}
}

// TestFormParameters: missing, empty and doubled parameters are refused by name.
func TestFormParameters(t *testing.T) {
	w := newHousedWorld(t)
	send := func(target, body string) answer {
		return w.do(t, w.signed(t, w.caller, target, "application/x-www-form-urlencoded", []byte(body)))
	}
	id := "client_id=" + url.QueryEscape(w.client.ARN)
	for _, target := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
		for body, name := range map[string]string{
			id: "token", "token=a": "client_id", id + "&token=": "token", "token=a&client_id=": "client_id", id + "&token=a&token=b": "token",
			id + "&token=a&Token=b": "oken", id + "&token=%zz": "",
		} {
			send(target, body).refused(t, "InvalidRequestException", name)
		}
		for _, hint := range []string{"access_token", "refresh_token", "nonsense"} {
			if a := send(target, id+"&token=x&token_type_hint="+hint); a.status != 200 {
				t.Errorf("%s with the hint %s: %d %s", target, hint, a.status, a.text)
			}
		}
	}
}

// TestRevocation: any token of a session, by the application it was issued to, ends the session; hints do not matter; a second time
// is as good as the first; everybody else's is answered 200 and stays (I03).
func TestRevocation(t *testing.T) {
	w := newHousedWorld(t)
	for _, kind := range []string{"accessToken", "refreshToken"} {
		for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} {
			first := w.family()
			second := w.refresh(first)
			values := url.Values{"token": {first.str(kind)}}
			if hint != "" {
				values.Set("token_type_hint", hint)
			}
			for range 2 {
				if a := w.form("/oauth2/revoke", w.client, values); a.status != 200 || len(a.body) != 0 {
					t.Errorf("revoking answers %d %s", a.status, a.text)
				}
			}
			w.dead(first, second)
		}
	}
	front := w.subjectOf(w.front)
	for _, text := range []string{front.str("accessToken"), front.str("refreshToken"), front.str("idToken"), "x", "aor", "aoa"} {
		a := w.form("/oauth2/revoke", w.client, url.Values{"token": {text}}) // a target, but not the owner
		if a.status != 200 || a.event.notes["nothingRevoked"] == nil {
			t.Errorf("revoking somebody else's token answers %d %s, event %v", a.status, a.text, a.event.notes)
		}
	}
	if !w.active(w.front, front.str("accessToken")) || !w.active(w.front, front.str("refreshToken")) {
		t.Error("an application ended another's session")
	}
}

// TestOtherSessionsOfUserStay: revoking one session leaves the user's others; disabling the user ends all at once (D06, L04).
func TestOtherSessionsOfUserStay(t *testing.T) {
	w := newHousedWorld(t)
	one, two := w.family(), w.present(w.assertion()).granted(t)
	w.revoke(w.client, one.str("accessToken"))
	w.dead(one)
	if !w.active(w.client, two.str("accessToken")) {
		t.Error("another session ended")
	}
	w.change(func(tx *store.Tx) error {
		u, err := identitystore.GetUser(tx, w.directory, w.user)
		u.Enabled = false
		if err == nil {
			_, err = identitystore.PutUser(tx, u)
		}
		return err
	})
	w.dead(two)
}
