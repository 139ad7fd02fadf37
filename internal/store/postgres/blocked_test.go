package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestBlockedRow: somebody keeps a row locked for long. Whose commit wants it is told so, and those that travel with it go through.
func TestBlockedRow(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	db := node(t, at)
	for _, id := range []string{"blocked", "free", "also free"} {
		if err := putItem(db, item{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	other, err := pgconn.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	for _, statement := range []string{"BEGIN", "SELECT rev FROM items WHERE id = 'blocked' FOR UPDATE"} {
		if _, err := other.Exec(t.Context(), statement).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, at)
	layout := &store.Layout{Table: "items", Columns: []string{"id", "name", "count", "until"},
		Kinds: []store.Kind{store.Text, store.Text, store.Int, store.Time}, Key: []string{"id"}, Expiry: "until"}
	update := &store.Statement{SQL: "UPDATE items SET count = ?, rev = ? WHERE id = ? AND rev = ?",
		Form: store.Form{Act: store.Update, Layout: layout, Set: []string{"count"}}}
	commits := map[string]*store.Commit{}
	var batch []*store.Commit
	view, err := b.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	revs := &store.Statement{SQL: "SELECT id, rev FROM items", Columns: 2}
	err = view.Query(t.Context(), revs, nil, func(v []any) error {
		c := &store.Commit{Steps: []store.Step{{Statement: update, Args: []any{int64(1), int64(77), v[0], v[1]}, Want: 1}}}
		commits[v[0].(string)], batch = c, append(batch, c)
		return nil
	})
	view.Release()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(batch); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]store.Verdict{"blocked": store.Lost, "free": store.Applied, "also free": store.Applied} {
		if got := commits[id].Outcome.Verdict; got != want {
			t.Errorf("%s: verdict %d, want %d", id, got, want)
		}
	}
}
