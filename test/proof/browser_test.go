package proof

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browser is alice's, signed in.
type browser struct {
	s    *server
	http *http.Client
	last answer
}

const redirectURI = "http://127.0.0.1:33418/callback"

var (
	formAction  = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	inputTag    = regexp.MustCompile(`<input[^>]*>`)
	inputMember = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// signIn walks through the pages and throws the code away: the session is what later codes need.
func (s *server) signIn(t *testing.T) *browser {
	t.Helper()
	b, err := s.trySignIn()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *server) trySignIn() (*browser, error) {
	b := s.newBrowser()
	a := b.fill(b.authorize(rand.Text()+rand.Text()), url.Values{"username": {"alice"}, "password": {password}})
	if a.code() == "" {
		return nil, fmt.Errorf("sign-in: %v, %w", a, a.err)
	}
	return b, nil
}

func (s *server) newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &browser{s: s, http: &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		Transport: &http.Transport{
			Proxy: nil, DisableKeepAlives: true,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return s.dial(s.anyone()) },
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// clone is a browser with the same cookies; what becomes of the one's the other does not see.
func (b *browser) clone() *browser {
	c := b.s.newBrowser()
	at := &url.URL{Scheme: "http", Host: strings.TrimPrefix(b.s.endpoint, "http://")}
	c.http.Jar.SetCookies(at, b.http.Jar.Cookies(at))
	return c
}

// fill gets a page with a form, and sends the form with these values in it.
func (b *browser) fill(page string, values url.Values) (a answer) {
	shown := b.send(http.MethodGet, page, nil)
	action := formAction.FindSubmatch(shown.body)
	if shown.status != http.StatusOK || action == nil {
		return answer{err: fmt.Errorf("no form: %v, %w", shown, shown.err)}
	}
	for _, tag := range inputTag.FindAll(shown.body, -1) {
		member := map[string]string{}
		for _, m := range inputMember.FindAllSubmatch(tag, -1) {
			member[string(m[1])] = html.UnescapeString(string(m[2]))
		}
		if values.Get(member["name"]) == "" {
			values.Set(member["name"], member["value"])
		}
	}
	base, err := url.Parse(page)
	if err != nil {
		return answer{err: err}
	}
	target, err := base.Parse(html.UnescapeString(string(action[1])))
	if err != nil {
		return answer{err: err}
	}
	return b.send(http.MethodPost, target.String(), values)
}

// send is one request of the browser's; a redirection counts as 200, since it is what success looks like here.
func (b *browser) send(method, target string, form url.Values) (a answer) {
	r, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{err: err}
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a.call, a.sent = moment(), true
	defer func() {
		a.back = moment()
		b.last = a
	}()
	response, err := b.http.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	if a.body, a.err = io.ReadAll(response.Body); a.err != nil {
		return a
	}
	a.status, a.id, a.location = response.StatusCode, response.Header.Get("X-Amzn-Requestid"), response.Header.Get("Location")
	if a.status == http.StatusSeeOther {
		a.status = http.StatusOK
	}
	return a
}

func (b *browser) authorize(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return b.s.endpoint + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {b.s.apps["web"]}, "redirect_uri": {redirectURI}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// code gets one more code for the session.
func (b *browser) code(t *testing.T) (code, verifier string) {
	t.Helper()
	code, verifier, err := b.tryCode()
	if err != nil || code == "" {
		t.Fatalf("no code: %v", err)
	}
	return code, verifier
}

func (b *browser) tryCode() (code, verifier string, err error) {
	verifier = rand.Text() + rand.Text()
	a := b.ask(verifier)
	if a.err != nil {
		return "", "", a.err
	}
	return a.code(), verifier, nil
}

// ask asks for a code; the answer is 200 only if there is one.
func (b *browser) ask(verifier string) answer {
	a := b.send(http.MethodGet, b.authorize(verifier), nil)
	if a.status == http.StatusOK && a.code() == "" {
		a.status = http.StatusUnauthorized // the sign-in page
	}
	return a
}

// signOut fills in the form that ends the session.
func (b *browser) signOut() answer { return b.fill(b.s.endpoint+"/signout", url.Values{}) }

// code is what an answer of the authorization endpoint redirects with.
func (a answer) code() string {
	location, err := url.Parse(a.location)
	if err != nil {
		return ""
	}
	return location.Query().Get("code")
}

func (s *server) redeem(code, verifier string) *call {
	return s.token("web", "grantType", "authorization_code", "code", code, "redirectUri", redirectURI, "codeVerifier", verifier)
}
