package test

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	admintypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/chromedp/chromedp"
)

// chromium is a headless browser with a profile of its own, and what it complained about.
type chromium struct {
	context.Context
	mu         sync.Mutex
	complaints []string
}

// startChromium skips the test when the machine has no Chromium.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("MISSING: chromium is not on this machine, so the sign-in page was not tried in a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true))
	ctx, cancel := context.WithTimeout(t.Context(), childLimit)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &chromium{Context: ctx}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return // the browser has ended
			}
			b.hear(m)
		}
	}()
	return b
}

// hear keeps what the console says, save that a sign-in failed, which the page says as well.
func (b *chromium) hear(m chromedp.ConsoleMessage) {
	if strings.Contains(m.Text, "status of 401") {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, m.String())
}

// heard is what the console has said so far.
func (b *chromium) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complaints)
}

func (b *chromium) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b, steps...); err != nil {
		t.Fatalf("chromium: %v; it complains of %q", err, b.heard())
	}
}

// ask evaluates an expression in the page.
func (b *chromium) ask(t *testing.T, expression string) string {
	t.Helper()
	text, err := chromedp.Run(b, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatalf("chromium: %s: %v", expression, err)
	}
	return text
}

// callback is an application on this machine: it remembers what browsers bring.
type callback struct {
	uri     string
	arrived chan url.Values
}

// startCallback listens on a free port of a loopback address.
func startCallback(t *testing.T, address string) *callback {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("MISSING: %s is no address of this machine: %v", address, err)
	}
	c := &callback{uri: "http://" + l.Addr().String() + "/callback", arrived: make(chan url.Values, 10)}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			if r.Referer() != "" {
				t.Errorf("the browser tells the application that it comes from %s", r.Referer())
			}
			c.arrived <- r.URL.Query()
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>the application</title><p id=here>here"))
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { s.Close() })
	return c
}

// request is an authorization request that comes back here.
func (c *callback) request(s *server, clientID string, proof pkce) (target, state string) {
	q := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {c.uri}, "state": {rand.Text()}, "scope": {"openid"},
		"code_challenge": {proof.challenge}, "code_challenge_method": {"S256"},
	}
	return s.url + "/authorize?" + q.Encode(), q.Get("state")
}

// code waits for the browser and wants it to bring a code.
func (c *callback) code(t *testing.T, issuer, state string) string {
	t.Helper()
	select {
	case q := <-c.arrived:
		if q.Get("code") == "" || q.Get("state") != state || q.Get("iss") != issuer {
			t.Fatalf("the browser brings %v", q)
		}
		return q.Get("code")
	case <-time.After(startLimit):
		t.Fatal("the browser does not come back")
	}
	return ""
}

// TestChromium goes the way of a person: from the application to the sign-in page, a mistyped password, back with a code,
// and signing out, which ends what the code was exchanged for.
func TestChromium(t *testing.T) {
	b := startChromium(t)
	s := startServer(t)
	w := newWorld(t, s, adminClients(t, s))
	_ = must(w.admin.PutApplicationGrant(t.Context(), &ssoadmin.PutApplicationGrantInput{
		ApplicationArn: &w.frontend, GrantType: admintypes.GrantTypeAuthorizationCode,
		Grant: &admintypes.GrantMemberAuthorizationCode{Value: admintypes.AuthorizationCodeGrant{RedirectUris: []string{registeredURI, "http://[::1]/callback"}}},
	}))(t)
	user, password := s.env["SYMBOLON_USER"], s.env["SYMBOLON_PASSWORD"]
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			app, proof := startCallback(t, address), newPKCE()
			target, state := app.request(s, w.frontend, proof)
			b.signIn(t, target, user, password)
			code := app.code(t, s.url, state)
			out := w.createToken(t, ssooidc.CreateTokenWithIAMInput{
				ClientId: &w.frontend, GrantType: aws.String(grantCode), Code: &code, RedirectUri: &app.uri, CodeVerifier: &proof.verifier,
			})
			target, state = app.request(s, w.frontend, newPKCE())
			b.do(t, chromedp.Navigate(target), chromedp.WaitVisible(chromedp.CSS("#here")))
			app.code(t, s.url, state)
			w.expectActive(t, true, aws.ToString(out.AccessToken), w.frontend)
			b.signOut(t, s, user)
			w.expectActive(t, false, aws.ToString(out.AccessToken), w.frontend)
		})
	}
	if complaints := b.heard(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}

// signIn mistypes the password once.
func (b *chromium) signIn(t *testing.T, target, user, password string) {
	t.Helper()
	b.do(t, chromedp.Navigate(target), chromedp.WaitVisible(chromedp.CSS("#username")))
	if focus := b.ask(t, `document.activeElement.id`); focus != "username" {
		t.Errorf("the focus is on %q", focus)
	}
	if text := b.ask(t, `document.querySelector("main").innerText`); !strings.Contains(text, "to continue to frontend") {
		t.Errorf("the page says %q", text)
	}
	b.do(t, chromedp.SendKeys(chromedp.CSS("#username"), user), chromedp.SendKeys(chromedp.CSS("#password"), "mistyped\r"),
		chromedp.WaitVisible(chromedp.CSS("#alert")))
	if focus, name := b.ask(t, `document.activeElement.id`), b.ask(t, `document.getElementById("username").value`); focus != "password" || name != user {
		t.Errorf("after a failure the focus is on %q and the user name is %q", focus, name)
	}
	if cookies := b.ask(t, `document.cookie`); cookies != "" {
		t.Errorf("a script would see the cookies %q", cookies)
	}
	b.do(t, chromedp.SendKeys(chromedp.CSS("#password"), password), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("#here")))
}

func (b *chromium) signOut(t *testing.T, s *server, user string) {
	t.Helper()
	b.do(t, chromedp.Navigate(s.url+"/signout"), chromedp.WaitVisible(chromedp.CSS("button")))
	if text := b.ask(t, `document.querySelector("main").innerText`); !strings.Contains(text, "signed in as "+user) {
		t.Errorf("the page says %q", text)
	}
	b.do(t, chromedp.Click(chromedp.CSS("button")), chromedp.WaitNotPresent(chromedp.CSS("form")))
	if title := b.ask(t, `document.title`); !strings.HasPrefix(title, "You are signed out") {
		t.Errorf("the page is called %q", title)
	}
}
