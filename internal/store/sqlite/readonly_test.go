package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// TestReadOnly: what was committed can be read, also from the log that a killed process has left; nothing can be changed, and nothing is.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	if _, err := sqlite.OpenReadOnly(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("it was made")
	}
	db, _ := openPairs(t, path)
	putPairs(t, db, 0, 10, 10)
	// As a killed process leaves it: the log is not carried over.
	left := filepath.Join(dir, "left")
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		write(t, left+end, string(text))
	}
	if _, err := sqlite.OpenReadOnly(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("in use: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, left} {
		before := content(t, path)
		readOnly(t, path)
		if content(t, path) != before {
			t.Error("the file has changed")
		}
	}
}

func readOnly(t *testing.T, path string) {
	t.Helper()
	b, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), b, []store.Definition{pairs}, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := countPairs(t, db); n != 10 {
		t.Errorf("%d rows", n)
	}
	if err := b.(*sqlite.Backend).Check(t.Context(), true); err != nil {
		t.Error(err)
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return pairs.Put(tx, pair{ID: "x"}) }); err == nil {
		t.Error("a row was written")
	}
	if err := b.Define(t.Context(), []string{"CREATE TABLE t (a)"}); err == nil {
		t.Error("a table was made")
	}
}

// TestReadOnlyOutdated: a schema that lacks something is told of, and not mended.
func TestReadOnlyOutdated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, _ := openPairs(t, path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	more := store.NewTable[pair](store.Spec{Name: "more_pairs"})
	if _, err := store.Open(t.Context(), b, []store.Definition{pairs, more}, store.Options{ReadOnly: true}); !errors.Is(err, store.ErrOutdated) {
		t.Errorf("opened: %v", err)
	}
}
