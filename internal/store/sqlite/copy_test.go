package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

type pair struct {
	ID    string `store:"id,key"`
	Value []byte `store:"value"`
}

var pairs = store.NewTable[pair](store.Spec{Name: "pairs"})

func openPairs(t testing.TB, path string) (*store.DB, *sqlite.Backend) {
	t.Helper()
	b, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), b, []store.Definition{pairs}, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, b.(*sqlite.Backend)
}

func putPairs(t testing.TB, db *store.DB, from, to, size int) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for n := from; n < to; n++ {
			if err := pairs.Put(tx, pair{fmt.Sprint(n), make([]byte, size)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func countPairs(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := pairs.List(tx, store.Query{})
		n = len(rows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCopyIsOfOneMoment copies while others write two rows at a time: the copy has both or neither, all that was there before, and
// nothing that writers wait for.
func TestCopyIsOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	db, b := openPairs(t, filepath.Join(dir, "db"))
	putPairs(t, db, 0, 4000, 500)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	written := 0
	writers.Go(func() {
		for n := 10000; ctx.Err() == nil; n += 2 {
			putPairs(t, db, n, n+2, 100)
			written++
		}
	})
	path := filepath.Join(dir, "copy")
	if err := b.Copy(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	stop()
	writers.Wait()
	if written == 0 {
		t.Error("nobody could write meanwhile")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	copied, backend := openPairs(t, path)
	if n := countPairs(t, copied); n < 4000 || n%2 != 0 {
		t.Errorf("the copy has %d rows", n)
	}
	if err := backend.Check(t.Context(), true); err != nil {
		t.Error(err)
	}
	if n := countPairs(t, db); n != 4000+2*written {
		t.Errorf("%d rows after %d commits", n, written)
	}
}

func TestCopyIsCompact(t *testing.T) {
	dir := t.TempDir()
	db, b := openPairs(t, filepath.Join(dir, "db"))
	putPairs(t, db, 0, 2000, 1000)
	if err := db.Update(t.Context(), func(tx *store.Tx) error {
		for n := range 1900 {
			if err := pairs.Delete(tx, fmt.Sprint(n)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "copy")
	if err := b.Copy(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	size, err := b.Size(t.Context())
	info, errStat := os.Stat(path)
	if err != nil || errStat != nil || info.Size()*5 > size {
		t.Errorf("%v of %d bytes (%v, %v)", info.Size(), size, err, errStat)
	}
}

func TestCopyRefused(t *testing.T) {
	dir := t.TempDir()
	db, b := openPairs(t, filepath.Join(dir, "db"))
	putPairs(t, db, 0, 20000, 200)
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Copy(t.Context(), there); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if text, err := os.ReadFile(there); string(text) != "mine" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := b.Copy(ctx, filepath.Join(dir, "late")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("given up: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "late")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a copy given up leaves a file: %v", err)
	}
	if err := b.Copy(t.Context(), filepath.Join(dir, "nowhere", "copy")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	putPairs(t, db, 30000, 30001, 10) // and all goes on
}

// TestCheckFindsDamage overwrites a page in the middle of the file.
func TestCheckFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, _ := openPairs(t, path)
	putPairs(t, db, 0, 3000, 300)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), 40*4096); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, whole := range []bool{true, false} {
		if err := b.(*sqlite.Backend).Check(t.Context(), whole); err == nil {
			t.Error("the damage is not found")
		}
	}
}

// latency is a measure to be read by people: what commits take beside a copy, and alone.
func BenchmarkCommitBesideCopy(b *testing.B) {
	for _, copying := range []bool{false, true} {
		b.Run(fmt.Sprintf("copying=%v", copying), func(b *testing.B) {
			dir := b.TempDir()
			db, backend := openPairs(b, filepath.Join(dir, "db"))
			for n := 0; n < 400000; n += 10000 {
				putPairs(b, db, n, n+10000, 300)
			}
			ctx, stop := context.WithCancel(b.Context())
			var copies sync.WaitGroup
			made := 0
			if copying {
				copies.Go(func() {
					for ; ctx.Err() == nil; made++ {
						_ = backend.Copy(ctx, filepath.Join(dir, fmt.Sprint("copy", made)))
					}
				})
			}
			var took []time.Duration
			var mu sync.Mutex
			b.ResetTimer()
			b.SetParallelism(8)
			n := 0
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					mu.Lock()
					n += 7919
					k := n % 400000
					mu.Unlock()
					began := time.Now()
					putPairs(b, db, k, k+1, 300)
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
				}
			})
			b.StopTimer()
			stop()
			copies.Wait()
			report(b, took, made)
		})
	}
}

func report(b *testing.B, took []time.Duration, copies int) {
	b.Helper()
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) }
	b.ReportMetric(at(.5), "p50-µs")
	b.ReportMetric(at(.99), "p99-µs")
	b.ReportMetric(at(1), "max-µs")
	b.ReportMetric(float64(copies), "copies")
}
