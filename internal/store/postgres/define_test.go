package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestIndexWaits: a transaction of somebody's keeps a new index from being finished for longer than a lock is waited for. What was done
// before the index is not done again, which the database would refuse for ever.
func TestIndexWaits(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	openAll(t, at, 1, olderTable)
	other, err := pgconn.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(context.Background())
	for _, statement := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM symbolon_meta"} {
		if _, err := other.Exec(t.Context(), statement).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan struct{})
	time.AfterFunc(3*time.Second, func() {
		defer close(ended)
		if _, err := other.Exec(context.Background(), "COMMIT").ReadAll(); err != nil {
			t.Error(err)
		}
	})
	defer func() { <-ended }()
	within(t, 20*time.Second, "a column and an index", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		db, err := store.Open(ctx, open(t, at), []store.Definition{newerTable}, store.Options{Shared: true})
		if err != nil {
			t.Error(err)
			return
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}
