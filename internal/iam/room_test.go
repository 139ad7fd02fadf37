package iam

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/sigv4"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// Two accounts; what stands in ours must never be mistaken for what stands in theirs.
const (
	ours   = "111122223333"
	theirs = "444455556666"
)

// room is a whole iam room on an in-memory store, with its sts behind a real listener.
type room struct {
	*Server
	t        testing.TB
	url      string
	moved    atomic.Int64 // how far the clock has been moved, in nanoseconds
	disabled map[string]bool
	context  error // what is said of identity contexts
	last     atomic.Pointer[wire.Call]
}

func (r *room) advance(d time.Duration) { r.moved.Add(int64(d)) }

func newRoom(t testing.TB) *room {
	t.Helper()
	r := &room{t: t, disabled: map[string]bool{}}
	now := func() time.Time { return time.Now().Add(time.Duration(r.moved.Load())) }
	backend, err := sqlite.Memory()
	must(t, err)
	db, err := store.Open(t.Context(), backend, slices.Concat(Tables(), token.Tables()), store.Options{Now: now})
	must(t, err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	keys, err := token.OpenKeyring(t.Context(), db, token.KeyringOptions{MasterKey: make([]byte, 32), Now: now, Log: log})
	must(t, err)
	r.Server = &Server{
		DB: db, Keys: keys, Minter: &token.Minter{Keys: keys, Issuer: "https://symbolon.test", Now: now}, Now: now, Log: log,
		UserEnabled: func(_ *store.Tx, _, userID string) (bool, error) {
			if userID == "broken" {
				return false, errors.New("the directory does not answer")
			}
			return !r.disabled[userID], nil
		},
		ContextStands: func(_ *store.Tx, c token.IdentityContext) error {
			if r.disabled[c.UserID] {
				return &wire.Error{Code: "InvalidGrantException", Reason: "the user is disabled"}
			}
			return r.context
		},
	}
	r.listen()
	t.Cleanup(func() { must(t, db.Close()) })
	r.update(func(tx *store.Tx) error {
		return errors.Join(PutAccount(tx, Account{ID: ours, Name: "ours"}), PutAccount(tx, Account{ID: theirs, Name: "theirs"}))
	})
	return r
}

func (r *room) listen() {
	verifier := &sigv4.Verifier{Lookup: r.Credential}
	srv := &wire.Server{
		Services: []*wire.Service{r.Service()},
		Authenticate: func(ctx context.Context, c *wire.Call) error {
			id, err := verifier.Verify(ctx, c.Request, c.Body, c.Service.SigningName)
			if e, ok := errors.AsType[*sigv4.Error](err); ok {
				return &wire.Error{Code: e.QueryCode(), Status: e.Status, Message: e.Message, Reason: e.Reason}
			}
			c.Caller, c.Region = id.Principal, id.Region
			return err
		},
		Finish: func(_ context.Context, c *wire.Call) error { r.last.Store(c); return nil },
		Now:    r.Now, Log: r.Log,
	}
	s := httptest.NewServer(srv.Handler())
	r.t.Cleanup(s.Close)
	r.url = s.URL
}

func (r *room) update(fn func(*store.Tx) error) {
	r.t.Helper()
	must(r.t, r.DB.Update(r.t.Context(), fn))
}

// fails runs a write that must be refused and returns its wire code.
func (r *room) fails(fn func(*store.Tx) error) string {
	r.t.Helper()
	err := r.DB.Update(r.t.Context(), fn)
	if err == nil {
		r.t.Fatal("was not refused")
	}
	return codeOf(err)
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Code
	}
	return err.Error()
}

// keypair is what a client signs with.
type keypair struct{ id, secret, token string }

func (r *room) addKey(account, user string) keypair {
	r.t.Helper()
	id, secret := NewAccessKey()
	r.update(func(tx *store.Tx) error {
		return r.PutAccessKey(tx, AccessKey{ID: id, AccountID: account, UserName: user}, secret)
	})
	return keypair{id: id, secret: secret}
}

func (r *room) addUser(u User) keypair {
	r.t.Helper()
	r.update(func(tx *store.Tx) error { return PutUser(tx, u) })
	return r.addKey(u.AccountID, u.Name)
}

func (r *room) addRole(role Role) Role {
	r.t.Helper()
	r.update(func(tx *store.Tx) (err error) {
		if err = PutRole(tx, role); err == nil {
			role, err = GetRole(tx, role.AccountID, role.Name)
		}
		return err
	})
	return role
}

// caller is who signs with the key, by the way every request goes.
func (r *room) caller(k keypair) *Caller {
	r.t.Helper()
	c, err := r.Credential(r.t.Context(), k.id, k.token)
	must(r.t, err)
	return c.Principal.(*Caller)
}

// ask is Authorize in its own transaction.
func (r *room) ask(c *Caller, a Access) (answer policy.Answer) {
	r.t.Helper()
	must(r.t, r.DB.View(r.t.Context(), func(tx *store.Tx) (err error) { answer, err = r.Authorize(tx, c, a); return err }))
	return answer
}

// answer is what came back from sts.
type answer struct {
	status    int
	code      string
	message   string
	expires   string
	keys      keypair
	arn, id   string
	packed    string
	source    string
	size      string
	identity  [3]string // Account, Arn, UserId
	requestID string
}

// call sends one signed sts request; members in pairs.
func (r *room) call(k keypair, action string, members ...string) answer {
	r.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
	for i := 0; i < len(members); i += 2 {
		form.Set(members[i], members[i+1])
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(r.t.Context(), "POST", r.url, strings.NewReader(body))
	must(r.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if k.id != "" {
		sigv4.Sign(req, []byte(body), sigv4.Credential{AccessKeyID: k.id, SecretAccessKey: k.secret}, k.token, "sts", "us-east-1", time.Now())
	}
	resp, err := http.DefaultClient.Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return r.parse(resp.StatusCode, raw)
}

func (r *room) parse(status int, raw []byte) answer {
	r.t.Helper()
	var x struct {
		Error  struct{ Code, Message string }
		Assume struct {
			Credentials     struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
			AssumedRoleUser struct{ AssumedRoleId, Arn string }

			PackedPolicySize, SourceIdentity, SessionTokenSize string
		} `xml:"AssumeRoleResult"`
		Identity         struct{ Account, Arn, UserId string } `xml:"GetCallerIdentityResult"`
		RequestId        string                                `xml:"RequestId"`
		ResponseMetadata struct{ RequestId string }
	}
	if err := xml.Unmarshal(raw, &x); err != nil {
		r.t.Fatalf("%s: %v", raw, err)
	}
	c := x.Assume.Credentials
	return answer{
		status: status, code: x.Error.Code, message: x.Error.Message, expires: c.Expiration,
		keys: keypair{c.AccessKeyId, c.SecretAccessKey, c.SessionToken},
		arn:  x.Assume.AssumedRoleUser.Arn, id: x.Assume.AssumedRoleUser.AssumedRoleId,
		packed: x.Assume.PackedPolicySize, source: x.Assume.SourceIdentity, size: x.Assume.SessionTokenSize,
		identity:  [3]string{x.Identity.Account, x.Identity.Arn, x.Identity.UserId},
		requestID: x.RequestId + x.ResponseMetadata.RequestId,
	}
}

// assume is a call of AssumeRole that names its session.
func (r *room) assume(k keypair, roleARN string, members ...string) answer {
	r.t.Helper()
	return r.call(k, "AssumeRole", append([]string{"RoleArn", roleARN, "RoleSessionName", "work"}, members...)...)
}

// session is an assume that must succeed.
func (r *room) session(k keypair, roleARN string, members ...string) keypair {
	r.t.Helper()
	a := r.assume(k, roleARN, members...)
	if a.status != 200 {
		r.t.Fatalf("AssumeRole %s: %d %s: %s (%v)", roleARN, a.status, a.code, a.message, r.last.Load().Err)
	}
	return a.keys
}

func (a answer) ok(t testing.TB) {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("got %d %s (%s)", a.status, a.code, a.message)
	}
}

func (a answer) wants(t *testing.T, status int, code string, in ...string) {
	t.Helper()
	if a.status != status || a.code != code {
		t.Fatalf("got %d %s (%s), want %d %s", a.status, a.code, a.message, status, code)
	}
	for _, s := range in {
		if !strings.Contains(a.message, s) {
			t.Fatalf("message %q does not say %q", a.message, s)
		}
	}
}

// Documents.

func grants(actions ...string) string { return allow(actions...) }

func inline(documents ...string) map[string]string {
	m := map[string]string{}
	for i, d := range documents {
		m[string(rune('a'+i))] = d
	}
	return m
}

// trusts is a trust policy for principals and actions; condition is a JSON object or empty.
func trusts(principal string, condition string, actions ...string) string {
	if len(actions) == 0 {
		actions = []string{"sts:AssumeRole"}
	}
	d := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["` + strings.Join(actions, `","`) + `"]`
	if condition != "" {
		d += `,"Condition":` + condition
	}
	return d + `}]}`
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
