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
func (k *Keyring) Rotate(ctx context.Context, p Purpose) error {
	if !p.known() {
		return fmt.Errorf("token: unknown key purpose %q", p)
	}
	return k.rotate(ctx, p, func([]keyRow, time.Time) bool { return true })
}

// rotate adds a key if due still says so inside the transaction: several nodes may find a key old at once.
func (k *Keyring) rotate(ctx context.Context, p Purpose, due func(rows []keyRow, now time.Time) bool) error {
	id, material, err := newKeyMaterial(p) // outside: an RSA key takes long
	if err != nil {
		return err
	}
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		rows, err := listKeys(tx, p)
		if err != nil || !due(rows, tx.Now()) {
			return err
		}
		firstUse := k.firstUse(p, rows, tx.Now())
		if err := retire(tx, p, rows, firstUse); err != nil {
			return err
		}
		return keyTable.Insert(tx, k.newRow(id, p, material, tx.Now(), firstUse))
	})
	if err != nil {
		return err
	}
	return k.reload(ctx)
}

// firstUse of the next key: never before that of a key that is already waiting.
func (k *Keyring) firstUse(p Purpose, rows []keyRow, now time.Time) time.Time {
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

// retire gives the keys that have no successor yet the end that follows from their successor's first use.
func retire(tx *store.Tx, p Purpose, rows []keyRow, successorFirstUse time.Time) error {
	afterlife, ends := p.afterlife()
	if !ends {
		return nil
	}
	for _, r := range rows {
		if !r.RetireAt.IsZero() {
			continue
		}
		r.RetireAt = successorFirstUse.Add(afterlife)
		if err := keyTable.Put(tx, r); err != nil {
			return err
		}
	}
	return nil
}

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
			if err := k.rotate(ctx, p, k.aged); err != nil {
				k.log.Error("key rotation failed, next attempt in a minute", "purpose", p, "error", err)
				continue
			}
			k.log.Info("key rotated", "purpose", p)
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
