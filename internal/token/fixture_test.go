package token

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

var ctx = context.Background()

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

var testMaster = bytes.Repeat([]byte{7}, 32)

var otherMaster = bytes.Repeat([]byte{8}, 32)

func openStore(t testing.TB, now func() time.Time) *store.DB {
	t.Helper()
	b, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, b, Tables(), store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// house is a keyring and minter over an in-memory store with a movable clock.
type house struct {
	*Minter
	clock *clock
	db    *store.DB
}

func newHouse(t testing.TB) house {
	t.Helper()
	c := newClock()
	db := openStore(t, c.now)
	return house{Minter: &Minter{Keys: openKeyring(t, db, c), Issuer: "https://id.example/ssoins-1", Now: c.now}, clock: c, db: db}
}

func openKeyring(t testing.TB, db *store.DB, c *clock) *Keyring {
	t.Helper()
	k, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: testMaster, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const (
	testApp      = "arn:aws:sso::123456789012:application/ssoins-1234567890abcdef/apl-1234567890abcdef"
	testInstance = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
	testStore    = "d-1234567890"
	testUser     = "93445892-f001-7078-8c38-7f2b978f686f"
	testIssuer   = "arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-1234567890abcdef/tti-43d9b3b5-0000-4000-8000-000000000000"
)

// accessToken is a full access token for an hour from now.
func (h house) accessToken(t testing.TB) AccessToken {
	t.Helper()
	root, err := NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := NewSession(&root)
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.now()
	return AccessToken{
		ID: NewCredentialID(now.Add(time.Hour)), Session: session, Application: testApp, InstanceARN: testInstance,
		IdentityStoreID: testStore, UserID: testUser, Scopes: []string{"openid", "aws", "sts:identity_context"},
		Actors: []string{testApp}, TrustedTokenIssuer: testIssuer,
		AuthTime: now.Add(-time.Minute), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
	}
}

func mustAccess(t testing.TB, h house, a AccessToken, f Format, alg Algorithm) string {
	t.Helper()
	s, err := h.AccessToken(a, f, alg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyAlteration calls f with s changed in every way a single spot can be: each character replaced, dropped, doubled,
// a line end or padding put in, and the whole cut short or lengthened.
func everyAlteration(s string, f func(what, altered string)) {
	for i := range len(s) {
		for _, c := range []byte{s[i] ^ 1, s[i] ^ 2, s[i] ^ 0x20, 'A', '_', '\n', '.'} {
			if c != s[i] {
				f("replaced", s[:i]+string(c)+s[i+1:])
			}
		}
		f("dropped", s[:i]+s[i+1:])
		f("line end", s[:i]+"\n"+s[i:])
		f("inserted", s[:i]+"A"+s[i:])
		f("cut", s[:i])
	}
	for _, tail := range []string{"=", "==", "\n", "A", ".", "AAAA", " "} {
		f("extended", s+tail)
		f("preceded", tail+s)
	}
	f("doubled", s+s)
}

// verify is what becomes of a JWT that is presented.
func verify(ctx context.Context, i *Issuers, issuerURL string, algorithms []string, jwt string, at time.Time) (Assertion, error) {
	p, err := ReadAssertion(jwt)
	if err != nil {
		return Assertion{}, err
	}
	return i.Verify(ctx, issuerURL, algorithms, p, at)
}
