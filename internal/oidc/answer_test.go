package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/symbolon/symbolon/internal/ssoadmin"
)

// published fetches a public document.
func (h *house) published(t testing.TB, path string, into any) *http.Response {
	t.Helper()
	res, err := http.Get(h.url + path)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("%s answers %d", path, res.StatusCode)
	}
	must(t, json.NewDecoder(res.Body).Decode(into))
	return res
}

// verified checks one of our JWTs as a relying party does, with the published keys, and returns header and claims.
func (h *house) verified(t testing.TB, jwt string, alg jose.SignatureAlgorithm) (jose.Header, params) {
	t.Helper()
	var set jose.JSONWebKeySet
	h.published(t, "/.well-known/jwks.json", &set)
	jws, err := jose.ParseSignedCompact(jwt, []jose.SignatureAlgorithm{alg})
	must(t, err)
	header := jws.Signatures[0].Header
	keys := set.Key(header.KeyID)
	if len(keys) != 1 {
		t.Fatalf("the key %q is published %d times", header.KeyID, len(keys))
	}
	payload, err := jws.Verify(keys[0])
	must(t, err)
	claims := params{}
	must(t, json.Unmarshal(payload, &claims))
	return header, claims
}

// audienceOf reads aud, which may be one text or a list.
func audienceOf(claims params) (aud []string) {
	if one, ok := claims["aud"].(string); ok {
		return []string{one}
	}
	list, _ := claims["aud"].([]any)
	for _, a := range list {
		aud = append(aud, a.(string))
	}
	return aud
}

// acting is an act claim of these subjects, outermost first.
func acting(chain ...string) any {
	if len(chain) == 0 {
		return nil
	}
	act := params{"sub": chain[0]}
	if inner := acting(chain[1:]...); inner != nil {
		act["act"] = inner
	}
	return act
}

// TestAnswers: what each grant answers, member by member.
func TestAnswers(t *testing.T) {
	h := newHouse(t)
	all := []string{scopeRead, scopeWrite, "openid", "aws", "sts:identity_context"}
	shared := []string{scopeRead, "openid", "aws", "sts:identity_context"}
	for _, c := range []struct {
		row     string
		more    params
		scopes  []string
		refresh bool
		nonce   any
		chain   func(w *world) []string
	}{
		{row: "code", scopes: all, refresh: true, nonce: "n-0S6_WzA2Mj"},
		{row: "refresh of a code", scopes: all, refresh: true},
		{row: "assertion", scopes: all, refresh: true, chain: func(w *world) []string { return []string{w.tti} }},
		{row: "refresh of an assertion", scopes: all, refresh: true, chain: func(w *world) []string { return []string{w.tti} }},
		{row: "exchange after a code", scopes: shared, chain: func(w *world) []string { return []string{w.client.ARN, w.front.ARN} }},
		{row: "exchange after a code", more: wantsRefresh, scopes: shared, refresh: true, chain: func(w *world) []string {
			return []string{w.client.ARN, w.front.ARN}
		}},
		{row: "refresh of an exchange", scopes: shared, refresh: true, chain: func(w *world) []string { return []string{w.client.ARN, w.front.ARN} }},
		{row: "exchange after an assertion", scopes: shared, chain: func(w *world) []string { return []string{w.client.ARN, w.front.ARN, w.tti} }},
	} {
		t.Run(c.row, func(t *testing.T) {
			w := h.newWorld(t)
			w.change(withoutScope(w, w.front, scopeWrite))
			r := rows[slices.IndexFunc(rows, func(r row) bool { return r.name == c.row })]
			a := w.present(r.make(w), c.more).granted(t)
			wantMembers(t, a, c.refresh)
			if got := a.strings("scope"); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.scopes))) {
				t.Errorf("scope is %q, want %q", got, c.scopes)
			}
			var chain []string
			if c.chain != nil {
				chain = c.chain(w)
			}
			w.checkIDToken(a, c.nonce, chain)
			w.checkEvent(a, r.grant)
		})
	}
}

// wantMembers wants exactly the members of AWS's answer.
func wantMembers(t *testing.T, a answer, refresh bool) {
	t.Helper()
	want := params{"tokenType": "Bearer", "expiresIn": 3600.0, "issuedTokenType": typeAccessToken}
	members := []string{"accessToken", "awsAdditionalDetails", "expiresIn", "idToken", "issuedTokenType", "scope", "tokenType"}
	if refresh {
		want["issuedTokenType"] = typeRefreshToken
		members = append(members, "refreshToken")
		if !strings.HasPrefix(a.str("refreshToken"), "aor") {
			t.Errorf("the refresh token is %q", a.str("refreshToken"))
		}
	}
	slices.Sort(members)
	if got := slices.Sorted(maps.Keys(a.body)); !slices.Equal(got, members) {
		t.Errorf("the members are %q, want %q", got, members)
	}
	for name, value := range want {
		if a.body[name] != value {
			t.Errorf("%s is %v, want %v", name, a.body[name], value)
		}
	}
	if !strings.HasPrefix(a.str("accessToken"), "aoa") {
		t.Errorf("the access token is %q", a.str("accessToken"))
	}
}

func (a answer) identityContext() string {
	details, _ := a.body["awsAdditionalDetails"].(params)
	s, _ := details["identityContext"].(string)
	return s
}

// checkIDToken verifies the ID token as relying parties do and wants exactly AWS's claims.
func (w *world) checkIDToken(a answer, nonce any, chain []string) {
	w.t.Helper()
	header, claims := w.verified(w.t, a.str("idToken"), jose.ES256)
	if header.ExtraHeaders["typ"] != "JWT" {
		w.t.Errorf("typ is %v", header.ExtraHeaders["typ"])
	}
	iat, _ := claims["iat"].(float64)
	authTime, ok := claims["auth_time"].(float64)
	if !ok || authTime > iat || iat-authTime > 60 {
		w.t.Errorf("auth_time is %v at iat %v", claims["auth_time"], claims["iat"])
	}
	if now := float64(w.now().Unix()); iat > now || now-iat > 5 {
		w.t.Errorf("iat is %v, now is %v", iat, now)
	}
	hash := sha256.Sum256([]byte(a.str("accessToken")))
	credential, _ := claims["aws:credential_id"].(string)
	if raw, err := base64.RawURLEncoding.DecodeString(credential); err != nil || len(raw) != 64 {
		w.t.Errorf("aws:credential_id is %q", credential)
	}
	if got := a.identityContext(); got == "" || len(got) > 2048 {
		w.t.Errorf("the identity context has %d characters", len(got))
	}
	want := params{
		"iss": w.url, "sub": w.user, "aud": claims["aud"], "exp": iat + 3600, "iat": iat, "auth_time": authTime,
		"at_hash":               base64.RawURLEncoding.EncodeToString(hash[:16]),
		"aws:identity_store_id": w.directory, "aws:identity_store_arn": "arn:aws:identitystore::" + w.account + ":identitystore/" + w.directory,
		"aws:instance_arn": w.instance, "aws:instance_account": w.account, "aws:application_arn": w.client.ARN,
		"aws:credential_id": credential, "sts:identity_context": a.identityContext(),
	}
	if nonce != nil {
		want["nonce"] = nonce
	}
	if chain != nil {
		want["act"] = acting(chain...)
	}
	if !slices.Equal(audienceOf(claims), []string{w.client.ARN}) || !reflect.DeepEqual(claims, want) {
		w.t.Errorf("the claims are\n%v, want\n%v", claims, want)
	}
}

// checkEvent: secrets are hidden and the event says whom the tokens are for.
func (w *world) checkEvent(a answer, grant string) {
	w.t.Helper()
	const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
	for _, name := range []string{"code", "codeVerifier", "refreshToken", "assertion", "subjectToken"} {
		if v, ok := a.event.params[name]; ok && v != hidden {
			w.t.Errorf("the event shows %s", name)
		}
	}
	if a.event.params["grantType"] != grant || a.event.params["clientId"] != w.client.ARN || a.event.result["accessToken"] != hidden {
		w.t.Errorf("the event is %v → %v", a.event.params, a.event.result)
	}
	if a.event.notes["identitystore:UserId"] != w.user || !slices.Equal(a.event.arns, []string{w.client.ARN}) {
		w.t.Errorf("the event says %v of %v", a.event.notes, a.event.arns)
	}
	text, err := json.Marshal([]any{a.event.params, a.event.result, a.event.notes})
	must(w.t, err)
	for _, secret := range []string{a.str("accessToken"), a.str("refreshToken"), a.str("idToken"), a.identityContext()} {
		if secret != "" && strings.Contains(string(text), secret) {
			w.t.Errorf("the event has a secret: %s", text)
		}
	}
}

// TestDownScoping: scope asks for less; what was not asked for is not given, and no ID token or context without its scope.
func TestDownScoping(t *testing.T) {
	w := newHousedWorld(t)
	for _, c := range []struct {
		scopes           []string
		idToken, context bool
	}{
		{[]string{scopeRead}, false, false},
		{[]string{"openid"}, true, false},
		{[]string{"sts:identity_context", scopeWrite}, false, true},
	} {
		for _, r := range rows[:3] { // the code and two refreshes
			a := w.present(r.make(w), params{"scope": c.scopes}).granted(t)
			if got := a.strings("scope"); !slices.Equal(got, c.scopes) {
				t.Errorf("%s: scope is %q, want %q", r.name, got, c.scopes)
			}
			if _, ok := a.body["idToken"]; ok != c.idToken {
				t.Errorf("%s with %q: ID token %v", r.name, c.scopes, ok)
			}
			if _, ok := a.body["awsAdditionalDetails"]; ok != c.context {
				t.Errorf("%s with %q: identity context %v", r.name, c.scopes, ok)
			}
			if got := w.introspected(w.client, a.str("accessToken")).str("scope"); got != strings.Join(c.scopes, " ") {
				t.Errorf("%s: introspection says scope %q", r.name, got)
			}
		}
	}
	// Scopes asked at a refresh never stick (D08).
	first := w.present(w.codeFor(w.client)).granted(t)
	second := w.present(refreshing(first), params{"scope": []string{scopeRead}}).granted(t)
	third := w.present(refreshing(second)).granted(t)
	if got := third.strings("scope"); len(got) != 5 {
		t.Errorf("after a narrow refresh the next has %q", got)
	}
	// Those of the first grant do.
	narrow := w.present(w.codeFor(w.client, scopeRead, "openid")).granted(t)
	w.present(refreshing(narrow), params{"scope": []string{"aws"}}).refused(t, "InvalidScopeException", "exceeds")
	if got := w.present(refreshing(narrow)).granted(t).strings("scope"); len(got) != 2 {
		t.Errorf("a narrow code refreshes to %q", got)
	}
}

// TestWithoutRefreshGrant: an application without the refresh_token grant gets no refresh token, and an error if it insists.
func TestWithoutRefreshGrant(t *testing.T) {
	w := newHousedWorld(t)
	withoutGrants(w, ssoadmin.GrantRefreshToken)
	for _, evidence := range []params{w.codeFor(w.client), w.assertion()} {
		wantMembers(t, w.present(evidence).granted(t), false)
	}
	subject := w.as(w.front).present(w.codeFor(w.front)).granted(t)
	w.present(exchanging(subject), wantsRefresh).refused(t, "UnauthorizedClientException", "asks for a refresh token")
}

// TestJWTAccessTokens: by the application's tags the access token is an RFC 9068 JWT.
func TestJWTAccessTokens(t *testing.T) {
	w := newHousedWorld(t)
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.RS256} {
		w.editApp(w.front, func(a *ssoadmin.Application) {
			a.Tags = map[string]string{"symbolon:access-token-format": "jwt", "symbolon:signing-algorithm": string(alg)}
		})
		a := w.as(w.front).present(w.assertion()).granted(t)
		header, claims := w.verified(t, a.str("accessToken"), alg)
		if header.ExtraHeaders["typ"] != "at+jwt" {
			t.Errorf("typ is %v", header.ExtraHeaders["typ"])
		}
		wanted := params{
			"iss": w.url, "sub": w.user, "client_id": w.front.ARN, "scope": strings.Join(a.strings("scope"), " "),
		}
		for name, want := range wanted {
			if !reflect.DeepEqual(claims[name], want) {
				t.Errorf("%s is %v, want %v", name, claims[name], want)
			}
		}
		if aud := audienceOf(claims); !slices.Equal(aud, []string{w.front.ARN, w.client.ARN}) {
			t.Errorf("aud is %q", aud)
		}
		if claims["jti"] == "" || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
			t.Errorf("jti %v, exp %v, iat %v", claims["jti"], claims["exp"], claims["iat"])
		}
		w.verified(t, a.str("idToken"), alg) // the same algorithm
		if !w.active(w.client, a.str("accessToken")) {
			t.Error("a JWT access token is not active for its target")
		}
		w.present(exchanging(a)).granted(t)
		// An ID token never passes for an access token, though the same key signed it (G01).
		w.present(params{"grantType": ssoadmin.GrantTokenExchange, "subjectToken": a.str("idToken"), "subjectTokenType": typeAccessToken}).
			refused(t, "InvalidGrantException", "")
		if w.active(w.front, a.str("idToken")) {
			t.Error("an ID token is introspected as an access token")
		}
		w.advance(time.Second)
	}
}
