package sqlite

import (
	"context"

	"github.com/symbolon/symbolon/internal/store"
)

// A checkpoint carries the log's pages into the database file, each once however often it was written since the last. SQLite would
// make one inside the commit that finds the log long; here it runs beside the commits, which only wait for the last few pages. The
// log then begins anew at its start.
const (
	// logLength is the length from which the log is carried over, in bytes. A restart after a crash reads it whole.
	logLength = 16 << 20
	// logStep is how much longer the log must be for another try, after one that a reader kept from the end.
	logStep = 4 << 20
	// lastPages are few enough to be carried over while commits wait; manyPages are too many.
	lastPages = 64
	manyPages = 1024
)

var checkpoint = &store.Statement{SQL: "PRAGMA wal_checkpoint(PASSIVE)", Columns: 3}

// carryOver is called after a commit, with b.writing held: it begins a checkpoint when the log is long.
func (b *Backend) carryOver(c *conn) {
	if c.log.end < logLength {
		b.carryAt = logLength
		return
	}
	if c.log.end >= b.carryAt && !b.carrying {
		b.carrying = true
		b.carried.Go(b.carry)
	}
}

// carry makes a checkpoint. What it cannot do, because a reader still needs the log or the disk is full, a later one does.
func (b *Backend) carry() {
	left := int64(manyPages)
	c, err := openConn(b.dsn, b.pragmas)
	if err == nil {
		for n := 0; n < 4 && left > lastPages && err == nil; n++ { // commits go on meanwhile
			left, err = c.checkpoint()
		}
		_ = c.close() // it has nothing to lose
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	b.carrying = false
	if b.writer == nil {
		return
	}
	if err == nil && left < manyPages {
		_, _ = b.writer.checkpoint()
	}
	b.carryAt = b.writer.log.end + logStep
}

// checkpoint carries over what it can without waiting for anybody, and says how many pages of the log are left.
func (c *conn) checkpoint() (left int64, err error) {
	err = c.query(context.Background(), checkpoint, nil, func(v []any) error {
		length, _ := v[1].(int64)
		done, _ := v[2].(int64)
		left = length - done
		return nil
	})
	return left, err
}
