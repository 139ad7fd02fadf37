package token

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// What the change of the master key refuses. The errors wrap these and say more.
var (
	ErrSameMasterKey = errors.New("the new master key is the one in use")
	ErrRewrapPending = errors.New("a change of the master key is under way")
	ErrNoRewrap      = errors.New("no change of the master key is under way")
	ErrNotYours      = errors.New("this server has the wrong one of the two master keys")
)

// MasterKeyInfo describes a master key that opens the store.
type MasterKeyInfo struct {
	Fingerprint string    `json:"fingerprint"`
	Since       time.Time `json:"since"`
	InUse       bool      `json:"inUse"` // by this server
}

// MasterKeys are those that open the store, oldest first: one, and a second while the master key is being changed.
func (k *Keyring) MasterKeys(ctx context.Context) (keys []MasterKeyInfo, err error) {
	err = k.db.View(ctx, func(tx *store.Tx) error {
		keys = nil
		wraps, err := listWraps(tx)
		for _, w := range wraps {
			keys = append(keys, MasterKeyInfo{w.Master, w.CreatedAt, w.Master == k.master.fingerprint})
		}
		return err
	})
	return keys, err
}

// Rewrap begins a change of the master key: from now on the store opens with the new one, too. Given again it says so again, so that one
// that was interrupted can be repeated. Every node is then restarted with the new key, in any order and at leisure, and FinishRewrap ends
// the change.
func (k *Keyring) Rewrap(ctx context.Context, raw []byte) error {
	next, err := newMasterKey(raw)
	if err != nil {
		return err
	}
	return k.db.Update(ctx, func(tx *store.Tx) error {
		wraps, err := listWraps(tx)
		if err != nil {
			return err
		}
		switch {
		case next.fingerprint == k.master.fingerprint:
			return fmt.Errorf("%w (%s)", ErrSameMasterKey, next.fingerprint)
		case len(wraps) > 1 && wraps[1].Master == next.fingerprint:
			return nil
		case len(wraps) > 1:
			return fmt.Errorf("%w, from %s to %s: finish or cancel it first", ErrRewrapPending, wraps[0].Master, wraps[1].Master)
		}
		s, err := k.master.unwrap(wraps)
		if err != nil {
			return err
		}
		defer s.forget()
		at := tx.Now()
		if !at.After(wraps[0].CreatedAt) { // another node's clock was ahead; the order is what tells the new one
			at = wraps[0].CreatedAt.Add(time.Microsecond)
		}
		return wrapTable.Insert(tx, next.wrap(s, at))
	})
}

// FinishRewrap ends a change of the master key: the old one opens nothing any more. The keys move under a new store key, so that who has
// the old master key and an old copy of the database cannot open the keys that are made from now on. Only a server that runs with the
// new master key can do it. Nodes that still have the old one go on until a new key is made, which they cannot open: admit, unless nil, is
// asked inside the transaction whether there are any, and its error ends the matter.
func (k *Keyring) FinishRewrap(ctx context.Context, admit func(tx *store.Tx, old string) error) (withdrawn string, err error) {
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		old, own, err := k.pendingWraps(tx)
		if err != nil {
			return err
		}
		if own.Master != k.master.fingerprint {
			return fmt.Errorf("%w: it runs with the old one, %s; restart it with the new one, %s, first", ErrNotYours, old.Master, own.Master)
		}
		if admit != nil {
			if err := admit(tx, old.Master); err != nil {
				return err
			}
		}
		withdrawn = old.Master
		before, err := k.master.unwrap([]wrapRow{own})
		if err != nil {
			return err
		}
		defer before.forget()
		after, err := newStoreKey()
		if err != nil {
			return err
		}
		defer after.forget()
		rows, err := keyTable.List(tx, store.Query{})
		if err != nil {
			return err
		}
		if err := reseal(tx, rows, before.material, after); err != nil {
			return err
		}
		return errors.Join(wrapTable.Put(tx, k.master.wrap(after, own.CreatedAt)), wrapTable.Delete(tx, old.Master))
	})
	return withdrawn, err
}

// CancelRewrap undoes Rewrap: the new master key opens nothing any more. Only a server that runs with the old one can do it. Nodes that have
// the new one already are left behind as FinishRewrap leaves those with the old one, and admit is asked about them likewise.
func (k *Keyring) CancelRewrap(ctx context.Context, admit func(tx *store.Tx, next string) error) (withdrawn string, err error) {
	err = k.db.Update(ctx, func(tx *store.Tx) error {
		old, next, err := k.pendingWraps(tx)
		if err != nil {
			return err
		}
		if old.Master != k.master.fingerprint {
			return fmt.Errorf("%w: it runs with the new one, %s; restart it with the old one, %s, first", ErrNotYours, next.Master, old.Master)
		}
		if admit != nil {
			if err := admit(tx, next.Master); err != nil {
				return err
			}
		}
		withdrawn = next.Master
		return wrapTable.Delete(tx, next.Master)
	})
	return withdrawn, err
}

func (k *Keyring) pendingWraps(tx *store.Tx) (old, next wrapRow, err error) {
	wraps, err := listWraps(tx)
	if err == nil && len(wraps) != 2 {
		err = ErrNoRewrap
	}
	if err != nil {
		return wrapRow{}, wrapRow{}, err
	}
	return wraps[0], wraps[1], nil
}
