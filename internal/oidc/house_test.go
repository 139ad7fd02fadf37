package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// house is the token service with the rooms below it on a real listener. Requests are really signed, issuers really fetched;
// only the clock can be moved. Tests share one house and take a world each.
type house struct {
	*Server
	directory *identitystore.Server
	url       string
	moved     atomic.Int64
	worlds    atomic.Int64
	foreign   *foreign
	commits   *spoiled

	mu     sync.Mutex
	events map[string]event // by request id
}

// event is what the audit event of a request is made from.
type event struct {
	caller any
	err    *wire.Error
	notes  map[string]any
	params map[string]any
	result map[string]any
	arns   []string
}

func (h *house) now() time.Time          { return time.Now().Add(time.Duration(h.moved.Load())) }
func (h *house) advance(d time.Duration) { h.moved.Add(int64(d)) }

// newHouse is a house in memory; with a folder it is durable, and a second one on the same folder is a restart.
func newHouse(t testing.TB, folder ...string) *house {
	t.Helper()
	backend, err := sqlite.Memory()
	if len(folder) > 0 {
		backend, err = sqlite.Open(filepath.Join(folder[0], "symbolon.db"))
	}
	must(t, err)
	h := &house{events: map[string]event{}, foreign: newForeign(t), commits: &spoiled{Backend: backend}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	tables := slices.Concat(token.Tables(), iam.Tables(), identitystore.Tables(), ssoadmin.Tables(), Tables())
	db, err := store.Open(t.Context(), h.commits, tables, store.Options{Now: h.now})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() }) // a test may have closed it
	keys, err := token.OpenKeyring(t.Context(), db, token.KeyringOptions{MasterKey: make([]byte, 32), Now: h.now, Log: log})
	must(t, err)
	pages := &wire.Pages{Keys: func() [][]byte { return [][]byte{make([]byte, 32)} }}
	h.directory = &identitystore.Server{DB: db, Pages: pages, OnDelete: ssoadmin.ForgetPrincipal}
	h.Server = &Server{
		DB: db, Log: log, Minter: &token.Minter{Keys: keys, Now: h.now},
		Admin:   &ssoadmin.Server{DB: db, Pages: pages},
		Issuers: &token.Issuers{AllowInsecure: true, Now: h.now, Log: log},

		AccessTokenTTL: time.Hour, CodeTTL: time.Minute, RefreshGrace: 30 * time.Second,
		RefreshTTL: 8 * time.Hour, RefreshIdleTTL: 2160 * time.Hour, // never idle before the end
	}
	h.IAM = &iam.Server{DB: db, Keys: keys, Minter: h.Minter, Now: h.now, Log: log, UserEnabled: userEnabled, ContextStands: h.ContextStands}
	h.listen(t)
	return h
}

func userEnabled(tx *store.Tx, identityStoreID, userID string) (bool, error) {
	u, err := identitystore.GetUser(tx, identityStoreID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return u.Enabled, err
}

func (h *house) listen(t testing.TB) {
	verifier := &sigv4.Verifier{Lookup: h.IAM.Credential}
	api := &wire.Server{
		Services: []*wire.Service{h.Service(), h.TokenService(), h.IAM.Service()},
		Authenticate: func(ctx context.Context, c *wire.Call) error {
			id, err := verifier.Verify(ctx, c.Request, c.Body, c.Service.SigningName)
			if e, ok := errors.AsType[*sigv4.Error](err); ok {
				return &wire.Error{Code: e.Code, Status: e.Status, Message: e.Message, Reason: e.Reason}
			}
			c.Caller, c.Region = id.Principal, id.Region
			return err
		},
		Authorize: func(context.Context, *wire.Call) error {
			return accessDenied(callerSigned, "nothing here is authorized by identity alone")
		},
		Finish: h.record, Now: h.now, Log: h.Log,
		MapError: func(err error) *wire.Error {
			if errors.Is(err, store.ErrUnavailable) {
				return &wire.Error{Code: "ServiceUnavailable", Status: http.StatusServiceUnavailable, Reason: err.Error()}
			}
			t.Errorf("an error without a shape reached the door: %v", err)
			return nil
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/", api.Handler())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	h.url, h.Minter.Issuer = s.URL, s.URL
	mux.Handle("/.well-known/", h.Discovery())
}

func (h *house) record(_ context.Context, c *wire.Call) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var notes map[string]any
	text, err := c.Audit.AppendJSON(nil)
	if err == nil && text != nil {
		err = json.Unmarshal(text, &notes)
	}
	h.events[c.RequestID] = event{c.Caller, c.Err, notes, c.RequestParameters(), c.ResponseElements(), c.Resources}
	return err
}

// update changes records directly.
func (h *house) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	must(t, h.DB.Update(t.Context(), fn))
}

// keypair is what a client signs with.
type keypair struct{ id, secret, session string }

// params is a request or an answer.
type params = map[string]any

// answer is what came back, with the event that was recorded for it.
type answer struct {
	status int
	header http.Header
	text   string
	body   params
	event  event
	// form says that the endpoint is one of RFC 7662 or 7009, where every error has its code.
	form bool
}

func (a answer) str(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func (a answer) strings(name string) []string {
	list, _ := a.body[name].([]any)
	var out []string
	for _, v := range list {
		out = append(out, v.(string))
	}
	return out
}

// signed is a request to the token endpoint, signed now.
func (h *house) signed(t testing.TB, k keypair, target, contentType string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+target, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", contentType)
	service := "sso-oauth"
	if target == "/" {
		service = "sts"
	}
	sigv4.Sign(r, body, sigv4.Credential{AccessKeyID: k.id, SecretAccessKey: k.secret}, k.session, service, "eu-central-1", time.Now())
	return r
}

func (h *house) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	a := answer{status: res.StatusCode, header: res.Header, text: string(text), body: params{}}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		must(t, json.Unmarshal(text, &a.body))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a.event = h.events[res.Header.Get("x-amzn-RequestId")]
	return a
}

// create calls CreateTokenWithIAM; in is a map, or a text to send as it is.
func (h *house) create(t testing.TB, k keypair, in any) answer {
	t.Helper()
	body, ok := in.(string)
	if !ok {
		b, err := json.Marshal(in)
		must(t, err)
		body = string(b)
	}
	a := h.do(t, h.signed(t, k, "/token?aws_iam=t", "application/json", []byte(body)))
	a.checkWire(t)
	return a
}

// checkWire holds for every answer of the token endpoint.
func (a answer) checkWire(t testing.TB) {
	t.Helper()
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if a.header.Get("x-amzn-RequestId") == "" {
		t.Error("the answer has no request id")
	}
	if a.status >= 500 {
		t.Errorf("the answer is %d %s", a.status, a.text)
	}
}

// codes of the exceptions on the wire.
var errorCodes = map[string]struct {
	code   string
	status int
}{
	"AccessDeniedException": {"access_denied", 400}, "InvalidClientException": {"invalid_client", 401}, "InvalidGrantException": {"invalid_grant", 400},
	"InvalidRequestException": {"invalid_request", 400}, "InvalidScopeException": {"invalid_scope", 400},
	"UnauthorizedClientException": {"unauthorized_client", 400}, "UnsupportedGrantTypeException": {"unsupported_grant_type", 400},
	// made by the front layer, before sso-oidc's own code
	"UnrecognizedClientException": {"", 403}, "InvalidSignatureException": {"", 403}, "MissingAuthenticationTokenException": {"", 403},
	"ExpiredTokenException": {"", 403},
}

// described is a message with only what error_description may hold (RFC 6749 §5.2).
func described(message string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, strings.NewReplacer(`"`, "'", `\`, "/", "…", "...").Replace(message))
}

// refused wants exactly this exception in AWS's wire shape, and an event whose reason holds the text.
func (a answer) refused(t testing.TB, exception, reason string) {
	t.Helper()
	want, known := errorCodes[exception]
	if !known {
		t.Fatalf("the test expects %q, which is no exception", exception)
	}
	if got := a.header.Get("x-amzn-ErrorType"); got != exception || a.status != want.status {
		t.Errorf("the answer is %d %s %s, want %d %s", a.status, got, a.text, want.status, exception)
		return
	}
	message := a.str("message")
	members := []string{"error", "error_description", "message"}
	if want.code == "" && a.form {
		want.code = "access_denied"
	}
	if want.code == "" {
		members = []string{"message"}
	} else if a.str("error") != want.code || a.str("error_description") != described(message) {
		t.Errorf("%s has the body %s", exception, a.text)
	}
	for name := range a.body {
		if !slices.Contains(members, name) {
			t.Errorf("%s has the member %s: %s", exception, name, a.text)
		}
	}
	if message == "" || a.event.err == nil || a.event.err.Code != exception {
		t.Fatalf("%s has message %q and the event %+v", exception, message, a.event.err)
	}
	if got := a.event.err.Error(); !strings.Contains(got, reason) {
		t.Errorf("the event of %s says %q, want %q in it", exception, got, reason)
	}
	if want.code != "" {
		explained(t, a.event.err)
	}
	if len(a.event.result) > 0 {
		t.Errorf("the event of a refusal has the result %v", a.event.result)
	}
}

// granted wants tokens.
func (a answer) granted(t testing.TB) answer {
	t.Helper()
	if a.status != http.StatusOK || a.str("accessToken") == "" {
		t.Fatalf("the answer is %d %s %s (%v)", a.status, a.header.Get("x-amzn-ErrorType"), a.text, a.event.err)
	}
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
