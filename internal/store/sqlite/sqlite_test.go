package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

type thing struct {
	ID    string    `store:"id,key"`
	Name  string    `store:"name"`
	Count int       `store:"count"`
	Tags  []string  `store:"tags"`
	Until time.Time `store:"until,expiry"`
}

var (
	hot  = store.NewTable[thing](store.Spec{Name: "hot", Indexes: []store.Index{{Name: "by_name", Columns: []string{"name"}, Unique: true, Sparse: true}}})
	cold = store.NewTable[thing](store.Spec{Name: "cold", Cached: true, Indexes: []store.Index{{Name: "by_name", Columns: []string{"name"}, Unique: true, Sparse: true}}})
)

func TestFirst(t *testing.T) {
	b, err := sqlite.Memory()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	db, err := store.Open(ctx, b, []store.Definition{hot, cold}, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, tb := range []*store.Table[thing]{hot, cold} {
		err = db.Update(ctx, func(tx *store.Tx) error {
			return tb.Insert(tx, thing{ID: "a", Name: "x", Tags: []string{"1"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(ctx, func(tx *store.Tx) error {
			return tb.Insert(tx, thing{ID: "a", Name: "x", Tags: []string{"1"}})
		})
		t.Log(err)
		err = db.Update(ctx, func(tx *store.Tx) error {
			return tb.Insert(tx, thing{ID: "b", Name: "x", Tags: []string{"1"}})
		})
		t.Log(err)
		db.View(ctx, func(tx *store.Tx) error {
			t.Log(tb.Get(tx, "a"))
			t.Log(tb.GetBy(tx, "by_name", "x"))
			t.Log(tb.List(tx, store.Query{}))
			return nil
		})
	}
}
