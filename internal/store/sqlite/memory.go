package sqlite

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/symbolon/symbolon/internal/store"
)

// Memory opens a private database that lives as long as the Backend, for tests and demonstrations. It behaves as a file
// does, reads beside writes included, which SQLite's own in-memory databases do not offer: it is a file in memory where
// the system has such a folder, in the temporary folder otherwise, without flushes and without a name.
func Memory() (store.Backend, error) {
	dir, err := os.MkdirTemp(memoryFolder(), "symbolon-memory-")
	if err != nil {
		return nil, err
	}
	b := newBackend(filepath.Join(dir, "db"), "OFF", memoryReaders)
	b.unlock = func() error { return os.RemoveAll(dir) }
	if err := b.create(filepath.Join(dir, "db")); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// memoryFolder is Linux's folder in memory, or "" for the system's temporary folder.
func memoryFolder() string {
	if i, err := os.Stat("/dev/shm"); err == nil && i.IsDir() {
		return "/dev/shm"
	}
	return ""
}
