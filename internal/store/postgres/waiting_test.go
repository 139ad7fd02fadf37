package postgres_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// heard is what the process's log said.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) count(s string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Count(h.text.String(), s)
}

// listen takes the process's log until the test ends, which therefore runs alone.
func listen(t *testing.T) *heard {
	h := &heard{}
	before, flags := slog.Default(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.MultiWriter(h, os.Stderr), nil)))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr) // the default logger's handler writes there
		log.SetFlags(flags)
	})
	return h
}

// TestSchemaWaitIsSaid: a node that waits for another's schema change, or for a transaction in the way of its own, says so once.
func TestSchemaWaitIsSaid(t *testing.T) {
	for what, hold := range map[string]string{
		"another node's schema change": "SELECT id FROM symbolon_schema_lock FOR UPDATE",
		"others' transactions":         "SELECT count(*) FROM grows",
	} {
		t.Run(what, func(t *testing.T) {
			at := postgrestest.Database(t)
			openAll(t, at, 1, olderTable)
			other, err := pgconn.Connect(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(context.Background())
			for _, statement := range []string{"BEGIN", hold} {
				if _, err := other.Exec(t.Context(), statement).ReadAll(); err != nil {
					t.Fatal(err)
				}
			}
			h := listen(t)
			done := make(chan error, 1)
			go func() {
				_, err := store.Migrate(t.Context(), open(t, at), []store.Definition{newerTable})
				done <- err
			}()
			within(t, 20*time.Second, "saying what is waited for", func() {
				for h.count("waiting for "+what) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
			})
			if what == "another node's schema change" {
				holders(t, at)
			}
			time.Sleep(time.Second)
			if n := h.count("waiting for"); n != 1 {
				t.Errorf("said %d times", n)
			}
			if _, err := other.Exec(context.Background(), "COMMIT").ReadAll(); err != nil {
				t.Fatal(err)
			}
			within(t, 20*time.Second, "the schema change", func() {
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// holders runs the query that docs/operations.md gives, and fails the test unless it finds whoever holds the lock.
func holders(t *testing.T, at string) {
	t.Helper()
	page, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "`SELECT * FROM pg_stat_activity ")
	condition, _, _ := strings.Cut(rest, "`")
	c, err := pgconn.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	r := c.ExecParams(t.Context(), "SELECT query FROM pg_stat_activity "+condition, nil, nil, nil, nil).Read()
	for _, row := range r.Rows {
		if strings.HasSuffix(string(row[0]), "FOR UPDATE") {
			return
		}
	}
	t.Errorf("the page's query (there: %v) answers %q, %v", ok, r.Rows, r.Err)
}

// TestSchemaWorkIsQuiet where nobody is in the way.
func TestSchemaWorkIsQuiet(t *testing.T) {
	at := postgrestest.Database(t)
	h := listen(t)
	openAll(t, at, 1, olderTable)
	openAll(t, at, 1, newerTable)
	if h.count("waiting for") != 0 {
		t.Error("it says that it waits")
	}
}
