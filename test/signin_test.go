package test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is a browser without script: it keeps cookies, fills the form it is shown, and follows redirects until one leaves
// the server. Over http its jar never sends a Secure cookie, as Python's requests does not.
type browser struct {
	base string
	http *http.Client
}

func newBrowser(base string) *browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{base: base, http: &http.Client{Jar: jar, Timeout: startLimit, CheckRedirect: stay}}
}

// pkce is the proof key of one authorization request (RFC 7636).
type pkce struct{ verifier, challenge string }

func newPKCE() pkce {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	return pkce{verifier, base64.RawURLEncoding.EncodeToString(sum[:])}
}

// signIn asks for a code, as the user, and returns it once state and issuer are what they must be (RFC 9207).
func (b *browser) signIn(t *testing.T, clientID, redirectURI, user, password string, proof pkce, more url.Values) string {
	t.Helper()
	q := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "state": {rand.Text()},
		"code_challenge": {proof.challenge}, "code_challenge_method": {"S256"},
	}
	for name, values := range more {
		q[name] = values
	}
	answer, err := b.walk(b.base+"/authorize?"+q.Encode(), user, password)
	if err != nil {
		t.Fatal(err)
	}
	got := answer.Query()
	if !strings.HasPrefix(answer.String(), redirectURI+"?") || got.Get("state") != q.Get("state") || got.Get("iss") != b.base || got.Get("code") == "" {
		t.Fatalf("the journey ended at %s, not at %s with code, state %s and iss %s", answer, redirectURI, q.Get("state"), b.base)
	}
	return got.Get("code")
}

// walk goes from page to page until a redirect leads elsewhere.
func (b *browser) walk(start, user, password string) (*url.URL, error) {
	r, err := http.NewRequest(http.MethodGet, start, nil)
	for steps := 0; err == nil && steps < 10; steps++ {
		var next *url.URL
		var page string
		if next, page, err = b.visit(r); err != nil {
			break
		}
		switch {
		case next != nil && !strings.HasPrefix(next.String(), b.base+"/"):
			return next, nil
		case next != nil:
			r, err = http.NewRequest(http.MethodGet, next.String(), nil)
		default:
			r, err = fillForm(r.URL, page, user, password)
		}
	}
	if err == nil {
		err = errors.New("the sign-in journey does not end")
	}
	return nil, err
}

// visit is where a request leads: another place, or a page.
func (b *browser) visit(r *http.Request) (next *url.URL, page string, err error) {
	answer, err := b.http.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		next, err = answer.Location()
		return next, "", err
	}
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: HTTP %d\n%s", r.Method, r.URL, answer.StatusCode, body)
	}
	return nil, string(body), err
}

var (
	formTag   = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?s)<input\b([^>]*)>`)
	attribute = regexp.MustCompile(`\b([a-z-]+)="([^"]*)"`)
)

// fillForm fills the page's first form in: what is hidden stays, a password field gets the password, the rest the user name.
func fillForm(page *url.URL, text, user, password string) (*http.Request, error) {
	form := formTag.FindStringSubmatch(text)
	if form == nil {
		return nil, fmt.Errorf("the page has no form:\n%s", text)
	}
	target, err := page.Parse(attributes(form[1])["action"])
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(form[2], -1) {
		switch a := attributes(input[1]); a["type"] {
		case "hidden":
			values.Set(a["name"], a["value"])
		case "password":
			values.Set(a["name"], password)
		case "text", "email", "":
			values.Set(a["name"], user)
		}
	}
	r, err := http.NewRequest(http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r, err
}

func attributes(tag string) map[string]string {
	all := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		all[m[1]] = html.UnescapeString(m[2])
	}
	return all
}
