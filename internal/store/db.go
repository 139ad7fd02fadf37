package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxAttempts  = 60
	maxBackoff   = 50 * time.Millisecond
	holdConfig   = 3 // lost to changes of cached rows so often: the next run keeps them from changing
	stripes      = 256
	calmAttempts = 3 // runs before backing off: on one node the stripes already keep order
)

// DB is one node's view of a backend. It is safe for concurrent use.
type DB struct {
	backend      Backend
	dialect      Dialect
	now          func() time.Time
	shared       bool
	readOnly     bool
	tables       map[*def]*sqlTable
	byName       map[string]*sqlTable
	cachedTables []*sqlTable
	committer    *committer
	askClock     *Statement
	counters     counters
	hot          *hotRows // nil where other nodes write, too, or commits are not in order

	replica   atomic.Pointer[replica]
	publish   sync.Mutex   // held to replace the replica
	doubts    atomic.Int64 // how often the replica came to lack, perhaps, a change that is in the database
	cleared   atomic.Int64 // how many of the doubts a sync has cleared since
	heard     atomic.Pointer[time.Time]
	syncing   chan struct{} // a token for whoever syncs; guards missed
	missed    bool          // the last sync failed
	config    sync.RWMutex  // held whole by a commit that changes cached rows, shared by one that must not see any change
	contended [stripes]sync.Mutex
	seed      maphash.Seed

	stop   context.CancelFunc
	loops  sync.WaitGroup
	active sync.WaitGroup
	gate   sync.RWMutex
	closed bool
}

// Options of Open. The zero value works.
type Options struct {
	// Now is the clock transactions take their timestamp from; time.Now if nil.
	Now func() time.Time
	// Shared says that other nodes write to the same backend, so that the change feed must be polled.
	Shared bool
	// ReadOnly changes nothing: the schema must be as this program has it (else ErrOutdated), what has expired stays, and Update fails.
	ReadOnly bool
	// Flushed, if set, hears of every batch of commits that was handed to the backend: how many there were, how long it took and the
	// fault if it failed whole. It must be quick and safe for concurrent use.
	Flushed func(commits int, took time.Duration, err error)
}

// Open connects the tables to the backend, creating or upgrading their SQL tables, and loads the cached ones.
// It refuses a database written by a newer schema version.
//
// The backend belongs to the DB from then on: Close closes it, and so does Open when it fails.
func Open(ctx context.Context, b Backend, tables []Definition, o Options) (*DB, error) {
	db := &DB{
		backend: b, dialect: b.Dialect(), now: o.Now, shared: o.Shared, readOnly: o.ReadOnly, seed: maphash.MakeSeed(),
		tables: map[*def]*sqlTable{}, byName: map[string]*sqlTable{}, syncing: make(chan struct{}, 1),
		askClock: &Statement{SQL: "SELECT " + b.Dialect().Clock, Columns: 1},
	}
	if db.now == nil {
		db.now = time.Now
	}
	if !db.shared && !db.dialect.Concurrent {
		db.hot = newHotRows()
	}
	if err := db.open(ctx, tables, o); err != nil {
		db.forgetHot()
		return nil, errors.Join(err, b.Close())
	}
	loop, stop := context.WithCancel(context.Background())
	db.stop = stop
	if !db.readOnly {
		db.loops.Go(func() { db.sweepLoop(loop) })
	}
	if db.shared {
		db.loops.Go(func() { db.pollLoop(loop) })
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, tables []Definition, o Options) error {
	all, err := compileTables(tables)
	if err != nil {
		return err
	}
	for _, t := range all {
		db.tables[t.def], db.byName[t.spec.Name] = t, t
		if t.cached >= 0 {
			db.cachedTables = append(db.cachedTables, t)
		}
	}
	if err := db.schema(ctx, all); err != nil {
		return err
	}
	start := time.Now()
	snap, err := db.backend.Begin(ctx)
	if err != nil {
		return err
	}
	defer snap.Release()
	r, err := db.loadReplica(ctx, snap)
	if err != nil {
		return err
	}
	db.replica.Store(r)
	db.heard.Store(&start)
	db.committer = newCommitter(db.backend)
	db.committer.admit, db.committer.settle, db.committer.flushed = db.admit, db.settle, o.Flushed
	return nil
}

// schema brings the database's tables to their declarations, or sees that they are as declared.
func (db *DB) schema(ctx context.Context, all []*sqlTable) error {
	if !db.readOnly {
		_, err := prepareSchema(ctx, db.backend, all)
		return err
	}
	steps, err := planSchema(ctx, db.backend, all)
	if err == nil && len(steps) > 0 {
		err = fmt.Errorf("%w (%d changes)", ErrOutdated, len(steps))
	}
	return err
}

// View runs fn on a read-only transaction.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	tx := db.begin(ctx, false)
	defer tx.end()
	return fn(tx)
}

// Update runs fn on a read-write transaction and commits it durably; fn's own error cancels it and is returned as is.
//
// Other errors are ErrConflict, ErrUnavailable or the context's. Once the commit has begun the context no longer counts:
// Update returns when the outcome is known. ErrUnavailable from a lost connection may leave a commit that nobody was
// told of, and is ErrUncertain, too.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.active.Done()
	if db.readOnly {
		return ErrReadOnly
	}
	var a attempt
	for n := range maxAttempts {
		if err := ctx.Err(); err != nil {
			return err
		}
		again, err := db.try(ctx, fn, &a)
		if !again {
			return err
		}
		db.counters.retries.Add(1)
		if n >= calmAttempts {
			pause(ctx, n-calmAttempts)
		}
	}
	db.counters.gaveUp.Add(1)
	return ErrConflict
}

func pause(ctx context.Context, n int) {
	limit := min(maxBackoff, time.Millisecond<<min(n, 10))
	select {
	case <-ctx.Done():
	case <-time.After(rand.N(limit) + 1):
	}
}

// attempt is what one run of an Update hands to the next.
type attempt struct {
	cautious bool // look before inserting
	config   bool // it changes cached rows: run alone among those
	stale    int  // how often it was lost to a change of cached rows
	subject  string
	lost     bool // lost to another transaction over subject
}

// lock keeps contenders in order, so that a run after a conflict meets only first runs of others. The order of locks is
// config before stripe.
func (db *DB) lock(a *attempt) (unlock func()) {
	switch {
	case a.config:
		db.config.Lock()
		return db.config.Unlock
	case a.stale >= holdConfig:
		db.config.RLock()
		return db.config.RUnlock
	case a.lost:
		m := &db.contended[maphash.String(db.seed, a.subject)%stripes]
		m.Lock()
		return m.Unlock
	}
	return nil
}

// try runs the function once and commits. It says whether to run it again.
func (db *DB) try(ctx context.Context, fn func(*Tx) error, a *attempt) (again bool, err error) {
	unlock := db.lock(a)
	if unlock != nil {
		defer unlock()
	}
	tx := db.begin(ctx, true)
	defer tx.end()
	tx.cautious = a.cautious
	err = fn(tx)
	if tx.stale {
		a.cautious = true
		return true, nil
	}
	if err != nil {
		return false, err
	}
	p, err := tx.build()
	if err != nil || p == nil {
		return false, err
	}
	tx.end()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if tx.writesFeed && !a.config {
		if unlock != nil {
			a.config = true // the lock it needs must be taken first
			return true, nil
		}
		db.config.Lock()
		defer db.config.Unlock()
	}
	if err := db.committer.submit(p); err != nil {
		db.counters.unavailable.Add(1)
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer p.done()
	return db.judge(tx, p, a)
}

// judge draws the conclusions from a commit's outcome.
func (db *DB) judge(tx *Tx, p *pending, a *attempt) (again bool, err error) {
	db.counters.verdicts[p.Outcome.Verdict].Add(1)
	switch p.Outcome.Verdict {
	case Applied:
		return false, nil
	case Failed:
		return false, p.Outcome.Err
	}
	a.cautious = true
	a.config = a.config || tx.writesFeed
	if p.Outcome.Step < 0 {
		a.stale++
		return true, nil
	}
	if p.Steps[p.Outcome.Step].Statement == raiseFeed && db.replica.Load().position <= tx.feed.position {
		db.doubts.Add(1) // the database has moved on and this node has not heard of it
	}
	a.lost, a.subject = true, p.subjects[p.Outcome.Step]
	return true, nil
}

// admit is the gate just before a commit: what the replica said must still be what this node knows, and be fresh.
func (db *DB) admit(p *pending) bool {
	if expired(p.deadline) {
		return false
	}
	if p.cached && (db.doubtful() || db.replica.Load().place != p.place) {
		return false
	}
	if db.hot != nil {
		db.hot.forget(p.written)
	}
	return true
}

// settle installs the changes of rows in memory before anybody is told that they are durable.
func (db *DB) settle(batch []*pending) {
	for _, p := range batch {
		if db.hot != nil && p.err == nil && p.Outcome.Verdict == Applied {
			db.hot.remember(p.written)
		}
		changes := p.publish != nil || len(p.Steps) > 0 && p.raisesFeed()
		if !changes || p.err == nil && p.Outcome.Verdict != Applied {
			continue
		}
		if p.err != nil || p.publish == nil {
			db.doubts.Add(1)
			continue
		}
		db.publish.Lock()
		switch now := db.replica.Load(); {
		case now.place == p.place:
			db.replica.Store(p.publish)
		case now.position < p.publish.position:
			db.doubts.Add(1) // the replica is of another history
		}
		db.publish.Unlock()
	}
}

func (p *pending) raisesFeed() bool {
	for i := range p.Steps {
		if p.Steps[i].Statement == raiseFeed {
			return true
		}
	}
	return false
}

func (db *DB) begin(ctx context.Context, writable bool) *Tx {
	if db.doubtful() {
		_ = db.clearDoubt(ctx) // if it fails the doubt stays, and this transaction reads through
	}
	tx := &Tx{db: db, ctx: ctx, writable: writable}
	tx.entries.all, tx.written, tx.recalled = tx.room[0][:0], tx.room[1][:0], tx.room[2][:0]
	if deadline := db.trustedUntil(); !expired(deadline) && !db.doubtful() {
		tx.deadline = deadline
		tx.cache = db.replica.Load()
	}
	tx.now = db.now().UTC().Truncate(time.Microsecond)
	tx.micros = tx.now.UnixMicro()
	return tx
}

func (tx *Tx) end() {
	tx.dead = true
	tx.release()
	tx.tally()
}

// enter counts a transaction in, so that Close can wait for it.
func (db *DB) enter() error {
	db.gate.RLock()
	defer db.gate.RUnlock()
	if db.closed {
		return fmt.Errorf("%w: closed", ErrUnavailable)
	}
	db.active.Add(1)
	return nil
}

// doubtful says that the replica may lack a change that is in the database.
func (db *DB) doubtful() bool { return db.doubts.Load() > db.cleared.Load() }

// Ping asks the database itself, past every cache. An error is the context's or wraps ErrUnavailable.
func (db *DB) Ping(ctx context.Context) error { return db.View(ctx, (*Tx).readFeed) }

// Closed says that Close has begun.
func (db *DB) Closed() bool {
	db.gate.RLock()
	defer db.gate.RUnlock()
	return db.closed
}

// Close waits for transactions under way and closes the backend.
func (db *DB) Close() error {
	db.gate.Lock()
	if db.closed {
		db.gate.Unlock()
		return nil
	}
	db.closed = true
	db.gate.Unlock()
	db.stop()
	db.active.Wait()
	db.loops.Wait()
	db.committer.close()
	db.forgetHot()
	return db.backend.Close()
}

func (db *DB) forgetHot() {
	if db.hot != nil {
		db.hot.close()
	}
}
