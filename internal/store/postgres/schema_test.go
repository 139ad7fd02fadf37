package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

type older struct {
	ID   string `store:"id,key"`
	Name string `store:"name"`
}

type newer struct {
	ID    string    `store:"id,key"`
	Name  string    `store:"name"`
	Extra string    `store:"extra"`
	Tags  []string  `store:"tags"`
	Until time.Time `store:"until,expiry"`
}

func index(column string, unique bool) store.Index {
	return store.Index{Name: "by_" + column, Columns: []string{column}, Unique: unique, Sparse: true}
}

var (
	olderTable = store.NewTable[older](store.Spec{Name: "grows"})
	newerTable = store.NewTable[newer](store.Spec{Name: "grows", Indexes: []store.Index{index("extra", true), index("name", false)}})
)

// openAll opens nodes at once and fails the test unless all of them open.
func openAll(t *testing.T, at string, n int, tables ...store.Definition) []*store.DB {
	t.Helper()
	nodes := make([]*store.DB, n)
	var wg sync.WaitGroup
	for i := range nodes {
		b := open(t, at)
		wg.Go(func() {
			db, err := store.Open(t.Context(), b, tables, store.Options{Shared: true})
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i] = db
		})
	}
	within(t, time.Minute, "opening", wg.Wait)
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() {
		for _, db := range nodes {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return nodes
}

// TestOpenTogether: nodes that start at once on an empty database make one schema, and so do newer ones on an older schema,
// while the older node goes on writing.
func TestOpenTogether(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	old := openAll(t, at, 5, append([]store.Definition{olderTable}, all...)...)
	stop, stopped := make(chan struct{}), make(chan struct{})
	written := 0
	go func() {
		defer close(stopped)
		for ; ; written++ {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			err := old[written%len(old)].Update(t.Context(), func(tx *store.Tx) error {
				return olderTable.Put(tx, older{ID: fmt.Sprint(written), Name: "from an older one"})
			})
			if err != nil {
				t.Errorf("an older node's write %d: %v", written, err)
				return
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("an older node's write took %v", took)
			}
		}
	}()
	time.Sleep(100 * time.Millisecond)
	nodes := openAll(t, at, 5, append([]store.Definition{newerTable}, all...)...)
	time.Sleep(100 * time.Millisecond)
	close(stop)
	<-stopped
	for i, db := range nodes {
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return newerTable.Insert(tx, newer{ID: fmt.Sprint("new", i), Extra: fmt.Sprint("e", i), Tags: []string{"t"}})
		})
		if err != nil {
			t.Error(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error { return newerTable.Insert(tx, newer{ID: "second", Extra: "e0"}) })
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("the new unique index lets through: %v", err)
		}
	}
	err := nodes[0].View(t.Context(), func(tx *store.Tx) error {
		rows, err := newerTable.List(tx, store.Query{Index: "by_name", Values: []string{"from an older one"}})
		if len(rows) != written {
			t.Errorf("%d rows of %d that the older node wrote", len(rows), written)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestIndexOnline: an index of a table in use is built beside it and leaves no rest, also after it was interrupted.
func TestIndexOnline(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	openAll(t, at, 1, store.NewTable[older](store.Spec{Name: "indexed"}))
	b := open(t, at)
	// What an interrupted build leaves.
	if err := b.Define(t.Context(), []string{"CREATE INDEX indexed_by_name_next ON indexed (name)", "INSERT INTO symbolon_meta (name, value) VALUES ('x', 'y')"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	table := store.NewTable[older](store.Spec{Name: "indexed", Indexes: []store.Index{index("name", true)}})
	db := openAll(t, at, 1, table)[0]
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return table.Insert(tx, older{ID: "a", Name: "n"}) }); err != nil {
		t.Fatal(err)
	}
	err := db.Update(t.Context(), func(tx *store.Tx) error { return table.Insert(tx, older{ID: "b", Name: "n"}) })
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("two rows have a unique value: %v", err)
	}
}

// TestUniqueOverDuplicates: an index that the data forbids is an error at once.
func TestUniqueOverDuplicates(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	plain := store.NewTable[older](store.Spec{Name: "indexed"})
	db := openAll(t, at, 1, plain)[0]
	for _, id := range []string{"a", "b"} {
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return plain.Insert(tx, older{ID: id, Name: "n"}) }); err != nil {
			t.Fatal(err)
		}
	}
	unique := store.NewTable[older](store.Spec{Name: "indexed", Indexes: []store.Index{index("name", true)}})
	within(t, 30*time.Second, "the refusal", func() {
		_, err := store.Open(t.Context(), open(t, at), []store.Definition{unique}, store.Options{})
		if err == nil || !strings.Contains(err.Error(), "indexed_by_name") {
			t.Errorf("answers %v", err)
		}
	})
}

// TestMigrateSays what it does, once.
func TestMigrateSays(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	done, err := store.Migrate(t.Context(), open(t, at), []store.Definition{olderTable})
	if err != nil || !strings.Contains(strings.Join(done, "\n"), "CREATE TABLE IF NOT EXISTS grows (") {
		t.Errorf("did %q, %v", done, err)
	}
	done, err = store.Migrate(t.Context(), open(t, at), []store.Definition{newerTable})
	if err != nil || !strings.Contains(strings.Join(done, "\n"), "ADD COLUMN extra") {
		t.Errorf("did %q, %v", done, err)
	}
	done, err = store.Migrate(t.Context(), open(t, at), []store.Definition{olderTable})
	if err != nil || len(done) != 0 {
		t.Errorf("for the older program: %q, %v", done, err)
	}
}
