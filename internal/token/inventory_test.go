package token

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/symbolon/symbolon/internal/store"
)

// states are the states of the keys of a purpose, oldest first.
func states(t *testing.T, k *Keyring, p Purpose) string {
	t.Helper()
	infos, err := k.Inventory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, i := range infos {
		if i.Purpose == p {
			list = append(list, string(i.State))
		}
	}
	return strings.Join(list, " ")
}

func wantStates(t *testing.T, k *Keyring, p Purpose, want string) {
	t.Helper()
	if got := states(t, k, p); got != want {
		t.Errorf("%s: states %q, want %q", p, got, want)
	}
}

func mustRotate(t *testing.T, rotate func() (KeyInfo, error)) KeyInfo {
	t.Helper()
	info, err := rotate()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// A key's states over its life, and that the inventory holds nothing secret.
func TestInventory(t *testing.T) {
	h := newHouse(t)
	k := h.Keys
	wantStates(t, k, SigningES256, "current")
	wantStates(t, k, SigningRS256, "")
	next := mustRotate(t, func() (KeyInfo, error) { return k.Rotate(ctx, SigningES256) })
	if next.State != KeyPublished || next.Algorithm != "ES256" || !next.FirstUse.Equal(h.clock.now().Add(15*time.Minute)) || !next.RetireAt.IsZero() {
		t.Errorf("made: %+v", next)
	}
	wantStates(t, k, SigningES256, "current published")
	h.clock.move(15 * time.Minute)
	wantStates(t, k, SigningES256, "retiring current")
	h.clock.move(MaxTokenLifetime + retireMargin)
	wantStates(t, k, SigningES256, "current")

	infos, err := k.Inventory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(infos)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range firstPurposes {
		if p.signs() {
			continue
		}
		_, secret, err := k.Secret(p)
		if err != nil || bytes.Contains(text, []byte(hex.EncodeToString(secret))) || bytes.Contains(text, []byte(encodeBase64URL(secret))) {
			t.Errorf("%s: %v, or its secret is in the inventory", p, err)
		}
	}
	for _, name := range []string{"ES256", "es256", "RS256", "signing-rs256", "refresh-mac"} {
		if _, err := ParsePurpose(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "HS256", "refresh", "none"} {
		if p, err := ParsePurpose(name); err == nil {
			t.Errorf("%q is %s", name, p)
		}
	}
}

// An id can be given to a command: none looks like a flag, though every 64th thumbprint would.
func TestKeyIDsAreNoFlags(t *testing.T) {
	for range 1000 {
		id, _, err := newKeyMaterial(SigningES256)
		if err != nil || id[0] == '-' {
			t.Fatalf("id %q, %v", id, err)
		}
	}
}

// An emergency: the new key makes everything from now on, the old still verifies, and one that was waiting is never used.
func TestRotateNow(t *testing.T) {
	for _, p := range []Purpose{SigningES256, RefreshMAC} {
		h := newHouse(t)
		mustRotate(t, func() (KeyInfo, error) { return h.Keys.Rotate(ctx, p) })
		next := mustRotate(t, func() (KeyInfo, error) { return h.Keys.RotateNow(ctx, p) })
		wantStates(t, h.Keys, p, "retiring retiring current")
		for _, d := range []time.Duration{0, time.Hour, MaxTokenLifetime, MaxFamilyLifetime - 26*time.Hour} {
			h.clock.move(d)
			if used, err := openKeyring(t, h.db, h.clock).use(p); err != nil || used.id != next.ID {
				t.Errorf("%s: after %s key %s is used, want %s (%v)", p, d, used.id, next.ID, err)
			}
		}
		// Twice at one moment: the later one counts.
		mustRotate(t, func() (KeyInfo, error) { return h.Keys.RotateNow(ctx, p) })
		last := mustRotate(t, func() (KeyInfo, error) { return h.Keys.RotateNow(ctx, p) })
		if used, err := h.Keys.use(p); err != nil || used.id != last.ID {
			t.Errorf("%s: key %s is used, want %s (%v)", p, used.id, last.ID, err)
		}
	}
}

func TestRetire(t *testing.T) {
	h := newHouse(t)
	a := h.accessToken(t)
	jwt := mustAccess(t, h, a, JWT, ES256)
	old, err := h.Keys.use(SigningES256)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Keys.Retire(ctx, old.id, false); !errors.Is(err, ErrKeyInUse) {
		t.Fatalf("the current key: %v", err)
	}
	mustRotate(t, func() (KeyInfo, error) { return h.Keys.RotateNow(ctx, SigningES256) })
	retired, successor, err := h.Keys.Retire(ctx, old.id, false)
	if err != nil || retired.ID != old.id || retired.State != KeyRetired || !retired.RetireAt.Equal(h.clock.now()) || successor.ID != "" {
		t.Fatalf("%+v %+v %v", retired, successor, err)
	}
	if _, err := h.VerifyAccessToken(jwt, a.IssuedAt); !errors.Is(err, ErrInvalid) {
		t.Errorf("a token of the retired key: %v", err)
	}
	if body, _ := h.Keys.JWKS(); bytes.Contains(body, []byte(old.id)) {
		t.Error("the retired key is in the JWKS")
	}
	wantStates(t, h.Keys, SigningES256, "retired current")
	for _, r := range keyRows(t, h.db) {
		if r.ID == old.id && len(r.Sealed) != 0 {
			t.Error("the retired key's material is still there")
		}
	}
	if _, err := h.VerifyAccessToken(mustAccess(t, h, a, JWT, ES256), a.IssuedAt); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
	if _, _, err := h.Keys.Retire(ctx, old.id, true); !errors.Is(err, ErrKeyRetired) {
		t.Errorf("a second time: %v", err)
	}
	if _, _, err := h.Keys.Retire(ctx, "none", true); !errors.Is(err, ErrNoSuchKey) {
		t.Errorf("no key: %v", err)
	}
	openKeyring(t, h.db, h.clock) // a start beside a retired key
	h.clock.move(retiredKept + time.Second)
	if got := states(t, h.Keys, SigningES256); strings.Contains(got, "retired") {
		t.Errorf("the record stays: %s", got)
	}
}

// Retiring the current key by force leaves one that works; the first key of its kind and one with a successor in waiting alike.
func TestRetireTheCurrentKey(t *testing.T) {
	for _, p := range Purposes() {
		h := newHouse(t)
		mustRotate(t, func() (KeyInfo, error) { return h.Keys.Rotate(ctx, p) })
		current := ""
		infos, err := h.Keys.Inventory(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range infos {
			if i.Purpose == p && i.State == KeyCurrent {
				current = i.ID
			}
		}
		_, successor, err := h.Keys.Retire(ctx, current, true)
		if p == Data {
			if !errors.Is(err, ErrDataKey) {
				t.Errorf("a data key: %v", err)
			}
			continue
		}
		if err != nil || successor.State != KeyCurrent {
			t.Fatalf("%s: %+v %v", p, successor, err)
		}
		if used, err := h.Keys.use(p); err != nil || used.id != successor.ID {
			t.Errorf("%s: key %s is used, want %s (%v)", p, used.id, successor.ID, err)
		}
		if p.Ends() == "" || p.use() == "" {
			t.Errorf("%s: nothing is said of it", p)
		}
	}
}

// Retiring the key in waiting gives the one it was to replace its life back.
func TestRetireTheNextKey(t *testing.T) {
	h := newHouse(t)
	next := mustRotate(t, func() (KeyInfo, error) { return h.Keys.Rotate(ctx, RefreshMAC) })
	if _, _, err := h.Keys.Retire(ctx, next.ID, false); err != nil {
		t.Fatal(err)
	}
	h.clock.move(MaxFamilyLifetime + 2*retireMargin)
	wantStates(t, h.Keys, RefreshMAC, "current")
	if _, err := openKeyring(t, h.db, h.clock).use(RefreshMAC); err != nil {
		t.Error(err)
	}
}

// Two nodes that rotate, rotate at once and retire at the same moment, over and over: there is always exactly one current key a kind, no
// key that may be in use ends early, and what any node makes every node verifies.
func TestRotationsAtOnce(t *testing.T) {
	rotateAtOnce(t, newNodes(t, 2), 60)
}

func rotateAtOnce(t *testing.T, nodes []house, rounds int) {
	t.Helper()
	for round := range rounds {
		var wg sync.WaitGroup
		for n, m := range nodes {
			for _, p := range []Purpose{SigningES256, AccessMAC} {
				wg.Go(func() {
					var err error
					switch (round + n) % 4 {
					case 0, 1:
						_, err = m.Keys.Rotate(ctx, p)
					case 2:
						_, err = m.Keys.RotateNow(ctx, p)
					default:
						_, err = m.Keys.rotate(ctx, p, m.Keys.ahead, m.Keys.aged)
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		for _, n := range nodes {
			n.clock.move(time.Duration(round%7) * 5 * time.Minute)
		}
		checkSuccession(t, nodes[0])
		for n, m := range nodes {
			for _, f := range []Format{Opaque, JWT} {
				a := m.accessToken(t)
				s, err := m.AccessToken(a, f, ES256)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := nodes[1-n].VerifyAccessToken(s, a.IssuedAt); err != nil {
					t.Fatalf("round %d: node %d refuses what node %d made: %v", round, 1-n, n, err)
				}
			}
		}
	}
}

// checkSuccession: each key but the newest ends one afterlife after its successor's first use, or later; the newest has no end.
func checkSuccession(t *testing.T, h house) {
	t.Helper()
	if err := h.db.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	err := h.db.View(ctx, func(tx *store.Tx) error {
		for _, p := range Purposes() {
			rows, err := keysOf(tx, p)
			if err != nil {
				return err
			}
			afterlife, ends := p.afterlife()
			for i, r := range rows {
				switch last := i == len(rows)-1; {
				case last || !ends:
					if !r.RetireAt.IsZero() {
						t.Errorf("%s: the newest key ends %s", p, r.RetireAt)
					}
				case r.RetireAt.Before(rows[i+1].FirstUse.Add(afterlife)):
					t.Errorf("%s: a key ends %s, its successor is first used %s", p, r.RetireAt, rows[i+1].FirstUse)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
