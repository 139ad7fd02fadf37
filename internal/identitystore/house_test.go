package identitystore

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/wire"
)

const (
	testAccount = "111122223333"
	testStore   = "d-0123456789"
	otherStore  = "d-abcdef0123"
	testCaller  = "arn:aws:iam::111122223333:user/admin"
	nobody      = "00000000-0000-4000-8000-000000000000"
)

// cheap makes hashing fast; what is tested does not depend on it.
var cheap = cost{memory: 8, passes: 1, threads: 1}

type caller string

func (c caller) CallerARN() string { return string(c) }

// house is a server with two identity stores, over HTTP.
type house struct {
	*testing.T
	*Server
	handler http.Handler
	caller  string
	deny    func(c *wire.Call) bool // refuses in Authorize
	clock   clock
	deleted []string // what OnDelete was told
}

// clock is the store's time, which tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, caller: testCaller}
	h.clock.now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	backend, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), backend, Tables(), store.Options{Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h.Server = &Server{DB: db, Pages: &wire.Pages{Keys: func() [][]byte { return [][]byte{make([]byte, 32)} }}}
	h.cost = cheap
	h.OnDelete = func(tx *store.Tx, storeID, principalType, principalID string) error {
		h.deleted = append(h.deleted, storeID+" "+principalType+" "+principalID)
		return nil
	}
	h.update(func(tx *store.Tx) error {
		if err := PutStore(tx, IdentityStore{ID: otherStore, AccountID: testAccount}); err != nil {
			return err
		}
		return PutStore(tx, IdentityStore{ID: testStore, AccountID: testAccount, InstanceARN: "arn:aws:sso:::instance/ssoins-0123456789abcdef"})
	})
	w := &wire.Server{
		Services:     []*wire.Service{h.Service()},
		Authenticate: func(_ context.Context, c *wire.Call) error { c.Caller = caller(h.caller); return nil },
		Authorize: func(_ context.Context, c *wire.Call) error {
			if h.deny != nil && h.deny(c) {
				return &wire.Error{Code: "AccessDeniedException", Status: 403, Message: "denied"}
			}
			return nil
		},
		Finish: func(context.Context, *wire.Call) error { return nil },
		Now:    h.clock.Now,
	}
	h.handler = w.Handler()
	return h
}

func (h *house) update(fn func(tx *store.Tx) error) {
	h.Helper()
	if err := h.DB.Update(h.Context(), fn); err != nil {
		h.Fatal(err)
	}
}

func (h *house) view(fn func(tx *store.Tx) error) {
	h.Helper()
	if err := h.DB.View(h.Context(), fn); err != nil {
		h.Fatal(err)
	}
}

type object = map[string]any

// call sends a request and returns the status and the answer.
func (h *house) call(operation string, body any) (int, object) {
	h.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(string(raw)))
	r.Header.Set("X-Amz-Target", "AWSIdentityStore."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	answer, _ := io.ReadAll(w.Body)
	out := object{}
	if err := json.Unmarshal(answer, &out); err != nil {
		h.Fatalf("%s: answer %q: %v", operation, answer, err)
	}
	return w.Code, out
}

// ok is call that must succeed.
func (h *house) ok(operation string, body any) object {
	h.Helper()
	status, out := h.call(operation, body)
	if status != 200 {
		h.Fatalf("%s: %d %v", operation, status, out)
	}
	return out
}

// refused is call that must fail with the code; it returns the error's body.
func (h *house) refused(code, operation string, body any) object {
	h.Helper()
	status, out := h.call(operation, body)
	if out["__type"] != code || status < 400 || status > 499 {
		h.Fatalf("%s %v: want %s, got %d %v", operation, body, code, status, out)
	}
	return out
}

// newUser is the body of a CreateUser.
func newUser(storeID, name string) object {
	return object{"IdentityStoreId": storeID, "UserName": name, "DisplayName": "The " + name,
		"Name": object{"GivenName": "Given", "FamilyName": "Family"}}
}

// user creates a user by the API and returns its id.
func (h *house) user(storeID, name string) string {
	h.Helper()
	return h.ok("CreateUser", newUser(storeID, name))["UserId"].(string)
}

func (h *house) group(storeID, name string) string {
	h.Helper()
	return h.ok("CreateGroup", object{"IdentityStoreId": storeID, "DisplayName": name})["GroupId"].(string)
}

func (h *house) membership(storeID, groupID, userID string) string {
	h.Helper()
	return h.ok("CreateGroupMembership", object{"IdentityStoreId": storeID, "GroupId": groupID,
		"MemberId": object{"UserId": userID}})["MembershipId"].(string)
}

// with is a copy of the body with some members replaced; a nil value removes the member.
func with(body object, replace object) object {
	out := object{}
	for k, v := range body {
		out[k] = v
	}
	for k, v := range replace {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// newBenchHouse is a store of a thousand users, each in three groups.
func newBenchHouse(b *testing.B) *Server {
	backend, err := sqlite.Memory()
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(b.Context(), backend, Tables(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Update(b.Context(), func(tx *store.Tx) error {
		if err := PutStore(tx, IdentityStore{ID: testStore, AccountID: testAccount}); err != nil {
			return err
		}
		var in []Group
		for i := range 3 {
			g, err := PutGroup(tx, Group{StoreID: testStore, DisplayName: fmt.Sprintf("group%d", i)})
			if err != nil {
				return err
			}
			in = append(in, g)
		}
		for i := range 1000 {
			name := fmt.Sprintf("user%d", i)
			u, err := PutUser(tx, User{StoreID: testStore, UserName: name, Enabled: true,
				Attributes: store.LazyOf(UserAttributes{Emails: []Email{{Value: new(name + "@example.com")}}})})
			if err != nil {
				return err
			}
			for _, g := range in {
				if _, err := AddMember(tx, testStore, g.ID, u.ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return &Server{DB: db}
}
