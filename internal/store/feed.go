package store

import (
	"context"
	"log/slog"
	"time"
)

const (
	pollEvery = 200 * time.Millisecond
	// trust is how long after the start of its last successful poll a node believes its replica.
	trust = time.Second
	// feedKept is how long changes stay in the feed; a node further behind loads everything anew.
	feedKept = 10 * time.Minute
)

// trustedUntil is when the replica stops being trustworthy; zero for never. Its clock is the monotonic one.
func (db *DB) trustedUntil() time.Time {
	if !db.shared {
		return time.Time{}
	}
	return db.heard.Load().Add(trust)
}

func (db *DB) pollLoop(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	deaf := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		bounded, cancel := context.WithTimeout(ctx, trust)
		err := db.sync(bounded)
		cancel()
		switch {
		case err != nil && !deaf && ctx.Err() == nil:
			slog.Warn("store: cannot hear the change feed", "error", err)
		case err == nil && deaf:
			slog.Info("store: hears the change feed again")
		}
		deaf = err != nil
	}
}

// Lag is how long ago the last successful poll of the change feed began; zero if no other nodes exist. From one second
// on the node reads configuration through instead of from memory.
func (db *DB) Lag() time.Duration {
	if !db.shared {
		return 0
	}
	return time.Since(*db.heard.Load())
}

// sync brings the replica to the database's position.
func (db *DB) sync(ctx context.Context) error {
	db.syncing.Lock()
	defer db.syncing.Unlock()
	return db.syncLocked(ctx)
}

// Sync has this node hear now, not at the next poll, of every change that was acknowledged before the call on whatever node.
func (db *DB) Sync(ctx context.Context) error {
	if !db.shared {
		return nil
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	return db.sync(ctx)
}

// clearDoubt syncs unless somebody else has done so meanwhile.
func (db *DB) clearDoubt(ctx context.Context) error {
	db.syncing.Lock()
	defer db.syncing.Unlock()
	if !db.doubtful.Load() {
		return nil
	}
	return db.syncLocked(ctx)
}

func (db *DB) syncLocked(ctx context.Context) error {
	start := time.Now()
	// Cleared first: a doubt that arises from here on is about what this round may not see.
	doubtful := db.doubtful.Swap(false)
	if err := db.catchUp(ctx); err != nil {
		if doubtful {
			db.doubtful.Store(true)
		}
		return err
	}
	db.heard.Store(&start)
	return nil
}

func (db *DB) catchUp(ctx context.Context) error {
	have := db.replica.Load() // before the view begins, so that the view holds at least as much
	snap, err := db.backend.Begin(ctx)
	if err != nil {
		return err
	}
	defer snap.Release()
	position, err := readPosition(ctx, snap)
	if err != nil || position == have.position {
		return err
	}
	changed, whole, err := db.readChanges(ctx, snap, have.position, position)
	if err != nil {
		return err
	}
	if whole {
		db.apply(changed, position)
		return nil
	}
	r, err := db.loadReplica(ctx, snap)
	if err != nil {
		return err
	}
	db.publish.Lock()
	defer db.publish.Unlock()
	// A position behind the replica's means that the database was replaced under this node: what it says counts.
	if now := db.replica.Load(); now == have || now.position < r.position {
		db.replica.Store(r)
	}
	return nil
}

var selectChanges = &Statement{SQL: "SELECT position, table_name, row_key FROM " + changeTable +
	" WHERE position > ? AND position <= ? ORDER BY position, part", Columns: 3}

// change is one row as it stands at the view's position; a nil row is gone.
type change struct {
	table *sqlTable
	key   string
	row   *cachedRow
}

// readChanges reads the rows that changed since a position. It says whether the feed still had every position between.
func (db *DB) readChanges(ctx context.Context, snap Snapshot, since, until int64) (changed []change, whole bool, err error) {
	seen := map[rowID]bool{}
	next := since + 1
	whole = true
	err = snap.Query(ctx, selectChanges, []any{since, until}, func(v []any) error {
		position, _ := v[0].(int64)
		if position > next {
			whole = false
		}
		next = position + 1
		name, _ := v[1].(string)
		key, _ := v[2].([]byte)
		if t := db.byName[name]; t != nil && t.cached >= 0 && !seen[rowID{t, string(key)}] {
			seen[rowID{t, string(key)}] = true
			changed = append(changed, change{table: t, key: string(key)})
		}
		return nil
	})
	if err != nil || !whole || next != until+1 {
		return nil, false, err
	}
	for i := range changed {
		c := &changed[i]
		err := snap.Query(ctx, c.table.get, keyArgs(splitKey(c.key), 0), func(v []any) (err error) {
			c.row, err = c.table.newCachedRow(c.key, v)
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	return changed, true, nil
}

// apply lays the changed rows over the replica. Rows that the node itself changed meanwhile are among them as far as
// the position goes, so any replica between the two positions is a right start.
func (db *DB) apply(changed []change, position int64) {
	db.publish.Lock()
	defer db.publish.Unlock()
	if db.replica.Load().position >= position {
		return
	}
	r := db.replica.Load().fork()
	r.position = position
	e := &edit{}
	for _, c := range changed {
		t := &r.tables[c.table.cached]
		if c.row == nil {
			t.delete(e, c.key)
			continue
		}
		t.put(e, c.row)
	}
	db.replica.Store(r)
}
