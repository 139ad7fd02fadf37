package storetest

import (
	"errors"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
)

var isolationCases = []testCase{
	{"isolation/one consistent view", consistentView},
	{"isolation/lost update", eachTable(lostUpdate)},
	{"isolation/put of a row read and then deleted", eachTable(deletedUnderneath)},
	{"isolation/deleted and made again is a change", eachTable(remade)},
	{"isolation/write skew over rows read", skewRead},
	{"isolation/write skew over absent rows", skewAbsent},
	{"isolation/write skew over an absent unique value", skewUnique},
	{"isolation/write skew over listed rows", skewListed},
	{"isolation/insert does not read first", blindInsert},
	{"isolation/cached writers are serializable with their scans", scansSerializable},
	{"isolation/decided in knowledge of cached changes", cachedReadsCurrent},
}

// interrupted runs an update whose first run is interrupted, after its reads, by another transaction that commits. It
// returns how often the function ran.
func interrupted(e *env, db *store.DB, reads, interruption, writes func(*store.Tx) error) (runs int, err error) {
	e.Helper()
	err = db.Update(e.ctx, func(tx *store.Tx) error {
		runs++
		if err := reads(tx); err != nil {
			return err
		}
		if runs == 1 {
			done := make(chan error)
			go func() { done <- db.Update(e.ctx, interruption) }()
			e.must(<-done)
		}
		return writes(tx)
	})
	return runs, err
}

func wantRuns(e *env, runs int, err error, want int) {
	e.Helper()
	e.must(err)
	if runs != want {
		e.Errorf("the function ran %d times, want %d", runs, want)
	}
}

func put(table *store.Table[row], r row) func(*store.Tx) error {
	return func(tx *store.Tx) error { return table.Put(tx, r) }
}

func get(table *store.Table[row], id string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := table.Get(tx, "r", id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
}

func consistentView(e *env) {
	db := e.node(store.Options{})
	set := func(n int) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			var errs []error
			for _, table := range both {
				errs = append(errs, table.Put(tx, row{Realm: "r", ID: "a", Count: n}), table.Put(tx, row{Realm: "r", ID: "b", Count: n}))
			}
			return errors.Join(errs...)
		}
	}
	e.update(db, set(1))
	for name, table := range both {
		e.view(db, func(tx *store.Tx) error {
			a, err := table.Get(tx, "r", "a")
			e.must(err)
			done := make(chan error)
			go func() { done <- db.Update(e.ctx, set(a.Count+1)) }()
			e.must(<-done)
			b, err := table.Get(tx, "r", "b")
			e.must(err)
			rows, err := table.List(tx, store.Query{})
			if a.Count != b.Count || rows[0].Count != a.Count {
				e.Errorf("%s: sees %v, %v and %v", name, a, b, rows)
			}
			return err
		})
	}
}

func lostUpdate(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, put(table, row{Realm: "r", ID: "a"}))
	add := func(tx *store.Tx) error {
		r, err := table.Get(tx, "r", "a")
		if err != nil {
			return err
		}
		r.Count++
		return table.Put(tx, r)
	}
	runs, err := interrupted(e, db, get(table, "a"), add, add)
	wantRuns(e, runs, err, 2)
	expect(e, db, table, row{Realm: "r", ID: "a", Count: 2})
}

func deletedUnderneath(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, put(table, row{Realm: "r", ID: "a"}))
	remove := func(tx *store.Tx) error { return table.Delete(tx, "r", "a") }
	runs, err := interrupted(e, db, get(table, "a"), remove, func(tx *store.Tx) error {
		r, err := table.Get(tx, "r", "a")
		if err != nil {
			return err
		}
		return table.Put(tx, r)
	})
	e.want(err, store.ErrNotFound)
	if runs != 2 {
		e.Errorf("ran %d times", runs)
	}
}

func remade(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, put(table, row{Realm: "r", ID: "a"}))
	again := func(tx *store.Tx) error {
		return errors.Join(table.Delete(tx, "r", "a"), table.Insert(tx, row{Realm: "r", ID: "a"}))
	}
	runs, err := interrupted(e, db, get(table, "a"), again, put(table, row{Realm: "r", ID: "a", Count: 1}))
	wantRuns(e, runs, err, 2)
}

func skewRead(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a", Count: 1}))
	runs, err := interrupted(e, db, get(hot, "a"), put(hot, row{Realm: "r", ID: "a", Count: 2}), put(hot, row{Realm: "r", ID: "b"}))
	wantRuns(e, runs, err, 2)
	runs, err = interrupted(e, db, get(hot, "a"), put(hot, row{Realm: "r", ID: "c"}), put(hot, row{Realm: "r", ID: "b"}))
	wantRuns(e, runs, err, 1) // what was not read does not disturb
}

func skewAbsent(e *env) {
	db := e.node(store.Options{})
	runs, err := interrupted(e, db, get(hot, "a"), put(hot, row{Realm: "r", ID: "a"}), put(hot, row{Realm: "r", ID: "b"}))
	wantRuns(e, runs, err, 2)
}

func skewUnique(e *env) {
	db := e.node(store.Options{})
	find := func(tx *store.Tx) error {
		_, err := hot.GetBy(tx, "by_email", "r", "x@")
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	runs, err := interrupted(e, db, find, put(hot, row{Realm: "r", ID: "a", Email: "x@"}), put(hot, row{Realm: "r", ID: "b"}))
	wantRuns(e, runs, err, 2)
	runs, err = interrupted(e, db, find, put(hot, row{Realm: "r", ID: "a", Email: "y@"}), put(hot, row{Realm: "r", ID: "b", Count: 3}))
	wantRuns(e, runs, err, 2) // the row found has changed
}

func skewListed(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(hot, row{Realm: "r", ID: "a", Team: "t"}))
	list := func(tx *store.Tx) error {
		_, err := hot.List(tx, store.Query{Index: "by_team", Values: []string{"t"}})
		return err
	}
	runs, err := interrupted(e, db, list, put(hot, row{Realm: "r", ID: "a", Team: "t", Count: 1}), put(hot, row{Realm: "r", ID: "z"}))
	wantRuns(e, runs, err, 2)
}

func blindInsert(e *env) {
	f := &faults{Backend: e.h.Open(e.T)}
	db := e.nodeOn(f, store.Options{})
	before := f.queries.Load()
	e.update(db, func(tx *store.Tx) error { return hot.Insert(tx, row{Realm: "r", ID: "a"}) })
	if n := f.queries.Load() - before; n != 0 {
		e.Errorf("an insert made %d queries", n)
	}
	runs := 0
	err := db.Update(e.ctx, func(tx *store.Tx) error {
		runs++
		return hot.Insert(tx, row{Realm: "r", ID: "a"})
	})
	e.want(err, store.ErrExists)
	if runs != 2 {
		e.Errorf("ran %d times", runs)
	}
}

func scansSerializable(e *env) {
	db := e.node(store.Options{})
	for _, c := range []struct {
		name         string
		scan         *store.Table[row]
		limit        int
		interruption row
		runs         int
	}{
		{"cached", cold, 0, row{Realm: "r", ID: "new1"}, 2},
		{"uncached, a new row", hot, 0, row{Realm: "r", ID: "new2"}, 2},
		{"uncached, beyond the page", hot, 1, row{Realm: "z", ID: "new3"}, 1},
		{"uncached, within the page", hot, 1, row{Realm: "", ID: "new4"}, 2},
	} {
		e.Run(c.name, func(t *testing.T) {
			sub := *e
			sub.T = t
			list := func(tx *store.Tx) error {
				_, err := c.scan.List(tx, store.Query{Limit: c.limit})
				return err
			}
			runs, err := interrupted(&sub, db, list, put(c.scan, c.interruption), put(cold, row{Realm: "r", ID: "mine"}))
			wantRuns(&sub, runs, err, c.runs)
		})
	}
}

func cachedReadsCurrent(e *env) {
	db := e.node(store.Options{})
	e.update(db, put(cold, row{Realm: "r", ID: "user", Count: 1}))
	runs, err := interrupted(e, db, get(cold, "user"), put(cold, row{Realm: "r", ID: "user", Count: 0}), put(hot, row{Realm: "r", ID: "token"}))
	wantRuns(e, runs, err, 2)
	// Changes without end delay it, and do not starve it.
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				_ = db.Update(e.ctx, put(cold, row{Realm: "r", ID: "user", Count: n}))
			}
		}
	}()
	for range 20 {
		e.update(db, func(tx *store.Tx) error {
			return errors.Join(get(cold, "user")(tx), put(hot, row{Realm: "r", ID: "token"})(tx))
		})
	}
	close(stop)
	<-stopped
}
