package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

var queryCases = []testCase{
	{"queries/unique index", eachTable(uniqueIndex)},
	{"queries/lists", eachTable(lists)},
	{"queries/pages are stable under inserts", eachTable(pages)},
	{"queries/lists see own writes", eachTable(listsOverWrites)},
}

var expiryCases = []testCase{
	{"expiry/by the transaction's time", eachTable(expiry)},
	{"expiry/does not hold a unique value", eachTable(expiredUnique)},
	{"expiry/sweep", sweep},
	{"expiry/own write already expired", eachTable(bornExpired)},
}

func uniqueIndex(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		return errors.Join(
			table.Insert(tx, row{Realm: "r", ID: "a", Email: "x@"}),
			table.Insert(tx, row{Realm: "q", ID: "a", Email: "x@"}), // another realm
			table.Insert(tx, row{Realm: "r", ID: "b"}),
			table.Insert(tx, row{Realm: "r", ID: "c"})) // sparse: empty values do not collide
	})
	for name, write := range map[string]func(*store.Tx) error{
		"insert": func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "d", Email: "x@"}) },
		"put":    func(tx *store.Tx) error { return table.Put(tx, row{Realm: "r", ID: "b", Email: "x@"}) },
		"put of a row read": func(tx *store.Tx) error {
			b, err := table.Get(tx, "r", "b")
			b.Email = "x@"
			return errors.Join(err, table.Put(tx, b))
		},
		"twice in one transaction": func(tx *store.Tx) error {
			if err := table.Insert(tx, row{Realm: "r", ID: "e", Email: "y@"}); err != nil {
				return err
			}
			return table.Insert(tx, row{Realm: "r", ID: "f", Email: "y@"})
		},
	} {
		err := db.Update(e.ctx, write)
		var exists *store.ExistsError
		if !errors.As(err, &exists) || exists.Index != "by_email" {
			e.Errorf("%s: error is %v", name, err)
		}
	}
	e.view(db, func(tx *store.Tx) error {
		a, err := table.GetBy(tx, "by_email", "r", "x@")
		if err != nil || a.ID != "a" || a.Realm != "r" {
			e.Errorf("found %v, %v", a, err)
		}
		_, err = table.GetBy(tx, "by_email", "r", "")
		e.want(err, store.ErrNotFound)
		_, err = table.GetBy(tx, "by_email", "r", "none@")
		e.want(err, store.ErrNotFound)
		return nil
	})
	uniqueMoves(e, db, table)
}

// uniqueMoves gives a row another unique value.
func uniqueMoves(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		a, err := table.GetBy(tx, "by_email", "r", "x@")
		a.Email, a.Count = "z@", 5
		return errors.Join(err, table.Put(tx, a))
	})
	e.view(db, func(tx *store.Tx) error {
		_, err := table.GetBy(tx, "by_email", "r", "x@")
		e.want(err, store.ErrNotFound)
		_, err = table.GetBy(tx, "by_email", "r", "z@")
		return err
	})
}

// ids of rows, realm and id joined.
func ids(rows []row) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, r.Realm+"/"+r.ID)
	}
	return out
}

func lists(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		var errs []error
		for _, k := range []string{"b/2", "a/1", "a/10", "a/2", "ab/1", "b/1", "a/é", "a/Z", "/x"} {
			realm, id, _ := cut(k)
			errs = append(errs, table.Insert(tx, row{Realm: realm, ID: id, Team: "t" + id}))
		}
		return errors.Join(errs...)
	})
	cases := []struct {
		q    store.Query
		want []string
	}{
		{store.Query{}, []string{"/x", "a/1", "a/10", "a/2", "a/Z", "a/é", "ab/1", "b/1", "b/2"}},
		{store.Query{Values: []string{"a"}}, []string{"a/1", "a/10", "a/2", "a/Z", "a/é"}},
		{store.Query{Values: []string{""}}, []string{"/x"}},
		{store.Query{Values: []string{"c"}}, []string{}},
		{store.Query{Values: []string{"a", "1"}}, []string{"a/1"}},
		{store.Query{Values: []string{"a", "1"}, After: []string{"a", "1"}}, []string{}},
		{store.Query{Values: []string{"a", "1"}, After: []string{"a", "0"}}, []string{"a/1"}},
		{store.Query{Values: []string{"a"}, After: []string{"a", "10"}}, []string{"a/2", "a/Z", "a/é"}},
		{store.Query{Values: []string{"a"}, After: []string{"a", "11"}, Limit: 1}, []string{"a/2"}},
		{store.Query{Values: []string{"b"}, After: []string{"a", "2"}}, []string{"b/1", "b/2"}},
		{store.Query{Values: []string{"a"}, After: []string{"b", "1"}}, []string{}},
		{store.Query{After: []string{"a", "é"}, Limit: 2}, []string{"ab/1", "b/1"}},
		{store.Query{Limit: 3}, []string{"/x", "a/1", "a/10"}},
		{store.Query{Index: "by_team", Values: []string{"t1"}}, []string{"a/1", "ab/1", "b/1"}},
		{store.Query{Index: "by_team", Values: []string{"t1"}, After: []string{"a", "1"}, Limit: 1}, []string{"ab/1"}},
		{store.Query{Index: "by_team", Values: []string{"t"}}, []string{}},
		{store.Query{Index: "by_email", Values: []string{"a", ""}}, []string{}},
	}
	for _, c := range cases {
		check := func(tx *store.Tx) error {
			rows, err := table.List(tx, c.q)
			if got := ids(rows); !slices.Equal(got, c.want) {
				e.Errorf("%+v lists %q, want %q", c.q, got, c.want)
			}
			return err
		}
		e.view(db, check)
		e.update(db, check)
	}
}

func cut(s string) (string, string, bool) {
	i := slices.Index([]byte(s), '/')
	return s[:i], s[i+1:], true
}

func pages(e *env, db *store.DB, table *store.Table[row]) {
	put := func(n int) {
		e.update(db, func(tx *store.Tx) error {
			return table.Put(tx, row{Realm: "r", ID: fmt.Sprintf("%04d", n), Team: "t"})
		})
	}
	for n := 100; n < 120; n++ {
		put(n)
	}
	for _, q := range []store.Query{{Values: []string{"r"}}, {Index: "by_team", Values: []string{"t"}}, {}} {
		seen := map[string]int{}
		q.Limit = 3
		for page := 0; ; page++ {
			var rows []row
			e.view(db, func(tx *store.Tx) (err error) {
				rows, err = table.List(tx, q)
				return err
			})
			if len(rows) == 0 {
				break
			}
			for _, r := range rows {
				seen[r.ID]++
			}
			q.After = []string{"r", rows[len(rows)-1].ID}
			put(page)               // before what was seen
			put(200 + min(page, 5)) // after all
		}
		for n := 100; n < 120; n++ {
			if seen[fmt.Sprintf("%04d", n)] != 1 {
				e.Errorf("row %d was seen %d times", n, seen[fmt.Sprintf("%04d", n)])
			}
		}
	}
}

func listsOverWrites(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		var errs []error
		for _, id := range []string{"a", "c", "e", "g"} {
			errs = append(errs, table.Insert(tx, row{Realm: "r", ID: id}))
		}
		return errors.Join(errs...)
	})
	e.update(db, func(tx *store.Tx) error {
		e.must(table.Delete(tx, "r", "a"))
		e.must(table.Delete(tx, "r", "e"))
		e.must(table.Insert(tx, row{Realm: "r", ID: "b"}))
		e.must(table.Insert(tx, row{Realm: "r", ID: "z"}))
		for limit, want := range map[int][]string{0: {"r/b", "r/c", "r/g", "r/z"}, 1: {"r/b"}, 2: {"r/b", "r/c"}, 3: {"r/b", "r/c", "r/g"}} {
			rows, err := table.List(tx, store.Query{Limit: limit})
			e.must(err)
			if got := ids(rows); !slices.Equal(got, want) {
				e.Errorf("limit %d lists %q, want %q", limit, got, want)
			}
		}
		return nil
	})
}

func expiry(e *env, db *store.DB, table *store.Table[row]) {
	start := e.clock.now()
	e.update(db, func(tx *store.Tx) error {
		if tx.Now().Nanosecond()%1000 != 0 || tx.Now().Location() != time.UTC || tx.Now().Before(start.Truncate(time.Microsecond)) {
			e.Errorf("time is %v", tx.Now())
		}
		return errors.Join(
			table.Insert(tx, row{Realm: "r", ID: "short", Until: tx.Now().Add(time.Minute), Email: "s@", Team: "t"}),
			table.Insert(tx, row{Realm: "r", ID: "long", Until: tx.Now().Add(time.Hour), Team: "t"}),
			table.Insert(tx, row{Realm: "r", ID: "ever", Team: "t"}))
	})
	e.clock.advance(2 * time.Minute)
	check := func(tx *store.Tx) error {
		_, err := table.Get(tx, "r", "short")
		e.want(err, store.ErrNotFound)
		_, err = table.GetBy(tx, "by_email", "r", "s@")
		e.want(err, store.ErrNotFound)
		for _, q := range []store.Query{{}, {Index: "by_team", Values: []string{"t"}}} {
			rows, err := table.List(tx, q)
			if got := ids(rows); err != nil || !slices.Equal(got, []string{"r/ever", "r/long"}) {
				e.Errorf("lists %v, %v", got, err)
			}
		}
		return nil
	}
	e.view(db, check)
	e.update(db, check)
	e.want(db.Update(e.ctx, func(tx *store.Tx) error { return table.Delete(tx, "r", "short") }), store.ErrNotFound)
	e.update(db, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "short", Count: 2}) })
	e.view(db, func(tx *store.Tx) error {
		r, err := table.Get(tx, "r", "short")
		if r.Count != 2 {
			e.Errorf("row is %v", r)
		}
		return err
	})
}

func expiredUnique(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		return table.Insert(tx, row{Realm: "r", ID: "old", Email: "x@", Until: tx.Now().Add(time.Minute)})
	})
	e.want(db.Update(e.ctx, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "new", Email: "x@"}) }), store.ErrExists)
	e.clock.advance(2 * time.Minute)
	e.update(db, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "new", Email: "x@"}) })
	expect(e, db, table, row{Realm: "r", ID: "new", Email: "x@"})
}

func bornExpired(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		e.must(table.Put(tx, row{Realm: "r", ID: "x", Until: tx.Now()}))
		_, err := table.Get(tx, "r", "x")
		e.want(err, store.ErrNotFound)
		return nil
	})
	expect(e, db, table)
}

func sweep(e *env) {
	db := e.node(store.Options{})
	const n = 450
	e.update(db, func(tx *store.Tx) error {
		var errs []error
		for i := range n {
			r := row{Realm: "r", ID: fmt.Sprint(i), Until: tx.Now().Add(time.Hour)}
			errs = append(errs, hot.Insert(tx, r), cold.Insert(tx, r))
		}
		return errors.Join(append(errs, hot.Insert(tx, row{Realm: "r", ID: "stays"}), cold.Insert(tx, row{Realm: "r", ID: "stays"}))...)
	})
	if swept, err := db.Sweep(e.ctx, 1000); err != nil || swept != 0 {
		e.Fatalf("swept %d live rows, %v", swept, err)
	}
	e.clock.advance(2 * time.Hour)
	swept, err := db.Sweep(e.ctx, 100)
	e.must(err)
	if swept > 100 {
		e.Errorf("swept %d of at most 100", swept)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		more, err := db.Sweep(e.ctx, 1000)
		e.must(err)
		if more == 0 || time.Now().After(deadline) {
			break
		}
	}
	expect(e, db, hot, row{Realm: "r", ID: "stays"})
	expect(e, db, cold, row{Realm: "r", ID: "stays"})
	if swept, err := db.Sweep(e.ctx, 10); err != nil || swept != 0 {
		e.Errorf("swept %d more, %v", swept, err)
	}
	e.update(db, func(tx *store.Tx) error { return cold.Insert(tx, row{Realm: "r", ID: "1"}) })
}
