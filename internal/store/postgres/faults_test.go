package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// item is a row that nobody remembers in memory, setting one that all do.
type item struct {
	ID    string    `store:"id,key"`
	Name  string    `store:"name"`
	Count int64     `store:"count"`
	Until time.Time `store:"until,expiry"`
}

type setting struct {
	ID    string `store:"id,key"`
	Value int64  `store:"value"`
}

var (
	items    = store.NewTable[item](store.Spec{Name: "items"})
	settings = store.NewTable[setting](store.Spec{Name: "settings", Cached: true})
	all      = []store.Definition{items, settings}
)

// node opens a node that ends with the test.
func node(t testing.TB, at string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), open(t, at), all, store.Options{Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func putItem(db *store.DB, i item) error {
	return db.Update(context.Background(), func(tx *store.Tx) error { return items.Put(tx, i) })
}

func getItem(db *store.DB, id string) (i item, err error) {
	err = db.View(context.Background(), func(tx *store.Tx) error {
		i, err = items.Get(tx, id)
		return err
	})
	return i, err
}

// eventually waits for what must come by itself.
func eventually(t *testing.T, what string, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for err := ok(); err != nil; err = ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// count raises a worker's counter and makes a row with its number, in one transaction.
func count(db *store.DB, worker, n int) error {
	return db.Update(context.Background(), func(tx *store.Tx) error {
		id := fmt.Sprint("counter-", worker)
		c, err := items.Get(tx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		c.ID, c.Count = id, c.Count+1
		return errors.Join(items.Put(tx, c), items.Insert(tx, item{ID: fmt.Sprint("row-", worker, "-", n), Count: c.Count}))
	})
}

// TestCutConnections: connections break at random moments under load. Every acknowledged write is there once, each
// transaction whole, and each failure is ErrUnavailable.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	p, through := newProxy(t, at)
	db := node(t, through)
	const workers = 16
	var acknowledged, failed atomic.Int64
	acked := make([]map[int]bool, workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range workers {
		acked[w] = map[int]bool{}
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				switch err := count(db, w, n); {
				case err == nil:
					acknowledged.Add(1)
					acked[w][n] = true
				case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrConflict):
					failed.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	for range 15 {
		enough := acknowledged.Load() + rand.N(int64(20)) + 5
		for limit := time.Now().Add(4 * time.Second); acknowledged.Load() < enough && time.Now().Before(limit); {
			time.Sleep(time.Millisecond)
		}
		if rand.N(3) == 0 {
			p.cutSoon(2000 + rand.N(20000))
			time.Sleep(50 * time.Millisecond)
			p.cutSoon(0)
		}
		p.cut()
	}
	p.cutSoon(0)
	p.cut()
	close(stop)
	within(t, 30*time.Second, "a writer", wg.Wait)
	t.Logf("%d acknowledged, %d refused", acknowledged.Load(), failed.Load())
	if acknowledged.Load() < 20 {
		t.Error("too few to show anything")
	}
	checkCounters(t, node(t, at), acked)
}

// checkCounters: each counter is the number of rows made with it, and the acknowledged ones are among them.
func checkCounters(t *testing.T, db *store.DB, acked []map[int]bool) {
	t.Helper()
	rows := map[string]item{}
	err := db.View(t.Context(), func(tx *store.Tx) error {
		list, err := items.List(tx, store.Query{})
		for _, i := range list {
			rows[i.ID] = i
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for w := range acked {
		made, seen := int64(0), map[int64]bool{}
		for id, i := range rows {
			if strings.HasPrefix(id, fmt.Sprint("row-", w, "-")) {
				made++
				if seen[i.Count] {
					t.Errorf("two rows of counter %d have number %d", w, i.Count)
				}
				seen[i.Count] = true
			}
		}
		if c := rows[fmt.Sprint("counter-", w)]; c.Count != made {
			t.Errorf("counter %d is %d and has %d rows", w, c.Count, made)
		}
		for n := range acked[w] {
			if _, ok := rows[fmt.Sprint("row-", w, "-", n)]; !ok {
				t.Errorf("acknowledged write %d of %d is lost", n, w)
			}
		}
	}
}

// TestSilence: when the network goes silent, nobody waits for ever, and nothing is acknowledged; when it comes back, all
// goes on.
func TestSilence(t *testing.T) {
	t.Parallel()
	p, through := newProxy(t, postgrestest.Database(t))
	db := node(t, through)
	if err := putItem(db, item{ID: "a", Count: 1}); err != nil {
		t.Fatal(err)
	}
	p.hush(true)
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			if err := putItem(db, item{ID: fmt.Sprint("b", n)}); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a write into silence answers %v", err)
			}
		})
		wg.Go(func() {
			if _, err := getItem(db, "a"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a read from silence answers %v", err)
			}
		})
	}
	within(t, 40*time.Second, "work in silence", wg.Wait)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := db.View(ctx, func(tx *store.Tx) error { _, err := items.Get(tx, "a"); return err })
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("a caller in a hurry waited %v for %v", time.Since(began), err)
	}
	p.hush(false)
	p.cut()
	eventually(t, "after the silence", func() error { return putItem(db, item{ID: "a", Count: 2}) })
	if i, err := getItem(db, "a"); err != nil || i.Count != 2 {
		t.Errorf("reads %v, %v", i, err)
	}
}

// TestShortAbsence: a database that is away for less than a moment costs time and no error, since nothing was sent.
func TestShortAbsence(t *testing.T) {
	t.Parallel()
	p, through := newProxy(t, postgrestest.Database(t))
	db := node(t, through)
	if err := putItem(db, item{ID: "a", Count: 1}); err != nil {
		t.Fatal(err)
	}
	p.gone(true)
	time.AfterFunc(500*time.Millisecond, func() { p.gone(false) })
	if err := putItem(db, item{ID: "a", Count: 2}); err != nil {
		t.Errorf("a write waited and answers %v", err)
	}
	if i, err := getItem(db, "a"); err != nil || i.Count != 2 {
		t.Errorf("a read answers %v, %v", i, err)
	}
}

// TestLongAbsence: a database that stays away is noticed, and what needs it fails at once from then on.
func TestLongAbsence(t *testing.T) {
	t.Parallel()
	p, through := newProxy(t, postgrestest.Database(t))
	db := node(t, through)
	p.gone(true)
	within(t, 15*time.Second, "the first write", func() {
		if err := putItem(db, item{ID: "a"}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("answers %v", err)
		}
	})
	within(t, 15*time.Second, "hundred more", func() {
		for range 100 {
			if err := putItem(db, item{ID: "a"}); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUncertain) {
				t.Errorf("answers %v", err)
			}
		}
	})
	p.gone(false)
	eventually(t, "back again", func() error { return putItem(db, item{ID: "a"}) })
}

// TestExhaustion: more users than connections wait for each other, and all are served.
func TestExhaustion(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	db := node(t, at+"&pool_max_conns=3")
	if err := putItem(db, item{ID: "a", Count: 7}); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "a crowd", func() {
		var wg sync.WaitGroup
		for n := range 200 {
			wg.Go(func() {
				if i, err := getItem(db, "a"); err != nil || i.Count != 7 {
					t.Errorf("reads %v, %v", i, err)
				}
				if err := putItem(db, item{ID: fmt.Sprint("x", n)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
	// The one view that may be open is held: whoever needs another learns that there is none.
	err := db.View(t.Context(), func(tx *store.Tx) error {
		if _, err := items.Get(tx, "a"); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return db.View(ctx, func(tx *store.Tx) error { _, err := items.Get(tx, "a"); return err })
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a connection: %v", err)
	}
	within(t, 20*time.Second, "a patient one", func() {
		err = db.View(t.Context(), func(tx *store.Tx) error {
			if _, err := items.Get(tx, "a"); err != nil {
				return err
			}
			_, err := getItem(db, "a")
			return err
		})
	})
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("without a connection: %v", err)
	}
}

// TestTooManyConnections: too many connections on the server's side are a clean refusal.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	c := postgrestest.Start(t, postgrestest.Options{Settings: map[string]string{"max_connections": "9", "superuser_reserved_connections": "0"}})
	at := c.Database(t)
	first, second := node(t, at), node(t, at)
	var wg sync.WaitGroup
	for n := range 100 {
		for _, db := range []*store.DB{first, second} {
			wg.Go(func() {
				_, read := getItem(db, "a")
				for _, err := range []error{read, putItem(db, item{ID: fmt.Sprint(n)})} {
					if err != nil && !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrNotFound) {
						t.Error(err)
					}
				}
			})
		}
	}
	within(t, 60*time.Second, "a crowd", wg.Wait)
	eventually(t, "afterwards", func() error { return putItem(first, item{ID: "z"}) })
}

// TestRestart: the server is killed and comes back, again and again, under load.
func TestRestart(t *testing.T) {
	t.Parallel()
	c := postgrestest.Start(t, postgrestest.Options{Fsync: true})
	db := node(t, c.Database(t))
	const workers = 8
	acked := make([]map[int]bool, workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range workers {
		acked[w] = map[int]bool{}
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				switch err := count(db, w, n); {
				case err == nil:
					acked[w][n] = true
				case !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	for i := range 4 {
		time.Sleep(100*time.Millisecond + rand.N(200*time.Millisecond))
		end := c.Kill
		if i%2 == 1 {
			end = c.Stop
		}
		if err := errors.Join(end(), c.Start()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "after the last start", func() error { return putItem(db, item{ID: "z"}) })
	close(stop)
	within(t, 30*time.Second, "a writer", wg.Wait)
	checkCounters(t, db, acked)
}
