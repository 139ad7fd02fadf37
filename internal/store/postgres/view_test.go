package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// TestImpatientSharer: who shares a view waits for its turn as long as its context lasts, and when it gives up the others' view is as it was.
func TestImpatientSharer(t *testing.T) {
	t.Parallel()
	view, err := open(t, postgrestest.Database(t)).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer view.Release()
	one := &store.Statement{SQL: "SELECT 1", Columns: 1}
	ask := func(ctx context.Context, row func()) error {
		return view.Query(ctx, one, nil, func([]any) error { row(); return nil })
	}
	if err := ask(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	reading, read, came := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		came <- ask(t.Context(), func() {
			close(reading)
			<-read
		})
	}()
	<-reading
	within(t, 3*time.Second, "giving up", func() {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := ask(ctx, func() {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without its turn: %v", err)
		}
	})
	close(read)
	if err := <-came; err != nil {
		t.Errorf("who had its turn: %v", err)
	}
	gone, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := ask(gone, func() {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too late: %v", err)
	}
	if err := ask(t.Context(), func() {}); err != nil {
		t.Errorf("who comes afterwards: %v", err)
	}
}
