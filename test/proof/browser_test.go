package proof

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
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
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	b := &browser{s, &http.Client{
		Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	response, err := b.http.Get(b.authorize(rand.Text() + rand.Text()))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	action := formAction.FindSubmatch(page)
	if err != nil || response.StatusCode != http.StatusOK || action == nil {
		t.Fatalf("sign-in page: HTTP %d, %v\n%s", response.StatusCode, err, page)
	}
	form := url.Values{}
	for _, tag := range inputTag.FindAll(page, -1) {
		member := map[string]string{}
		for _, m := range inputMember.FindAllSubmatch(tag, -1) {
			member[string(m[1])] = html.UnescapeString(string(m[2]))
		}
		form.Set(member["name"], member["value"])
	}
	form.Set("username", "alice")
	form.Set("password", password)
	target, err := response.Request.URL.Parse(html.UnescapeString(string(action[1])))
	if err != nil {
		t.Fatal(err)
	}
	if response, err = b.http.PostForm(target.String(), form); err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther || !strings.Contains(response.Header.Get("Location"), "code=") {
		t.Fatalf("sign-in: HTTP %d, Location %q", response.StatusCode, response.Header.Get("Location"))
	}
	return b
}

func (b *browser) authorize(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return b.s.env["AWS_ENDPOINT_URL"] + "/authorize?" + url.Values{
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
	response, err := b.http.Get(b.authorize(verifier))
	if err != nil {
		return "", "", err
	}
	response.Body.Close()
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return "", "", err
	}
	return location.Query().Get("code"), verifier, nil
}

func (s *server) redeem(code, verifier string) *call {
	return s.token("web", "grantType", "authorization_code", "code", code, "redirectUri", redirectURI, "codeVerifier", verifier)
}
