package symbolon

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// idp is somebody else's issuer, with one key.
type idp struct {
	*httptest.Server
	key   *ecdsa.PrivateKey
	ahead atomic.Int64 // of its clock
}

func newIDP(t testing.TB) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	i := &idp{key: key}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *idp) assertion(t testing.TB, jti string) string {
	return i.assertionFor(t, "alice@example.com", jti)
}

func (i *idp) assertionFor(t testing.TB, email, jti string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
	fatal(t, err)
	now := time.Now().Add(time.Duration(i.ahead.Load()))
	claims, err := json.Marshal(map[string]any{
		"iss": i.URL, "sub": "s", "aud": "symbolon", "email": email, "jti": jti,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	fatal(t, err)
	jws, err := s.Sign(claims)
	fatal(t, err)
	text, err := jws.CompactSerialize()
	fatal(t, err)
	return text
}

// declare gives the built-in application analytics a trusted token issuer, and returns the ARNs of both applications.
func (d *door) declare(t testing.TB, i *idp) (analytics, data string) {
	t.Helper()
	o, err := ParseOrganization("test", []byte(`
trustedTokenIssuers: [{ name: idp, issuerUrl: "`+i.URL+`" }]
applications:
  - name: analytics
    grants:
      refreshToken: true
      jwtBearer: [{ issuer: idp, audiences: [symbolon] }]
`))
	fatal(t, err)
	_, err = d.Apply(t.Context(), o)
	fatal(t, err)
	fatal(t, d.db.View(t.Context(), func(tx *store.Tx) error {
		for name, arn := range map[string]*string{"analytics": &analytics, "data-service": &data} {
			app, err := ssoadmin.ApplicationByName(tx, d.InstanceARN, name)
			if err != nil {
				return err
			}
			*arn = app.ARN
		}
		return nil
	}))
	return analytics, data
}

// create calls CreateTokenWithIAM as the administrator.
func (d *door) create(t testing.TB, in map[string]string) (map[string]any, reply) {
	t.Helper()
	body, err := json.Marshal(in)
	fatal(t, err)
	a := d.send(t, d.signed(d.request(t, "POST", tokenTarget, string(body), "Content-Type", "application/json"), "sso-oauth"))
	out := map[string]any{}
	fatal(t, json.Unmarshal([]byte(a.text), &out))
	return out, a
}

const (
	jwtBearer     = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
)

// TestStory: assertion, refresh, exchange and a replay through the whole server, on disk: each leaves one event with its reason, and
// no secret stands in the log or in the store (M02, B06, A14).
func TestStory(t *testing.T) {
	var log bytes.Buffer
	d := openDoor(t, func(c *Config) {
		c.Memory, c.LogRequests, c.Log = false, true, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	i := newIDP(t)
	analytics, data := d.declare(t, i)
	before := len(d.events(t))
	assertion := i.assertion(t, "one")
	first, a := d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": assertion})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	second, a := d.create(t, map[string]string{"clientId": analytics, "grantType": "refresh_token", "refreshToken": first["refreshToken"].(string)})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	third, a := d.create(t, map[string]string{"clientId": data, "grantType": tokenExchange, "subjectToken": second["accessToken"].(string), "subjectTokenType": accessToken})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	_, replay := d.create(t, map[string]string{"clientId": analytics, "grantType": jwtBearer, "assertion": assertion})
	_, unknown := d.create(t, map[string]string{"clientId": "nobody", "grantType": "refresh_token", "refreshToken": second["refreshToken"].(string)})
	if replay.code() != "InvalidGrantException" || unknown.code() != "InvalidClientException" {
		t.Errorf("the refusals are %s and %s", replay.text, unknown.text)
	}
	d.checkEvents(t, d.events(t)[before:], analytics)

	secrets := []string{assertion, assertion[strings.LastIndex(assertion, ".")+1:], d.SecretAccessKey, d.Password}
	for _, out := range []map[string]any{first, second, third} {
		for _, name := range []string{"accessToken", "refreshToken", "idToken"} {
			if s, ok := out[name].(string); ok {
				secrets = append(secrets, s, s[8:60])
			}
		}
	}
	fatal(t, d.Server.Close())
	d.holdsNone(t, secrets, log.String())
}

// holdsNone: no secret stands in the process's log or in any file but the one that is there to remember them.
func (d *door) holdsNone(t *testing.T, secrets []string, log string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(d.folder, "*"))
	fatal(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		fatal(t, err)
		for _, secret := range secrets {
			if strings.Contains(log, secret) {
				t.Errorf("the process's log holds a secret that begins with %.12s", secret)
			}
			if filepath.Base(name) != developmentFile && strings.Contains(string(text), secret) {
				t.Errorf("%s holds a secret that begins with %.12s", filepath.Base(name), secret)
			}
		}
	}
}

// checkEvents: one event for each request, in order, with CloudTrail's members and the exact reason of each refusal.
func (d *door) checkEvents(t *testing.T, events []map[string]any, application string) {
	t.Helper()
	want := []struct{ code, reason string }{
		{"", ""}, {"", ""}, {"", ""}, {"InvalidGrantException", "used already (jti)"}, {"InvalidClientException", `"nobody" names no application`},
	}
	if len(events) != len(want) {
		t.Fatalf("%d events for %d requests", len(events), len(want))
	}
	var ids []string
	for n, e := range events {
		notes, _ := e["additionalEventData"].(map[string]any)
		code, _ := e["errorCode"].(string)
		reason, _ := notes["refusalReason"].(string)
		if code != want[n].code || !strings.Contains(reason, want[n].reason) {
			t.Errorf("event %d has %q %q", n, code, reason)
		}
		identity, _ := e["userIdentity"].(map[string]any)
		if e["eventName"] != "CreateTokenWithIAM" || e["eventSource"] != "sso-oauth.amazonaws.com" || identity["type"] != "IAMUser" || identity["accessKeyId"] != d.AccessKeyID {
			t.Errorf("event %d is %v", n, e)
		}
		if id, _ := e["requestID"].(string); id == "" || slices.Contains(ids, id) {
			t.Errorf("event %d has the request id %q", n, id)
		} else {
			ids = append(ids, id)
		}
	}
	resources, _ := json.Marshal(events[0]["resources"])
	if !strings.Contains(string(resources), application) || !strings.Contains(string(resources), "AWS::SSO::Application") {
		t.Errorf("the resources are %s", resources)
	}
}

// TestRefusalsAreRecorded: a request that gets no further than the door leaves its event too, with the reason.
func TestRefusalsAreRecorded(t *testing.T) {
	d := openDoor(t, nil)
	before := len(d.events(t))
	bad := d.tokenRequest(t)
	bad.Header.Set("X-Amz-Date", "20200101T000000Z")
	requests := []*http.Request{
		d.request(t, "POST", tokenTarget, "{}"), bad, d.request(t, "POST", "/nothing", "{}"), d.request(t, "POST", tokenTarget, strings.Repeat("a", 65<<10)),
		d.request(t, "GET", tokenTarget, ""),
	}
	for _, r := range requests {
		d.send(t, r)
	}
	events := d.events(t)[before:]
	if len(events) != len(requests) {
		t.Fatalf("%d events for %d requests", len(events), len(requests))
	}
	for n, e := range events {
		notes, _ := e["additionalEventData"].(map[string]any)
		if e["errorCode"] == "" || notes["refusalReason"] == "" || notes["refusalReason"] == nil {
			t.Errorf("event %d is %v", n, e)
		}
	}
}

// TestLimits: with limits on a flood is slowed down in the service's own words, and let in again later (B11).
func TestLimits(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Limits = "on" })
	clock := time.Now()
	d.limits.now = func() time.Time { return clock }
	ask := func() reply { return d.send(t, d.request(t, "POST", tokenTarget, "{}")) } // strangers count too
	var slowed reply
	for n := range d.limits.address.burst + 10 {
		if a := ask(); a.code() != "MissingAuthenticationTokenException" {
			if slowed = a; n < d.limits.address.burst-10 {
				t.Fatalf("request %d is slowed down", n)
			}
			break
		}
	}
	if slowed.code() != "SlowDownException" || slowed.status != 400 || slowed.header.Get("Retry-After") == "" || !strings.Contains(slowed.text, `"slow_down"`) {
		t.Errorf("a flood is answered %d %s %s", slowed.status, slowed.code(), slowed.text)
	}
	clock = clock.Add(time.Second)
	if a := ask(); a.code() != "MissingAuthenticationTokenException" {
		t.Errorf("a second later: %s", a.text)
	}
}
