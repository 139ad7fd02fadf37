package token

import (
	"context"
	"fmt"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// spreadLead is how long a new symmetric key waits for its first use: longer than the second in which every node hears
// of it, so that no node is handed a token whose key it does not know yet.
const spreadLead = 5 * time.Second

// retryRotation is how long a failed background rotation waits before the next attempt.
const retryRotation = time.Minute

// Rotate makes the next key of a purpose: a signing key is published now and used after PublishLead, any other is used
// as soon as every node has it (5 seconds). The keys before it retire once the last token made with them is dead; data
// keys never do. The first key of a purpose is used at once.
func (k *Keyring) Rotate(ctx context.Context, p Purpose) (KeyInfo, error) {
	return k.rotate(ctx, p, k.ahead, func([]keyRow, time.Time) bool { return true })
}

// RotateNow is Rotate for an emergency: the new key is used at once, by every node that has heard of it. Keys that were waiting for
// their first use will never be used. Those who keep a copy of the JWKS may refuse what the new key signs until they fetch it again.
func (k *Keyring) RotateNow(ctx context.Context, p Purpose) (KeyInfo, error) {
	return k.rotate(ctx, p, atOnce, func([]keyRow, time.Time) bool { return true })
}

// rotate adds a key if due still says so inside the transaction: several nodes may find a key old at once. The answer is empty if not.
func (k *Keyring) rotate(ctx context.Context, p Purpose, first schedule, due func(rows []keyRow, now time.Time) bool) (KeyInfo, error) {
	if !p.known() {
		return KeyInfo{}, fmt.Errorf("token: unknown key purpose %q", p)
	}
	id, material, err := newKeyMaterial(p) // outside: an RSA key takes long
	if err != nil {
		return KeyInfo{}, err
	}
	defer clear(material)
	var info KeyInfo
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		info = KeyInfo{}
		rows, err := keysOf(tx, p)
		if err != nil || !due(rows, tx.Now()) {
			return err
		}
		made, err := k.succeed(tx, rows, keyRow{ID: id, Purpose: string(p), FirstUse: first(p, rows, tx.Now())}, material)
		info = made.describe(tx.Now(), currentOf(append(rows, made), tx.Now()))
		return err
	})
	if err != nil {
		return KeyInfo{}, err
	}
	return info, k.reload(ctx)
}

// succeed inserts a key and gives those before it the end that follows from its first use.
func (k *Keyring) succeed(tx *store.Tx, rows []keyRow, next keyRow, material []byte) (keyRow, error) {
	s, err := k.storeKey(tx)
	if err != nil {
		return keyRow{}, err
	}
	defer s.forget()
	for _, r := range rows {
		if err := supersede(tx, r, next.FirstUse); err != nil {
			return keyRow{}, err
		}
	}
	return insertKey(tx, s, next, material)
}

// supersede gives a key its end, if it has none and its purpose knows one. One that was to be used later than its successor is not used
// at all; it still verifies, for nodes whose clocks are ahead.
func supersede(tx *store.Tx, r keyRow, successorFirstUse time.Time) error {
	changed := false
	if !r.FirstUse.Before(successorFirstUse) {
		r.FirstUse, changed = successorFirstUse.Add(-time.Microsecond), true
	}
	if afterlife, ends := Purpose(r.Purpose).afterlife(); ends && r.RetireAt.IsZero() {
		r.RetireAt, changed = successorFirstUse.Add(afterlife), true
	}
	if !changed {
		return nil
	}
	return keyTable.Put(tx, r)
}

// schedule says when the next key of a purpose is used first, beside the keys there are.
type schedule func(p Purpose, rows []keyRow, now time.Time) time.Time

// ahead lets every node, and whoever keeps a copy of the JWKS, know the key before its first use: which is never before that of a key already waiting.
func (k *Keyring) ahead(p Purpose, rows []keyRow, now time.Time) time.Time {
	if len(rows) == 0 {
		return now
	}
	lead := spreadLead
	if p.signs() {
		lead = max(k.lead, spreadLead)
	}
	first := now.Add(lead)
	for _, r := range rows {
		if !r.FirstUse.Before(first) {
			first = r.FirstUse.Add(time.Microsecond)
		}
	}
	return first
}

func atOnce(_ Purpose, _ []keyRow, now time.Time) time.Time { return now }

// aged says whether the newest of the keys is due for replacement. No keys, nothing to replace.
func (k *Keyring) aged(rows []keyRow, now time.Time) bool {
	var newest time.Time
	for _, r := range rows {
		if r.CreatedAt.After(newest) {
			newest = r.CreatedAt
		}
	}
	return len(rows) > 0 && now.Sub(newest) >= k.rotation
}

// rotateAged replaces keys of age in the background, one run at a time. Data keys are left: what they sealed stays.
func (k *Keyring) rotateAged() {
	now := k.now()
	due := k.agedPurposes(k.snap.Load().rows, now)
	if len(due) == 0 || now.Unix()-k.tried.Load() < int64(retryRotation/time.Second) && now.Unix() >= k.tried.Load() {
		return
	}
	if !k.rotating.CompareAndSwap(false, true) {
		return
	}
	k.tried.Store(now.Unix())
	go func() {
		defer k.rotating.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, p := range due {
			info, err := k.rotate(ctx, p, k.ahead, k.aged)
			if err != nil {
				k.log.Error("key rotation failed, next attempt in a minute", "purpose", p, "error", err)
				continue
			}
			if info.ID != "" { // else another node was quicker
				k.log.Info("key rotated", "purpose", p, "id", info.ID, "firstUse", info.FirstUse)
			}
		}
	}()
}

func (k *Keyring) agedPurposes(rows []keyRow, now time.Time) []Purpose {
	byPurpose := map[Purpose][]keyRow{}
	for _, r := range rows {
		byPurpose[Purpose(r.Purpose)] = append(byPurpose[Purpose(r.Purpose)], r)
	}
	var due []Purpose
	for p, list := range byPurpose {
		if p != Data && k.aged(list, now) {
			due = append(due, p)
		}
	}
	return due
}
