package token

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// epochRow is the one row that says in which restore epoch the store is.
type epochRow struct {
	ID       string    `store:"id,key"`
	Epoch    int64     `store:"epoch"`
	RaisedAt time.Time `store:"raised_at"` // zero in the first epoch
}

const epochKey = "current"

var epochTable = store.NewTable[epochRow](store.Spec{Name: "token_epochs", Cached: true})

func insertFirstEpoch(tx *store.Tx) error {
	_, err := epochTable.Get(tx, epochKey)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return epochTable.Insert(tx, epochRow{ID: epochKey, Epoch: 1})
}

// Founded says whether a server has run on the store, which then has keys: its first epoch began together with them.
func Founded(tx *store.Tx) (bool, error) {
	_, err := epochTable.Get(tx, epochKey)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// longestAssertion is the longest life that an assertion may ever have. Those from before a restore are refused for as long, whatever
// Issuers.MaxLifetime is now: it may have been longer when one of them was used.
const longestAssertion = 24 * time.Hour

// Epoch is the current restore epoch; every self-contained token carries it and dies when it is raised. AssertionsNotBefore: after a raise, assertions
// issued before it are refused until none that was used before can still be valid (zero = no bound).
func (k *Keyring) Epoch() (epoch uint32, assertionsNotBefore time.Time) {
	s, err := k.current()
	if err != nil {
		s = k.snap.Load() // whoever issues or redeems will fail on the store itself
	}
	raised := s.epoch.RaisedAt
	if raised.IsZero() || k.now().Sub(raised) > longestAssertion+2*ClockSkew {
		return uint32(s.epoch.Epoch), time.Time{}
	}
	return uint32(s.epoch.Epoch), raised
}

// RaiseEpoch ends all self-contained tokens, families and codes; done by restore. The new epoch is random: were it the next number, a
// second restore of one backup would give the tokens issued after the first back their life.
func (k *Keyring) RaiseEpoch(ctx context.Context) error {
	err := k.db.Update(ctx, func(tx *store.Tx) error {
		row, err := epochTable.Get(tx, epochKey)
		if err != nil {
			return err
		}
		row.Epoch, row.RaisedAt = newEpoch(row.Epoch), tx.Now()
		return epochTable.Put(tx, row)
	})
	if err != nil {
		return err
	}
	return k.reload(ctx)
}

// newEpoch is any epoch but the one before, and none that a first start gives.
func newEpoch(before int64) int64 {
	for {
		var b [4]byte
		rand.Read(b[:])
		if epoch := int64(binary.BigEndian.Uint32(b[:])); epoch != before && epoch > 1 {
			return epoch
		}
	}
}
