package token

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// shared is one of several nodes' handles on a backend.
type shared struct{ store.Backend }

func (shared) Close() error { return nil }

// newNodes are nodes on one database, each with its own clock, memory and keyring, as processes of their own would be.
func newNodes(t *testing.T, n int) []house {
	t.Helper()
	b, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return nodesOn(t, n, func() store.Backend { return shared{b} })
}

func nodesOn(t *testing.T, n int, open func() store.Backend) []house {
	t.Helper()
	nodes := make([]house, n)
	for i := range nodes {
		c := newClock()
		db, err := store.Open(ctx, open(), Tables(), store.Options{Now: c.now, Shared: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		k, err := OpenKeyring(ctx, db, KeyringOptions{MasterKey: testMaster, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = house{Minter: &Minter{Keys: k, Issuer: "https://id.example/ssoins-1", Now: c.now}, clock: c, db: db}
	}
	return nodes
}

// What one node makes with a key of this very moment the others take at once, although they have not heard of the key.
func TestUnheardKeys(t *testing.T) { unheardKeys(t, newNodes(t, 3)) }

func unheardKeys(t *testing.T, nodes []house) {
	t.Helper()
	for range 5 {
		for _, p := range []Purpose{SigningES256, AccessMAC, RefreshMAC, RoleSession} {
			mustRotate(t, func() (KeyInfo, error) { return nodes[0].Keys.RotateNow(ctx, p) })
		}
		a := nodes[0].accessToken(t)
		var made []string
		for _, f := range []Format{JWT, Opaque} {
			made = append(made, mustAccess(t, nodes[0], a, f, ES256))
		}
		role, err := nodes[0].RoleCredentials([]byte("claims"), Session{}, a.IssuedAt.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes[1:] {
			for _, s := range made {
				if _, err := n.VerifyAccessToken(s, a.IssuedAt); err != nil {
					t.Errorf("node %d: %s…: %v", i+1, s[:3], err)
				}
			}
			if _, _, _, _, err := n.OpenRoleCredentials(role.AccessKeyID, role.SessionToken, a.IssuedAt); err != nil {
				t.Errorf("node %d: role credentials: %v", i+1, err)
			}
		}
	}
}

// Made-up key ids ask the database, but not more often than the spacing allows.
func TestMadeUpKeyIDs(t *testing.T) {
	n := newNodes(t, 1)[0]
	a := n.accessToken(t)
	raw, err := decodeBase64URL(strings.TrimPrefix(mustAccess(t, n, a, Opaque, ES256), accessPrefix))
	if err != nil {
		t.Fatal(err)
	}
	raw[1] ^= 1 // the key id's first byte
	forged := accessPrefix + encodeBase64URL(raw)
	began, before := time.Now(), n.db.Stats().FromMemory
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 4 {
				if _, err := n.VerifyAccessToken(forged, a.IssuedAt); err == nil {
					t.Error("a made-up key id was taken")
				}
			}
		})
	}
	wg.Wait()
	// Each inquiry lists three tables from memory; the keyring's own renewal, every 200 ms, does the same.
	reads, most := n.db.Stats().FromMemory-before, 3*(uint64(time.Since(began)/inquirySpacing)+uint64(time.Since(began)/fresh)+4)
	if reads > most {
		t.Errorf("200 made-up ids in %s caused %d reads, at most %d are due", time.Since(began), reads, most)
	}
}

// A retired key is refused by every node within a second.
func TestRetiredEverywhere(t *testing.T) { retiredEverywhere(t, newNodes(t, 2)) }

func retiredEverywhere(t *testing.T, nodes []house) {
	t.Helper()
	a := nodes[1].accessToken(t)
	s := mustAccess(t, nodes[1], a, JWT, ES256)
	old, err := nodes[1].Keys.use(SigningES256)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := nodes[0].Keys.Retire(ctx, old.id, true); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].VerifyAccessToken(s, a.IssuedAt); err == nil {
		t.Error("its own node still takes it")
	}
	time.Sleep(time.Second)
	if _, err := nodes[1].VerifyAccessToken(s, a.IssuedAt); err == nil {
		t.Error("the other node still takes it")
	}
	if _, err := nodes[0].VerifyAccessToken(mustAccess(t, nodes[1], a, JWT, ES256), a.IssuedAt); err != nil {
		t.Errorf("what the other node signs now: %v", err)
	}
}

// Clocks that differ by ten minutes: what any node makes any other takes, before, during and after a rotation by either.
func TestRotationUnderSkew(t *testing.T) {
	for _, rotates := range []int{0, 1} {
		nodes := newNodes(t, 2)
		nodes[1].clock.move(10 * time.Minute)
		mustRotate(t, func() (KeyInfo, error) { return nodes[rotates].Keys.Rotate(ctx, SigningES256) })
		mustRotate(t, func() (KeyInfo, error) { return nodes[rotates].Keys.Rotate(ctx, AccessMAC) })
		for range 60 {
			for from := range nodes {
				a := nodes[from].accessToken(t)
				for _, f := range []Format{JWT, Opaque} {
					if _, err := nodes[1-from].VerifyAccessToken(mustAccess(t, nodes[from], a, f, ES256), a.IssuedAt); err != nil {
						t.Fatalf("node %d refuses what node %d made: %v", 1-from, from, err)
					}
				}
			}
			for _, n := range nodes {
				n.clock.move(29 * time.Minute)
			}
		}
	}
}

// slow is a connection on which the first answer of every view takes long to arrive, and so every poll of the feed.
type slow struct{ store.Backend }

type slowView struct {
	store.Snapshot
	answered bool
}

func (s slow) Begin(ctx context.Context) (store.Snapshot, error) {
	v, err := s.Backend.Begin(ctx)
	return &slowView{Snapshot: v}, err
}

func (v *slowView) Query(ctx context.Context, st *store.Statement, args []any, row func([]any) error) error {
	err := v.Snapshot.Query(ctx, st, args, row)
	if !v.answered {
		v.answered = true
		time.Sleep(470 * time.Millisecond)
	}
	return err
}

// The second within which a retired key is refused counts from its acknowledgement, not from when the keyring asked the store's memory,
// which may itself be nearly a second old.
func TestRetiredEverywhereOverASlowLine(t *testing.T) {
	b, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	near := true
	nodes := nodesOn(t, 2, func() store.Backend {
		if near {
			near = false
			return shared{b}
		}
		return slow{shared{b}}
	})
	for range 3 {
		a := nodes[1].accessToken(t)
		s := mustAccess(t, nodes[1], a, JWT, ES256)
		old, err := nodes[1].Keys.use(SigningES256)
		if err != nil {
			t.Fatal(err)
		}
		for lag := time.Duration(0); nodes[1].db.Lag() >= lag; time.Sleep(time.Millisecond) {
			lag = nodes[1].db.Lag()
		}
		time.Sleep(30 * time.Millisecond) // a poll has ended, and the next one has just looked
		if _, _, err := nodes[0].Keys.Retire(ctx, old.id, true); err != nil {
			t.Fatal(err)
		}
		acknowledged := time.Now()
		for time.Since(acknowledged) < 2*time.Second {
			start := time.Now()
			if _, err := nodes[1].VerifyAccessToken(s, a.IssuedAt); err == nil && start.Sub(acknowledged) > time.Second {
				t.Errorf("taken %v after the key was retired", start.Sub(acknowledged))
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// mute is a backend that does not answer while it hangs.
type mute struct {
	store.Backend
	hangs atomic.Bool
	asked atomic.Int32 // while it hung
}

func (m *mute) Begin(ctx context.Context) (store.Snapshot, error) {
	if m.hangs.Load() {
		m.asked.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return m.Backend.Begin(ctx)
}

func (*mute) Close() error { return nil }

// While the database hangs nobody waits for the turns of all who came before: those who wait together hear together that it does not answer.
func TestManyWaitAsLongAsOne(t *testing.T) {
	b, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	database := &mute{Backend: b}
	n := nodesOn(t, 1, func() store.Backend { return database })[0]
	a := n.accessToken(t)
	good := mustAccess(t, n, a, Opaque, ES256)
	raw, err := decodeBase64URL(strings.TrimPrefix(good, accessPrefix))
	if err != nil {
		t.Fatal(err)
	}
	raw[1] ^= 1 // the key id's first byte
	for name, token := range map[string]string{"a made-up key": accessPrefix + encodeBase64URL(raw), "a known key": good} {
		database.hangs.Store(true)
		if name == "a known key" {
			time.Sleep(stale + fresh) // what the keyring has loaded counts no more
		}
		database.asked.Store(0)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := n.VerifyAccessToken(token, a.IssuedAt); err == nil || errors.Is(err, ErrInvalid) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if n := database.asked.Load(); n >= 20 {
			t.Errorf("%s: twenty at once asked %d times, one behind the other", name, n)
		}
		database.hangs.Store(false)
		time.Sleep(2 * fresh)
	}
}
