// Package storetest is the one suite that every backend of the store passes.
//
// A backend's test calls Run with a function that makes a fresh, empty database. The cases open one or more nodes on it,
// put faults between kernel and database, restart it, and check what the store promises its callers.
package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// Harness is one fresh database.
type Harness struct {
	// Open returns one more node's Backend on the database. Closing it ends that node only.
	Open func(t *testing.T) store.Backend
	// Restart ends the database as a clean shutdown would and starts it on the same data, after all nodes are closed.
	// Nil if the data dies with it.
	Restart func(t *testing.T)
}

// Run runs every case, each on a database of its own.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	for _, group := range [][]testCase{rowCases, queryCases, expiryCases, isolationCases, raceCases, recallCases, cachedCases, feedCases, faultCases, schemaCases, modelCases, countCases} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(&env{T: t, h: start(t), ctx: t.Context(), clock: newClock()})
			})
		}
	}
}

type testCase struct {
	name string
	run  func(*env)
}

// env is what a case works with.
type env struct {
	*testing.T
	h     Harness
	ctx   context.Context
	clock *clock
}

// clock is a wall clock that a case can move.
type clock struct{ ahead atomic.Int64 }

func newClock() *clock { return &clock{} }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// node opens a node that the case's end closes.
func (e *env) node(o store.Options) *store.DB {
	e.Helper()
	return e.nodeOn(e.h.Open(e.T), o)
}

func (e *env) nodeOn(b store.Backend, o store.Options) *store.DB {
	e.Helper()
	if o.Now == nil {
		o.Now = e.clock.now
	}
	db, err := store.Open(e.ctx, b, tables, o)
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() {
		if err := db.Close(); err != nil {
			e.Error(err)
		}
	})
	return db
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *env) update(db *store.DB, fn func(*store.Tx) error) {
	e.Helper()
	e.must(db.Update(e.ctx, fn))
}

func (e *env) view(db *store.DB, fn func(*store.Tx) error) {
	e.Helper()
	e.must(db.View(e.ctx, fn))
}

// want fails the case unless the error is the one expected.
func (e *env) want(err, target error) {
	e.Helper()
	if !errors.Is(err, target) {
		e.Fatalf("error is %v, want %v", err, target)
	}
}

// row is what most cases store: something with a two-part key, a unique and a plain index, and an expiry.
type row struct {
	Realm string    `store:"realm,key"`
	ID    string    `store:"id,key"`
	Email string    `store:"email"`
	Team  string    `store:"team"`
	Count int       `store:"count"`
	Until time.Time `store:"until,expiry"`
}

// The same rows in memory, packed and decoded, and not.
var (
	hot  = store.NewTable[row](store.Spec{Name: "hot", Indexes: rowIndexes})
	cold = store.NewTable[row](store.Spec{Name: "cold", Cached: true, Packed: true, Indexes: rowIndexes})
	kept = store.NewTable[row](store.Spec{Name: "kept", Cached: true, Indexes: rowIndexes})

	rowIndexes = []store.Index{
		{Name: "by_email", Columns: []string{"realm", "email"}, Unique: true, Sparse: true},
		{Name: "by_team", Columns: []string{"team"}},
	}
	both = map[string]*store.Table[row]{"uncached": hot, "cached": kept, "packed": cold}
)

// kinds has a column of every type.
type kinds struct {
	ID     string             `store:"id,key"`
	Text   text               `store:"text"`
	Yes    bool               `store:"yes"`
	Int    int                `store:"int_value"`
	Int64  int64              `store:"int64_value"`
	Span   time.Duration      `store:"span"`
	Bytes  []byte             `store:"bytes"`
	At     time.Time          `store:"at"`
	List   []string           `store:"list"`
	Map    map[string]string  `store:"map"`
	Nested nested             `store:"nested"`
	Maybe  *nested            `store:"maybe"`
	Later  store.Lazy[nested] `store:"later"`
	Left   string             `store:"-"`
}

type text string

type nested struct {
	A string
	B []int
	T time.Time
}

var (
	hotKinds  = store.NewTable[kinds](store.Spec{Name: "hot_kinds"})
	coldKinds = store.NewTable[kinds](store.Spec{Name: "cold_kinds", Cached: true})
	packKinds = store.NewTable[kinds](store.Spec{Name: "packed_kinds", Cached: true, Packed: true})

	tables = []store.Definition{hot, cold, kept, hotKinds, coldKinds, packKinds}
)

// eachTable runs a case on the uncached and on the cached tables.
func eachTable(run func(e *env, db *store.DB, table *store.Table[row])) func(*env) {
	return func(e *env) {
		db := e.node(store.Options{})
		for name, table := range both {
			e.Run(name, func(t *testing.T) {
				sub := *e
				sub.T = t
				run(&sub, db, table)
			})
		}
	}
}
