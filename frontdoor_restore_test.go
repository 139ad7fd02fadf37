package symbolon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/sigv4"
)

// restoreIssuer is the issuer of the server that is backed up and of the one that is restored: the public name stays.
const restoreIssuer = "http://localhost:1"

const pkceVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B

// browser is somebody who signs in on the pages and keeps the cookies.
type browser struct{ client http.Client }

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) read(t testing.TB, res *http.Response, err error) (*http.Response, string) {
	t.Helper()
	fatal(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	fatal(t, err)
	return res, string(text)
}

var (
	pageForm   = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	pageHidden = regexp.MustCompile(`<input[^>]*\stype="hidden"[^>]*>`)
	pageValue  = regexp.MustCompile(`\s(name|value)="([^"]*)"`)
)

// code asks for an authorization code, signing in as alice if the page asks for that; it says whether it did.
func (b *browser) code(t testing.TB, d *door, application string) (code string, asked bool) {
	t.Helper()
	res, page := b.authorize(t, d, application)
	if res.StatusCode == http.StatusOK {
		asked = true
		res, page = b.typePassword(t, d, page, d.Password)
	}
	location, err := res.Location()
	if err != nil {
		t.Fatalf("no redirect: %d %s", res.StatusCode, page)
	}
	if code = location.Query().Get("code"); code == "" {
		t.Fatalf("no code: %s", location)
	}
	return code, asked
}

// authorize asks the authorization endpoint, which answers with a code or with the sign-in page.
func (b *browser) authorize(t testing.TB, d *door, application string) (*http.Response, string) {
	t.Helper()
	sum := sha256.Sum256([]byte(pkceVerifier))
	return b.open(t, d.url+"/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {application}, "redirect_uri": {"http://127.0.0.1/callback"}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode())
}

// typePassword fills the form of a sign-in page in as alice, and sends it where the page says.
func (b *browser) typePassword(t testing.TB, d *door, page, password string) (*http.Response, string) {
	t.Helper()
	form := url.Values{"username": {d.User}, "password": {password}}
	for _, tag := range pageHidden.FindAllString(page, -1) {
		values := map[string]string{}
		for _, m := range pageValue.FindAllStringSubmatch(tag, -1) {
			values[m[1]] = html.UnescapeString(m[2])
		}
		form.Set(values["name"], values["value"])
	}
	posted, err := b.client.PostForm(d.url+html.UnescapeString(pageForm.FindStringSubmatch(page)[1]), form)
	return b.read(t, posted, err)
}

func (b *browser) open(t testing.TB, target string) (*http.Response, string) {
	t.Helper()
	res, err := b.client.Get(target)
	return b.read(t, res, err)
}

// evidence are requests that once were good.
type evidence struct {
	name string
	in   map[string]string
	code string // of the refusal
	why  string // in the audit log
}

func byCode(app, code string) map[string]string {
	return map[string]string{"clientId": app, "grantType": "authorization_code", "code": code, "redirectUri": "http://127.0.0.1/callback", "codeVerifier": pkceVerifier}
}

func byRefresh(app, token string) map[string]string {
	return map[string]string{"clientId": app, "grantType": "refresh_token", "refreshToken": token}
}

func byAssertion(app, assertion string) map[string]string {
	return map[string]string{"clientId": app, "grantType": jwtBearer, "assertion": assertion}
}

func byExchange(app, subject string) map[string]string {
	return map[string]string{"clientId": app, "grantType": tokenExchange, "subjectToken": subject, "subjectTokenType": accessToken}
}

// granted creates a token and wants it.
func (d *door) granted(t testing.TB, in map[string]string) map[string]any {
	t.Helper()
	out, a := d.create(t, in)
	if a.status != 200 {
		t.Fatalf("%s: %d %s", in["grantType"], a.status, a.text)
	}
	return out
}

func contextOf(out map[string]any) string {
	details, _ := out["awsAdditionalDetails"].(map[string]any)
	s, _ := details["identityContext"].(string)
	return s
}

// roleKeys are what AssumeRole gives.
type roleKeys struct{ AccessKeyId, SecretAccessKey, SessionToken string } //nolint:revive // the XML's names

// assume gives role credentials on behalf of whom the identity context names.
func (d *door) assume(t testing.TB, identityContext string) (roleKeys, reply) {
	t.Helper()
	a := d.send(t, d.signed(d.request(t, "POST", "/", url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {"arn:aws:iam::111122223333:role/data-reader"}, "RoleSessionName": {"session"},
		"ProvidedContexts.member.1.ProviderArn":      {"arn:aws:iam::aws:contextProvider/IdentityCenter"},
		"ProvidedContexts.member.1.ContextAssertion": {identityContext},
	}.Encode(), "Content-Type", "application/x-www-form-urlencoded"), "sts"))
	var answer struct {
		Credentials roleKeys `xml:"AssumeRoleResult>Credentials"`
	}
	_ = xml.Unmarshal([]byte(a.text), &answer) // an error has another shape
	return answer.Credentials, a
}

// whoami calls GetCallerIdentity with role credentials.
func (d *door) whoami(t testing.TB, k roleKeys) reply {
	t.Helper()
	body := "Action=GetCallerIdentity&Version=2011-06-15"
	r := d.request(t, "POST", "/", body, "Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(r, []byte(body), sigv4.Credential{AccessKeyID: k.AccessKeyId, SecretAccessKey: k.SecretAccessKey}, k.SessionToken, "sts", "us-east-1", time.Now())
	return d.send(t, r)
}

func (d *door) active(t testing.TB, app, token string) bool {
	t.Helper()
	a := d.send(t, d.signed(d.request(t, "POST", "/oauth2/introspect", url.Values{"client_id": {app}, "token": {token}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded"), "sso-oauth"))
	if a.status != 200 {
		t.Fatalf("introspection: %d %s", a.status, a.text)
	}
	return strings.Contains(a.text, `"active":true`)
}

// past is everything that was issued before a restore, and used before or after the backup.
type past struct {
	analytics, data string
	browser         *browser
	grants          []evidence
	access          [][2]string // and the application each was issued to
	contexts        []string
	keys            []roleKeys
	// use does more of the same, and uses once what is to be used once.
	use func(t *testing.T, d *door)
}

const (
	fromBefore = "from before the store was restored"
	notThere   = "invalid or has expired" // the older store never knew it
	tooOld     = "issued before the store was restored"
)

// allGrants gives analytics every grant, and data-service access tokens that are JSON Web Tokens.
func (d *door) allGrants(t testing.TB) {
	t.Helper()
	o, err := ParseOrganization("test", []byte(`
applications:
  - name: analytics
    grants:
      authorizationCode: { redirectUris: ["http://127.0.0.1/callback"] }
      refreshToken: true
      tokenExchange: true
      jwtBearer: [{ issuer: idp, audiences: [symbolon] }]
  - name: data-service
    tags: { "symbolon:access-token-format": jwt }
`))
	fatal(t, err)
	_, err = d.Apply(t.Context(), o)
	fatal(t, err)
}

// live makes one of everything, some of it used at once.
func live(t *testing.T, d *door, i *idp) *past {
	t.Helper()
	p := &past{browser: newBrowser()}
	p.analytics, p.data = d.declare(t, i)
	d.allGrants(t)
	code, _ := p.browser.code(t, d, p.analytics)
	redeemed := d.granted(t, byCode(p.analytics, code))
	kept, asked := p.browser.code(t, d, p.analytics)
	if asked {
		t.Fatal("the sign-in session does not last")
	}
	late, _ := p.browser.code(t, d, p.analytics)
	first := d.granted(t, byAssertion(p.analytics, i.assertion(t, "used before")))
	second := d.granted(t, byRefresh(p.analytics, first["refreshToken"].(string)))
	third := d.granted(t, byRefresh(p.analytics, redeemed["refreshToken"].(string)))
	exchanged := d.granted(t, byExchange(p.data, redeemed["accessToken"].(string)))
	keys, a := d.assume(t, contextOf(redeemed))
	if a.status != 200 || d.whoami(t, keys).status != 200 {
		t.Fatalf("AssumeRole: %d %s", a.status, a.text)
	}
	usedBefore, usedAfter, unused := i.assertion(t, "used before"), i.assertion(t, "used after"), i.assertion(t, "never used")
	invalid, unknown := "InvalidGrantException", "InvalidGrantException"
	p.grants = []evidence{
		{"a code redeemed before", byCode(p.analytics, code), invalid, "used a second time"},
		{"a code redeemed after", byCode(p.analytics, late), invalid, fromBefore},
		{"a code never redeemed", byCode(p.analytics, kept), invalid, fromBefore},
		{"an assertion used before", byAssertion(p.analytics, usedBefore), invalid, tooOld},
		{"an assertion used after", byAssertion(p.analytics, usedAfter), invalid, tooOld},
		{"an assertion never used", byAssertion(p.analytics, unused), invalid, tooOld},
		{"a refresh token rotated before", byRefresh(p.analytics, first["refreshToken"].(string)), unknown, fromBefore},
		{"a refresh token rotated after", byRefresh(p.analytics, second["refreshToken"].(string)), unknown, fromBefore},
		{"a refresh token of a code", byRefresh(p.analytics, third["refreshToken"].(string)), unknown, fromBefore},
		{"an access token", byExchange(p.data, second["accessToken"].(string)), invalid, fromBefore},
	}
	p.access = [][2]string{
		{p.analytics, redeemed["accessToken"].(string)}, {p.analytics, second["accessToken"].(string)}, {p.data, exchanged["accessToken"].(string)},
	}
	p.contexts, p.keys = []string{contextOf(second), contextOf(exchanged)}, []roleKeys{keys}
	p.use = func(t *testing.T, d *door) {
		t.Helper()
		more, asked := p.browser.code(t, d, p.analytics)
		if asked {
			t.Fatal("the sign-in session does not last")
		}
		d.granted(t, byCode(p.analytics, late))
		fresh := d.granted(t, byAssertion(p.analytics, usedAfter))
		rotated := d.granted(t, byRefresh(p.analytics, second["refreshToken"].(string)))
		keys, a := d.assume(t, p.contexts[0])
		if a.status != 200 {
			t.Fatalf("AssumeRole: %d %s", a.status, a.text)
		}
		p.grants = append(p.grants,
			evidence{"a code of after", byCode(p.analytics, more), invalid, notThere},
			evidence{"a refresh token of after", byRefresh(p.analytics, rotated["refreshToken"].(string)), unknown, fromBefore},
			evidence{"a refresh token of an assertion of after", byRefresh(p.analytics, fresh["refreshToken"].(string)), unknown, fromBefore},
			evidence{"an access token of after", byExchange(p.data, rotated["accessToken"].(string)), invalid, fromBefore})
		p.access = append(p.access, [2]string{p.analytics, fresh["accessToken"].(string)}, [2]string{p.analytics, rotated["accessToken"].(string)})
		p.contexts, p.keys = append(p.contexts, contextOf(rotated)), append(p.keys, keys)
	}
	return p
}

// ended: nothing of the past is good for anything, and the audit log says why.
func (p *past) ended(t *testing.T, d *door) {
	t.Helper()
	for _, e := range p.grants {
		_, a := d.create(t, e.in)
		events := d.events(t)
		notes, _ := events[len(events)-1]["additionalEventData"].(map[string]any)
		if reason, _ := notes["refusalReason"].(string); a.code() != e.code || !strings.Contains(reason, e.why) {
			t.Errorf("%s: %d %s %q, want %q", e.name, a.status, a.code(), reason, e.why)
		}
	}
	for n, token := range p.access {
		if d.active(t, token[0], token[1]) {
			t.Errorf("access token %d is active", n)
		}
	}
	for n, c := range p.contexts {
		if keys, a := d.assume(t, c); a.status == 200 || keys.SecretAccessKey != "" {
			t.Errorf("identity context %d is good for a role", n)
		}
	}
	for n, k := range p.keys {
		if a := d.whoami(t, k); a.status != 403 || a.code() != "InvalidClientTokenId" {
			t.Errorf("role credentials %d: %d %s", n, a.status, a.text)
		}
	}
}

// begins: everything can be had anew at once.
func (p *past) begins(t *testing.T, d *door, i *idp) {
	t.Helper()
	code, asked := p.browser.code(t, d, p.analytics)
	if !asked {
		t.Error("the sign-in session outlived the restore")
	}
	tokens := d.granted(t, byCode(p.analytics, code))
	d.granted(t, byRefresh(p.analytics, tokens["refreshToken"].(string)))
	d.granted(t, byAssertion(p.analytics, i.assertion(t, "new")))
	keys, _ := d.assume(t, contextOf(tokens))
	if a := d.whoami(t, keys); a.status != 200 {
		t.Errorf("new role credentials: %d %s", a.status, a.text)
	}
	exchanged := d.granted(t, byExchange(p.data, tokens["accessToken"].(string)))["accessToken"].(string)
	if !d.active(t, p.analytics, tokens["accessToken"].(string)) || !d.active(t, p.data, exchanged) || strings.Count(exchanged, ".") != 2 {
		t.Error("a new access token is not active")
	}
}

// onDisk are the settings of the servers of these tests.
func onDisk(c *Config) { c.Memory, c.Issuer = false, restoreIssuer }

// backUp takes a backup of a serving server into a file.
func (d *door) backUp(t testing.TB) (path string) {
	t.Helper()
	var b bytes.Buffer
	fatal(t, d.Backup(t.Context(), &b))
	path = filepath.Join(t.TempDir(), "backup")
	fatal(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// settings are those to restore into a folder with.
func (d *door) settings(folder string) Config {
	c := Config{Data: folder}
	onDisk(&c)
	return c
}

// moveIn prepares another folder for the store of d: its master key and its mark as a development folder.
func (d *door) moveIn(t testing.TB) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for _, name := range []string{"master.key", developmentFile} {
		text, err := os.ReadFile(filepath.Join(d.folder, name))
		fatal(t, err)
		fatal(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	return folder
}

// nextSecond waits until the time in whole seconds, which assertions tell, is past that of at.
func nextSecond(at time.Time) {
	time.Sleep(time.Until(at.Truncate(time.Second).Add(time.Second + 20*time.Millisecond)))
}

// TestRestoreRevivesNothing: a backup is taken, things are used, the backup is restored elsewhere, and nothing of before is good any
// more, whether the backup knows of its use or not (M04). What is asked for anew is given.
func TestRestoreRevivesNothing(t *testing.T) {
	d, i := openDoorIn(t, t.TempDir(), onDisk), newIDP(t)
	p := live(t, d, i)
	file := d.backUp(t)
	p.use(t, d)
	folder := d.moveIn(t)
	fatal(t, d.Server.Close())
	nextSecond(time.Now())

	r, err := Restore(t.Context(), d.settings(folder), file, RestoreOptions{})
	fatal(t, err)
	nextSecond(r.Time)
	restored := openDoorIn(t, folder, onDisk)
	p.ended(t, restored)
	p.begins(t, restored, i)
	p.ended(t, restored)
	events := restored.events(t)
	if events[0]["eventName"] != "RestoreStore" {
		t.Errorf("the audit log begins with %v", events[0])
	}
	fatal(t, restored.Server.Close())
	p.restoredTwice(t, d, folder, file, i)
}

// restoredTwice: the same backup once more, over what was issued after the first restore, which ends, too.
func (p *past) restoredTwice(t *testing.T, d *door, folder, file string, i *idp) {
	t.Helper()
	between := openDoorIn(t, folder, onDisk)
	tokens := between.granted(t, byAssertion(p.analytics, i.assertion(t, "between")))
	fatal(t, between.Server.Close())
	nextSecond(time.Now())
	if _, err := Restore(t.Context(), d.settings(folder), file, RestoreOptions{}); err == nil {
		t.Error("a store was overwritten")
	}
	r, err := Restore(t.Context(), d.settings(folder), file, RestoreOptions{Replace: true})
	fatal(t, err)
	if _, err := os.Stat(filepath.Join(r.Aside, "symbolon.db")); err != nil {
		t.Errorf("the store before is not kept: %v", err)
	}
	nextSecond(r.Time)
	again := openDoorIn(t, folder, onDisk)
	p.grants = append(p.grants, evidence{"a refresh token of between", byRefresh(p.analytics, tokens["refreshToken"].(string)), "InvalidGrantException", fromBefore})
	p.access = append(p.access, [2]string{p.analytics, tokens["accessToken"].(string)})
	p.ended(t, again)
	p.begins(t, again, i)
}

// TestMarkedStore: a file put back by hand, or a database restored with its own tools, and marked, revives nothing either.
func TestMarkedStore(t *testing.T) {
	d, i := openDoorIn(t, t.TempDir(), onDisk), newIDP(t)
	p := live(t, d, i)
	folder := d.moveIn(t)
	fatal(t, d.embedded.Copy(t.Context(), filepath.Join(folder, "symbolon.db")))
	p.use(t, d)
	if _, err := MarkRestored(t.Context(), d.settings(d.folder)); err == nil {
		t.Error("marked under a running server")
	}
	fatal(t, d.Server.Close())
	nextSecond(time.Now())
	r, err := MarkRestored(t.Context(), d.settings(folder))
	fatal(t, err)
	nextSecond(r.Time)
	marked := openDoorIn(t, folder, onDisk)
	p.ended(t, marked)
	p.begins(t, marked, i)
	if _, err := MarkRestored(t.Context(), d.settings(t.TempDir())); err == nil {
		t.Error("marked nothing")
	}
	stop, err := marked.StartControl(folder)
	fatal(t, err)
	defer stop() //nolint:errcheck // the test is over
	tokens := marked.granted(t, byAssertion(p.analytics, i.assertion(t, "once more")))["accessToken"].(string)
	if _, err := MarkRestored(t.Context(), d.settings(folder)); err != nil || marked.active(t, p.analytics, tokens) {
		t.Errorf("marked through its server: %v", err)
	}
}
