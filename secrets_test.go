package symbolon

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
	"github.com/symbolon/symbolon/internal/token"
)

// What is secret in answers and requests, by where it stands. The first group is its name, the second what it is.
var (
	secretJSON = regexp.MustCompile(`"(accessToken|refreshToken|idToken|identityContext|assertion|subjectToken|code|codeVerifier|[nN]extToken)":"([^"]+)"`)
	secretXML  = regexp.MustCompile(`<(SecretAccessKey|SessionToken)>([^<]+)<`)
	secretForm = regexp.MustCompile(`(?:^|&)(password|token|ticket|code|ProvidedContexts\.member\.1\.ContextAssertion)=([^&]+)`)
	secretPage = regexp.MustCompile(`<input[^>]*name="(ticket)"[^>]*value="([^"]+)"`)
	signature  = regexp.MustCompile(`(Signature)=([0-9a-f]{64})`)
)

// watch notes every secret that passes the server's door, in either direction.
func (s *secrets) watch(d *door) {
	inner := d.serve
	var mu sync.Mutex
	d.serve = func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		inner(answer, r)
		mu.Lock()
		s.told(r, string(body))
		s.issued(answer)
		mu.Unlock()
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		if _, err := w.Write(answer.Body.Bytes()); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *secrets) told(r *http.Request, body string) {
	for _, m := range slices.Concat(secretJSON.FindAllStringSubmatch(body, -1), signature.FindAllStringSubmatch(r.Header.Get("Authorization"), -1)) {
		s.add(m[1], m[2])
	}
	for _, m := range secretForm.FindAllStringSubmatch(body, -1) {
		value, err := url.QueryUnescape(m[2])
		if err != nil {
			s.t.Error(err)
		}
		s.add(m[1], value)
	}
}

func (s *secrets) issued(answer *httptest.ResponseRecorder) {
	text := answer.Body.String()
	for _, m := range slices.Concat(secretJSON.FindAllStringSubmatch(text, -1), secretXML.FindAllStringSubmatch(text, -1), secretPage.FindAllStringSubmatch(text, -1)) {
		s.add(m[1], html.UnescapeString(m[2]))
	}
	result := answer.Result()
	for _, c := range result.Cookies() {
		if c.Value != "" {
			s.add("cookie "+strings.TrimRight(c.Name, "0123456789"), c.Value)
		}
	}
	if location, err := result.Location(); err == nil && location.Query().Get("code") != "" {
		s.add("code", location.Query().Get("code"))
	}
}

// everything has the server issue, or be told, one of each kind of secret at least.
func (s *secrets) everything(d *door) {
	t := s.t
	t.Helper()
	s.add("password", d.Password)
	s.add("secret access key", d.SecretAccessKey)
	i := newIDP(t)
	p := live(t, d, i)
	s.mistyped(d, p.analytics)
	p.use(t, d)
	analytics, _ := d.declare(t, i)
	o, err := ParseOrganization("test", []byte(`
users: [{ userName: carol, password: the first password of carol }]
iam: { users: [{ name: deployer, accessKeys: [{}] }] }
`))
	fatal(t, err)
	report, err := d.Apply(t.Context(), o)
	fatal(t, err)
	s.add("password of carol", "the first password of carol")
	s.add("generated access key", report.AccessKeys[0].Secret)

	out := d.granted(t, byAssertion(analytics, i.assertion(t, "to be revoked")))
	if !d.active(t, analytics, out["accessToken"].(string)) {
		t.Error("the access token is not active")
	}
	revocation := url.Values{"client_id": {analytics}, "token": {out["refreshToken"].(string)}}.Encode()
	if a := d.send(t, d.signed(d.request(t, "POST", "/oauth2/revoke", revocation, "Content-Type", "application/x-www-form-urlencoded"), "sso-oauth")); a.status != 200 {
		t.Errorf("revocation: %d %s", a.status, a.text)
	}
	if _, a := d.create(t, byRefresh(analytics, out["refreshToken"].(string))); a.status == 200 {
		t.Error("a revoked token was refreshed")
	}
	if d.usersAfter(t, d.usersAfter(t, "")) == "" {
		t.Error("the directory is not listed")
	}
	s.keysAndOrders(d)
}

// mistyped has a wrong password, and then a wrong ticket, come as far as they are looked at.
func (s *secrets) mistyped(d *door, application string) {
	t := s.t
	t.Helper()
	const password = "a wrong password, typed by somebody"
	s.add("mistyped password", password)
	b := newBrowser()
	res, page := b.authorize(t, d, application)
	if res.StatusCode != http.StatusOK || s.known["ticket"] == nil {
		t.Fatalf("no sign-in page: %d", res.StatusCode)
	}
	if res, text := b.typePassword(t, d, page, password); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d %s", res.StatusCode, text)
	}
	forged := pageHidden.ReplaceAllString(page, `<input type="hidden" name="ticket" value="no ticket of ours at all">`)
	if res, text := b.typePassword(t, d, forged, password); res.StatusCode != http.StatusForbidden {
		t.Errorf("a ticket that is none: %d %s", res.StatusCode, text)
	}
}

// keysAndOrders has every order about keys carried out through the private listener.
func (s *secrets) keysAndOrders(d *door) {
	t := s.t
	t.Helper()
	stop, err := d.StartControl(d.folder)
	fatal(t, err)
	control, err := readControl(d.folder)
	fatal(t, err)
	s.add("control token", control.Token)
	next := bytes.Repeat([]byte("a new master key"), 2)
	s.add("new master key", string(next))
	if text, err := os.ReadFile(filepath.Join(d.folder, "master.key")); err == nil {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
		fatal(t, err)
		s.add("master key", string(raw))
	}
	for _, o := range []KeyOrder{
		{Verb: RotateKeys, Now: true}, {Verb: Rewrap, NewMasterKey: bytes.Clone(next)}, {Verb: Rewrap, NewMasterKey: bytes.Clone(next)}, {Verb: CancelRewrap},
		{Verb: ListKeys},
	} {
		if _, err := OrderKeys(t.Context(), Config{Data: d.folder}, o); err != nil {
			t.Errorf("%s: %v", o.Verb, err)
		}
	}
	for _, p := range token.Purposes() {
		if p == token.SigningES256 || p == token.SigningRS256 {
			continue
		}
		keys, err := d.keys.Secrets(p)
		fatal(t, err)
		for _, key := range keys {
			s.add("key "+string(p), string(key))
		}
	}
	fatal(t, stop())
}

// wanted are the kinds that a run must have had.
var wanted = []string{
	"accessToken", "refreshToken", "idToken", "identityContext", "assertion", "subjectToken", "code", "codeVerifier", "NextToken", "SecretAccessKey",
	"SessionToken", "password", "token", "ticket", "ProvidedContexts.member.1.ContextAssertion", "Signature", "cookie symbolon-session-", "cookie symbolon-browser-",
}

// complete fails the test if a kind is missing.
func (s *secrets) complete() {
	s.t.Helper()
	for _, name := range wanted {
		if s.known[name] == nil {
			s.t.Errorf("the run has had no %s", name)
		}
	}
	s.t.Logf("%d secrets", len(s.known))
}

// TestNothingKeepsSecrets runs everything and then looks for every secret in the store's files (while it runs, its write-ahead log
// included, and after), in the audit log, in the process's log at its most talkative, and in a backup (S4, B06, M02).
func TestNothingKeepsSecrets(t *testing.T) {
	var log bytes.Buffer
	d := openDoor(t, talkative(&log))
	s := newSecrets(t)
	s.watch(d)
	s.everything(d)
	s.complete()
	found := s.inFolder(d.folder)
	backup, err := os.ReadFile(d.backUp(t))
	fatal(t, err)
	found = append(found, s.in("the backup", backup)...)
	fatal(t, d.Server.Close())
	found = append(found, s.inFolder(d.folder)...)
	found = append(found, s.in("the process's log", log.Bytes())...)
	for _, f := range found {
		t.Error(f)
	}
}

// talkative are the settings of a server on disk that logs all there is to log.
func talkative(log io.Writer) func(*Config) {
	return func(c *Config) {
		c.Memory, c.LogRequests, c.Log = false, true, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
}

// TestNothingKeepsSecretsOnPostgres is the same on a database server: every row of every table, and the server's own log, which has every
// statement that fails.
func TestNothingKeepsSecretsOnPostgres(t *testing.T) {
	cluster := postgrestest.Start(t, postgrestest.Options{})
	at := cluster.Database(t)
	var log bytes.Buffer
	d := openDoor(t, func(c *Config) {
		talkative(&log)(c)
		c.DatabaseURL = at
	})
	s := newSecrets(t)
	s.watch(d)
	s.everything(d)
	s.complete()
	rows := allRows(t, at)
	for _, table := range []string{"token_keys", "token_wraps", "iam_access_keys", "oidc_refresh_families", "web_sign_in_sessions"} {
		if len(rows[table]) == 0 {
			t.Errorf("%s is empty", table)
		}
	}
	if found := s.in("a planted row", append([]byte("x\t"), encodeRow(d.SecretAccessKey)...)); len(found) == 0 {
		t.Error("a secret in a row would not be found")
	}
	var found []string
	for table, text := range rows {
		found = append(found, s.in(table, text)...)
	}
	fatal(t, d.Server.Close())
	found = append(found, s.inFolder(d.folder)...)
	found = append(found, s.in("the process's log", log.Bytes())...)
	found = append(found, s.in("the database server's log", []byte(cluster.Log()))...)
	for _, f := range found {
		t.Error(f)
	}
}

// allRows are the rows of a database's tables as text, in which bytes are hexadecimal digits.
func allRows(t *testing.T, at string) map[string][]byte {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), at)
	fatal(t, err)
	defer c.Close(t.Context())
	query := func(sql string) (values [][]byte) {
		results, err := c.Exec(t.Context(), sql).ReadAll()
		fatal(t, err)
		for _, row := range results[0].Rows {
			values = append(values, slices.Concat(row...), []byte("\n"))
		}
		return values
	}
	rows := map[string][]byte{}
	for _, table := range query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'") {
		if name := strings.TrimSpace(string(table)); name != "" {
			rows[name] = slices.Concat(query("SELECT * FROM " + name)...)
		}
	}
	return rows
}

// encodeRow is a value as PostgreSQL writes bytes.
func encodeRow(value string) []byte { return []byte(`\x` + hex.EncodeToString([]byte(value))) }

// TestPlantedSecretsAreFound proves the search on a real store, audit log and process log: what is written there on purpose it finds.
func TestPlantedSecretsAreFound(t *testing.T) {
	var log bytes.Buffer
	d := openDoor(t, func(c *Config) { c.Memory, c.Log = false, slog.New(slog.NewTextHandler(&log, nil)) })
	s := newSecrets(t)
	planted := s.add("planted", "aor"+base64.RawURLEncoding.EncodeToString([]byte("a token that should not be in here")))
	o, err := ParseOrganization("test", []byte("users: [{ userName: dave, displayName: "+planted+" }]\ngroups: [{ name: "+planted+" }]"))
	fatal(t, err)
	_, err = d.Apply(t.Context(), o) // whose event names the group
	fatal(t, err)
	d.config.Log.Info("a careless line", "token", planted)
	fatal(t, d.Server.Close())
	found := strings.Join(append(s.inFolder(d.folder), s.in("the log", log.Bytes())...), ", ")
	if found != "planted in audit.jsonl, planted in symbolon.db, planted in the log" {
		t.Errorf("found: %s", found)
	}
}
