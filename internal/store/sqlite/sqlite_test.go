package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/store/storetest"
)

// node is one of several nodes on one handle of the database: this process owns the file once.
type node struct{ store.Backend }

func (node) Close() error { return nil }

func harness(t *testing.T, open func() (store.Backend, error)) (storetest.Harness, *store.Backend) {
	t.Helper()
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return storetest.Harness{Open: func(*testing.T) store.Backend { return node{b} }}, &b
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		h, _ := harness(t, sqlite.Memory)
		return h
	})
}

func TestFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		path := filepath.Join(t.TempDir(), "folder", "symbolon.db")
		open := func() (store.Backend, error) { return sqlite.Open(path) }
		h, b := harness(t, open)
		h.Restart = func(t *testing.T) {
			if err := (*b).Close(); err != nil {
				t.Fatal(err)
			}
			again, err := open()
			if err != nil {
				t.Fatal(err)
			}
			*b = again
		}
		return h
	})
}
