package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/symbolon/symbolon/internal/store/sqlite"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func hold(t *testing.T, path string) *sqlite.Place {
	t.Helper()
	p, err := sqlite.Hold(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Release() })
	return p
}

func TestPlaceIsHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	b, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Hold(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("the place of an open database: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p := hold(t, path)
	if _, err := sqlite.Open(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a database whose place is held: %v", err)
	}
	if there, err := p.Occupied(); !there || err != nil {
		t.Errorf("occupied: %v, %v", there, err)
	}
}

func TestPutIntoNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "new"), "new")
	p := hold(t, filepath.Join(dir, "db"))
	if there, err := p.Occupied(); there || err != nil {
		t.Errorf("occupied: %v, %v", there, err)
	}
	if err := p.Put(filepath.Join(dir, "new"), ""); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); content(t, filepath.Join(dir, "db")) != "new" || !slices.Equal(got, []string{"db", "db.lock"}) {
		t.Errorf("the folder holds %q", got)
	}
}

// TestPutKeepsTheOldAside: a database moves with its log, or stays as it is.
func TestPutKeepsTheOldAside(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"db", "db-wal", "new"} {
		write(t, filepath.Join(dir, name), name)
	}
	p := hold(t, filepath.Join(dir, "db"))
	if err := p.Put(filepath.Join(dir, "new"), ""); !errors.Is(err, sqlite.ErrOccupied) {
		t.Errorf("over a database: %v", err)
	}
	aside := filepath.Join(dir, "aside")
	if err := p.Put(filepath.Join(dir, "missing"), aside); err == nil {
		t.Error("nothing was put")
	}
	if got := names(t, dir); !slices.Equal(got, []string{"db", "db-wal", "db.lock", "new"}) {
		t.Errorf("after a failure the folder holds %q", got)
	}
	if err := p.Put(filepath.Join(dir, "new"), aside); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); content(t, filepath.Join(dir, "db")) != "new" || !slices.Equal(got, []string{"aside", "db", "db.lock"}) {
		t.Errorf("the folder holds %q", got)
	}
	if got := names(t, aside); content(t, filepath.Join(aside, "db")) != "db" || !slices.Equal(got, []string{"db", "db-wal"}) {
		t.Errorf("aside are %q", got)
	}
}

// TestInterruptedPut: whatever a killed restore left, the database does not open until one has ended.
func TestInterruptedPut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "db")
	write(t, path, "old")
	write(t, path+".restoring", "")
	write(t, filepath.Join(dir, "new"), "new")
	if _, err := sqlite.Open(path); !errors.Is(err, sqlite.ErrInterrupted) {
		t.Errorf("opened: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path); !errors.Is(err, sqlite.ErrInterrupted) {
		t.Errorf("opened as a new one: %v", err)
	}
	if err := hold(t, path).Put(filepath.Join(dir, "new"), ""); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"db", "db.lock"}) {
		t.Errorf("the folder holds %q", got)
	}
}
