package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
)

// family has the size and shape of a refresh family, the row that is written most.
type family struct {
	ID          string    `store:"id,key"`
	User        string    `store:"user_id"`
	Application string    `store:"application"`
	Scopes      []string  `store:"scopes"`
	Generation  int64     `store:"generation"`
	Rotated     time.Time `store:"rotated"`
	Expires     time.Time `store:"expires,expiry"`
}

var (
	families     = store.NewTable[family](store.Spec{Name: "families"})
	applications = store.NewTable[family](store.Spec{Name: "applications", Cached: true})
	directory    = store.NewTable[person](store.Spec{Name: "directory", Cached: true, Packed: true})
)

// person has the shape of a user of the directory.
type person struct {
	Store   string                 `store:"store,key"`
	ID      string                 `store:"id,key"`
	Name    string                 `store:"name"`
	NameKey string                 `store:"name_key"`
	Enabled bool                   `store:"enabled"`
	More    store.Lazy[[]string]   `store:"more"`
	Others  store.Lazy[[]struct{}] `store:"others"`
	Created time.Time              `store:"created"`
	Updated time.Time              `store:"updated"`
	By      string                 `store:"by"`
}

const population = 10_000

// flushes and flushed count the batches, and the commits in them.
var flushes, flushed atomic.Int64

func benchDB(b *testing.B) *store.DB {
	b.Helper()
	backend, err := sqlite.Open(filepath.Join(b.TempDir(), "db", "symbolon.db"))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	db, err := store.Open(ctx, backend, []store.Definition{families, applications, directory}, store.Options{
		Flushed: func(commits int, _ time.Duration, _ error) {
			flushes.Add(1)
			flushed.Add(int64(commits))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { err = errors.Join(err, db.Close()) })
	err = db.Update(ctx, func(tx *store.Tx) error {
		for i := range population {
			f := family{ID: id(i), User: "user-" + id(i), Application: "arn:aws:sso::123456789012:application/ssoins-1234567890abcdef/apl-1234567890abcdef",
				Scopes: []string{"openid", "aws"}, Expires: time.Now().Add(time.Hour)}
			p := person{Store: "d-0123456789", ID: id(i), Name: "user", More: store.LazyOf([]string{"one", "two", "three"}), Created: time.Now()}
			if err := errors.Join(families.Put(tx, f), applications.Put(tx, f), directory.Put(tx, p)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func id(i int) string { return fmt.Sprintf("%016x-%016x", uint64(i)*0x9E3779B97F4A7C15, i) }

// measure reports the processor time of the whole process for each operation beside the elapsed time.
func measure(b *testing.B, run func()) {
	var before, after syscall.Rusage
	b.ReportAllocs()
	b.ResetTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	run()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(cpu)/1000/float64(b.N), "cpu-µs/op")
}

func read[T any](b *testing.B, table *store.Table[T], before ...string) {
	db := benchDB(b)
	keys := make([][]string, population)
	for i := range keys {
		keys[i] = append(slices.Clone(before), id(i))
	}
	measure(b, func() {
		for i := range b.N {
			err := db.View(context.Background(), func(tx *store.Tx) error {
				_, err := table.Get(tx, keys[i%population]...)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGetCached(b *testing.B) { read(b, applications) }

func BenchmarkGetPacked(b *testing.B) { read(b, directory, "d-0123456789") }

func BenchmarkGet(b *testing.B) { read(b, families) }

func rotate(db *store.DB, i int) error {
	return db.Update(context.Background(), func(tx *store.Tx) error {
		f, err := families.Get(tx, id(i%population))
		if err != nil {
			return err
		}
		f.Generation++
		f.Rotated = tx.Now()
		return families.Put(tx, f)
	})
}

func BenchmarkUpdateOneRow(b *testing.B) {
	b.Run("serial", func(b *testing.B) {
		db := benchDB(b)
		measure(b, func() {
			for i := range b.N {
				if err := rotate(db, i); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("parallel-64", func(b *testing.B) {
		db := benchDB(b)
		var next atomic.Int64
		b.SetParallelism(32) // times GOMAXPROCS
		flushes.Store(0)
		flushed.Store(0)
		measure(b, func() {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := rotate(db, int(next.Add(1))*7919); err != nil {
						b.Error(err)
					}
				}
			})
		})
		b.ReportMetric(float64(flushed.Load())/float64(flushes.Load()), "commits/flush")
	})
}

// BenchmarkUpdateLatency reports percentiles at 16 writers.
func BenchmarkUpdateLatency(b *testing.B) {
	db := benchDB(b)
	var next atomic.Int64
	times := make([]time.Duration, b.N)
	b.SetParallelism(8) // times GOMAXPROCS
	measure(b, func() {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				i := next.Add(1)
				start := time.Now()
				if err := rotate(db, int(i)*7919); err != nil {
					b.Error(err)
				}
				times[i-1] = time.Since(start)
			}
		})
	})
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkOpenMemory is what a test pays for a store of its own.
func BenchmarkOpenMemory(b *testing.B) {
	for range b.N {
		backend, err := sqlite.Memory()
		if err != nil {
			b.Fatal(err)
		}
		db, err := store.Open(context.Background(), backend, []store.Definition{families, applications}, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
