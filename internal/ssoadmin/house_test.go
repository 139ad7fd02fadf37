package ssoadmin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/identitystore"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/wire"
)

// house is the sso-admin API on a real listener over a store in memory, with two tenants that know nothing of each other.
type house struct {
	*Server
	url  string
	a, b *tenant
	// refused actions, of the call itself and of the reserved tags.
	refused map[string]bool
	mu      sync.Mutex
	last    *wire.Call // mu guards writing it
	clock   time.Time
}

// tenant is an account with its instance, directory and one of everything.
type tenant struct {
	h                                         *house
	account, instance, directory, user, group string
	application, other, issuer                string
}

func open(t testing.TB) *house {
	t.Helper()
	backend, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{refused: map[string]bool{}, clock: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.clock }
	tables := append(append(Tables(), identitystore.Tables()...), iam.Tables()...)
	db, err := store.Open(t.Context(), backend, tables, store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	key := bytes.Repeat([]byte{7}, 32)
	h.Server = &Server{DB: db, Pages: &wire.Pages{Keys: func() [][]byte { return [][]byte{key} }}}
	h.Authorize = func(_ context.Context, _ *store.Tx, action, _ string) error { return h.mayDo(action) }
	door := &wire.Server{
		Services: []*wire.Service{h.Service()},
		Authenticate: func(_ context.Context, c *wire.Call) error {
			if account := c.Request.Header.Get("Test-Account"); account != "" {
				c.Caller = &iam.Caller{AccountID: account, Type: iam.Root, ARN: "arn:aws:iam::" + account + ":root"}
			}
			c.Region = "eu-central-1"
			return nil
		},
		Authorize: func(_ context.Context, c *wire.Call) error { return h.mayDo("sso:" + c.Operation.Name) },
		Finish: func(_ context.Context, c *wire.Call) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.last = c
			return nil
		},
		MapError: func(err error) *wire.Error {
			t.Errorf("an error without a shape reached the door: %v", err)
			return nil
		},
	}
	server := httptest.NewServer(door.Handler())
	t.Cleanup(server.Close)
	h.url = server.URL
	h.a = h.tenant(t, "111122223333", "d-1111111111")
	h.b = h.tenant(t, "444455556666", "d-4444444444")
	return h
}

func (h *house) mayDo(action string) error {
	if h.refused[action] {
		return accessDenied("not allowed: "+action, "test")
	}
	return nil
}

func (h *house) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := h.DB.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) tenant(t testing.TB, account, directory string) *tenant {
	t.Helper()
	x := &tenant{h: h, account: account, directory: directory, instance: NewInstanceARN()}
	h.update(t, func(tx *store.Tx) error {
		err := identitystore.PutStore(tx, identitystore.IdentityStore{ID: directory, AccountID: account, InstanceARN: x.instance})
		if err != nil {
			return err
		}
		user, err := identitystore.PutUser(tx, identitystore.User{StoreID: directory, UserName: "ada", Enabled: true})
		x.user = user.ID
		if err != nil {
			return err
		}
		group, err := identitystore.PutGroup(tx, identitystore.Group{StoreID: directory, DisplayName: "engineers"})
		x.group = group.ID
		if err != nil {
			return err
		}
		return errors.Join(
			iam.PutAccount(tx, iam.Account{ID: account, Name: "account " + account}),
			PutInstance(tx, Instance{
				ARN: x.instance, Name: "main", OwnerAccountID: account, IdentityStoreID: directory, Region: "us-east-1",
			}))
	})
	x.application = x.newApplication(t, "wiki")
	x.other = x.newApplication(t, "reports")
	x.issuer = x.newIssuer(t, "idp")
	return x
}

func (x *tenant) newApplication(t testing.TB, name string) string {
	t.Helper()
	return x.ok(t, "CreateApplication", params{
		"InstanceArn": x.instance, "ApplicationProviderArn": CustomProvider, "Name": name,
	})["ApplicationArn"].(string)
}

func (x *tenant) newIssuer(t testing.TB, name string) string {
	t.Helper()
	return x.ok(t, "CreateTrustedTokenIssuer", x.issuerParams(name))["TrustedTokenIssuerArn"].(string)
}

func (x *tenant) issuerParams(name string) params {
	return params{
		"InstanceArn": x.instance, "Name": name, "TrustedTokenIssuerType": "OIDC_JWT",
		"TrustedTokenIssuerConfiguration": params{"OidcJwtConfiguration": params{
			"IssuerUrl": "https://" + name + ".example", "ClaimAttributePath": "email",
			"IdentityStoreAttributePath": "emails.value", "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
		}},
	}
}

type params = map[string]any

// call sends one request and returns the error type ("" for success) and the body.
func (h *house) call(t testing.TB, account, operation string, in any) (string, params) {
	t.Helper()
	body, ok := in.(string)
	if !ok {
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.url+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SWBExternalService."+operation)
	r.Header.Set("Test-Account", account)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := params{}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s answers %d %q: %v", operation, res.StatusCode, text, err)
	}
	kind, _ := out["__type"].(string)
	if want := map[bool]int{true: 200, false: 400}[kind == ""]; res.StatusCode != want {
		t.Fatalf("%s(%s) = %d %s", operation, body, res.StatusCode, text)
	}
	return kind, out
}

// ok calls as the tenant and wants success.
func (x *tenant) ok(t testing.TB, operation string, in any) params {
	t.Helper()
	kind, out := x.h.call(t, x.account, operation, in)
	if kind != "" {
		t.Fatalf("%s(%v) = %v", operation, in, out)
	}
	return out
}

// refused calls as the tenant and wants that error; it returns the message.
func (x *tenant) refused(t testing.TB, operation string, in any, want string) string {
	t.Helper()
	kind, out := x.h.call(t, x.account, operation, in)
	if kind != want {
		t.Errorf("%s(%v) = %v, want %s", operation, in, out, want)
	}
	return fmt.Sprint(out["Message"])
}

// with is p with other members; nil removes one.
func with(p params, members params) params {
	q := params{}
	for k, v := range p {
		q[k] = v
	}
	for k, v := range members {
		if q[k] = v; v == nil {
			delete(q, k)
		}
	}
	return q
}
