package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// faults stands between the kernel and a backend.
type faults struct {
	store.Backend
	queries, commits atomic.Int64

	// deaf makes queries of the change feed fail.
	deaf atomic.Bool
	// gone makes everything fail.
	gone atomic.Bool
	// stalled makes reads wait until whoever asks gives up.
	stalled atomic.Bool

	mu   sync.Mutex
	fail failure
	held chan struct{} // closed when a commit waits
	wait chan struct{}
}

type failure uint8

const (
	noFailure    failure = iota
	failBefore           // nothing is applied
	failAfter            // everything is applied, and nobody learns of it
	panicInstead         // the backend has a bug
)

var errInjected = errors.New("injected fault")

// failNext makes the next commit fail.
func (f *faults) failNext(how failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = how
}

// hold makes the next commit wait until release is called.
func (f *faults) hold() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held, f.wait = make(chan struct{}), make(chan struct{})
	return sync.OnceFunc(func() { close(f.wait) })
}

// waitHeld returns when a commit waits.
func (f *faults) waitHeld() {
	f.mu.Lock()
	held := f.held
	f.mu.Unlock()
	<-held
}

func (f *faults) Commit(commits []*store.Commit) error {
	f.commits.Add(1)
	f.mu.Lock()
	how := f.fail
	f.fail = noFailure
	held, wait := f.held, f.wait
	if wait != nil {
		select {
		case <-held:
			wait = nil // only the first waits
		default:
			close(held)
		}
	}
	f.mu.Unlock()
	if wait != nil {
		<-wait
	}
	switch {
	case how == failBefore || f.gone.Load():
		return errInjected
	case how == panicInstead:
		panic(errInjected)
	}
	err := f.Backend.Commit(commits)
	if how == failAfter {
		return errInjected
	}
	return err
}

func (f *faults) Begin(ctx context.Context) (store.Snapshot, error) {
	if f.gone.Load() {
		return nil, errInjected
	}
	if f.stalled.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s, err := f.Backend.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &faultySnapshot{s, f}, nil
}

type faultySnapshot struct {
	store.Snapshot
	f *faults
}

func (s *faultySnapshot) Query(ctx context.Context, st *store.Statement, args []any, row func([]any) error) error {
	if s.f.deaf.Load() && strings.Contains(st.SQL, "symbolon_feed") {
		return errInjected
	}
	s.f.queries.Add(1)
	return s.Snapshot.Query(ctx, st, args, row)
}

var faultCases = []testCase{
	{"faults/failed commit", failedCommit},
	{"faults/failed and yet applied", failedButApplied},
	{"faults/a failed batch fails every member", failedBatch},
	{"faults/database gone and back", goneAndBack},
	{"faults/panic in the backend", panicking},
	{"faults/doubt keeps nobody waiting", doubtWaits},
}

func failedCommit(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	before := row{Realm: "r", ID: "a", Count: 1}
	for _, table := range both {
		e.update(db, put(table, before))
		f.failNext(failBefore)
		e.want(db.Update(e.ctx, put(table, row{Realm: "r", ID: "a", Count: 2})), store.ErrUnavailable)
		expect(e, db, table, before)
		e.update(db, put(table, row{Realm: "r", ID: "a", Count: 3}))
		expect(e, db, table, row{Realm: "r", ID: "a", Count: 3})
	}
}

func failedButApplied(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	for _, table := range both {
		f.failNext(failAfter)
		e.want(db.Update(e.ctx, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "a"}) }), store.ErrUnavailable)
		// Memory and database must agree on what is there, and both go on.
		expect(e, db, table, row{Realm: "r", ID: "a"})
		e.want(db.Update(e.ctx, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "a"}) }), store.ErrExists)
		e.update(db, put(table, row{Realm: "r", ID: "b"}))
		expect(e, db, table, row{Realm: "r", ID: "a"}, row{Realm: "r", ID: "b"})
	}
}

// oneLane is a backend that makes one commit at a time.
type oneLane struct{ store.Backend }

func (oneLane) Lanes() int { return 1 }

func failedBatch(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(oneLane{f}, store.Options{}) // or the others' batch might go through before the database is gone
	release := f.hold()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := db.Update(e.ctx, put(hot, row{Realm: "r", ID: string(rune('a' + i))}))
			if !errors.Is(err, store.ErrUnavailable) {
				e.Errorf("a member of a failed batch got %v", err)
			}
		})
	}
	f.waitHeld()
	f.gone.Store(true)
	release()
	wg.Wait()
	f.gone.Store(false)
	expect(e, db, hot)
}

func goneAndBack(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "a"}))
	f.gone.Store(true)
	e.want(db.Update(e.ctx, put(hot, row{Realm: "r", ID: "a"})), store.ErrUnavailable)
	e.want(db.View(e.ctx, get(hot, "a")), store.ErrUnavailable)
	expect(e, db, cold, row{Realm: "r", ID: "a"}) // alone on its data, a node answers from memory
	f.gone.Store(false)
	e.update(db, put(hot, row{Realm: "r", ID: "a"}))
	expect(e, db, hot, row{Realm: "r", ID: "a"})
}

func panicking(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	f.failNext(panicInstead)
	func() {
		defer func() {
			if recover() == nil {
				e.Error("the panic was swallowed")
			}
		}()
		_ = db.Update(e.ctx, put(hot, row{Realm: "r", ID: "a"}))
	}()
	e.update(db, put(hot, row{Realm: "r", ID: "b"}))
}

// doubtWaits: with a database that hangs, nobody waits for another's patience, and the doubt is cleared when it answers again.
func doubtWaits(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "a", Count: 1}))
	f.failNext(failAfter)
	e.want(db.Update(e.ctx, put(cold, row{Realm: "r", ID: "a", Count: 2})), store.ErrUnavailable)
	f.stalled.Store(true)
	patient, giveUp := context.WithCancel(e.ctx)
	defer giveUp()
	go func() { _ = db.View(patient, get(cold, "a")) }()
	time.Sleep(50 * time.Millisecond)
	short, cancel := context.WithTimeout(e.ctx, 100*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- db.View(short, get(cold, "a")) }()
	select {
	case err := <-ended:
		e.want(err, context.DeadlineExceeded)
	case <-time.After(10 * time.Second):
		e.Fatal("a transaction waits for another's patience")
	}
	f.stalled.Store(false)
	giveUp()
	expect(e, db, cold, row{Realm: "r", ID: "a", Count: 2})
}
