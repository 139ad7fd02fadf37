package store

import (
	"context"
	"time"
)

// Shared says that other nodes may write to the same database.
func (db *DB) Shared() bool { return db.shared }

// ClockOffset is by how much this node's clock is ahead of the database's, negative if it is behind; the answer is off by within at most.
// The database's clock is the one thing that all nodes can see: comparing with it they compare with each other.
func (db *DB) ClockOffset(ctx context.Context) (ahead, within time.Duration, err error) {
	var theirs int64
	var asked time.Time
	var took time.Duration
	err = db.View(ctx, func(tx *Tx) error {
		if err := tx.readFeed(); err != nil { // so that the view is there, and its making does not count
			return err
		}
		start := time.Now()
		asked = db.now()
		err := tx.query(db.askClock, nil, func(v []any) error {
			theirs, _ = v[0].(int64)
			return nil
		})
		took = time.Since(start)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	// What the database said was so at some moment between asking and hearing.
	return asked.Add(took / 2).Sub(time.UnixMicro(theirs)), took/2 + time.Microsecond, nil
}
