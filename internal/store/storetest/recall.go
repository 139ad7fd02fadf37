package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/symbolon/symbolon/internal/store"
)

// A node that is alone on its database remembers the rows it commits. What it remembers is what the database holds.
var recallCases = []testCase{
	{"recall/a row this node wrote is not read again", recallSparesReads},
	{"recall/every type", recallEveryType},
	{"recall/after a failed commit", recallAfterFailure},
	{"recall/deleted, made again, put unread", recallFollowsWrites},
	{"recall/two reads are of one moment", recallOneMoment},
	{"recall/a read that writes nothing is current", recallCurrent},
	{"recall/a swept row is gone, even when the clock goes back", recallSwept},
}

// reread updates a row, which makes the node remember it.
func reread(e *env, db *store.DB, id string) {
	e.Helper()
	e.update(db, func(tx *store.Tx) error {
		r, err := hot.Get(tx, "r", id)
		r.Count++
		return errors.Join(err, hot.Put(tx, r))
	})
}

func recallSparesReads(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	if f.Dialect().Concurrent {
		e.Skip("commits run beside each other: nothing is remembered")
	}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a", Email: "a@", Until: e.clock.now().Add(time.Hour).UTC().Truncate(time.Microsecond)}))
	reread(e, db, "a")
	before := f.queries.Load()
	for range 5 {
		reread(e, db, "a")
	}
	if n := f.queries.Load() - before; n != 0 {
		e.Errorf("%d queries for a row that the node wrote itself", n)
	}
	e.view(db, func(tx *store.Tx) error {
		r, err := hot.Get(tx, "r", "a")
		if r.Count != 6 || r.Email != "a@" {
			e.Errorf("the database has %+v", r)
		}
		return err
	})
	if f.queries.Load() == before {
		e.Error("a view did not ask the database")
	}
}

func recallEveryType(e *env) {
	db := e.node(store.Options{})
	list := []string{}
	for i := range 6 {
		want := kinds{
			ID: "a", Text: text([]string{"", "x", "é😀"}[i%3]), Yes: i%2 == 0, Int: -i, Int64: int64(i) << 60, Span: time.Duration(i), List: list,
			Nested: nested{A: "q", T: time.Unix(int64(i), 0).UTC()},
		}
		if i%2 == 1 {
			want.Bytes, want.At, want.Map, want.Maybe = []byte{0, byte(i)}, time.UnixMicro(int64(i)).UTC(), map[string]string{"k": "v"}, &nested{B: []int{i}}
		}
		list = append(list, []string{"plain", `quo"ted`, "back\\slash", ""}[i%4])
		e.update(db, func(tx *store.Tx) error {
			_, err := hotKinds.Get(tx, "a")
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return errors.Join(err, hotKinds.Put(tx, want))
		})
		e.update(db, func(tx *store.Tx) error { // from memory
			got, err := hotKinds.Get(tx, "a")
			if d := cmp.Diff(want, got); d != "" {
				e.Errorf("remembered (-want +got):\n%s", d)
			}
			return err
		})
		e.view(db, func(tx *store.Tx) error { // from the database
			got, err := hotKinds.Get(tx, "a")
			if d := cmp.Diff(want, got); d != "" {
				e.Errorf("stored (-want +got):\n%s", d)
			}
			return err
		})
	}
}

// count reads a row's count in a transaction that may write and does not.
func count(e *env, db *store.DB, id string) (n int) {
	e.Helper()
	e.update(db, func(tx *store.Tx) error {
		r, err := hot.Get(tx, "r", id)
		n = r.Count
		return err
	})
	return n
}

func recallAfterFailure(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a"}))
	reread(e, db, "a")
	for how, want := range map[failure]int{failBefore: 1, failAfter: 7} {
		e.update(db, put(hot, row{Realm: "r", ID: "a", Count: 1}))
		f.failNext(how)
		e.want(db.Update(e.ctx, put(hot, row{Realm: "r", ID: "a", Count: 7})), store.ErrUnavailable)
		if n := count(e, db, "a"); n != want {
			e.Errorf("count is %d after failure %d, want %d", n, how, want)
		}
		reread(e, db, "a")
		if n := count(e, db, "a"); n != want+1 {
			e.Errorf("count is %d after a write upon failure %d, want %d", n, how, want+1)
		}
	}
}

func recallFollowsWrites(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a", Count: 1}))
	reread(e, db, "a")
	e.update(db, put(hot, row{Realm: "r", ID: "a", Count: 5, Team: "a team with a longer name than before"}))
	if n := count(e, db, "a"); n != 5 {
		e.Errorf("count is %d after a put of an unread row", n)
	}
	e.update(db, func(tx *store.Tx) error { return hot.Delete(tx, "r", "a") })
	e.want(db.Update(e.ctx, func(tx *store.Tx) error { _, err := hot.Get(tx, "r", "a"); return err }), store.ErrNotFound)
	e.update(db, func(tx *store.Tx) error { return hot.Insert(tx, row{Realm: "r", ID: "a", Count: 3}) })
	if n := count(e, db, "a"); n != 3 {
		e.Errorf("count is %d after it was made again", n)
	}
	// Written and deleted by commits that may share a batch.
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { e.must(db.Update(e.ctx, put(hot, row{Realm: "r", ID: "b"}))) })
		wg.Go(func() {
			err := db.Update(e.ctx, func(tx *store.Tx) error { return hot.Delete(tx, "r", "b") })
			if !errors.Is(err, store.ErrNotFound) {
				e.must(err)
			}
		})
	}
	wg.Wait()
	var inView, inUpdate error
	e.view(db, func(tx *store.Tx) error { _, inView = hot.Get(tx, "r", "b"); return nil })
	e.update(db, func(tx *store.Tx) error { _, inUpdate = hot.Get(tx, "r", "b"); return nil })
	if !errors.Is(inView, inUpdate) {
		e.Errorf("the database says %v, the node remembers %v", inView, inUpdate)
	}
}

func recallOneMoment(e *env) {
	db := e.node(store.Options{})
	set := func(n int) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			_, err := hot.Get(tx, "r", "a")
			if errors.Is(err, store.ErrNotFound) {
				err = nil
			}
			return errors.Join(err, hot.Put(tx, row{Realm: "r", ID: "a", Count: n, Email: "a@"}),
				hot.Put(tx, row{Realm: "r", ID: "b", Count: n, Email: "b@"}))
		}
	}
	n := 1
	e.update(db, set(n))
	e.update(db, set(n))
	reads := map[string]func(tx *store.Tx, id string) (row, error){
		"get":   func(tx *store.Tx, id string) (row, error) { return hot.Get(tx, "r", id) },
		"getBy": func(tx *store.Tx, id string) (row, error) { return hot.GetBy(tx, "by_email", "r", id+"@") },
		"list": func(tx *store.Tx, id string) (row, error) {
			rows, err := hot.List(tx, store.Query{Values: []string{"r", id}})
			if err != nil {
				return row{}, err
			}
			return rows[0], nil
		},
	}
	for first, readA := range reads {
		for second, readB := range reads {
			runs := 0
			// It decides without a commit, so that no commit can find out.
			e.update(db, func(tx *store.Tx) error {
				runs++
				a, err := readA(tx, "a")
				if err != nil {
					return err
				}
				if runs == 1 {
					n++
					done := make(chan error)
					go func() { done <- db.Update(e.ctx, set(n)) }()
					e.must(<-done)
				}
				b, err := readB(tx, "b")
				if err == nil && a.Count != b.Count {
					e.Errorf("%s, then %s: counts %d and %d in one transaction", first, second, a.Count, b.Count)
				}
				return err
			})
			if runs > 2 {
				e.Errorf("%s, then %s: %d runs", first, second, runs)
			}
		}
	}
}

func recallCurrent(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a"}))
	reread(e, db, "a")
	var acknowledged atomic.Int64
	acknowledged.Store(1)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for range 100 {
			reread(e, db, "a")
			acknowledged.Add(1)
		}
	})
	for worker := range 3 {
		wg.Go(func() {
			last := int64(0)
			for {
				select {
				case <-done:
					return
				default:
				}
				least := max(acknowledged.Load(), last)
				var n int64
				read := func(tx *store.Tx) error {
					r, err := hot.Get(tx, "r", "a")
					n = int64(r.Count)
					return err
				}
				if worker == 0 {
					e.must(db.View(e.ctx, read))
				} else {
					e.must(db.Update(e.ctx, read))
				}
				if n < least {
					e.Errorf("a read gave %d after %d had been seen or acknowledged", n, least)
					return
				}
				last = n
			}
		})
	}
	wg.Wait()
}

func recallSwept(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a", Until: e.clock.now().Add(time.Minute)}))
	reread(e, db, "a")
	e.clock.advance(2 * time.Minute)
	_, err := db.Sweep(e.ctx, 100) // unless the sweeper was quicker
	e.must(err)
	e.clock.advance(-2 * time.Minute)
	e.want(db.Update(e.ctx, func(tx *store.Tx) error { _, err := hot.Get(tx, "r", "a"); return err }), store.ErrNotFound)
	e.update(db, func(tx *store.Tx) error { return hot.Insert(tx, row{Realm: "r", ID: "a", Count: 4}) })
	if n := count(e, db, "a"); n != 4 {
		e.Errorf("count is %d", n)
	}
}
