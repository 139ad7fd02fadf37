package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// The caller, an IAM user that the organization declares.
var caller = sigv4.Credential{AccessKeyID: "AKIABENCHBENCHBENCH1", SecretAccessKey: "bench+only+a+key+of+a+throwaway+server1"}

const (
	signers  = 16 // users with a password, for codes
	password = "correct-horse-battery-staple-9"
	redirect = "http://127.0.0.1:33418/callback"
	region   = "us-east-1"
	instance = "arn:aws:sso:::instance/ssoins-0123456789abcdef"
)

// organization has as many users as asked for, all in one group that is assigned to the applications; the first of them have a password.
func organization(users, signers int, issuer string) []byte {
	var b, members bytes.Buffer
	fmt.Fprintf(&b, "instance: { name: bench, account: \"111122223333\", arn: %q, identityStoreId: d-0123456789 }\nusers:\n", instance)
	for i := range users {
		fmt.Fprintf(&b, "  - { userName: user%d, displayName: User %d, givenName: User, familyName: Nr%d, email: %s", i, i, i, email(i))
		if i < signers {
			fmt.Fprintf(&b, ", password: %s", password)
		}
		b.WriteString(" }\n")
		fmt.Fprintf(&members, "user%d,", i)
	}
	fmt.Fprintf(&b, `groups:
  - { name: everyone, members: [%s] }
trustedTokenIssuers:
  - { name: issuer, issuerUrl: %q, claim: email, attribute: emails.value }
applications:
  - name: web
    actors: ["arn:aws:iam::111122223333:user/bench"]
    grants: { authorizationCode: { redirectUris: ["http://127.0.0.1/callback"] }, refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { groups: [everyone] }
  - name: worker
    actors: ["arn:aws:iam::111122223333:user/bench"]
    grants: { jwtBearer: [ { issuer: issuer, audiences: [worker] } ], refreshToken: true }
    scopes: [ { scope: "reports:read", targets: [reports] } ]
    assignments: { groups: [everyone] }
  - name: reports
    actors: ["arn:aws:iam::111122223333:user/bench"]
    grants: { tokenExchange: true }
    scopes: [ { scope: "reports:read" } ]
    assignments: { groups: [everyone] }
iam:
  users:
    - name: bench
      accessKeys: [ { id: %s, secret: %q } ]
      inlinePolicies:
        calls:
          Version: "2012-10-17"
          Statement: [ { Effect: Allow, Action: ["sso-oauth:*", "sso:ListApplications"], Resource: "*" } ]
`, strings.TrimSuffix(members.String(), ","), issuer, caller.AccessKeyID, caller.SecretAccessKey)
	return b.Bytes()
}

func email(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// world is a Symbolon server and what the cases draw from.
type world struct {
	*lab
	store    string // what kind, if not the embedded one
	database *postgrestest.Cluster
	symbolon *child
	config   childConfig
	apps     map[string]string
	browsers []*http.Client
	refresh  []string // the newest refresh token of each user's family
	access   []string // a live access token of each user
	oneUser  []string // refresh tokens of families of one user
	cases    []*benchCase
	profiled bool
	highest  int64 // bytes resident, after any pass
}

// build makes what the cases draw from.
func (w *world) build(ctx context.Context) error {
	if err := w.findApplications(ctx); err != nil {
		return err
	}
	if err := w.signIn(ctx); err != nil {
		return err
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	w.cases = w.selectCases()
	return nil
}

func (w *world) close() {
	w.symbolon.close()
	if w.database != nil {
		_ = w.database.Close() // its keeper ends it if this could not
	}
}

// startProfile tells the server that preparations are over.
func (w *world) startProfile() error {
	if w.profile == "" || w.profiled || w.database != nil {
		return nil
	}
	w.profiled = true
	return w.symbolon.process.Process.Signal(syscall.SIGUSR1)
}

// signed is a request as it goes over the wire.
func (w *world) signed(path, contentType string, body []byte, more ...string) ([]byte, error) {
	service := "sso-oauth"
	r, err := http.NewRequest(http.MethodPost, "http://"+w.symbolon.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "symbolon-bench")
	if len(more) > 0 {
		service = more[0]
		r.Header.Set("X-Amz-Target", more[1])
	}
	sigv4.Sign(r, body, caller, "", service, region, time.Now())
	var wire bytes.Buffer
	err = r.Write(&wire)
	return wire.Bytes(), err
}

// token is a CreateTokenWithIAM request.
func (w *world) token(app string, scope []string, members map[string]string) ([]byte, error) {
	request := map[string]any{"clientId": w.apps[app]}
	for name, value := range members {
		request[name] = value
	}
	if scope != nil {
		request["scope"] = scope
	}
	return w.signed("/token?aws_iam=t", "application/json", mustJSON(request))
}

func (w *world) introspection(app, token string) ([]byte, error) {
	form := url.Values{"token": {token}, "client_id": {w.apps[app]}}
	return w.signed("/oauth2/introspect", "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (w *world) findApplications(ctx context.Context) error {
	request, err := w.applicationList()
	if err != nil {
		return err
	}
	p, err := drive(ctx, w.symbolon, 1, [][]byte{request}, true)
	if err != nil || p.failures > 0 {
		return errors.Join(err, fmt.Errorf("ListApplications: %s", p.firstFailure))
	}
	return w.readApplications(p.bodies[0])
}

// applicationList asks for the applications.
func (w *world) applicationList() ([]byte, error) {
	return w.signed("/", "application/x-amz-json-1.1", mustJSON(map[string]string{"InstanceArn": instance}), "sso", "SWBExternalService.ListApplications")
}

func (w *world) readApplications(answer []byte) error {
	var list struct {
		Applications []struct{ ApplicationArn, Name string }
	}
	err := json.Unmarshal(answer, &list)
	for _, a := range list.Applications {
		w.apps[a.Name] = a.ApplicationArn
	}
	return err
}

// begin gives every user a family and an access token.
func (w *world) begin(ctx context.Context) error {
	requests, err := w.assertions(w.users, "ES256", nil, email)
	if err != nil {
		return err
	}
	p, err := drive(ctx, w.symbolon, 64, requests, true)
	if err == nil && p.failures > 0 {
		err = errors.New(p.firstFailure)
	}
	if err != nil {
		return fmt.Errorf("beginning the families: %w", err)
	}
	w.refresh, w.access = make([]string, w.users), make([]string, w.users)
	for i, body := range p.bodies {
		var k struct{ AccessToken, RefreshToken string }
		if err := json.Unmarshal(body, &k); err != nil {
			return err
		}
		w.refresh[i], w.access[i] = k.RefreshToken, k.AccessToken
	}
	return nil
}
