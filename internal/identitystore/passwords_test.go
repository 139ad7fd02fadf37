package identitystore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

const right, wrong = "correct horse", "battery staple"

// signer is a house with the user ada, whose password is right.
func signer(t *testing.T) (h *house, ada string) {
	h = newHouse(t)
	ada = h.user(testStore, "ada")
	h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, right) })
	return h, ada
}

// try signs in and says whether that succeeded; a failure must be ErrSignIn.
func (h *house) try(name, password string) bool {
	h.Helper()
	u, err := h.SignIn(h.Context(), testStore, name, password)
	if err != nil && !errors.Is(err, ErrSignIn) {
		h.Fatal(err)
	}
	if err == nil && fold(u.UserName) != fold(name) {
		h.Fatalf("signed in as %q", u.UserName)
	}
	return err == nil
}

func TestSignIn(t *testing.T) {
	h, ada := signer(t)
	bob := h.user(testStore, "bob") // no password
	for _, c := range []struct {
		name, password string
		want           bool
	}{
		{"ada", right, true}, {"ADA", right, true}, {"ada", wrong, false}, {"ada", "", false}, {"ada", right + " ", false},
		{"ada", strings.Repeat("x", 5000), false}, {"nobody", right, false}, {"", "", false}, {"bob", "", false}, {"bob", right, false},
		{"\xff", right, false}, {"unknown-00", right, false}, {bob, right, false},
	} {
		if got := h.try(c.name, c.password); got != c.want {
			t.Errorf("%q %q: %v", c.name, c.password, got)
		}
	}
	if _, err := h.SignIn(t.Context(), otherStore, "ada", right); !errors.Is(err, ErrSignIn) {
		t.Error("a user of another store:", err)
	}
	h.ok("UpdateUser", object{"IdentityStoreId": testStore, "UserId": ada, "Operations": []object{{"AttributePath": "userStatus", "AttributeValue": "DISABLED"}}})
	if h.try("ada", right) {
		t.Error("a disabled user signed in")
	}
	h.ok("UpdateUser", object{"IdentityStoreId": testStore, "UserId": ada, "Operations": []object{{"AttributePath": "userStatus", "AttributeValue": "ENABLED"}}})
	if !h.try("ada", right) {
		t.Error("enabled again")
	}
	h.ok("DeleteUser", object{"IdentityStoreId": testStore, "UserId": ada})
	if h.user(testStore, "ada"); h.try("ada", right) {
		t.Error("a new user has the old one's password")
	}
}

// The reason is for audit and different; what errors.Is sees is the same.
func TestSignInReasons(t *testing.T) {
	h, ada := signer(t)
	bob := h.user(testStore, "bob")
	for name, want := range map[string]string{"ada": "wrong password of user " + ada, "nobody": "no user has the name", "bob": "user " + bob + " has no password"} {
		_, err := h.SignIn(t.Context(), testStore, name, wrong)
		if !errors.Is(err, ErrSignIn) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), wrong) {
			t.Error(err)
		}
	}
}

func TestParallelSuccesses(t *testing.T) {
	h, _ := signer(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := h.SignIn(t.Context(), testStore, "ada", right); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Every refusal writes as much as every other.
func TestRefusalsWriteTheSame(t *testing.T) {
	h, _ := signer(t)
	h.user(testStore, "bob")
	tried := func() (rows int) {
		h.view(func(tx *store.Tx) error {
			rows = 0
			list, err := passwords.List(tx, store.Query{})
			for _, p := range list {
				if p.TriedAt.Equal(h.clock.Now()) {
					rows++
				}
			}
			return err
		})
		return rows
	}
	for _, name := range []string{"ada", "bob", "nobody"} {
		for range maxFailures + 1 { // the last one meets a lock
			h.clock.advance(time.Second)
			h.try(name, wrong)
			if n := tried(); n != 1 {
				t.Errorf("%s: %d rows", name, n)
			}
		}
	}
}

func TestSignInWaitsNoLongerThanItsContext(t *testing.T) {
	h, _ := signer(t)
	h.start()
	for range cap(h.signIns) {
		h.signIns <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := h.SignIn(ctx, testStore, "ada", right); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrSignIn) {
		t.Error(err)
	}
}

func TestSetPassword(t *testing.T) {
	h, ada := signer(t)
	for password, code := range map[string]string{"short": "ValidationException", "": "ValidationException",
		strings.Repeat("x", 257): "ValidationException", "eight\xff\xff\xff": "ValidationException"} {
		var e *wire.Error
		err := h.DB.Update(t.Context(), func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, password) })
		if !errors.As(err, &e) || e.Code != code || (password != "" && strings.Contains(e.Error(), password)) {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, password := range []string{"12345678", strings.Repeat("ü", 256), "pass with spaces \t"} {
		h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, password) })
		if !h.try("ada", password) {
			t.Errorf("%q", password)
		}
		h.view(func(tx *store.Tx) error {
			if ok, err := h.PasswordMatches(tx, testStore, ada, password); !ok || err != nil {
				t.Error(ok, err)
			}
			if ok, err := h.PasswordMatches(tx, testStore, ada, password+"x"); ok || err != nil {
				t.Error(ok, err)
			}
			if ok, err := h.PasswordMatches(tx, testStore, nobody, password); ok || err != nil {
				t.Error(ok, err)
			}
			return nil
		})
	}
	err := h.DB.Update(t.Context(), func(tx *store.Tx) error { return h.SetPassword(tx, otherStore, ada, right) })
	if e := (*wire.Error)(nil); !errors.As(err, &e) || e.Code != "ResourceNotFoundException" {
		t.Error("a user of another store:", err)
	}
}

// A new password ends what was signed in with the one before; a first one ends nothing, and nothing else does.
func TestPasswordChangeSignsOut(t *testing.T) {
	h := newHouse(t)
	ada := h.user(testStore, "ada")
	user := func() (u User) {
		h.view(func(tx *store.Tx) (err error) { u, err = GetUser(tx, testStore, ada); return err })
		return u
	}
	set := func(password string) {
		h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, password) })
	}
	h.try("ada", right) // failures leave a row without a password
	set(right)
	if u := user(); !u.SignedOutBefore.IsZero() || u.SignedOut(h.clock.Now().Add(-time.Hour)) {
		t.Errorf("a first password: %v", u.SignedOutBefore)
	}
	before := user()
	h.clock.advance(time.Hour + 400*time.Millisecond)
	set(wrong)
	u, changed := user(), h.clock.Now()
	if !u.SignedOutBefore.Equal(changed) || u.Revision != before.Revision || !u.UpdatedAt.Equal(before.UpdatedAt) {
		t.Errorf("changed at %v: %+v", changed, u)
	}
	for since, want := range map[time.Duration]bool{-time.Hour: true, -time.Second: true, -400 * time.Millisecond: false, 0: false, time.Second: false} {
		if got := u.SignedOut(changed.Add(since)); got != want {
			t.Errorf("signed in %v after the change: signed out %v", since, got)
		}
	}
	// It is nobody's attribute: a whole record does not take it back, and the API does not show it.
	h.update(func(tx *store.Tx) error {
		u.Attributes, u.SignedOutBefore = store.LazyOf(UserAttributes{Title: new("Countess")}), time.Time{}
		u, err := PutUser(tx, u)
		if err == nil && !u.SignedOutBefore.Equal(changed) {
			t.Errorf("a record took it back: %v", u.SignedOutBefore)
		}
		return err
	})
	for key := range h.ok("DescribeUser", object{"IdentityStoreId": testStore, "UserId": ada}) {
		if strings.Contains(strings.ToLower(key), "signedout") {
			t.Error(key, "is shown")
		}
	}
	if u := user(); !u.SignedOutBefore.Equal(changed) {
		t.Error(u.SignedOutBefore)
	}
}

func TestHash(t *testing.T) {
	var c passwordChecks // as in production
	hash, err := c.hash(right)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := c.hash(right)
	if hash == other {
		t.Error("two hashes must not have the same salt")
	}
	p, salt, key, err := parseHash(hash)
	if err != nil || p != defaultCost || len(salt) != saltSize {
		t.Error(p, salt, err)
	}
	if string(argon2.IDKey([]byte(right), salt, 2, 19456, 1, 32)) != string(key) {
		t.Error("not the Argon2id it says")
	}
	good := strings.Split(hash, "$")
	for i, bad := range map[int][]string{
		0: {"x"}, 1: {"argon2i", ""}, 2: {"v=16", ""}, 3: {"", "m=0,t=0,p=0", "m=4294967295,t=2,p=1", "m=19456,t=9999,p=1", "m=19456,t=2,p=200", "m=19456,t=2", "m=19456,t=2,p=1 ", "m=019456,t=2,p=1"},
		4: {"", "!!", "YQ"}, 5: {"", "YQ", "!!"},
	} {
		for _, b := range bad {
			parts := append([]string{}, good...)
			parts[i] = b
			if ok, err := c.verify(strings.Join(parts, "$"), right); ok || err == nil {
				t.Errorf("%s must be refused", strings.Join(parts, "$"))
			}
		}
	}
}

// An attempt that was right when it began fails when the user has changed before it ends.
func TestChangedMeanwhile(t *testing.T) {
	h, ada := signer(t)
	var a attempt
	begin := func() {
		h.update(func(tx *store.Tx) (err error) { a, err = begin(tx, testStore, "ada"); return err })
	}
	end := func() error {
		return h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := succeed(tx, a); return err })
	}
	begin()
	if err := end(); err != nil {
		t.Fatal(err)
	}
	begin()
	h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, wrong) })
	if err := end(); !errors.Is(err, ErrSignIn) {
		t.Error("password changed:", err)
	}
	begin()
	h.update(func(tx *store.Tx) error { return h.DeleteUser(tx, testStore, ada) })
	if err := end(); !errors.Is(err, ErrSignIn) {
		t.Error("user deleted:", err)
	}
}

func BenchmarkSignInHash(b *testing.B) {
	var c passwordChecks
	for b.Loop() {
		if _, err := c.hash(right); err != nil {
			b.Fatal(err)
		}
	}
}
