package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// tokens is the answer of CreateTokenWithIAM.
type tokens struct {
	AccessToken, TokenType, RefreshToken, IDToken, IssuedTokenType string
	ExpiresIn                                                      int
	Scope                                                          []string
	AWSAdditionalDetails                                           struct{ IdentityContext string }
}

func (d *demo) heading(grant, what string) {
	fmt.Fprintf(d.out, "\n== %s\n   %s\n", grant, what)
}

func (d *demo) show(label, value string) {
	if len(value) > 100 {
		value = value[:60] + fmt.Sprintf("… (%d characters)", len(value))
	}
	fmt.Fprintf(d.out, "   %-16s %s\n", label, value)
}

func (d *demo) showTokens(t tokens) {
	d.show("accessToken", t.AccessToken)
	d.show("expiresIn", fmt.Sprint(t.ExpiresIn))
	d.show("scope", strings.Join(t.Scope, " "))
	if t.RefreshToken != "" {
		d.show("refreshToken", t.RefreshToken)
	}
	if t.IDToken != "" {
		d.show("idToken", idTokenSummary(t.IDToken))
	}
	if c := t.AWSAdditionalDetails.IdentityContext; c != "" {
		d.show("identityContext", c)
	}
}

// idTokenSummary shows a few claims; a real client verifies them by discovery.
func idTokenSummary(jwt string) string {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return jwt
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return jwt
	}
	var claims struct {
		Sub string         `json:"sub"`
		Act map[string]any `json:"act"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return jwt
	}
	if claims.Act == nil {
		return "sub " + claims.Sub
	}
	return fmt.Sprintf("sub %s act %v", claims.Sub, claims.Act["sub"])
}

// authorizationCode signs alice in through the real pages and redeems the code.
func (d *demo) authorizationCode(ctx context.Context) (tokens, error) {
	d.heading("authorization_code", "alice signs in on the page; the application redeems the code with PKCE")
	const redirect = "http://127.0.0.1:33418/callback"
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	state := rand.Text()
	code, err := d.client.signIn(ctx, url.Values{
		"response_type": {"code"}, "client_id": {d.portal}, "redirect_uri": {redirect}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}, d.state.User, d.state.Password)
	if err != nil {
		return tokens{}, err
	}
	d.show("code", code)
	t, err := d.client.createToken(ctx, map[string]any{
		"clientId": d.portal, "grantType": "authorization_code", "code": code, "redirectUri": redirect, "codeVerifier": verifier,
	})
	if err == nil {
		d.showTokens(t)
	}
	return t, err
}

func (d *demo) refreshToken(ctx context.Context, t tokens) error {
	d.heading("refresh_token", "the token rotates; asked again at once, the superseded one gets the same successor")
	request := map[string]any{"clientId": d.portal, "grantType": "refresh_token", "refreshToken": t.RefreshToken}
	first, err := d.client.createToken(ctx, request)
	if err != nil {
		return err
	}
	again, err := d.client.createToken(ctx, request)
	if err != nil {
		return err
	}
	d.showTokens(first)
	d.show("same successor", fmt.Sprint(first.RefreshToken == again.RefreshToken))
	return nil
}

func (d *demo) jwtBearer(ctx context.Context) (tokens, error) {
	d.heading("urn:ietf:params:oauth:grant-type:jwt-bearer", "an assertion of the trusted token issuer stands for alice; a second use is refused")
	assertion, err := d.issuer.assertion("alice@example.com", "demo-worker")
	if err != nil {
		return tokens{}, err
	}
	request := map[string]any{"clientId": d.worker, "grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
	t, err := d.client.createToken(ctx, request)
	if err != nil {
		return t, err
	}
	d.showTokens(t)
	_, refused := d.client.createToken(ctx, request)
	if refused == nil {
		return t, fmt.Errorf("the assertion was taken twice")
	}
	fmt.Fprintf(d.out, "   %-16s %s\n", "used again", refused)
	return t, nil
}

func (d *demo) tokenExchange(ctx context.Context, subject tokens) error {
	d.heading("urn:ietf:params:oauth:grant-type:token-exchange", "reports exchanges portal's access token, one of whose scopes targets it, for its own")
	t, err := d.client.createToken(ctx, map[string]any{
		"clientId": d.reports, "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
		"subjectToken": subject.AccessToken, "subjectTokenType": "urn:ietf:params:oauth:token-type:access_token",
	})
	if err == nil {
		d.showTokens(t)
	}
	return err
}

// assumeRole takes the identity context to STS and asks STS who the new credentials are.
func (d *demo) assumeRole(ctx context.Context, t tokens) error {
	d.heading("sts AssumeRole", "role credentials on behalf of alice, by the identity context")
	role := "arn:aws:iam::" + d.state.AccountID + ":role/report-reader"
	answer, err := d.client.query(ctx, d.client.admin, url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {"demo"},
		"ProvidedContexts.member.1.ProviderArn":      {"arn:aws:iam::aws:contextProvider/IdentityCenter"},
		"ProvidedContexts.member.1.ContextAssertion": {t.AWSAdditionalDetails.IdentityContext},
	})
	if err != nil {
		return err
	}
	session := demoCredentials{key: answer.element("AccessKeyId"), secret: answer.element("SecretAccessKey"), token: answer.element("SessionToken")}
	d.show("AccessKeyId", session.key)
	d.show("Expiration", answer.element("Expiration"))
	who, err := d.client.query(ctx, session, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}})
	if err == nil {
		d.show("caller identity", who.element("Arn"))
	}
	return err
}
