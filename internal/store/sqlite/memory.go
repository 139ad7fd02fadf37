package sqlite

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/symbolon/symbolon/internal/store"
)

const memoryPrefix = "symbolon-memory-"

// Memory opens a private database that lives as long as the Backend, for tests and demonstrations. It behaves as a file
// does, reads beside writes included, which SQLite's own in-memory databases do not offer: it is a file in memory where
// the system has such a folder, in the temporary folder otherwise, and is never flushed. What processes that were killed
// have left there is removed on the way.
func Memory() (store.Backend, error) {
	root := memoryFolder()
	removeAbandoned(root)
	var err error
	for range 3 { // a folder just made, not yet locked, may be taken for an abandoned one
		var b *Backend
		if b, err = memoryIn(root); err == nil {
			return b, nil
		}
	}
	return nil, err
}

func memoryIn(root string) (*Backend, error) {
	dir, err := os.MkdirTemp(root, memoryPrefix)
	if err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	b := newBackend(filepath.Join(dir, "db"), "OFF", memoryReaders)
	b.unlock = func() error { return errors.Join(removeFolder(dir), unlock()) }
	if err := b.create(filepath.Join(dir, "db")); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// removeAbandoned removes the folders whose lock nobody holds. What it may not touch it leaves.
func removeAbandoned(root string) {
	dirs, err := filepath.Glob(filepath.Join(root, memoryPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			continue // being made, or being removed
		}
		unlock, err := lock(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		_ = errors.Join(os.RemoveAll(dir), unlock()) // the next one tries again
	}
}

// removeFolder removes a folder in which another process may just have looked for a lock, and by that made one.
func removeFolder(dir string) (err error) {
	for range 10 {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
	}
	return err
}

// memoryFolder is Linux's folder in memory, or the system's temporary folder.
func memoryFolder() string {
	if i, err := os.Stat("/dev/shm"); err == nil && i.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}
