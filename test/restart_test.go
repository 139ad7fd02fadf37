package test

import (
	"net/url"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"
)

// A server started again on its folder is the same server: data, credentials, address, keys; what was acknowledged before a
// `kill -9` is there, and what was used stays used.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := startServerOn(t, filepath.Join(t.TempDir(), "data"), "--listen", lastingAddress(t))
	w := newWorld(t, s, adminClients(t, s))
	proof, env := newPKCE(), s.env
	browser := newBrowser(s.url)
	code := browser.signIn(t, w.frontend, redirectURI, env["SYMBOLON_USER"], env["SYMBOLON_PASSWORD"], proof, nil)
	redeem := ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantCode), Code: &code, RedirectUri: aws.String(redirectURI), CodeVerifier: &proof.verifier,
	}
	assertion := ssooidc.CreateTokenWithIAMInput{
		ClientId: &w.frontend, GrantType: aws.String(grantBearer),
		Assertion: aws.String(w.issuer.assertion(t, jose.ES256, assignedUser+"@example.com", assertionAud)),
	}
	refresh := ssooidc.CreateTokenWithIAMInput{ClientId: &w.frontend, GrantType: aws.String(grantRefresh)}
	refresh.RefreshToken = w.createToken(t, redeem).RefreshToken
	access := w.createToken(t, assertion).AccessToken

	for _, c := range []struct {
		how string
		end func(*testing.T)
	}{{"stopped", s.stop}, {"killed", func(t *testing.T) { w.server.kill(t) }}} {
		c.end(t)
		w.server = startServerOn(t, s.folder) // not in the subtest, which would end it
		t.Run(c.how, func(t *testing.T) {
			if !reflect.DeepEqual(w.server.env, env) {
				t.Errorf("symbolon env was %v, is %v", env, w.server.env)
			}
			w.expectActive(t, true, *access, w.frontend)
			out := w.createToken(t, refresh)
			w.checkTokens(t, out, env["SYMBOLON_USER"])
			refresh.RefreshToken = out.RefreshToken
			expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(t.Context(), t, assertion), "")
			w.bearer(t, jose.RS256, assignedUser)
			w.signInAgain(t, browser)
		})
	}
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(t.Context(), t, redeem), "")
	expectRefusal[*oidctypes.InvalidGrantException](t, w.refused(t.Context(), t, refresh), "")
}

// signInAgain: the browser's session outlives the restart, so that no password is asked for.
func (w *world) signInAgain(t *testing.T, b *browser) {
	t.Helper()
	b.signIn(t, w.frontend, redirectURI, "nobody", "wrong", newPKCE(), url.Values{"prompt": {"none"}})
}

// Servers on different folders live beside each other and know nothing of each other.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	// Without --listen each finds an address of its own.
	first := startServerOn(t, filepath.Join(t.TempDir(), "data"))
	second := startServerOn(t, filepath.Join(t.TempDir(), "data"))
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SYMBOLON_INSTANCE_ARN", "SYMBOLON_IDENTITY_STORE_ID", "SYMBOLON_PASSWORD"} {
		if first.env[name] == "" || first.env[name] == second.env[name] {
			t.Errorf("%s is %q and %q", name, first.env[name], second.env[name])
		}
	}
	one, two := newWorld(t, first, adminClients(t, first)), newWorld(t, second, adminClients(t, second))
	mine, theirs := one.signedIn(t), two.signedIn(t)
	one.expectActive(t, true, *mine.AccessToken, one.frontend)
	one.expectActive(t, false, *theirs.AccessToken, one.frontend)
	two.expectActive(t, false, *mine.RefreshToken, two.frontend)

	foreign := newGoClients(t, second, first.env["AWS_ACCESS_KEY_ID"], first.env["AWS_SECRET_ACCESS_KEY"], "")
	_, err := foreign.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	expectCode(t, "the other server's key", err, "InvalidClientTokenId")
}
