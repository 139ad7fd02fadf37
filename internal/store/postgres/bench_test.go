package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// family has the size and shape of a refresh family, the row that is written most; used that of a used assertion.
type family struct {
	ID          string    `store:"id,key"`
	User        string    `store:"user_id"`
	Application string    `store:"application"`
	Scopes      []string  `store:"scopes"`
	Generation  int64     `store:"generation"`
	Rotated     time.Time `store:"rotated"`
	Expires     time.Time `store:"expires,expiry"`
}

type used struct {
	Hash    string    `store:"hash,key"`
	Expires time.Time `store:"expires,expiry"`
}

var (
	families = store.NewTable[family](store.Spec{Name: "families"})
	usedOnes = store.NewTable[used](store.Spec{Name: "used_ones"})
)

const population = 10_000

func familyID(i int) string { return fmt.Sprintf("%016x-%016x", uint64(i)*0x9E3779B97F4A7C15, i) }

type bench struct {
	*testing.B
	cluster *postgrestest.Cluster
	backend *postgres.Backend
	db      *store.DB
	next    atomic.Int64
}

func newBench(b *testing.B) *bench {
	b.Helper()
	c := postgrestest.Start(b, postgrestest.Options{Fsync: true, Settings: map[string]string{"shared_buffers": "256MB"}})
	e := &bench{B: b, cluster: c}
	e.backend = open(b, c.Database(b)+os.Getenv("BENCH_URL"))
	db, err := store.Open(context.Background(), e.backend, []store.Definition{families, usedOnes, settings}, store.Options{Shared: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	e.db = db
	for from := 0; from < population; from += 1000 {
		err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
			for i := from; i < from+1000; i++ {
				err = errors.Join(err, families.Put(tx, family{ID: familyID(i), User: "user-" + familyID(i), Scopes: []string{"openid", "aws"},
					Application: "arn:aws:sso::123456789012:application/ssoins-1234567890abcdef/apl-1234567890abcdef", Expires: time.Now().Add(time.Hour)}))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return e
}

// serverTime is the processor time of the server and all its children, Linux's clock ticks being 10 ms.
func (e *bench) serverTime() time.Duration {
	ticks := 0
	parent := strconv.Itoa(e.cluster.PID())
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, f := range folders {
		text, err := os.ReadFile("/proc/" + f.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest) // from the state on: parent 1, user 11, system 12, of children 13 and 14
		counted := fields[11:13]
		switch {
		case f.Name() == parent:
			counted = fields[11:15]
		case len(fields) < 15 || fields[1] != parent:
			continue
		}
		for _, s := range counted {
			n, _ := strconv.Atoi(s)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// parallel runs fn by so many at once, and reports what both sides pay for it.
func (e *bench) parallel(workers int, fn func(i int) error) {
	for i := range 200 { // statements are prepared
		if err := fn(int(e.next.Add(1))); err != nil {
			e.Fatal(i, err)
		}
	}
	var before, after syscall.Rusage
	server, trips := e.serverTime(), e.backend.RoundTrips()
	e.ReportAllocs()
	e.SetParallelism(max(1, workers/2)) // times GOMAXPROCS, which is 2 on the box of reference
	e.ResetTimer()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	e.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := fn(int(e.next.Add(1))); err != nil {
				e.Error(err)
			}
		}
	})
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(e.N) }
	e.ReportMetric(per(time.Duration(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())), "cpu-µs/op")
	e.ReportMetric(per(e.serverTime()-server), "database-cpu-µs/op")
	e.ReportMetric(float64(e.backend.RoundTrips()-trips)/float64(e.N), "trips/op")
}

func (e *bench) rotate(i int) error {
	return e.db.Update(context.Background(), func(tx *store.Tx) error {
		f, err := families.Get(tx, familyID(i*7919%population))
		if err != nil {
			return err
		}
		f.Generation++
		f.Rotated = tx.Now()
		return families.Put(tx, f)
	})
}

func (e *bench) use(i int) error {
	return e.db.Update(context.Background(), func(tx *store.Tx) error {
		return usedOnes.Insert(tx, used{Hash: familyID(i), Expires: tx.Now().Add(5 * time.Minute)})
	})
}

// begin is what an assertion does that also begins a family.
func (e *bench) begin(i int) error {
	return e.db.Update(context.Background(), func(tx *store.Tx) error {
		return errors.Join(usedOnes.Insert(tx, used{Hash: familyID(i), Expires: tx.Now().Add(5 * time.Minute)}),
			families.Insert(tx, family{ID: "new" + familyID(i), User: "user", Scopes: []string{"openid"}, Expires: tx.Now().Add(time.Hour)}))
	})
}

// BenchmarkGrants: a refresh reads a row and writes it, an assertion writes one, reading is introspection's lot.
func BenchmarkGrants(b *testing.B) {
	for name, fn := range map[string]func(*bench) func(int) error{
		"refresh":           func(e *bench) func(int) error { return e.rotate },
		"assertion":         func(e *bench) func(int) error { return e.use },
		"assertion, family": func(e *bench) func(int) error { return e.begin },
		"mixed": func(e *bench) func(int) error {
			return func(i int) error {
				if i%2 == 0 {
					return e.rotate(i)
				}
				return e.use(i)
			}
		},
		"read": func(e *bench) func(int) error {
			return func(i int) error {
				return e.db.View(context.Background(), func(tx *store.Tx) error {
					_, err := families.Get(tx, familyID(i*7919%population))
					return err
				})
			}
		},
	} {
		for _, workers := range []int{2, 16, 64} {
			b.Run(fmt.Sprint(name, "-", workers), func(b *testing.B) {
				e := newBench(b)
				e.parallel(workers, fn(e))
			})
		}
	}
}
