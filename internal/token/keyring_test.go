package token

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/store"
)

func keyRows(t *testing.T, db *store.DB) []keyRow {
	t.Helper()
	var rows []keyRow
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = keyTable.List(tx, store.Query{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func update(t *testing.T, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func TestFirstStartMakesEachKeyOnce(t *testing.T) {
	c := newClock()
	db := openStore(t, c.now)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: testMaster, Now: c.now}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, r := range keyRows(t, db) {
		seen[r.Purpose]++
	}
	for _, p := range firstPurposes {
		if seen[string(p)] != 1 {
			t.Errorf("%d keys for %s, want 1", seen[string(p)], p)
		}
	}
	if seen[string(SigningRS256)] != 0 {
		t.Error("an RS256 key was made before anyone needed one")
	}
}

func TestMasterKey(t *testing.T) {
	c := newClock()
	db := openStore(t, c.now)
	openKeyring(t, db, c)
	before := len(keyRows(t, db))
	_, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: bytes.Repeat([]byte{8}, 32), Now: c.now})
	if !errors.Is(err, ErrMasterKey) {
		t.Errorf("another master key: %v", err)
	}
	if len(keyRows(t, db)) != before {
		t.Error("a wrong master key added keys")
	}
	if _, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: testMaster[:16], Now: c.now}); err == nil {
		t.Error("a 16-byte master key was taken")
	}
	for _, r := range keyRows(t, db) {
		if len(r.Sealed) == 0 || r.CreatedAt.IsZero() || r.FirstUse.IsZero() || !r.RetireAt.IsZero() {
			t.Errorf("row of %s: %+v", r.Purpose, r)
		}
	}
}

// A sealed key moved to another row, or a row given another purpose, must not open.
func TestKeyRowsAreBoundToTheirIdentity(t *testing.T) {
	for name, alter := range map[string]func(tx *store.Tx, a, b keyRow) error{
		"swapped": func(tx *store.Tx, a, b keyRow) error {
			a.Sealed, b.Sealed = b.Sealed, a.Sealed
			return errors.Join(keyTable.Put(tx, a), keyTable.Put(tx, b))
		},
		"purpose": func(tx *store.Tx, a, b keyRow) error {
			a.Purpose = b.Purpose
			return keyTable.Put(tx, a)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			byPurpose := map[Purpose]keyRow{}
			for _, r := range keyRows(t, h.db) {
				byPurpose[Purpose(r.Purpose)] = r
			}
			update(t, h.db, func(tx *store.Tx) error { return alter(tx, byPurpose[AccessMAC], byPurpose[RefreshMAC]) })
			if _, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: testMaster, Now: h.clock.now}); !errors.Is(err, ErrSealed) {
				t.Errorf("opened: %v", err)
			}
		})
	}
}

func TestSealBindsToTheCell(t *testing.T) {
	h := newHouse(t)
	k := h.Keys
	sealed, err := k.Seal("access_keys", "AKIA1", "secret", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Fatal("in the clear")
	}
	if got, err := k.Open("access_keys", "AKIA1", "secret", sealed); err != nil || string(got) != "hunter2" {
		t.Fatalf("open: %q %v", got, err)
	}
	for _, cell := range [][3]string{{"access_keys", "AKIA2", "secret"}, {"users", "AKIA1", "secret"}, {"access_keys", "AKIA1", "other"},
		{"access_keysA", "KIA1", "secret"}, {"access_keys", "AKIA1s", "ecret"}} {
		if _, err := k.Open(cell[0], cell[1], cell[2], sealed); !errors.Is(err, ErrSealed) {
			t.Errorf("%v opened: %v", cell, err)
		}
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if _, err := k.Open("access_keys", "AKIA1", "secret", altered); !errors.Is(err, ErrSealed) {
			t.Errorf("byte %d altered: %v", i, err)
		}
		if _, err := k.Open("access_keys", "AKIA1", "secret", sealed[:i]); !errors.Is(err, ErrSealed) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
	// Data keys never retire: what one sealed opens for ever, also by a new keyring.
	if _, err := k.Rotate(ctx, Data); err != nil {
		t.Fatal(err)
	}
	h.clock.move(10 * 365 * 24 * time.Hour)
	if got, err := openKeyring(t, h.db, h.clock).Open("access_keys", "AKIA1", "secret", sealed); err != nil || string(got) != "hunter2" {
		t.Errorf("after ten years: %q %v", got, err)
	}
}

// A change on one node is used by another within a second.
func TestOtherNodesFollow(t *testing.T) {
	h := newHouse(t)
	other := openKeyring(t, h.db, h.clock)
	before, _ := other.Epoch()
	if err := h.Keys.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	now, _ := h.Keys.Epoch()
	if now == before {
		t.Errorf("own node: epoch %d", now)
	}
	time.Sleep(fresh + 10*time.Millisecond)
	if there, _ := other.Epoch(); there != now {
		t.Errorf("other node: epoch %d, not %d", there, now)
	}
}

func TestEpochRefusesOlderAssertionsForAWhile(t *testing.T) {
	h := newHouse(t)
	if _, bound := h.Keys.Epoch(); !bound.IsZero() {
		t.Errorf("a bound before any restore: %s", bound)
	}
	raised := h.clock.now()
	if err := h.Keys.RaiseEpoch(ctx); err != nil {
		t.Fatal(err)
	}
	if _, bound := h.Keys.Epoch(); !bound.Equal(raised) {
		t.Errorf("bound %s, want %s", bound, raised)
	}
	h.clock.move(24*time.Hour + ClockSkew)
	if _, bound := h.Keys.Epoch(); !bound.Equal(raised) {
		t.Errorf("bound %s while one may still be valid", bound)
	}
	h.clock.move(ClockSkew + time.Second)
	if _, bound := h.Keys.Epoch(); !bound.IsZero() {
		t.Errorf("bound %s after the longest assertion", bound)
	}
}

// TestEpochIsNeverAgain: a backup restored twice gives two epochs, so that what was issued after the first is dead after the second.
func TestEpochIsNeverAgain(t *testing.T) {
	seen := map[int64]bool{}
	for range 30 {
		epoch := newEpoch(1)
		if epoch <= 1 || epoch > math.MaxUint32 || seen[epoch] {
			t.Fatalf("epoch %d after %d others", epoch, len(seen))
		}
		seen[epoch] = true
	}
}

// I05: never a private member; and the ids are thumbprints that an independent library computes alike.
func TestJWKSIsPublic(t *testing.T) {
	h := newHouse(t)
	mustAccess(t, h, h.accessToken(t), JWT, RS256)
	body, etag := h.Keys.JWKS()
	if len(etag) < 10 || etag[0] != '"' {
		t.Errorf("etag %s", etag)
	}
	if again, etag2 := h.Keys.JWKS(); etag2 != etag || !bytes.Equal(again, body) {
		t.Error("the set is not stable")
	}
	var raw struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		t.Fatal(err)
	}
	if len(raw.Keys) != 2 {
		t.Fatalf("%d keys", len(raw.Keys))
	}
	for _, k := range raw.Keys {
		for member := range k {
			if !strings.Contains(" kty use alg kid crv x y n e ", " "+member+" ") {
				t.Errorf("member %q is published", member)
			}
		}
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		sum, err := k.Thumbprint(5) // crypto.SHA256
		if err != nil || !k.IsPublic() || !k.Valid() || k.Use != "sig" || encodeBase64URL(sum) != k.KeyID {
			t.Errorf("key %s: %v", k.KeyID, err)
		}
	}
}

// A stale keyring whose store is gone must refuse rather than go on with what it knew.
func TestNoStoreNoKeys(t *testing.T) {
	h := newHouse(t)
	s := mustAccess(t, h, h.accessToken(t), Opaque, ES256)
	h.db.Close()
	time.Sleep(stale)
	if _, err := h.VerifyAccessToken(s, h.clock.now()); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("verified without a store: %v", err)
	}
	if body, _ := h.Keys.JWKS(); len(body) == 0 {
		t.Error("no JWKS")
	}
}
