package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/symbolon/symbolon"
	"github.com/symbolon/symbolon/internal/sigv4"
)

// demoClient speaks to the server as an SDK and as a browser would: signed requests, forms and cookies.
type demoClient struct {
	base, region string
	admin        demoCredentials
	http         *http.Client
}

type demoCredentials struct{ key, secret, token string }

func newDemoClient(d symbolon.Development) *demoClient {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &demoClient{
		base: d.Issuer, region: d.Region, admin: demoCredentials{key: d.AccessKeyID, secret: d.SecretAccessKey},
		http: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// signed sends a request signed with SigV4 and returns the body of a 200 answer.
func (c *demoClient) signed(ctx context.Context, as demoCredentials, service, path string, header http.Header, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	sigv4.Sign(r, body, sigv4.Credential{AccessKeyID: as.key, SecretAccessKey: as.secret}, as.token, service, c.region, time.Now())
	status, answer, _, err := c.do(r)
	if err == nil && status != http.StatusOK {
		err = refusal(status, answer)
	}
	return answer, err
}

// refusal is the error of an answer that is not 200: its description where it has one.
func refusal(status int, answer []byte) error {
	var oauth struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(answer, &oauth) == nil && oauth.Description != "" {
		return fmt.Errorf("HTTP %d: %s", status, oauth.Description)
	}
	return fmt.Errorf("HTTP %d: %s", status, bytes.TrimSpace(answer))
}

func (c *demoClient) do(r *http.Request) (int, []byte, http.Header, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, body, response.Header, errors.Join(err, response.Body.Close())
}

// createToken calls CreateTokenWithIAM.
func (c *demoClient) createToken(ctx context.Context, request map[string]any) (tokens, error) {
	var t tokens
	body, err := json.Marshal(request)
	if err != nil {
		return t, err
	}
	answer, err := c.signed(ctx, c.admin, "sso-oauth", "/token?aws_iam=t", http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(answer, &t)
}

// json11 calls an operation of the JSON 1.1 services.
func (c *demoClient) json11(ctx context.Context, service, target string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	text, err := c.signed(ctx, c.admin, service, "/", http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// xmlAnswer is an answer of the query protocol.
type xmlAnswer string

// element is the text of the first element with that name.
func (x xmlAnswer) element(name string) string {
	_, rest, _ := strings.Cut(string(x), "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return html.UnescapeString(text)
}

// query calls STS.
func (c *demoClient) query(ctx context.Context, as demoCredentials, form url.Values) (xmlAnswer, error) {
	answer, err := c.signed(ctx, as, "sts", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	return xmlAnswer(answer), err
}

var (
	formAction = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	hiddenTag  = regexp.MustCompile(`<input[^>]*\stype="hidden"[^>]*>`)
	nameValue  = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// signIn walks through the pages as a browser does: opens /authorize, fills the form in, and reads the code off the redirect.
func (c *demoClient) signIn(ctx context.Context, authorize url.Values, user, password string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/authorize?"+authorize.Encode(), nil)
	if err != nil {
		return "", err
	}
	status, page, _, err := c.do(r)
	if err != nil || status != http.StatusOK {
		return "", errors.Join(err, fmt.Errorf("the sign-in page: HTTP %d", status))
	}
	action := formAction.FindSubmatch(page)
	if action == nil {
		return "", errors.New("the sign-in page has no form")
	}
	form := url.Values{"username": {user}, "password": {password}}
	for _, tag := range hiddenTag.FindAll(page, -1) {
		attributes := map[string]string{}
		for _, m := range nameValue.FindAllSubmatch(tag, -1) {
			attributes[string(m[1])] = html.UnescapeString(string(m[2]))
		}
		form.Set(attributes["name"], attributes["value"])
	}
	return c.submit(ctx, c.base+html.UnescapeString(string(action[1])), form, authorize.Get("state"))
}

// submit posts the form and checks the answer's state and issuer before it trusts the code (RFC 9207).
func (c *demoClient) submit(ctx context.Context, target string, form url.Values, state string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, header, err := c.do(r)
	if err != nil {
		return "", err
	}
	location, err := url.Parse(header.Get("Location"))
	if err != nil || status != http.StatusSeeOther {
		return "", errors.Join(err, fmt.Errorf("the sign-in form: HTTP %d", status))
	}
	q := location.Query()
	if q.Get("state") != state || q.Get("iss") != c.base {
		return "", errors.New("the redirect carries another state or issuer")
	}
	if q.Get("code") == "" {
		return "", fmt.Errorf("the redirect carries no code: %s %s", q.Get("error"), q.Get("error_description"))
	}
	return q.Get("code"), nil
}
