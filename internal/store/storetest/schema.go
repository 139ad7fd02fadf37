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
	{"schema/a changed index is refused", indexChangeRefused},
	{"schema/a changed index has a new name", indexRenamed},
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

// indexed is a table whose one index has the name.
func indexed(name string, unique bool) *store.Table[version1] {
	return store.NewTable[version1](store.Spec{Name: "indexed", Indexes: []store.Index{{Name: name, Columns: []string{"name"}, Unique: unique}}})
}

// indexChangeRefused: of two programs with one index by two definitions, the second is refused and takes nothing from the first.
func indexChangeRefused(e *env) {
	first := indexed("by_name", true)
	db, err := e.open(first)
	e.must(err)
	e.update(db, func(tx *store.Tx) error { return first.Insert(tx, version1{"a", "n"}) })
	e.must(db.Close())
	second := store.NewTable[version2](store.Spec{Name: "indexed", Indexes: []store.Index{
		{Name: "by_name", Columns: []string{"name"}}}})
	fresh := store.NewTable[version1](store.Spec{Name: "fresh"})
	_, opened := e.open(second, fresh)
	_, readOnly := store.Open(e.ctx, e.h.Open(e.T), []store.Definition{second}, store.Options{ReadOnly: true})
	done, migrated := store.Migrate(e.ctx, e.h.Open(e.T), []store.Definition{second, fresh})
	for _, err := range []error{opened, readOnly, migrated} {
		if err == nil || errors.Is(err, store.ErrOutdated) || !strings.Contains(err.Error(), "index indexed_by_name is") ||
			!strings.Contains(err.Error(), "CREATE UNIQUE INDEX indexed_by_name ON indexed (name)") || !strings.Contains(err.Error(), "new name") {
			e.Errorf("answers %v", err)
		}
	}
	b := e.h.Open(e.T)
	columns, _, err := b.Columns(e.ctx, "indexed")
	none, _, errFresh := b.Columns(e.ctx, "fresh")
	e.must(errors.Join(err, errFresh, b.Close()))
	if _, ok := columns["extra"]; ok || len(none) != 0 || len(done) != 0 {
		e.Errorf("the refused program did %v, and its columns are %v and %v", done, columns, none)
	}
	db, err = e.open(first)
	e.must(err)
	err = db.Update(e.ctx, func(tx *store.Tx) error { return first.Insert(tx, version1{"b", "n"}) })
	if !errors.Is(err, store.ErrExists) {
		e.Errorf("the first program's index lets through: %v", err)
	}
	e.must(db.Close())
}

// indexRenamed: under a new name an index is added, and an older program that starts afterwards leaves it alone.
func indexRenamed(e *env) {
	older, newer := indexed("by_name", false), indexed("one_name", true)
	for i, table := range []*store.Table[version1]{older, newer, older, newer} {
		db, err := e.open(table)
		e.must(err)
		err = db.Update(e.ctx, func(tx *store.Tx) error {
			return errors.Join(table.Put(tx, version1{"a", "n"}), table.Put(tx, version1{"b", "n"}))
		})
		if unique := i > 0; unique == (err == nil) {
			e.Errorf("start %d: two rows of one name: %v", i, err)
		}
		if i == 0 {
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
