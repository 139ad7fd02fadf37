package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

var raceCases = []testCase{
	{"races/one insert wins", eachTable(insertRace)},
	{"races/one unique value wins", eachTable(uniqueRace)},
	{"races/a hundred increments", eachTable(increments)},
	{"races/increments on two nodes", twoNodeIncrements},
	{"races/on call", onCall},
	{"races/bulk loading", bulk},
	{"races/group commit keeps members apart", groupCommit},
	{"races/lanes lose nobody", lanesLoseNobody},
	{"races/context ends", contextEnds},
	{"races/close waits", closeWaits},
}

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

func insertRace(e *env, db *store.DB, table *store.Table[row]) {
	for round := range 5 {
		var won, lost atomic.Int32
		together(20, func(i int) {
			err := db.Update(e.ctx, func(tx *store.Tx) error {
				return table.Insert(tx, row{Realm: "r", ID: fmt.Sprint(round), Count: i})
			})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrExists):
				lost.Add(1)
			default:
				e.Error(err)
			}
		})
		if won.Load() != 1 || lost.Load() != 19 {
			e.Errorf("%d inserts won and %d found the row", won.Load(), lost.Load())
		}
	}
}

func uniqueRace(e *env, db *store.DB, table *store.Table[row]) {
	var won atomic.Int32
	together(20, func(i int) {
		err := db.Update(e.ctx, func(tx *store.Tx) error {
			return table.Insert(tx, row{Realm: "r", ID: fmt.Sprint(i), Email: "same@"})
		})
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, store.ErrExists) {
			e.Error(err)
		}
	})
	if won.Load() != 1 {
		e.Errorf("%d rows got the value", won.Load())
	}
}

func increment(table *store.Table[row]) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		r, err := table.Get(tx, "r", "counter")
		if errors.Is(err, store.ErrNotFound) {
			return table.Insert(tx, row{Realm: "r", ID: "counter", Count: 1})
		}
		if err != nil {
			return err
		}
		r.Count++
		return table.Put(tx, r)
	}
}

func increments(e *env, db *store.DB, table *store.Table[row]) {
	const workers, times = 100, 3
	together(workers, func(int) {
		for range times {
			if err := db.Update(e.ctx, increment(table)); err != nil {
				e.Error(err)
			}
		}
	})
	expect(e, db, table, row{Realm: "r", ID: "counter", Count: workers * times})
}

func twoNodeIncrements(e *env) {
	nodes := []*store.DB{e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true})}
	for _, table := range both {
		together(20, func(i int) {
			for range 3 {
				if err := nodes[i%2].Update(e.ctx, increment(table)); err != nil {
					e.Error(err)
				}
			}
		})
	}
	for name, table := range both {
		var counter row
		e.update(nodes[0], func(tx *store.Tx) (err error) {
			counter, err = table.Get(tx, "r", "counter")
			// Written so that the feed judges the cached read, which may be behind in a first run.
			return errors.Join(err, cold.Put(tx, row{Realm: "r", ID: "check"}))
		})
		if counter.Count != 60 {
			e.Errorf("%s: counter is %d", name, counter.Count)
		}
	}
}

// onCall: two rows of which at least one must stay on, each switched off by a transaction that looks at the other.
func onCall(e *env) {
	db := e.node(store.Options{})
	for round := range 20 {
		realm := fmt.Sprint(round)
		e.update(db, func(tx *store.Tx) error {
			return errors.Join(hot.Put(tx, row{Realm: realm, ID: "0", Count: 1}), hot.Put(tx, row{Realm: realm, ID: "1", Count: 1}))
		})
		together(2, func(i int) {
			err := db.Update(e.ctx, func(tx *store.Tx) error {
				other, err := hot.Get(tx, realm, fmt.Sprint(1-i))
				if err != nil || other.Count == 0 {
					return err
				}
				return hot.Put(tx, row{Realm: realm, ID: fmt.Sprint(i)})
			})
			if err != nil {
				e.Error(err)
			}
		})
		e.view(db, func(tx *store.Tx) error {
			rows, err := hot.List(tx, store.Query{Values: []string{realm}})
			if err == nil && rows[0].Count+rows[1].Count != 1 {
				e.Errorf("on call: %v", rows)
			}
			return err
		})
	}
}

func bulk(e *env) {
	db := e.node(store.Options{})
	const workers, each = 16, 20
	together(workers, func(w int) {
		for i := range each {
			err := db.Update(e.ctx, func(tx *store.Tx) error {
				_, err := cold.GetBy(tx, "by_email", "r", fmt.Sprintf("%d-%d@", w, i))
				if !errors.Is(err, store.ErrNotFound) {
					return errors.Join(err, errors.New("the row is there before it was made"))
				}
				return cold.Insert(tx, row{Realm: "r", ID: fmt.Sprintf("%d-%d", w, i), Email: fmt.Sprintf("%d-%d@", w, i)})
			})
			if err != nil {
				e.Error(err)
			}
		}
	})
	e.view(db, func(tx *store.Tx) error {
		rows, err := cold.List(tx, store.Query{})
		if len(rows) != workers*each {
			e.Errorf("%d rows", len(rows))
		}
		return err
	})
}

// groupMembers are the updates of groupCommit, which all wait for one flush.
const groupMembers = 12

// groupMember is the i-th of them.
func groupMember(tx *store.Tx, i int) error {
	id := fmt.Sprint(i)
	switch {
	case i%3 == 0: // contenders for one row
		return increment(hot)(tx)
	case i == 1: // collides on a unique value, after a write that must go with it
		return errors.Join(hot.Put(tx, row{Realm: "r", ID: "ghost"}), hot.Put(tx, row{Realm: "r", ID: id, Email: "taken@"}))
	case i == 2: // two rows, whole
		return errors.Join(hot.Put(tx, row{Realm: "r", ID: id}), hot.Put(tx, row{Realm: "r", ID: id + "b"}))
	}
	return hot.Insert(tx, row{Realm: "r", ID: id})
}

func groupCommit(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "victim", Email: "taken@"}))
	release := f.hold()
	var wg, ready sync.WaitGroup
	wg.Go(func() { e.check(db.Update(e.ctx, put(hot, row{Realm: "r", ID: "first"}))) })
	f.waitHeld()
	var runs [groupMembers]atomic.Int32
	ready.Add(groupMembers)
	for i := range groupMembers {
		wg.Go(func() {
			err := db.Update(e.ctx, func(tx *store.Tx) error {
				if runs[i].Add(1) == 1 {
					defer ready.Done()
				}
				return groupMember(tx, i)
			})
			if i != 1 {
				e.check(err)
			} else if !errors.Is(err, store.ErrExists) {
				e.Errorf("the collision answers %v", err)
			}
		})
	}
	ready.Wait()
	time.Sleep(20 * time.Millisecond) // from the end of the function into the queue
	calls := f.commits.Load()
	release()
	wg.Wait()
	if n := f.commits.Load() - calls; n > groupMembers {
		e.Errorf("%d commits for %d members", n, groupMembers)
	}
	for i := range groupMembers {
		if i%3 != 0 && i != 1 && runs[i].Load() != 1 {
			e.Errorf("member %d ran %d times for others' conflicts", i, runs[i].Load())
		}
	}
	e.view(db, groupOutcome(e))
}

func groupOutcome(e *env) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := hot.Get(tx, "r", "ghost")
		e.want(err, store.ErrNotFound)
		_, err = hot.Get(tx, "r", "2b")
		e.must(err)
		c, err := hot.Get(tx, "r", "counter")
		if c.Count != groupMembers/3 {
			e.Errorf("counter is %d", c.Count)
		}
		return err
	}
}

// lanesLoseNobody: with several lanes every commit is carried out once, and its caller told.
func lanesLoseNobody(e *env) {
	db := e.nodeOn(lanes{&faults{Backend: e.h.Open(e.T)}}, store.Options{})
	const workers, each = 40, 25
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(workers, func(w int) {
			for i := range each {
				e.check(db.Update(e.ctx, func(tx *store.Tx) error { return hot.Insert(tx, row{Realm: fmt.Sprint(w), ID: fmt.Sprint(i)}) }))
			}
		})
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		e.Fatal("somebody waits forever")
	}
	e.view(db, func(tx *store.Tx) error {
		rows, err := hot.List(tx, store.Query{})
		if len(rows) != workers*each {
			e.Errorf("%d rows", len(rows))
		}
		return err
	})
}

func (e *env) check(err error) {
	e.Helper()
	if err != nil {
		e.Error(err)
	}
}

func contextEnds(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	e.want(db.Update(ctx, put(hot, row{Realm: "r", ID: "never"})), context.Canceled)
	ctx, cancel = context.WithCancel(e.ctx)
	e.want(db.Update(ctx, func(tx *store.Tx) error {
		cancel()
		return hot.Put(tx, row{Realm: "r", ID: "never"})
	}), context.Canceled)
	expect(e, db, hot)

	// Handed over, a commit has an outcome that the caller learns, whatever the context says.
	ctx, cancel = context.WithCancel(e.ctx)
	release := f.hold()
	outcome := make(chan error)
	go func() { outcome <- db.Update(ctx, put(hot, row{Realm: "r", ID: "a"})) }()
	f.waitHeld()
	cancel()
	select {
	case err := <-outcome:
		e.Fatalf("left before the outcome with %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	release()
	e.must(<-outcome)
	expect(e, db, hot, row{Realm: "r", ID: "a"})
}

func closeWaits(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	release := f.hold()
	outcome, closed := make(chan error, 1), make(chan error, 1)
	go func() { outcome <- db.Update(e.ctx, put(hot, row{Realm: "r", ID: "a"})) }()
	f.waitHeld()
	go func() { closed <- db.Close() }()
	select {
	case <-closed:
		e.Fatal("closed under a commit")
	case <-time.After(20 * time.Millisecond):
	}
	release()
	e.must(<-outcome)
	e.must(<-closed)
	e.want(db.Update(e.ctx, put(hot, row{})), store.ErrUnavailable)
	e.want(db.View(e.ctx, func(*store.Tx) error { return nil }), store.ErrUnavailable)
	e.must(db.Close())
}
