package storetest

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/symbolon/symbolon/internal/store"
)

var rowCases = []testCase{
	{"rows/insert get put delete", eachTable(crud)},
	{"rows/every type", everyType},
	{"rows/bad text", eachTable(badText)},
	{"rows/own writes are seen", eachTable(ownWrites)},
	{"rows/an error cancels", eachTable(cancel)},
	{"rows/caller's slices stay the caller's", aliasing},
	{"rows/misuse is refused", misuse},
	{"rows/survive a restart", restart},
}

func crud(e *env, db *store.DB, table *store.Table[row]) {
	a := row{Realm: "r", ID: "a", Count: 1}
	e.update(db, func(tx *store.Tx) error { return table.Insert(tx, a) })
	err := db.Update(e.ctx, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "a"}) })
	e.want(err, store.ErrExists)
	var exists *store.ExistsError
	if !errors.As(err, &exists) || exists.Index != "" || exists.Table == "" {
		e.Fatalf("error is %#v", err)
	}
	expect(e, db, table, a)

	a.Count = 2
	e.update(db, func(tx *store.Tx) error {
		got, err := table.Get(tx, "r", "a")
		if err != nil {
			return err
		}
		got.Count++
		return table.Put(tx, got)
	})
	expect(e, db, table, a)
	b := row{Realm: "r", ID: "b"}
	e.update(db, func(tx *store.Tx) error { return table.Put(tx, b) })
	a.Count, a.Team = 9, "t"
	e.update(db, func(tx *store.Tx) error { return table.Put(tx, a) }) // without having read it
	expect(e, db, table, a, b)

	e.update(db, func(tx *store.Tx) error { return table.Delete(tx, "r", "a") })
	expect(e, db, table, b)
	e.want(db.Update(e.ctx, func(tx *store.Tx) error { return table.Delete(tx, "r", "a") }), store.ErrNotFound)
	e.want(db.View(e.ctx, func(tx *store.Tx) error { _, err := table.Get(tx, "r", "a"); return err }), store.ErrNotFound)
	e.update(db, func(tx *store.Tx) error { return errors.Join(table.Delete(tx, "r", "b"), table.Insert(tx, b)) })
	expect(e, db, table, b)
}

// expect checks the whole content of a table.
func expect(e *env, db *store.DB, table *store.Table[row], want ...row) {
	e.Helper()
	var got []row
	e.view(db, func(tx *store.Tx) (err error) {
		got, err = table.List(tx, store.Query{})
		return err
	})
	if d := cmp.Diff(want, got); d != "" {
		e.Fatalf("rows (-want +got):\n%s", d)
	}
	for _, w := range want {
		e.view(db, func(tx *store.Tx) error {
			r, err := table.Get(tx, w.Realm, w.ID)
			if d := cmp.Diff(w, r); d != "" {
				e.Errorf("row (-want +got):\n%s", d)
			}
			return err
		})
	}
}

func everyType(e *env) {
	db := e.node(store.Options{})
	zone := time.FixedZone("east", 7200)
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_123_456, zone)
	rows := []kinds{
		{ID: "zero"},
		{ID: "full", Text: "Zoë 'quoted' ?\n", Yes: true, Int: -1, Int64: math.MaxInt64, Span: time.Hour, Bytes: []byte{0, 1, 255}, At: at,
			List: []string{"a", ""}, Map: map[string]string{"k": "v"}, Nested: nested{"x", []int{1}, at.UTC()}, Maybe: &nested{},
			Later: store.LazyOf(nested{"later", nil, at.UTC()})},
		{ID: "empty", Int64: math.MinInt64, Bytes: []byte{}, List: []string{}, Map: map[string]string{}, At: time.UnixMicro(0)},
		{ID: "", Text: "an empty key is a key", At: time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	for _, table := range []*store.Table[kinds]{hotKinds, coldKinds, packKinds} {
		for _, r := range rows {
			e.update(db, func(tx *store.Tx) error { return table.Insert(tx, r) })
			want := r
			want.At = r.At.Truncate(time.Microsecond).UTC()
			e.view(db, func(tx *store.Tx) error {
				got, err := table.Get(tx, r.ID)
				if d := cmp.Diff(want, got); d != "" {
					e.Errorf("%q (-want +got):\n%s", r.ID, d)
				}
				return err
			})
		}
	}
}

func badText(e *env, db *store.DB, table *store.Table[row]) {
	for _, bad := range []string{"a\x00b", "\xff"} {
		for _, r := range []row{{Realm: bad, ID: "x"}, {Realm: "r", ID: "x", Team: bad}} {
			if err := db.Update(e.ctx, func(tx *store.Tx) error { return table.Put(tx, r) }); err == nil {
				e.Errorf("%q was stored", bad)
			}
		}
		e.update(db, func(tx *store.Tx) error {
			_, err := table.Get(tx, bad, "x")
			e.want(err, store.ErrNotFound)
			_, err = table.GetBy(tx, "by_email", "r", bad)
			e.want(err, store.ErrNotFound)
			e.want(table.Delete(tx, "r", bad), store.ErrNotFound)
			rows, err := table.List(tx, store.Query{Index: "by_team", Values: []string{bad}})
			if len(rows) != 0 {
				e.Errorf("%q finds %v", bad, rows)
			}
			return errors.Join(err, table.Put(tx, row{Realm: "r", ID: "fine"}))
		})
	}
}

func ownWrites(e *env, db *store.DB, table *store.Table[row]) {
	e.update(db, func(tx *store.Tx) error {
		return errors.Join(table.Insert(tx, row{Realm: "r", ID: "b", Team: "t", Email: "b@"}), table.Insert(tx, row{Realm: "r", ID: "d", Team: "t"}))
	})
	e.update(db, func(tx *store.Tx) error {
		e.must(table.Insert(tx, row{Realm: "r", ID: "c", Team: "t", Email: "c@"}))
		e.want(table.Insert(tx, row{Realm: "r", ID: "c"}), store.ErrExists)
		e.must(table.Put(tx, row{Realm: "r", ID: "b", Team: "u", Email: "new@"}))
		e.must(table.Delete(tx, "r", "d"))
		e.want(table.Delete(tx, "r", "d"), store.ErrNotFound)
		for _, q := range []store.Query{{Index: "by_team", Values: []string{"t"}}, {Values: []string{"r"}, After: []string{"r", "b"}}} {
			rows, err := table.List(tx, q)
			e.must(err)
			if len(rows) != 1 || rows[0].ID != "c" {
				e.Errorf("%v lists %v", q, rows)
			}
		}
		got, err := table.GetBy(tx, "by_email", "r", "new@")
		if err != nil || got.ID != "b" {
			e.Errorf("found %v, %v", got, err)
		}
		_, err = table.GetBy(tx, "by_email", "r", "b@")
		e.want(err, store.ErrNotFound)
		// A value given up in this transaction is free again.
		return table.Insert(tx, row{Realm: "r", ID: "e", Email: "b@"})
	})
	expect(e, db, table, row{Realm: "r", ID: "b", Team: "u", Email: "new@"}, row{Realm: "r", ID: "c", Team: "t", Email: "c@"}, row{Realm: "r", ID: "e", Email: "b@"})
}

func cancel(e *env, db *store.DB, table *store.Table[row]) {
	mine := errors.New("mine")
	err := db.Update(e.ctx, func(tx *store.Tx) error {
		e.must(table.Insert(tx, row{Realm: "r", ID: "x"}))
		return mine
	})
	if err != mine {
		e.Fatalf("error is %v", err)
	}
	expect(e, db, table)
	func() {
		defer func() { _ = recover() }()
		_ = db.Update(e.ctx, func(tx *store.Tx) error {
			e.must(table.Insert(tx, row{Realm: "r", ID: "x"}))
			panic("out of the function")
		})
	}()
	expect(e, db, table)
	e.update(db, func(tx *store.Tx) error { return table.Insert(tx, row{Realm: "r", ID: "x"}) })
}

func aliasing(e *env) {
	db := e.node(store.Options{})
	for _, table := range []*store.Table[kinds]{hotKinds, coldKinds, packKinds} {
		r := kinds{ID: "x", Bytes: []byte("abc"), List: []string{"a"}}
		e.update(db, func(tx *store.Tx) error {
			err := table.Insert(tx, r)
			r.Bytes[0], r.List[0] = 'X', "X"
			return err
		})
		e.view(db, func(tx *store.Tx) error {
			got, err := table.Get(tx, "x")
			if string(got.Bytes) != "abc" || got.List[0] != "a" {
				e.Errorf("row changed with the caller's slices: %v", got)
			}
			return err
		})
		r.Bytes, r.List = []byte("abc"), []string{"a"}
	}
}

func misuse(e *env) {
	db := e.node(store.Options{})
	var late *store.Tx
	e.update(db, func(tx *store.Tx) error { late = tx; return nil })
	if _, err := hot.Get(late, "r", "a"); err == nil || errors.Is(err, store.ErrNotFound) {
		e.Errorf("a dead transaction answers %v", err)
	}
	foreign := store.NewTable[row](store.Spec{Name: "foreign"})
	e.view(db, func(tx *store.Tx) error {
		_, foreignErr := foreign.Get(tx, "r", "a")
		_, shortErr := hot.Get(tx, "r")
		_, indexErr := hot.GetBy(tx, "by_team", "t")
		_, noIndexErr := hot.List(tx, store.Query{Index: "none"})
		_, afterErr := hot.List(tx, store.Query{After: []string{"r"}})
		for i, err := range []error{foreignErr, shortErr, indexErr, noIndexErr, afterErr, hot.Put(tx, row{}), cold.Insert(tx, row{}), hot.Delete(tx, "r", "x")} {
			if err == nil || errors.Is(err, store.ErrNotFound) {
				e.Errorf("misuse %d answers %v", i, err)
			}
		}
		return nil
	})
	for name, declare := range map[string]func(){
		"no key":   func() { store.NewTable[struct{}](store.Spec{Name: "x"}) },
		"bad name": func() { store.NewTable[row](store.Spec{Name: "Robert'); DROP TABLE"}) },
		"bad index": func() {
			store.NewTable[row](store.Spec{Name: "x", Indexes: []store.Index{{Name: "i", Columns: []string{"count"}}}})
		},
		"integer key": func() {
			store.NewTable[struct {
				A int `store:"a,key"`
			}](store.Spec{Name: "x"})
		},
		"no tag": func() {
			store.NewTable[struct {
				A string `store:"a,key"`
				B string
			}](store.Spec{Name: "x"})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					e.Errorf("%s was accepted", name)
				}
			}()
			declare()
		}()
	}
}

func restart(e *env) {
	if e.h.Restart == nil {
		e.Skip("the data dies with this backend")
	}
	want := row{Realm: "r", ID: "a", Count: 7, Email: "a@"}
	for round := range 2 {
		e.Run("round", func(t *testing.T) {
			sub := *e
			sub.T = t
			db := sub.node(store.Options{})
			for _, table := range both {
				if round == 0 {
					sub.update(db, func(tx *store.Tx) error { return table.Insert(tx, want) })
				}
				expect(&sub, db, table, want)
			}
		})
		e.h.Restart(e.T)
	}
}
