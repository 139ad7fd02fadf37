package token

import (
	"bytes"
	"errors"
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
			if _, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: testMaster, Now: h.clock.now}); !errors.Is(err, ErrMasterKey) {
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
	if err := k.Rotate(ctx, Data); err != nil {
		t.Fatal(err)
	}
	h.clock.move(10 * 365 * 24 * time.Hour)
	if got, err := openKeyring(t, h.db, h.clock).Open("access_keys", "AKIA1", "secret", sealed); err != nil || string(got) != "hunter2" {
		t.Errorf("after ten years: %q %v", got, err)
	}
}

func TestSigningKeyRotation(t *testing.T) {
	h := newHouse(t)
	a := h.accessToken(t)
	kid := func() string {
		s := mustAccess(t, h, h.accessToken(t), JWT, ES256)
		jws, err := jose.ParseSignedCompact(s, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		return jws.Signatures[0].Header.KeyID
	}
	first, oldToken := kid(), mustAccess(t, h, a, JWT, ES256)
	body, etag := h.Keys.JWKS()
	if err := h.Keys.Rotate(ctx, SigningES256); err != nil {
		t.Fatal(err)
	}
	body2, etag2 := h.Keys.JWKS()
	if bytes.Equal(body, body2) || etag == etag2 || len(kids(t, body2)) != 2 {
		t.Fatalf("the next key is not published at once: %s", body2)
	}
	h.clock.move(14 * time.Minute)
	if kid() != first {
		t.Error("a key was used before its publication lead")
	}
	h.clock.move(2 * time.Minute)
	second := kid()
	if second == first {
		t.Error("the new key is not used after its publication lead")
	}
	if _, err := h.VerifyAccessToken(oldToken, h.clock.now()); err != nil {
		t.Errorf("a token of the replaced key: %v", err)
	}
	h.clock.move(MaxTokenLifetime) // any token of the old key is dead by now, the key stays for its margin
	if len(kids(t, reopened(t, h))) != 2 {
		t.Error("the replaced key is gone too early")
	}
	h.clock.move(retireMargin)
	if got := kids(t, reopened(t, h)); len(got) != 1 || got[0] != second {
		t.Errorf("keys after the retirement: %v", got)
	}
}

// reopened is the JWKS as a node sees it that starts now.
func reopened(t *testing.T, h house) []byte {
	t.Helper()
	body, _ := openKeyring(t, h.db, h.clock).JWKS()
	return body
}

func kids(t *testing.T, jwks []byte) []string {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(jwks, &set, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
	}
	return ids
}

func TestSymmetricKeyRotation(t *testing.T) {
	h := newHouse(t)
	k := h.Keys
	id, _, err := k.Secret(RefreshMAC)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(ctx, RefreshMAC); err != nil {
		t.Fatal(err)
	}
	if now, _, _ := k.Secret(RefreshMAC); now != id {
		t.Error("used before other nodes can know it")
	}
	h.clock.move(spreadLead)
	if now, _, _ := k.Secret(RefreshMAC); now == id {
		t.Error("the new key is not used")
	}
	h.clock.move(MaxFamilyLifetime)
	if _, err := k.SecretByID(RefreshMAC, id); err != nil {
		t.Errorf("a family of 90 days lost its key: %v", err)
	}
	if _, err := k.SecretByID(AccessMAC, id); err == nil {
		t.Error("a key of one purpose serves another")
	}
	h.clock.move(retireMargin)
	if _, err := k.SecretByID(RefreshMAC, id); err == nil {
		t.Error("the key outlives its last family")
	}
	if _, _, err := k.Secret(SigningES256); err == nil {
		t.Error("a signing key was given away as a secret")
	}
	if err := k.Rotate(ctx, "nonsense"); err == nil {
		t.Error("an unknown purpose was rotated")
	}
}

// Keys of age are replaced without being told, once, whoever notices.
func TestKeysOfAgeRotateByThemselves(t *testing.T) {
	h := newHouse(t)
	other := openKeyring(t, h.db, h.clock)
	h.clock.move(90*24*time.Hour + time.Minute)
	deadline := time.Now().Add(10 * time.Second)
	for {
		for _, k := range []*Keyring{h.Keys, other} {
			if _, err := k.current(); err != nil {
				t.Fatal(err)
			}
		}
		count := map[string]int{}
		for _, r := range keyRows(t, h.db) {
			count[r.Purpose]++
		}
		done := true
		for _, p := range firstPurposes {
			want := 2
			if p == Data {
				want = 1
			}
			if count[string(p)] > want {
				t.Fatalf("%d keys for %s", count[string(p)], p)
			}
			done = done && count[string(p)] == want
		}
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not rotated: %v", count)
		}
		time.Sleep(20 * time.Millisecond)
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
	if now, _ := h.Keys.Epoch(); now != before+1 {
		t.Errorf("own node: epoch %d", now)
	}
	time.Sleep(fresh + 10*time.Millisecond)
	if now, _ := other.Epoch(); now != before+1 {
		t.Errorf("other node: epoch %d", now)
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
	h.clock.move(24*time.Hour + clockSkew + time.Second)
	if epoch, bound := h.Keys.Epoch(); !bound.IsZero() || epoch != 2 {
		t.Errorf("epoch %d, bound %s after the longest assertion", epoch, bound)
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

func TestManyUsersWhileRotating(t *testing.T) {
	h := newHouse(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f := Opaque
				if n%2 == 0 {
					f = JWT
				}
				a := h.accessToken(t)
				s, err := h.AccessToken(a, f, ES256)
				if err == nil {
					_, err = h.VerifyAccessToken(s, a.IssuedAt)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		for _, p := range []Purpose{AccessMAC, SigningES256} {
			if err := h.Keys.Rotate(ctx, p); err != nil {
				t.Error(err)
			}
		}
		h.clock.move(time.Hour)
	}
	close(stop)
	wg.Wait()
}
