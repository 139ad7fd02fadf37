package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	errDead     = errors.New("store: transaction used after its function returned")
	errReadOnly = errors.New("store: write in a read-only transaction")
)

// Tx is one transaction. It is not safe for concurrent use and dies with the function it was given to.
type Tx struct {
	db       *DB
	ctx      context.Context
	now      time.Time
	micros   int64
	writable bool
	dead     bool
	// cautious makes writes look before they leap: set when an earlier run of the function has collided.
	cautious bool

	// cache is the replica this transaction reads, nil when it reads cached tables from SQL. Once the transaction
	// writes a cached row it is a private copy, made under edit.
	cache      *replica
	edit       *edit
	usesCache  bool
	writesFeed bool
	feed       place     // of the feed, which this transaction stands on, when it writes cached rows
	deadline   time.Time // until when the replica may be trusted; zero for ever

	fromMemory, readThrough uint64 // reads of cached tables, not yet in the counters

	snapshot Snapshot
	entries  entries
	written  []*entry
	absent   []lookup
	scans    []scan

	recalled []*entry // rows taken from hotRows
	stale    bool     // what was recalled and what was read are of different moments: the run does not count

	room [3][3]*entry // where the lists of entries begin
}

type rowID struct {
	table *sqlTable
	key   string
}

// entry is what a transaction knows of, and wants with, one row.
type entry struct {
	table *sqlTable
	key   string
	parts []string

	known bool   // read, or assumed absent by an Insert that did not look
	rev   int64  // 0: absent
	base  packed // as read
	row   any    // base decoded

	op     op
	listed bool // in Tx.written
	values packed
	fresh  any   // values decoded
	next   int64 // the version a put gives it

	room [2]string // where parts are
}

// newEntry keeps a copy of the parts, so that the caller's need not leave its stack.
func newEntry(t *sqlTable, key string, parts []string) *entry {
	e := &entry{table: t, key: key}
	e.parts = append(e.room[:0], parts...)
	return e
}

type op uint8

const (
	opNone op = iota
	opPut
	opDelete
)

// lookup is a search in a unique index that found nothing.
type lookup struct {
	table  *sqlTable
	index  int
	values []string
}

// scan is a list of uncached rows: its count of live rows must still hold if the transaction is serializable in whole.
type scan struct {
	shape listShape
	args  []any
	rows  []*entry
	table *sqlTable
}

// Now is the one timestamp of this transaction, with microsecond precision, UTC.
func (tx *Tx) Now() time.Time { return tx.now }

// Context is the context View or Update was called with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// table finds the SQL side of a declaration.
func (tx *Tx) table(d *def) (*sqlTable, error) {
	if tx.dead {
		return nil, errDead
	}
	t := tx.db.tables[d]
	if t == nil {
		return nil, fmt.Errorf("store: table %s was not given to Open", d.spec.Name)
	}
	return t, nil
}

// replicaOf is the in-memory table, nil if the table is to be read from SQL.
func (tx *Tx) replicaOf(t *sqlTable) *cachedTable {
	if t.cached < 0 {
		return nil
	}
	if tx.cache == nil {
		tx.readThrough++
		return nil
	}
	tx.usesCache = true
	tx.fromMemory++
	return &tx.cache.tables[t.cached]
}

func (tx *Tx) query(s *Statement, args []any, row func([]any) error) error {
	if tx.snapshot == nil {
		snap, err := tx.db.backend.Begin(tx.ctx)
		if err != nil {
			return tx.unavailable(err)
		}
		tx.snapshot = snap
	}
	if err := tx.snapshot.Query(tx.ctx, s, args, row); err != nil {
		return tx.unavailable(err)
	}
	if err := tx.confirm(); err != nil {
		return err
	}
	tx.recalled = nil // the view that is open now has them, too
	return nil
}

// unavailable dresses a backend's error, unless the caller gave up.
func (tx *Tx) unavailable(err error) error {
	if tx.ctx.Err() != nil {
		return tx.ctx.Err()
	}
	tx.db.counters.readErrors.Add(1)
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func (tx *Tx) release() {
	if tx.snapshot != nil {
		tx.snapshot.Release()
		tx.snapshot = nil
	}
}

// entryOf returns the entry of a row, a new one if need be.
func (tx *Tx) entryOf(t *sqlTable, key string, parts []string) *entry {
	e := tx.entries.find(t, key)
	if e == nil {
		e = newEntry(t, key, parts)
		tx.entries.add(e)
	}
	return e
}

// entries are what a transaction knows of rows: most know of a few.
type entries struct {
	all   []*entry
	index map[rowID]*entry // nil while there are few
}

const fewEntries = 12

func (s *entries) find(t *sqlTable, key string) *entry {
	if s.index != nil {
		return s.index[rowID{t, key}]
	}
	for _, e := range s.all {
		if e.key == key && e.table == t {
			return e
		}
	}
	return nil
}

func (s *entries) add(e *entry) {
	s.all = append(s.all, e)
	switch {
	case s.index != nil:
		s.index[rowID{e.table, e.key}] = e
	case len(s.all) > fewEntries:
		s.index = make(map[rowID]*entry, 2*len(s.all))
		for _, e := range s.all {
			s.index[rowID{e.table, e.key}] = e
		}
	}
}

// current is the row as this transaction sees it.
func (e *entry) current(now int64) (any, error) {
	switch {
	case e.op == opDelete:
		return nil, ErrNotFound
	case e.op == opPut:
		if e.table.expiryOf(e.values) <= now {
			return nil, ErrNotFound
		}
		if e.fresh == nil {
			row, err := e.table.decode(e.values)
			if err != nil {
				return nil, err
			}
			e.fresh = row
		}
		return e.fresh, nil
	case e.rev == 0:
		return nil, ErrNotFound
	}
	if e.row == nil {
		row, err := e.table.decode(e.base)
		if err != nil {
			return nil, err
		}
		e.row = row
	}
	return e.row, nil
}

// exists says whether the transaction sees a live row.
func (e *entry) exists(now int64) bool {
	switch e.op {
	case opPut:
		return e.table.expiryOf(e.values) > now
	case opDelete:
		return false
	}
	return e.rev != 0
}

func (tx *Tx) write(e *entry, o op, values packed) {
	e.op, e.values, e.fresh = o, values, nil
	if !e.listed {
		e.listed = true
		tx.written = append(tx.written, e)
	}
	if e.table.cached >= 0 {
		tx.writesFeed = true
	}
}
