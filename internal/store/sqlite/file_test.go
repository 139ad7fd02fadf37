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

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder with ?odd #name%20", "data")
	b, err := sqlite.Open(filepath.Join(dir, "symbolon.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), b, nil, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		count++
		if i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, i.Mode())
		}
		return nil
	})
	if err != nil || count < 4 {
		t.Errorf("%d files, %v", count, err)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "symbolon.db")
	b, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a second owner got %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b, err = sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "symbolon.db")
	if err := os.WriteFile(path, []byte("this is a text that somebody put here, long enough to have a header of 100 bytes, which is not SQLite's at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path); err == nil {
		t.Error("opened")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	b, err := sqlite.Open(path)
	if err != nil {
		t.Fatal("the lock was kept:", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
