package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

var cachedCases = []testCase{
	{"cached/read without queries", cachedNoQueries},
	{"cached/own writes at once", ownWritesAtOnce},
	{"cached/cancelled writes leave no trace", cancelledCached},
	{"cached/readers under writers", readersUnderWriters},
	{"cached/hot tables leave the feed alone", hotLeavesFeed},
}

var feedCases = []testCase{
	{"feed/reaches other nodes within a second", feedReaches},
	{"feed/an older transaction is not lost", olderTransaction},
	{"feed/an older commit held up is not lost", olderCommit},
	{"feed/a deaf node reads through", deafReadsThrough},
	{"feed/deaf at the gate", deafAtGate},
	{"feed/a deaf node may write", deafWrites},
	{"feed/written through is read at once", writtenThrough},
	{"feed/a node far behind loads anew", farBehind},
	{"feed/another history is loaded anew", anotherHistory},
	{"feed/another history is not written on", writeOnAnotherHistory},
	{"feed/a change waits for other lanes", changeWaitsForLanes},
	{"feed/other lanes wait for a change", lanesWaitForChange},
	{"feed/sync hears what was acknowledged", syncHears},
	{"feed/the database's clock", databaseClock},
}

func cachedNoQueries(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "a", Email: "a@"}))
	before := f.queries.Load()
	e.view(db, func(tx *store.Tx) error {
		_, err := cold.Get(tx, "r", "a")
		_, by := cold.GetBy(tx, "by_email", "r", "a@")
		_, list := cold.List(tx, store.Query{Values: []string{"r"}})
		return errors.Join(err, by, list)
	})
	if n := f.queries.Load() - before; n != 0 {
		e.Errorf("%d queries", n)
	}
}

func ownWritesAtOnce(e *env) {
	for _, shared := range []bool{false, true} {
		db := e.node(store.Options{Shared: shared})
		together(8, func(i int) {
			for n := range 20 {
				e.check(db.Update(e.ctx, put(cold, row{Realm: "r", ID: fmt.Sprint(i), Count: n})))
				e.check(db.View(e.ctx, func(tx *store.Tx) error {
					r, err := cold.Get(tx, "r", fmt.Sprint(i))
					if r.Count != n {
						e.Errorf("wrote %d and read %d", n, r.Count)
					}
					return err
				}))
			}
		})
	}
}

func cancelledCached(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "a", Email: "a@"}))
	mine := errors.New("mine")
	e.want(db.Update(e.ctx, func(tx *store.Tx) error {
		return errors.Join(cold.Delete(tx, "r", "a"), cold.Insert(tx, row{Realm: "r", ID: "b", Email: "a@"}), mine)
	}), mine)
	expect(e, db, cold, row{Realm: "r", ID: "a", Email: "a@"})
	e.view(db, func(tx *store.Tx) error {
		r, err := cold.GetBy(tx, "by_email", "r", "a@")
		if r.ID != "a" {
			e.Errorf("found %v", r)
		}
		return err
	})
}

// readersUnderWriters: the sum over rows is constant in every view.
func readersUnderWriters(e *env) {
	db := e.node(store.Options{})
	const rows = 300
	e.update(db, func(tx *store.Tx) error {
		var errs []error
		for i := range rows {
			errs = append(errs, cold.Insert(tx, row{Realm: "r", ID: fmt.Sprint(i), Count: 10}))
		}
		return errors.Join(errs...)
	})
	var stop atomic.Bool
	together(4, func(i int) {
		if i == 0 {
			defer stop.Store(true)
			for n := range 150 {
				e.check(db.Update(e.ctx, func(tx *store.Tx) error {
					from, to := fmt.Sprint(n%rows), fmt.Sprint((n*7+1)%rows)
					if from == to {
						return nil
					}
					a, errA := cold.Get(tx, "r", from)
					b, errB := cold.Get(tx, "r", to)
					a.Count--
					b.Count++
					return errors.Join(errA, errB, cold.Put(tx, a), cold.Put(tx, b))
				}))
			}
			return
		}
		for !stop.Load() {
			e.check(db.View(e.ctx, func(tx *store.Tx) error {
				all, err := cold.List(tx, store.Query{})
				sum := 0
				for _, r := range all {
					sum += r.Count
				}
				if sum != 10*rows {
					e.Errorf("sum is %d", sum)
				}
				return err
			}))
		}
	})
}

func hotLeavesFeed(e *env) {
	db := e.node(store.Options{})
	// If a hot write moved the feed, this transaction would be disturbed by it.
	runs, err := interrupted(e, db, get(cold, "a"), put(hot, row{Realm: "r", ID: "a"}), put(cold, row{Realm: "r", ID: "a"}))
	wantRuns(e, runs, err, 1)
}

// eventually waits for a node to see the count of a cached row.
func eventually(e *env, db *store.DB, id string, count int) {
	e.Helper()
	eventuallyIn(e, db, "r", id, count)
}

func eventuallyIn(e *env, db *store.DB, realm, id string, count int) {
	e.Helper()
	start := time.Now()
	for {
		var got row
		e.view(db, func(tx *store.Tx) error {
			r, err := cold.Get(tx, realm, id)
			got = r
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		})
		if got.Count == count {
			return
		}
		if time.Since(start) > time.Second {
			e.Fatalf("row %s is %v after a second", id, got)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func feedReaches(e *env) {
	a, b := e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true})
	for n := 1; n <= 3; n++ {
		e.update(a, func(tx *store.Tx) error {
			return errors.Join(cold.Put(tx, row{Realm: "r", ID: "x", Count: n, Email: fmt.Sprint(n)}), cold.Put(tx, row{Realm: "r", ID: fmt.Sprint("x", n), Count: n}))
		})
		eventually(e, b, "x", n)
		e.update(b, put(cold, row{Realm: "r", ID: "y", Count: n}))
		eventually(e, a, "y", n)
	}
	e.view(b, func(tx *store.Tx) error {
		_, err := cold.GetBy(tx, "by_email", "r", "2")
		e.want(err, store.ErrNotFound)
		_, err = cold.GetBy(tx, "by_email", "r", "3")
		return err
	})
	e.update(a, func(tx *store.Tx) error { return cold.Delete(tx, "r", "x") })
	eventually(e, b, "x", 0)
}

func olderTransaction(e *env) {
	a, b, watcher := e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true})
	runs := 0
	e.update(a, func(tx *store.Tx) error {
		runs++
		if err := cold.Put(tx, row{Realm: "r", ID: "older", Count: 1}); err != nil || runs > 1 {
			return err
		}
		e.update(b, put(cold, row{Realm: "r", ID: "newer", Count: 1}))
		eventually(e, watcher, "newer", 1)
		return nil
	})
	eventually(e, watcher, "older", 1)
	eventually(e, a, "newer", 1)
}

func olderCommit(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a := e.nodeOn(f, store.Options{Shared: true})
	b, watcher := e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true})
	release := f.hold()
	outcome := make(chan error)
	go func() { outcome <- a.Update(e.ctx, put(cold, row{Realm: "r", ID: "older", Count: 1})) }()
	f.waitHeld()
	e.update(b, put(cold, row{Realm: "r", ID: "newer", Count: 1}))
	eventually(e, watcher, "newer", 1)
	release()
	e.must(<-outcome)
	eventually(e, watcher, "older", 1)
	eventually(e, a, "newer", 1)
}

const deafTime = 1100 * time.Millisecond

func deafReadsThrough(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a, b := e.nodeOn(f, store.Options{Shared: true}), e.node(store.Options{Shared: true})
	e.update(b, put(cold, row{Realm: "r", ID: "x", Count: 1, Email: "x@", Team: "t"}))
	eventually(e, a, "x", 1)
	f.deaf.Store(true)
	e.update(b, put(cold, row{Realm: "r", ID: "x", Count: 2, Email: "x@", Team: "t"}))
	time.Sleep(deafTime)
	if a.Lag() < time.Second {
		e.Errorf("lag is %v", a.Lag())
	}
	check := func(tx *store.Tx) error {
		r, err := cold.Get(tx, "r", "x")
		by, errBy := cold.GetBy(tx, "by_email", "r", "x@")
		list, errList := cold.List(tx, store.Query{Index: "by_team", Values: []string{"t"}})
		if r.Count != 2 || by.Count != 2 || len(list) != 1 || list[0].Count != 2 {
			e.Errorf("a deaf node reads %v, %v and %v", r, by, list)
		}
		return errors.Join(err, errBy, errList)
	}
	e.view(a, check)
	e.update(a, func(tx *store.Tx) error { return errors.Join(check(tx), hot.Put(tx, row{Realm: "r", ID: "h"})) })
	f.deaf.Store(false)
	e.update(b, put(cold, row{Realm: "r", ID: "x", Count: 3}))
	eventually(e, a, "x", 3)
}

func deafAtGate(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a, b := e.nodeOn(f, store.Options{Shared: true}), e.node(store.Options{Shared: true})
	e.update(b, put(cold, row{Realm: "r", ID: "user", Count: 1}))
	eventually(e, a, "user", 1)
	f.deaf.Store(true)
	seen := -1
	e.update(a, func(tx *store.Tx) error {
		user, err := cold.Get(tx, "r", "user")
		if err != nil {
			return err
		}
		if seen < 0 {
			e.update(b, put(cold, row{Realm: "r", ID: "user", Count: 0}))
			time.Sleep(deafTime)
		}
		seen = user.Count
		return hot.Put(tx, row{Realm: "r", ID: "token"})
	})
	if seen != 0 {
		e.Errorf("committed by a memory it could not trust")
	}
}

func deafWrites(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a, b := e.nodeOn(f, store.Options{Shared: true}), e.node(store.Options{Shared: true})
	f.deaf.Store(true)
	time.Sleep(deafTime)
	// Without the feed's position a write of a cached row cannot be placed: it is refused, not guessed.
	e.want(a.Update(e.ctx, put(cold, row{Realm: "r", ID: "x"})), store.ErrUnavailable)
	e.update(a, put(hot, row{Realm: "r", ID: "x"}))
	f.deaf.Store(false)
	e.update(a, put(cold, row{Realm: "r", ID: "x", Count: 1}))
	eventually(e, b, "x", 1)
}

// writtenThrough: a node whose memory is in doubt writes without it, and sees what it wrote.
func writtenThrough(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a, b := e.nodeOn(f, store.Options{Shared: true}), e.node(store.Options{Shared: true})
	f.gone.Store(true)
	time.Sleep(deafTime)
	e.want(a.View(e.ctx, get(cold, "x")), store.ErrUnavailable)
	f.gone.Store(false)
	for n := 1; n <= 50; n++ {
		e.update(a, put(cold, row{Realm: "r", ID: "x", Count: n}))
		e.view(a, func(tx *store.Tx) error {
			r, err := cold.Get(tx, "r", "x")
			if r.Count != n {
				e.Errorf("wrote %d and read %d", n, r.Count)
			}
			return err
		})
		time.Sleep(10 * time.Millisecond)
	}
	eventually(e, b, "x", 50)
}

func farBehind(e *env) {
	// A node that is not Shared leaves no changes in the feed, as if they had been trimmed.
	silent := e.node(store.Options{})
	watcher := e.node(store.Options{Shared: true})
	for n := 1; n <= 3; n++ {
		e.update(silent, put(cold, row{Realm: "r", ID: "x", Count: n}))
	}
	eventually(e, watcher, "x", 3)
	e.update(silent, func(tx *store.Tx) error { return cold.Delete(tx, "r", "x") })
	eventually(e, watcher, "x", 0)
}

// loseLast takes the last change back, as a database does that fails over to a copy which had not received it.
func loseLast(e *env, id string) {
	b := e.h.Open(e.T)
	e.must(b.Define(e.ctx, []string{
		"DELETE FROM cold WHERE id = '" + id + "'",
		"DELETE FROM symbolon_feed_change WHERE position = (SELECT position FROM symbolon_feed WHERE id = 1)",
		"UPDATE symbolon_feed SET position = position - 1, changed_at = " +
			"(SELECT MAX(changed_at) FROM symbolon_feed_change WHERE position = symbolon_feed.position - 1)",
	}))
	e.must(b.Close())
}

// anotherHistory: a node that heard of a change which was then lost does not take another one at the same position for it, whether it
// misses polls in between or not.
func anotherHistory(e *env) {
	for _, more := range []int{0, 3} {
		for _, gap := range []bool{false, true} {
			name := fmt.Sprint(more, gap)
			f := &faults{Backend: e.h.Open(e.T)}
			a, b := e.nodeOn(f, store.Options{Shared: true}), e.node(store.Options{Shared: true})
			e.update(b, put(cold, row{Realm: name, ID: "first", Count: 1}))
			e.update(b, put(cold, row{Realm: name, ID: "lost" + name, Count: 1}))
			eventuallyIn(e, a, name, "lost"+name, 1)
			f.gone.Store(true) // while everything happens that the poll must not see step by step
			loseLast(e, "lost"+name)
			other := e.node(store.Options{Shared: true})
			for n := range more + 1 {
				e.update(other, put(cold, row{Realm: name, ID: fmt.Sprint("new", n), Count: 1}))
			}
			if gap {
				time.Sleep(deafTime)
			}
			f.gone.Store(false)
			for n := range more + 1 {
				eventuallyIn(e, a, name, fmt.Sprint("new", n), 1)
			}
			eventuallyIn(e, a, name, "lost"+name, 0)
		}
	}
}

// writeOnAnotherHistory: what a node decides in the knowledge of a change that was lost does not commit.
func writeOnAnotherHistory(e *env) {
	a, b := e.node(store.Options{Shared: true}), e.node(store.Options{Shared: true})
	e.update(b, put(cold, row{Realm: "r", ID: "first", Count: 1}))
	e.update(b, put(cold, row{Realm: "r", ID: "lost", Count: 1}))
	eventually(e, a, "lost", 1)
	saw, runs := -1, 0
	e.update(a, func(tx *store.Tx) error {
		r, err := cold.Get(tx, "r", "lost")
		if saw = r.Count; errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		if runs++; runs == 1 {
			loseLast(e, "lost")
			e.update(e.node(store.Options{Shared: true}), put(cold, row{Realm: "r", ID: "new", Count: 1}))
		}
		return errors.Join(err, cold.Put(tx, row{Realm: "r", ID: "mine", Count: saw}))
	})
	if saw != 0 || runs < 2 {
		e.Errorf("run %d committed having seen %d", runs, saw)
	}
	eventually(e, a, "new", 1)
}

// lanes is a backend that takes several commits at once.
type lanes struct{ *faults }

func (lanes) Lanes() int { return 4 }

// changeWaitsForLanes: while a commit of another lane is under way that was decided without it, a change of a cached row does not
// become known, so that nobody can find the change in force and the commit not yet there.
func changeWaitsForLanes(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(lanes{f}, store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "user", Count: 1}))
	release := f.hold()
	token, change := make(chan error, 1), make(chan error, 1)
	go func() { token <- db.Update(e.ctx, issue(func(int) {})) }()
	f.waitHeld()
	go func() { change <- db.Update(e.ctx, put(cold, row{Realm: "r", ID: "user", Count: 0})) }()
	select {
	case err := <-change:
		e.Errorf("the change overtook a commit: %v", err)
		change <- err
	case <-time.After(100 * time.Millisecond):
	}
	release()
	e.must(<-token)
	e.must(<-change)
}

// lanesWaitForChange: what was decided before a change and comes to its commit while the change is under way is decided anew.
func lanesWaitForChange(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(lanes{f}, store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "user", Count: 1}))
	release := f.hold()
	token, change := make(chan error, 1), make(chan error, 1)
	go func() { change <- db.Update(e.ctx, put(cold, row{Realm: "r", ID: "user", Count: 0})) }()
	f.waitHeld()
	var saw atomic.Int64
	go func() { token <- db.Update(e.ctx, issue(func(n int) { saw.Store(int64(n)) })) }()
	select {
	case err := <-token:
		e.Errorf("a commit overtook the change: %v", err)
		token <- err
	case <-time.After(100 * time.Millisecond):
	}
	release()
	e.must(<-change)
	e.must(<-token)
	if saw.Load() != 0 {
		e.Error("committed after the change without knowing of it")
	}
}

// issue writes an uncached row on the word of a cached one.
func issue(saw func(int)) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		user, err := cold.Get(tx, "r", "user")
		saw(user.Count)
		return errors.Join(err, hot.Put(tx, row{Realm: "r", ID: "token"}))
	}
}

// syncHears: after Sync a node knows what any other had acknowledged before; many at once ask together.
func syncHears(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	a, b := e.node(store.Options{Shared: true}), e.nodeOn(f, store.Options{Shared: true})
	for n := 1; n <= 20; n++ {
		e.update(a, put(cold, row{Realm: "r", ID: "x", Count: n}))
		together(4, func(int) {
			for b.Sync(e.ctx) != nil && e.ctx.Err() == nil { // it gives up in time, which a busy machine may need
			}
			e.check(b.View(e.ctx, func(tx *store.Tx) error {
				r, err := cold.Get(tx, "r", "x")
				if r.Count != n {
					e.Errorf("after Sync the node reads %d, not %d", r.Count, n)
				}
				return err
			}))
		})
	}
	f.stalled.Store(true)
	start := time.Now()
	together(8, func(int) {
		if b.Sync(e.ctx) == nil {
			e.Error("synced with a database that does not answer")
		}
	})
	if took := time.Since(start); took > 30*time.Second { // one after the other they would take longer still on any machine
		e.Errorf("gave up after %v", took)
	}
	f.stalled.Store(false)
}

func databaseClock(e *env) {
	fast := e.node(store.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	slow := e.node(store.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	ahead, within, err := fast.ClockOffset(e.ctx)
	e.must(err)
	behind, more, err := slow.ClockOffset(e.ctx)
	e.must(err)
	// The database's clock may be any; that both have the same shows.
	if apart := ahead - behind - 2*time.Hour; apart.Abs() > within+more+10*time.Millisecond {
		e.Errorf("clocks two hours apart are %v and %v ahead, within %v and %v", ahead, behind, within, more)
	}
}
