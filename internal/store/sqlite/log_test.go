package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/symbolon/symbolon/internal/store"
	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// watched is a database whose log's operations are seen, and fail on demand.
type watched struct {
	b       *Backend
	db      *store.DB
	things  *store.Table[thing]
	path    string
	ops     []string
	failing string
	keep    []any // function values that only SQLite's side knows of
}

func newWatched(t *testing.T) *watched {
	w := &watched{things: store.NewTable[thing](store.Spec{Name: "things"}), path: filepath.Join(t.TempDir(), "db")}
	b, err := Open(w.path)
	if err != nil {
		t.Fatal(err)
	}
	w.b = b.(*Backend)
	if w.db, err = store.Open(t.Context(), b, []store.Definition{w.things}, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// watch puts itself below the logFile of the connection that writes, which a failure closes.
func (w *watched) watch(t *testing.T) {
	t.Helper()
	c, err := w.b.connected()
	if err != nil {
		t.Fatal(err)
	}
	l := c.log
	below := *l.own()
	write := func(tls *libc.TLS, file, bytes uintptr, n int32, offset int64) int32 {
		w.ops = append(w.ops, "write")
		if w.failing == "write" {
			return lib.SQLITE_FULL
		}
		return method[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](below.FxWrite)(tls, file, bytes, n, offset)
	}
	sync := func(tls *libc.TLS, file uintptr, flags int32) int32 {
		w.ops = append(w.ops, "sync")
		if w.failing == "sync" {
			return lib.SQLITE_IOERR_FSYNC
		}
		return method[func(*libc.TLS, uintptr, int32) int32](below.FxSync)(tls, file, flags)
	}
	at := libc.Xmalloc(c.tls, types.Size_t(unsafe.Sizeof(below)))
	mine := *(**lib.Tsqlite3_io_methods)(unsafe.Pointer(&at))
	*mine = below
	mine.FxWrite, mine.FxSync = *(*uintptr)(unsafe.Pointer(&write)), *(*uintptr)(unsafe.Pointer(&sync))
	w.keep = append(w.keep, write, sync)
	l.original = at
}

func (w *watched) put(t *testing.T, id string, size int) error {
	return w.db.Update(t.Context(), func(tx *store.Tx) error { return w.things.Put(tx, thing{id, make([]byte, size)}) })
}

// rows are the ids in the database, as a reader's connection sees them.
func (w *watched) rows(t *testing.T) (ids []string) {
	t.Helper()
	err := w.db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := w.things.List(tx, store.Query{})
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestLogIsFlushed: when a commit returns, all of it has been written and then flushed, in few writes.
func TestLogIsFlushed(t *testing.T) {
	w := newWatched(t)
	w.watch(t)
	for n := range 20 {
		w.ops = nil
		if err := w.put(t, fmt.Sprint("row ", n), n*2_000); err != nil {
			t.Fatal(err)
		}
		if len(w.ops) < 2 || w.ops[len(w.ops)-1] != "sync" || w.ops[len(w.ops)-2] != "write" || len(w.ops) > 4 {
			t.Errorf("row %d: %v", n, w.ops)
		}
		if w.b.writer.log.used != 0 {
			t.Error("something is left to write")
		}
	}
	if n := len(w.rows(t)); n != 20 {
		t.Errorf("%d rows", n)
	}
}

// TestLogFails: a log that cannot be written or flushed refuses the commit, shows nothing of it, and goes on once it can.
func TestLogFails(t *testing.T) {
	for _, what := range []string{"write", "sync"} {
		w := newWatched(t)
		if err := w.put(t, "before", 10); err != nil {
			t.Fatal(err)
		}
		w.failing = what
		for _, size := range []int{10, 300_000} {
			w.watch(t)
			if err := w.put(t, "lost", size); !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("failing %s: %v", what, err)
			}
		}
		w.failing = ""
		if ids := w.rows(t); strings.Join(ids, " ") != "before" {
			t.Errorf("failing %s: rows %v", what, ids)
		}
		if err := w.put(t, "then", 10); err != nil {
			t.Fatal(err)
		}
		if ids := w.rows(t); strings.Join(ids, " ") != "before then" {
			t.Errorf("after failing %s: rows %v", what, ids)
		}
		if err := w.b.Check(t.Context(), true); err != nil {
			t.Error(err)
		}
	}
}

// TestLargeCommit: a commit larger than the page cache goes to the log in parts, is read from there, and is whole.
func TestLargeCommit(t *testing.T) {
	w := newWatched(t)
	if err := w.b.writer.script("PRAGMA cache_size = 10"); err != nil {
		t.Fatal(err)
	}
	const rows = 3000
	fill := func(fault error) error {
		return w.db.Update(t.Context(), func(tx *store.Tx) error {
			for n := range rows {
				if err := w.things.Put(tx, thing{fmt.Sprintf("%x", n*7919%rows), make([]byte, 500)}); err != nil {
					return err
				}
			}
			return fault
		})
	}
	if err := fill(nil); err != nil {
		t.Fatal(err)
	}
	if n := len(w.rows(t)); n != rows {
		t.Errorf("%d rows", n)
	}
	if err := fill(nil); err != nil { // over what is there
		t.Fatal(err)
	}
	if err := w.b.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestLogBeginsAnew: under writing the log is carried into the database and does not grow for ever, with readers and without.
func TestLogBeginsAnew(t *testing.T) {
	w := newWatched(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = w.rows(t)
			}
		}
	})
	for n := range 150 {
		if err := w.put(t, fmt.Sprint(n%20), 200_000); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	for n := range 150 {
		if err := w.put(t, fmt.Sprint(n%20), 200_000); err != nil {
			t.Fatal(err)
		}
	}
	w.b.carried.Wait()
	i, err := os.Stat(w.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if i.Size() > 3*logLength { // of 60 MB written
		t.Errorf("the log has %d MB", i.Size()>>20)
	}
	t.Logf("the log has %d MB", i.Size()>>20)
	if n := len(w.rows(t)); n != 20 {
		t.Errorf("%d rows", n)
	}
	if err := w.b.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
}
