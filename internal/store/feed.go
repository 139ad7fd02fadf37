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
	// loadLimit is how long loading all cached tables anew may take. The node reads through meanwhile.
	loadLimit = time.Minute
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
		err := db.sync(ctx)
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

// sync brings the replica to the database's position. It waits for no query longer than trust, unless it loads everything anew.
func (db *DB) sync(ctx context.Context) error {
	select {
	case db.syncing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.syncing }()
	return db.syncAlone(ctx)
}

// Sync has this node hear now, not at the next poll, of every change that was acknowledged before the call on whatever node. Calls at the
// same time share a query. It takes about two seconds at most, unless everything has to be loaded anew.
func (db *DB) Sync(ctx context.Context) error {
	if !db.shared {
		return nil
	}
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	arrived := time.Now()
	return db.syncUnless(ctx, func() bool { return db.heard.Load().After(arrived) })
}

// clearDoubt syncs unless somebody else has done so meanwhile. Who finds another at it waits for trust at most, and then reads through:
// the other's database may hang.
func (db *DB) clearDoubt(ctx context.Context) error {
	return db.syncUnless(ctx, func() bool { return !db.doubtful() })
}

// syncUnless syncs, if that is not done yet when its turn comes. It waits for its turn for trust at most.
func (db *DB) syncUnless(ctx context.Context, done func() bool) error {
	bounded, cancel := context.WithTimeout(ctx, trust)
	defer cancel()
	select {
	case db.syncing <- struct{}{}:
	case <-bounded.Done():
		return bounded.Err()
	}
	defer func() { <-db.syncing }()
	if done() {
		return nil
	}
	return db.syncAlone(ctx)
}

func (db *DB) syncAlone(ctx context.Context) error {
	start, doubts := time.Now(), db.doubts.Load() // what arises from here on is about changes that this round may not see
	if err := db.catchUp(ctx); err != nil {
		db.missed = true
		return err
	}
	db.missed = false
	db.cleared.Store(doubts)
	db.heard.Store(&start)
	return nil
}

func (db *DB) catchUp(ctx context.Context) error {
	have := db.replica.Load() // before the view begins, so that the view holds at least as much
	changed, until, whole, err := db.hear(ctx, have)
	if err != nil {
		return err
	}
	if whole {
		db.apply(changed, until)
		return nil
	}
	return db.loadAnew(ctx, have)
}

// hear asks what has changed since the replica. It says whether the feed could tell.
func (db *DB) hear(ctx context.Context, have *replica) (changed []change, until place, whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, trust)
	defer cancel()
	snap, err := db.backend.Begin(ctx)
	if err != nil {
		return nil, until, false, err
	}
	defer snap.Release()
	if until, err = readPlace(ctx, snap); err != nil || until == have.place {
		return nil, until, true, err
	}
	if until.position <= have.position {
		return nil, until, false, nil // another history
	}
	changed, whole, err = db.readChanges(ctx, snap, have.place, until)
	return changed, until, whole, err
}

// loadAnew loads all cached tables, from a view that holds at least the replica have unless the database was replaced.
func (db *DB) loadAnew(ctx context.Context, have *replica) error {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	snap, err := db.backend.Begin(ctx)
	if err != nil {
		return err
	}
	defer snap.Release()
	r, err := db.loadReplica(ctx, snap)
	if err != nil {
		return err
	}
	db.publish.Lock()
	defer db.publish.Unlock()
	// If nothing came in between, what the database says counts, even if it stands behind: it was replaced under this node.
	if now := db.replica.Load(); now == have || now.position < r.position {
		db.replica.Store(r)
	}
	return nil
}

var selectChanges = &Statement{SQL: "SELECT position, table_name, row_key, changed_at FROM " + changeTable +
	" WHERE position >= ? AND position <= ? ORDER BY position, part", Columns: 4}

// change is one row as it stands at the view's position; without a row it is gone.
type change struct {
	table *sqlTable
	key   string
	row   cachedRow
}

// readChanges reads the rows that changed since a place. It says whether the feed still has every position up to the other place, and the
// same history.
func (db *DB) readChanges(ctx context.Context, snap Snapshot, since, until place) (changed []change, whole bool, err error) {
	seen := map[rowID]bool{}
	next := since.position + 1
	whole = true
	known := !db.missed // after a gap the feed must still know the change that led to since
	err = snap.Query(ctx, selectChanges, []any{since.position, until.position}, func(v []any) error {
		position, _ := v[0].(int64)
		at, _ := v[3].(int64)
		if position == since.position {
			known = at == since.at
			whole = whole && known
			return nil
		}
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
	if err != nil || !whole || !known || next != until.position+1 {
		return nil, false, err
	}
	for i := range changed {
		c := &changed[i]
		err := snap.Query(ctx, c.table.get, keyArgs(splitKey(c.key), 0), func(v []any) (err error) {
			c.row, err = c.table.cachedRowOf(v)
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
func (db *DB) apply(changed []change, to place) {
	db.publish.Lock()
	defer db.publish.Unlock()
	if db.replica.Load().position >= to.position {
		return
	}
	r := db.replica.Load().fork()
	r.place = to
	e := &edit{}
	for _, c := range changed {
		t := &r.tables[c.table.cached]
		if !c.row.there() {
			t.delete(e, c.key)
			continue
		}
		t.put(e, c.key, c.row)
	}
	db.replica.Store(r)
}
