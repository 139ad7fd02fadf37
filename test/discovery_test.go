package test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	admintypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/coreos/go-oidc/v3/oidc"
)

// coreos/go-oidc, as any relying party uses it, verifies the ID tokens by discovery: issuer, audience, signature, expiry, nonce,
// and at_hash against the access token. Applications that choose RS256 and JWT access tokens by tag are verified the same way.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	w := newWorld(t, s, adminClients(t, s))
	provider := must(oidc.NewProvider(t.Context(), s.url))(t)
	verifier := provider.Verifier(&oidc.Config{ClientID: w.frontend, SupportedSigningAlgs: []string{"ES256", "RS256"}})

	for _, c := range []struct {
		algorithm, format string
	}{{"ES256", "opaque"}, {"RS256", "jwt"}} {
		t.Run(c.algorithm+" "+c.format, func(t *testing.T) {
			w.tag(t, map[string]string{"symbolon:signing-algorithm": c.algorithm, "symbolon:access-token-format": c.format})
			out := w.signedInWithNonce(t, "nonce-"+c.algorithm)
			id := must(verifier.Verify(t.Context(), *out.IdToken))(t)
			if id.Issuer != s.env["SYMBOLON_ISSUER"] || id.Subject != w.users[s.env["SYMBOLON_USER"]] || id.Nonce != "nonce-"+c.algorithm {
				t.Errorf("issuer %s, subject %s, nonce %s", id.Issuer, id.Subject, id.Nonce)
			}
			if err := id.VerifyAccessToken(*out.AccessToken); err != nil {
				t.Error(err)
			}
			if err := id.VerifyAccessToken(*out.RefreshToken); err == nil {
				t.Error("at_hash fits another token")
			}
			if c.format == "jwt" {
				w.verifyAccessToken(t, provider, *out.AccessToken)
			}
			w.verifierRefuses(t, provider, *out.IdToken)
		})
	}
}

// tag sets the reserved tags by which an application chooses its tokens.
func (w *world) tag(t *testing.T, tags map[string]string) {
	t.Helper()
	in := &ssoadmin.TagResourceInput{InstanceArn: w.instance(), ResourceArn: &w.frontend}
	for key, value := range tags {
		in.Tags = append(in.Tags, admintypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_ = must(w.admin.TagResource(t.Context(), in))(t)
}

func (w *world) signedInWithNonce(t *testing.T, nonce string) *ssooidc.CreateTokenWithIAMOutput {
	t.Helper()
	proof, env := newPKCE(), w.server.env
	code := newBrowser(w.server.url).signIn(t, w.frontend, redirectURI, env["SYMBOLON_USER"], env["SYMBOLON_PASSWORD"], proof,
		url.Values{"nonce": {nonce}, "scope": {"openid " + reportsScope}})
	return w.createToken(t, ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantCode), Code: &code, RedirectUri: aws.String(redirectURI), CodeVerifier: &proof.verifier,
	})
}

// verifyAccessToken: a JWT access token (RFC 9068) verifies by the same keys, for the resource its scope targets.
func (w *world) verifyAccessToken(t *testing.T, provider *oidc.Provider, text string) {
	t.Helper()
	v := provider.Verifier(&oidc.Config{ClientID: w.reports, SupportedSigningAlgs: []string{"ES256", "RS256"}})
	access := must(v.Verify(t.Context(), text))(t)
	var claims struct {
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	if err := access.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if claims.ClientID != w.frontend || !strings.Contains(claims.Scope, reportsScope) {
		t.Errorf("client_id %s, scope %q", claims.ClientID, claims.Scope)
	}
}

// verifierRefuses: the checks of the library are in force against our tokens.
func (w *world) verifierRefuses(t *testing.T, provider *oidc.Provider, text string) {
	t.Helper()
	for what, c := range map[string]*oidc.Config{
		"another audience": {ClientID: w.reports},
		"a later time":     {ClientID: w.frontend, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }},
	} {
		c.SupportedSigningAlgs = []string{"ES256", "RS256"}
		if _, err := provider.Verifier(c).Verify(t.Context(), text); err == nil {
			t.Errorf("the ID token verifies for %s", what)
		}
	}
	head, rest, _ := strings.Cut(text, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	forged := head + "." + payload[:20] + "A" + payload[21:] + "." + signature
	v := provider.Verifier(&oidc.Config{ClientID: w.frontend, SupportedSigningAlgs: []string{"ES256", "RS256"}})
	if _, err := v.Verify(t.Context(), forged); err == nil {
		t.Error("a changed ID token verifies")
	}
}

// The documents strangers read are where the standards put them.
func TestMetadataPaths(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"} {
		answer := must(http.Get(s.url + path))(t)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: HTTP %d, %s", path, answer.StatusCode, answer.Header.Get("Content-Type"))
		}
	}
}
