package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

// insertUnderMaster adds a key as programs did that had no store key: sealed under the test's master key itself.
func insertUnderMaster(t testing.TB, db *store.DB, id string, p Purpose, material []byte) {
	t.Helper()
	master, err := newMasterKey(testMaster)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		r := keyRow{ID: id, Purpose: string(p), CreatedAt: tx.Now(), FirstUse: tx.Now()}
		r.Sealed = sealRandom(master.aead, nil, material, r.identity())
		return keyTable.Insert(tx, r)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wrapRows(t testing.TB, db *store.DB) (wraps []wrapRow) {
	t.Helper()
	err := db.View(ctx, func(tx *store.Tx) (err error) {
		wraps, err = listWraps(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return wraps
}

// The keys of a store from before the store key open as they did, and move under a store key at once.
func TestKeysUnderTheMasterKeyMove(t *testing.T) {
	c := newClock()
	db := openStore(t, c.now)
	secret := bytes.Repeat([]byte{5}, 32)
	insertUnderMaster(t, db, "1111111111111111", RefreshMAC, secret)
	before := keyRows(t, db)[0]
	if _, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: otherMaster, Now: c.now}); !errors.Is(err, ErrMasterKey) {
		t.Fatalf("another master key: %v", err)
	}
	if rows := keyRows(t, db); len(rows) != 1 || !bytes.Equal(rows[0].Sealed, before.Sealed) || len(wrapRows(t, db)) != 0 {
		t.Fatal("the refused start changed the store")
	}
	for range 2 {
		k := openKeyring(t, db, c)
		if got, err := k.SecretByID(RefreshMAC, "1111111111111111"); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("the key of before: %x %v", got, err)
		}
	}
	wraps := wrapRows(t, db)
	if len(wraps) != 1 || wraps[0].Master != Fingerprint(testMaster) {
		t.Fatalf("wraps %+v", wraps)
	}
	for _, r := range keyRows(t, db) {
		if r.StoreKey != wraps[0].StoreKey {
			t.Errorf("key %s is not under the store key", r.ID)
		}
	}
}

// A wrap of another store key, or one given another name, opens nothing.
func TestWrapsAreBoundToTheirIdentity(t *testing.T) {
	for name, alter := range map[string]func(tx *store.Tx, w wrapRow) error{
		"store key renamed": func(tx *store.Tx, w wrapRow) error { w.StoreKey = "0000000000000000"; return wrapTable.Put(tx, w) },
		"sealed altered": func(tx *store.Tx, w wrapRow) error {
			w.Sealed = bytes.Clone(w.Sealed)
			w.Sealed[20] ^= 1
			return wrapTable.Put(tx, w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			update(t, h.db, func(tx *store.Tx) error { return alter(tx, wrapRows(t, h.db)[0]) })
			if _, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: testMaster, Now: h.clock.now}); !errors.Is(err, ErrSealed) {
				t.Errorf("opened: %v", err)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	f := Fingerprint(testMaster)
	if len(f) != 16 || f != Fingerprint(bytes.Clone(testMaster)) || f == Fingerprint(otherMaster) {
		t.Errorf("fingerprint %q", f)
	}
	c := newClock()
	db := openStore(t, c.now)
	openKeyring(t, db, c)
	_, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: otherMaster, Now: c.now})
	if err == nil || !strings.Contains(err.Error(), f) || !strings.Contains(err.Error(), Fingerprint(otherMaster)) {
		t.Errorf("the refusal names no fingerprints: %v", err)
	}
}
