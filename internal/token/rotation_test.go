package token

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

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
	if _, err := h.Keys.Rotate(ctx, SigningES256); err != nil {
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
	if _, err := k.Rotate(ctx, RefreshMAC); err != nil {
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
	if _, err := k.Rotate(ctx, "nonsense"); err == nil {
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
			if _, err := h.Keys.Rotate(ctx, p); err != nil {
				t.Error(err)
			}
		}
		h.clock.move(time.Hour)
	}
	close(stop)
	wg.Wait()
}

// The first RS256 key is made once, whoever needs it at the same moment.
func TestFirstRS256Key(t *testing.T) {
	h := newHouse(t)
	other := *h.Minter
	other.Keys = openKeyring(t, h.db, h.clock)
	var wg sync.WaitGroup
	for _, m := range []*Minter{h.Minter, &other, h.Minter, &other} {
		wg.Go(func() {
			a := h.accessToken(t)
			if _, err := m.AccessToken(a, JWT, RS256); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	made := 0
	for _, r := range keyRows(t, h.db) {
		if Purpose(r.Purpose) == SigningRS256 {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d keys were made", made)
	}
}
