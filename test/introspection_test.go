package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/go-jose/go-jose/v4"
)

// Introspection (RFC 7662) and revocation (RFC 7009) with forms signed by the SDK's signer: a token is active for the application it
// was issued to and for those its scopes target, and for nobody else; revoking one ends the session and all that descends from it.
func TestIntrospectionAndRevocation(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	w := newWorld(t, s, adminClients(t, s))
	stranger := w.createApplication(t, "stranger", false)
	w.configure(t, stranger, "other:read", nil, reportsGrants())

	one, other := w.signedIn(t), w.bearer(t, jose.RS256, assignedUser)
	exchanged := w.createToken(t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.reports, GrantType: aws.String(grantExchange), SubjectToken: one.AccessToken, SubjectTokenType: aws.String(typeAccessToken),
		RequestedTokenType: aws.String(typeRefreshToken),
	})
	t.Run("active", func(t *testing.T) {
		got := w.introspect(t, *one.AccessToken, w.frontend)
		if got["active"] != true || got["client_id"] != w.frontend || got["username"] != s.env["SYMBOLON_USER"] ||
			got["sub"] != w.users[s.env["SYMBOLON_USER"]] || got["iss"] != s.url || !strings.Contains(got["scope"].(string), reportsScope) {
			t.Errorf("%v", got)
		}
		if aud, _ := got["aud"].([]any); !slices.Contains(aud, any(w.reports)) {
			t.Errorf("aud is %v without %s", aud, w.reports)
		}
		w.expectActive(t, true, *one.AccessToken, w.reports)
		w.expectActive(t, true, *one.RefreshToken, w.frontend)
		w.expectActive(t, true, *exchanged.AccessToken, w.reports)
	})
	t.Run("inactive for strangers", func(t *testing.T) {
		w.expectActive(t, false, *one.AccessToken, stranger)
		w.expectActive(t, false, *one.RefreshToken, w.reports)
		w.expectActive(t, false, *one.AccessToken+"x", w.frontend)
		w.expectActive(t, false, "nonsense", w.frontend)
	})
	t.Run("revoked by a stranger", func(t *testing.T) {
		w.revoke(t, *one.AccessToken, stranger)
		w.revoke(t, "nonsense", w.frontend)
		w.expectActive(t, true, *one.AccessToken, w.frontend)
	})
	t.Run("revoked", func(t *testing.T) {
		w.revoke(t, *one.AccessToken, w.frontend)
		w.expectActive(t, false, *one.AccessToken, w.frontend)
		w.expectActive(t, false, *one.RefreshToken, w.frontend)
		w.expectActive(t, false, *exchanged.AccessToken, w.reports)
		w.expectActive(t, false, *exchanged.RefreshToken, w.reports)
		expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(t.Context(), t, ssooidc.CreateTokenWithIAMInput{
			ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: one.RefreshToken,
		}), "")
		expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(t.Context(), t, ssooidc.CreateTokenWithIAMInput{
			ClientId: &w.reports, GrantType: aws.String(grantRefresh), RefreshToken: exchanged.RefreshToken,
		}), "")
		w.expectActive(t, true, *other.AccessToken, w.frontend)
	})
	t.Run("refused", w.introspectionRefusals)
}

func (w *world) introspectionRefusals(t *testing.T) {
	form := url.Values{"token": {"x"}, "client_id": {w.frontend}}
	for _, c := range []struct {
		what, secret string
		form         url.Values
		status       int
		code         string
	}{
		{"wrong secret", "wrong", form, http.StatusForbidden, "InvalidSignatureException"},
		{"no signature", "", form, http.StatusForbidden, "MissingAuthenticationTokenException"},
		{"no token", w.server.env["AWS_SECRET_ACCESS_KEY"], url.Values{"client_id": {w.frontend}}, http.StatusBadRequest, "InvalidRequestException"},
		{"no client_id", w.server.env["AWS_SECRET_ACCESS_KEY"], url.Values{"token": {"x"}}, http.StatusBadRequest, "InvalidRequestException"},
	} {
		for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} {
			status, header, body := w.signedForm(t, path, c.form, c.secret)
			if code := header.Get("X-Amzn-ErrorType"); status != c.status || code != c.code || !json.Valid(body) {
				t.Errorf("%s, %s: HTTP %d %s %s; want %d %s", path, c.what, status, code, body, c.status, c.code)
			}
		}
	}
}

func (w *world) introspect(t *testing.T, token, clientID string) map[string]any {
	t.Helper()
	status, _, body := w.signedForm(t, "/oauth2/introspect", url.Values{"token": {token}, "client_id": {clientID}}, w.server.env["AWS_SECRET_ACCESS_KEY"])
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		t.Fatalf("introspect: HTTP %d %s", status, body)
	}
	return answer
}

func (w *world) expectActive(t *testing.T, want bool, token, clientID string) {
	t.Helper()
	answer := w.introspect(t, token, clientID)
	if answer["active"] != want || !want && len(answer) != 1 {
		t.Errorf("introspect for %s: %v, want active %t", clientID, answer, want)
	}
}

func (w *world) revoke(t *testing.T, token, clientID string) {
	t.Helper()
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}, "client_id": {clientID}}
	if status, _, body := w.signedForm(t, "/oauth2/revoke", form, w.server.env["AWS_SECRET_ACCESS_KEY"]); status != http.StatusOK {
		t.Fatalf("revoke: HTTP %d %s", status, body)
	}
}

// signedForm posts a form as the administrator, signed with secret by the SDK's signer; unsigned if secret is empty.
func (w *world) signedForm(t *testing.T, path string, form url.Values, secret string) (int, http.Header, []byte) {
	t.Helper()
	body := []byte(form.Encode())
	r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.url+path, bytes.NewReader(body)))(t)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		sum := sha256.Sum256(body)
		key := aws.Credentials{AccessKeyID: w.server.env["AWS_ACCESS_KEY_ID"], SecretAccessKey: secret}
		if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), "sso-oauth", w.server.env["AWS_REGION"], time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	answer := must(http.DefaultClient.Do(r))(t)
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header, must(io.ReadAll(answer.Body))(t)
}
