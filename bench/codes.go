package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
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
)

var (
	formAction  = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	inputTag    = regexp.MustCompile(`<input[^>]*>`)
	inputMember = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// signIn signs a few users in on the pages, once each: their sessions are good for any number of codes.
func (w *world) signIn(ctx context.Context) error {
	w.browsers = make([]*http.Client, min(signers, w.users))
	return inParallel(len(w.browsers), func(i int) error {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		w.browsers[i] = &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		return w.fillForm(ctx, w.browsers[i], fmt.Sprintf("user%d", i))
	})
}

func (w *world) fillForm(ctx context.Context, browser *http.Client, user string) error {
	response, page, err := visit(ctx, browser, http.MethodGet, w.authorize(""), nil)
	if err != nil {
		return err
	}
	action := formAction.FindSubmatch(page)
	if response.StatusCode != http.StatusOK || action == nil {
		return fmt.Errorf("sign-in page: HTTP %d", response.StatusCode)
	}
	form := url.Values{}
	for _, tag := range inputTag.FindAll(page, -1) {
		member := map[string]string{}
		for _, m := range inputMember.FindAllSubmatch(tag, -1) {
			member[string(m[1])] = html.UnescapeString(string(m[2]))
		}
		form.Set(member["name"], member["value"])
	}
	form.Set("username", user)
	form.Set("password", password)
	target, err := response.Request.URL.Parse(html.UnescapeString(string(action[1])))
	if err != nil {
		return err
	}
	response, _, err = visit(ctx, browser, http.MethodPost, target.String(), form)
	if err == nil && response.StatusCode != http.StatusSeeOther {
		err = fmt.Errorf("sign-in of %s: HTTP %d", user, response.StatusCode)
	}
	return err
}

func visit(ctx context.Context, browser *http.Client, method, target string, form url.Values) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := browser.Do(r)
	if err != nil {
		return nil, nil, err
	}
	page, err := io.ReadAll(response.Body)
	return response, page, errors.Join(err, response.Body.Close())
}

func (w *world) authorize(verifier string) string {
	challenge := sha256.Sum256([]byte(verifier))
	return "http://" + w.symbolon.address + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {w.apps["web"]}, "redirect_uri": {redirect}, "state": {"s"},
		"code_challenge": {b64(challenge[:])}, "code_challenge_method": {"S256"}, "scope": {"openid reports:read"},
	}.Encode()
}

// codes are n requests that each redeem a code of their own.
func (w *world) codes(ctx context.Context, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	return requests, inParallel(n, func(i int) error {
		verifier := rand.Text() + rand.Text()
		response, _, err := visit(ctx, w.browsers[i%len(w.browsers)], http.MethodGet, w.authorize(verifier), nil)
		if err != nil {
			return err
		}
		location, err := url.Parse(response.Header.Get("Location"))
		if err != nil || location.Query().Get("code") == "" {
			return errors.Join(err, fmt.Errorf("no code: HTTP %d", response.StatusCode))
		}
		requests[i], err = w.token("web", nil, map[string]string{
			"grantType": "authorization_code", "code": location.Query().Get("code"), "redirectUri": redirect, "codeVerifier": verifier,
		})
		return err
	})
}
