package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

var schemaCases = []testCase{
	{"schema/newer is refused", newerRefused},
	{"schema/columns are added", columnsAdded},
	{"schema/indexes are made anew", indexesChange},
	{"schema/another type is refused", typeRefused},
	{"schema/another key is refused", keyRefused},
	{"schema/opening twice changes nothing", openTwice},
}

func newerRefused(e *env) {
	b := e.h.Open(e.T)
	e.Run("first", func(t *testing.T) {
		sub := *e
		sub.T = t
		sub.node(store.Options{})
	})
	e.must(b.Define(e.ctx, []string{"UPDATE symbolon_meta SET value = '999' WHERE name = 'schema'"}))
	_, err := store.Open(e.ctx, b, tables, store.Options{})
	if err == nil || !strings.Contains(err.Error(), "newer program") {
		e.Fatalf("a newer database was opened: %v", err)
	}
}

// open opens a node with tables of the case's own.
func (e *env) open(definitions ...store.Definition) (*store.DB, error) {
	return store.Open(e.ctx, e.h.Open(e.T), definitions, store.Options{})
}

type version1 struct {
	ID   string `store:"id,key"`
	Name string `store:"name"`
}

type version2 struct {
	ID    string    `store:"id,key"`
	Name  string    `store:"name"`
	Extra string    `store:"extra"`
	Count int       `store:"count"`
	Flag  bool      `store:"flag"`
	Tags  []string  `store:"tags"`
	Blob  []byte    `store:"blob"`
	Until time.Time `store:"until,expiry"`
}

func columnsAdded(e *env) {
	one := store.NewTable[version1](store.Spec{Name: "grows"})
	two := store.NewTable[version2](store.Spec{Name: "grows", Indexes: []store.Index{{Name: "by_extra", Columns: []string{"extra"}, Unique: true, Sparse: true}}})
	old, err := e.open(one)
	e.must(err)
	e.update(old, func(tx *store.Tx) error { return one.Insert(tx, version1{"a", "n"}) })
	db, err := e.open(two)
	e.must(err)
	e.update(db, func(tx *store.Tx) error {
		a, err := two.Get(tx, "a")
		if a.Name != "n" || a.Extra != "" || a.Count != 0 || a.Flag || a.Tags != nil || a.Blob != nil || !a.Until.IsZero() {
			e.Errorf("the old row reads %+v", a)
		}
		a.Extra = "x"
		return errors.Join(err, two.Put(tx, a), two.Insert(tx, version2{ID: "b"}))
	})
	// The older program goes on beside the newer one, and leaves what it does not know alone.
	e.update(old, func(tx *store.Tx) error {
		a, err := one.Get(tx, "a")
		a.Name = "changed"
		return errors.Join(err, one.Put(tx, a), one.Insert(tx, version1{"c", "old"}))
	})
	e.view(db, func(tx *store.Tx) error {
		a, err := two.GetBy(tx, "by_extra", "x")
		if a.Name != "changed" {
			e.Errorf("row is %+v", a)
		}
		_, errC := two.Get(tx, "c")
		return errors.Join(err, errC)
	})
	e.must(errors.Join(old.Close(), db.Close()))
}

func indexesChange(e *env) {
	spec := func(unique bool) *store.Table[version1] {
		return store.NewTable[version1](store.Spec{Name: "indexed", Indexes: []store.Index{{Name: "by_name", Columns: []string{"name"}, Unique: unique}}})
	}
	for _, unique := range []bool{false, true, false} {
		table := spec(unique)
		db, err := e.open(table)
		e.must(err)
		err = db.Update(e.ctx, func(tx *store.Tx) error {
			return errors.Join(table.Put(tx, version1{"a", "n"}), table.Put(tx, version1{"b", "n"}))
		})
		if unique != errors.Is(err, store.ErrExists) {
			e.Errorf("unique %v answers %v", unique, err)
		}
		if !unique {
			e.update(db, func(tx *store.Tx) error { return table.Delete(tx, "b") })
		}
		e.must(db.Close())
	}
}

func typeRefused(e *env) {
	db, err := e.open(store.NewTable[version1](store.Spec{Name: "typed"}))
	e.must(err)
	e.must(db.Close())
	_, err = e.open(store.NewTable[struct {
		ID   string `store:"id,key"`
		Name int    `store:"name"`
	}](store.Spec{Name: "typed"}))
	if err == nil || !strings.Contains(err.Error(), "column name") {
		e.Fatalf("answers %v", err)
	}
}

func keyRefused(e *env) {
	db, err := e.open(store.NewTable[version1](store.Spec{Name: "keyed"}))
	e.must(err)
	e.must(db.Close())
	_, err = e.open(store.NewTable[struct {
		ID   string `store:"id,key"`
		Name string `store:"name,key"`
	}](store.Spec{Name: "keyed"}))
	if err == nil || !strings.Contains(err.Error(), "primary key") {
		e.Fatalf("answers %v", err)
	}
}

func openTwice(e *env) {
	f := &definitions{Backend: e.h.Open(e.T)}
	e.node(store.Options{})
	e.nodeOn(f, store.Options{})
	if f.statements != 0 {
		e.Errorf("%d statements to define what is defined", f.statements)
	}
}

// definitions counts statements of data definition.
type definitions struct {
	store.Backend
	statements int
}

func (d *definitions) Define(ctx context.Context, statements []string) error {
	d.statements += len(statements)
	return d.Backend.Define(ctx, statements)
}
