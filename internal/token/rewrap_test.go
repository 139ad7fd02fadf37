package token

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

var thirdMaster = bytes.Repeat([]byte{9}, 32)

// opensWith opens a keyring under that master key and checks that what was sealed before is there.
func opensWith(t *testing.T, h house, master, sealed []byte) *Keyring {
	t.Helper()
	k, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: master, Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open("access_keys", "AKIA1", "secret", sealed); err != nil || string(got) != "hunter2" {
		t.Fatalf("what was sealed: %q, %v", got, err)
	}
	return k
}

func refusesMaster(t *testing.T, h house, master []byte) {
	t.Helper()
	if _, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: master, Now: h.clock.now}); !errors.Is(err, ErrMasterKey) {
		t.Errorf("master key %s: %v", Fingerprint(master), err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error is %v, want %v", err, want)
	}
}

// The whole change: both keys open the store while it lasts, then only the new one, and nothing that was sealed is lost.
func TestRewrap(t *testing.T) {
	h := newHouse(t)
	a := h.Keys
	sealed, err := a.Seal("access_keys", "AKIA1", "secret", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	old := mustAccess(t, h, h.accessToken(t), JWT, ES256)
	_, err = a.FinishRewrap(ctx, nil)
	wantError(t, err, ErrNoRewrap)
	_, err = a.CancelRewrap(ctx, nil)
	wantError(t, err, ErrNoRewrap)
	wantError(t, a.Rewrap(ctx, testMaster), ErrSameMasterKey)
	if err := a.Rewrap(ctx, otherMaster[:31]); err == nil {
		t.Error("a master key of 31 bytes was taken")
	}

	for range 2 { // repeated, as after an interruption
		if err := a.Rewrap(ctx, otherMaster); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := a.MasterKeys(ctx); err != nil || len(keys) != 2 || !keys[0].InUse || keys[1].InUse || keys[1].Fingerprint != Fingerprint(otherMaster) {
		t.Errorf("master keys %+v, %v", keys, err)
	}
	b := opensWith(t, h, otherMaster, sealed)
	opensWith(t, h, testMaster, sealed)
	refusesMaster(t, h, thirdMaster)
	wantError(t, a.Rewrap(ctx, thirdMaster), ErrRewrapPending)
	wantError(t, b.Rewrap(ctx, testMaster), ErrRewrapPending)
	_, err = a.FinishRewrap(ctx, nil)
	wantError(t, err, ErrNotYours)
	_, err = b.CancelRewrap(ctx, nil)
	wantError(t, err, ErrNotYours)

	before := wrapRows(t, h.db)[0].StoreKey
	wait := errors.New("a node has the old one")
	_, err = b.FinishRewrap(ctx, func(_ *store.Tx, old string) error {
		if old != Fingerprint(testMaster) {
			t.Errorf("it is asked about %s", old)
		}
		return wait
	})
	wantError(t, err, wait)
	opensWith(t, h, testMaster, sealed)
	if withdrawn, err := b.FinishRewrap(ctx, nil); err != nil || withdrawn != Fingerprint(testMaster) {
		t.Fatal(withdrawn, err)
	}
	refusesMaster(t, h, testMaster)
	opensWith(t, h, otherMaster, sealed)
	wraps := wrapRows(t, h.db)
	if len(wraps) != 1 || wraps[0].StoreKey == before {
		t.Errorf("wraps %+v; the store key is still %s", wraps, before)
	}
	for _, r := range keyRows(t, h.db) {
		if r.StoreKey != wraps[0].StoreKey {
			t.Errorf("key %s is under another store key", r.ID)
		}
	}
	_, err = b.FinishRewrap(ctx, nil)
	wantError(t, err, ErrNoRewrap)

	// A node that still has the old key goes on with the keys it has, until one is made that it cannot open.
	if err := a.reload(ctx); err != nil || !a.withdrawn.Load() {
		t.Errorf("the old node: %v, withdrawn %t", err, a.withdrawn.Load())
	}
	if _, err := h.VerifyAccessToken(old, h.clock.now()); err != nil {
		t.Errorf("the old node refuses its own token: %v", err)
	}
	wantError(t, a.Check(ctx), ErrMasterKey)
	wantError(t, b.Check(ctx), nil)
	if _, err := a.Rotate(ctx, AccessMAC); !errors.Is(err, ErrMasterKey) {
		t.Errorf("the old node makes a key: %v", err)
	}
	if _, err := b.Rotate(ctx, AccessMAC); err != nil {
		t.Error(err)
	}
	time.Sleep(stale)
	if _, err := h.VerifyAccessToken(old, h.clock.now()); !errors.Is(err, ErrMasterKey) {
		t.Errorf("the old node with a key it cannot open: %v", err)
	}
}

func TestCancelRewrap(t *testing.T) {
	h := newHouse(t)
	if err := h.Keys.Rewrap(ctx, otherMaster); err != nil {
		t.Fatal(err)
	}
	h.clock.move(-time.Hour) // a node whose clock is behind still knows which is the new one
	if withdrawn, err := h.Keys.CancelRewrap(ctx, nil); err != nil || withdrawn != Fingerprint(otherMaster) {
		t.Fatal(withdrawn, err)
	}
	refusesMaster(t, h, otherMaster)
	for range 3 { // there and back again
		if err := h.Keys.Rewrap(ctx, thirdMaster); err != nil {
			t.Fatal(err)
		}
		k, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: thirdMaster, Now: h.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.FinishRewrap(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if err := k.Rewrap(ctx, testMaster); err != nil {
			t.Fatal(err)
		}
		h.Keys = openKeyring(t, h.db, h.clock)
		if _, err := h.Keys.FinishRewrap(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// Retired keys have nothing left that could be sealed anew.
func TestRewrapBesideARetiredKey(t *testing.T) {
	h := newHouse(t)
	old, err := h.Keys.use(AccessMAC)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Keys.Retire(ctx, old.id, true); err != nil {
		t.Fatal(err)
	}
	if err := h.Keys.Rewrap(ctx, otherMaster); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeyring(ctx, h.db, KeyringOptions{MasterKey: otherMaster, Now: h.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.FinishRewrap(ctx, nil); err != nil {
		t.Fatal(err)
	}
	wantStates(t, k, AccessMAC, "retired current")
}

// Nodes that mint, verify and rotate while the master key is changed over and over never fail, and hear of everything.
func TestRewrapUnderLoad(t *testing.T) { rewrapUnderLoad(t, newNodes(t, 2)) }

func rewrapUnderLoad(t *testing.T, nodes []house) {
	t.Helper()
	stop := make(chan struct{})
	done := make(chan struct{})
	defer func() { close(stop); <-done }()
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			a := nodes[0].accessToken(t)
			for from := range nodes {
				s, err := nodes[from].AccessToken(a, Opaque, ES256)
				if err == nil {
					_, err = nodes[1-from].VerifyAccessToken(s, a.IssuedAt)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	masters := [][]byte{testMaster, otherMaster}
	for round := range 10 {
		next := masters[(round+1)%2]
		heard(t, nodes)
		if err := nodes[round%2].Keys.Rewrap(ctx, next); err != nil {
			t.Fatal(err)
		}
		heard(t, nodes)
		for i := range nodes { // the restart: one by one, on a handle of its own on the same database
			k, err := OpenKeyring(ctx, nodes[i].db, KeyringOptions{MasterKey: next, Now: nodes[i].clock.now})
			if err != nil {
				t.Fatal(err)
			}
			nodes[i].Keys.adopt(k)
			if _, err := nodes[1-i].Keys.Rotate(ctx, AccessMAC); err != nil {
				t.Fatal(err)
			}
		}
		heard(t, nodes)
		if _, err := nodes[(round+1)%2].Keys.FinishRewrap(ctx, nil); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			n.clock.move(spreadLead)
		}
	}
	heard(t, nodes)
	if wraps := wrapRows(t, nodes[0].db); len(wraps) != 1 {
		t.Errorf("%d wraps", len(wraps))
	}
}

// heard has all nodes know what was changed, as one that starts does.
func heard(t *testing.T, nodes []house) {
	t.Helper()
	for _, n := range nodes {
		if err := n.db.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// adopt has a running keyring go on as the restarted one: the load of the test holds the former.
func (k *Keyring) adopt(restarted *Keyring) {
	k.loading.Lock()
	defer k.loading.Unlock()
	k.master = restarted.master
}
