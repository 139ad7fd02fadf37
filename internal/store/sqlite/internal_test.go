package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

func TestVersionLess(t *testing.T) {
	for _, c := range []struct {
		a, b string
		less bool
	}{{"3.51.2", "3.51.3", true}, {"3.51.3", "3.51.3", false}, {"3.54.1", "3.51.3", false}, {"3.9.0", "3.51.3", true}, {"3.51", "3.51.3", true}} {
		if versionLess(c.a, c.b) != c.less {
			t.Errorf("%s < %s: want %v", c.a, c.b, c.less)
		}
	}
}

type thing struct {
	ID    string `store:"id,key"`
	Value []byte `store:"value"`
}

// TestFull: a full disk refuses writes, loses nothing, and is forgotten once there is room.
func TestFull(t *testing.T) {
	things := store.NewTable[thing](store.Spec{Name: "things"})
	b, err := Open(filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	sb := b.(*Backend)
	db, err := store.Open(t.Context(), b, []store.Definition{things}, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	put := func(id string, size int) error {
		return db.Update(t.Context(), func(tx *store.Tx) error { return things.Put(tx, thing{id, make([]byte, size)}) })
	}
	if err := put("a", 10); err != nil {
		t.Fatal(err)
	}
	sb.pragmas = append(sb.pragmas, "max_page_count = 20")
	if err := sb.writer.script("PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	if err := put("b", 1<<20); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("a full disk answers %v", err)
	}
	sb.pragmas = append(sb.pragmas, "max_page_count = 100000")
	sb.writing.Lock()
	if sb.writer != nil {
		_ = sb.writer.close()
		sb.writer = nil
	}
	sb.writing.Unlock()
	if err := put("b", 1<<20); err != nil {
		t.Fatal("does not recover:", err)
	}
	err = db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := things.List(tx, store.Query{})
		if len(rows) != 2 {
			t.Errorf("%d rows", len(rows))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
