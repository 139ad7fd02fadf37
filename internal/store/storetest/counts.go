package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/symbolon/symbolon/internal/store"
)

var countCases = []testCase{
	{"a census counts the living and the expired, whatever its step", census},
	{"stats count commits, retries, reads and the swept", countedWork},
	{"flushed hears of every batch", flushed},
}

func census(e *env) {
	db := e.node(store.Options{})
	end := e.clock.now().Add(time.Hour)
	e.update(db, func(tx *store.Tx) error {
		for i := range 23 {
			until := end.Add(time.Duration(i/4) * time.Second) // four of one moment
			switch {
			case i >= 20:
				until = time.Time{} // never
			case i >= 17:
				until = e.clock.now().Add(time.Millisecond)
			}
			if err := hot.Insert(tx, row{Realm: "r", ID: fmt.Sprint(i), Until: until}); err != nil {
				return err
			}
		}
		return nil
	})
	e.clock.advance(time.Second)
	swept := 0
	for _, step := range []int{1, 2, 3, 4, 5, 17, 1000} {
		got, err := db.Census(e.ctx, step, 0)
		e.must(err)
		swept = int(db.Stats().Swept) // the sweep may come between
		if diff := cmp.Diff([]store.TableCount{{Table: "cold"}, {Table: "hot", Live: 17, Expired: got[1].Expired}, {Table: "kept"}}, got); diff != "" {
			e.Errorf("step %d: %s", step, diff)
		}
		if n := int(got[1].Expired); n > 3 || n < 3-swept {
			e.Errorf("step %d: %d expired and %d swept", step, n, swept)
		}
	}
	gone, cancel := context.WithCancel(e.ctx)
	cancel()
	if _, err := db.Census(gone, 1, 0); err == nil {
		e.Error("a census goes on for nobody")
	}
}

func countedWork(e *env) {
	db := e.node(store.Options{})
	before := db.Stats()
	e.update(db, func(tx *store.Tx) error {
		if _, err := cold.Get(tx, "r", "a"); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return hot.Insert(tx, row{Realm: "r", ID: "a", Email: "x"})
	})
	runs := 0
	e.update(db, func(tx *store.Tx) error { // meets another's write after its own read
		r, err := hot.Get(tx, "r", "a")
		if err != nil {
			return err
		}
		if runs++; runs == 1 {
			other := make(chan error)
			go func() {
				other <- db.Update(e.ctx, func(tx *store.Tx) error { return hot.Put(tx, row{Realm: "r", ID: "a", Count: 7}) })
			}()
			if err := <-other; err != nil {
				return err
			}
		}
		r.Count++
		return hot.Put(tx, r)
	})
	after := db.Stats()
	if runs != 2 || after.Applied-before.Applied != 3 || after.Lost-before.Lost != 1 || after.Retries-before.Retries != 1 {
		e.Errorf("after %d runs: %+v, before %+v", runs, after, before)
	}
	if after.FromMemory-before.FromMemory != 1 || after.ReadThrough != before.ReadThrough || after.Position == 0 {
		e.Errorf("reads: %+v, before %+v", after, before)
	}
	e.update(db, func(tx *store.Tx) error {
		return hot.Insert(tx, row{Realm: "r", ID: "b", Until: tx.Now().Add(time.Millisecond)})
	})
	e.clock.advance(time.Second)
	_, err := db.Sweep(e.ctx, 10)
	e.must(err)
	for end := time.Now().Add(5 * time.Second); db.Stats().Swept == 0; { // the background's sweep may have been first
		if time.Now().After(end) {
			e.Fatal("nothing was swept")
		}
	}
}

func flushed(e *env) {
	var commits, batches, failures atomic.Int64
	db := e.node(store.Options{Flushed: func(n int, took time.Duration, err error) {
		batches.Add(1)
		commits.Add(int64(n))
		if err != nil || took < 0 {
			failures.Add(1)
		}
	}})
	before := commits.Load()
	results := make(chan error)
	const writers = 20
	for i := range writers {
		go func() {
			results <- db.Update(e.ctx, func(tx *store.Tx) error { return hot.Insert(tx, row{Realm: "r", ID: fmt.Sprint(i)}) })
		}()
	}
	for range writers {
		e.must(<-results)
	}
	if n := commits.Load() - before; n < writers || batches.Load() == 0 || batches.Load() > commits.Load() || failures.Load() > 0 {
		e.Errorf("%d commits in %d batches with %d failures", n, batches.Load(), failures.Load())
	}
}
