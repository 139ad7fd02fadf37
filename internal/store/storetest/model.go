package storetest

import (
	"cmp"
	"errors"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/symbolon/symbolon/internal/store"
	"pgregory.net/rapid"
)

var modelCases = []testCase{
	{"model/random transactions", randomTransactions},
}

// model is a table as it should be.
type model map[string]row

func (m model) live(now time.Time) []row {
	rows := []row{}
	for _, r := range m {
		if r.Until.IsZero() || r.Until.After(now) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.Realm, b.Realm), cmp.Compare(a.ID, b.ID)) })
	return rows
}

func (m model) find(now time.Time, match func(row) bool) (row, bool) {
	for _, r := range m.live(now) {
		if match(r) {
			return r, true
		}
	}
	return row{}, false
}

// taken says whether another live row has the row's unique value.
func (m model) taken(now time.Time, w row) bool {
	_, found := m.find(now, func(r row) bool {
		return w.Email != "" && r.Realm == w.Realm && r.Email == w.Email && r.ID != w.ID
	})
	return found
}

// randomTransactions runs random transactions on a table and on its model, which must agree at every step.
func randomTransactions(e *env) {
	db := e.node(store.Options{})
	for name, table := range both {
		e.Logf("table: %s", name)
		rapid.Check(e.T, func(t *rapid.T) {
			clear := map[string]row{}
			e.update(db, func(tx *store.Tx) error {
				rows, err := table.List(tx, store.Query{})
				for _, r := range rows {
					err = errors.Join(err, table.Delete(tx, r.Realm, r.ID))
				}
				return err
			})
			state := model(clear)
			for range rapid.IntRange(1, 6).Draw(t, "transactions") {
				state = oneTransaction(e, t, db, table, state)
				e.clock.advance(time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * time.Minute)
			}
		})
	}
}

var (
	errCancelled = errors.New("cancelled")
	errDoomed    = errors.New("collided, and not yet told")
)

// oneTransaction draws the steps first, so that every run of the function does the same.
func oneTransaction(e *env, t *rapid.T, db *store.DB, table *store.Table[row], before model) model {
	steps := make([]step, rapid.IntRange(1, 6).Draw(t, "steps"))
	for i := range steps {
		steps[i] = drawStep(t)
	}
	abort := rapid.IntRange(0, 5).Draw(t, "abort") == 0
	var after model
	refused, doomed := false, false
	err := db.Update(e.ctx, func(tx *store.Tx) error {
		after = model{}
		for k, r := range before {
			after[k] = r
		}
		refused, doomed = false, false
		for _, s := range steps {
			err := s.run(t, tx, table, after)
			if errors.Is(err, errDoomed) {
				doomed = true
				return nil // so that the commit finds the collision and the next run is told
			}
			if errors.Is(err, store.ErrExists) {
				refused = true
				return err
			}
			if err != nil {
				return err
			}
		}
		if abort {
			return errCancelled
		}
		return nil
	})
	switch {
	case abort && errors.Is(err, errCancelled), refused && errors.Is(err, store.ErrExists):
		return before
	case doomed:
		t.Fatalf("committed over a collision, or answered %v", err)
	case err != nil:
		t.Fatalf("update: %v", err)
	}
	return after
}

type step struct {
	what string
	row  row
	span int
}

func drawStep(t *rapid.T) step {
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	return step{
		what: pick("what", "get", "getBy", "list", "team", "insert", "put", "delete"),
		row: row{
			Realm: pick("realm", "r", "s"), ID: pick("id", "a", "b", "c", "d"), Email: pick("email", "", "x", "y"),
			Team: pick("team", "t", "u"), Count: rapid.IntRange(0, 9).Draw(t, "count"),
		},
		span: rapid.IntRange(0, 3).Draw(t, "span"),
	}
}

func (s step) run(t *rapid.T, tx *store.Tx, table *store.Table[row], m model) error {
	now, key, w := tx.Now(), s.row.Realm+"/"+s.row.ID, s.row
	same := func(r row) bool { return r.Realm == w.Realm && r.ID == w.ID }
	_, exists := m.find(now, same)
	if s.span > 0 {
		w.Until = now.Add(time.Duration(s.span) * time.Minute)
	}
	switch s.what {
	case "get":
		want, found := m.find(now, same)
		got, err := table.Get(tx, w.Realm, w.ID)
		return agree(t, want, found, got, err)
	case "getBy":
		want, found := m.find(now, func(r row) bool { return w.Email != "" && r.Realm == w.Realm && r.Email == w.Email })
		got, err := table.GetBy(tx, "by_email", w.Realm, w.Email)
		return agree(t, want, found, got, err)
	case "list", "team":
		return s.list(t, tx, table, m)
	case "insert", "put":
		return s.write(t, tx, table, m, w, exists)
	}
	err := table.Delete(tx, w.Realm, w.ID)
	if exists != (err == nil) || err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("delete %s answers %v, it exists: %v", key, err, exists)
	}
	delete(m, key)
	return nil
}

func (s step) list(t *rapid.T, tx *store.Tx, table *store.Table[row], m model) error {
	q := store.Query{Values: []string{s.row.Realm}, Limit: s.span}
	if s.what == "team" {
		q = store.Query{Index: "by_team", Values: []string{s.row.Team}, After: []string{s.row.Realm, s.row.ID}}
	}
	got, err := table.List(tx, q)
	want := slices.DeleteFunc(m.live(tx.Now()), func(r row) bool {
		if s.what == "list" {
			return r.Realm != s.row.Realm
		}
		return r.Team != s.row.Team || cmp.Or(cmp.Compare(r.Realm, s.row.Realm), cmp.Compare(r.ID, s.row.ID)) <= 0
	})
	if q.Limit > 0 {
		want = want[:min(len(want), q.Limit)]
	}
	if d := gocmp.Diff(ids(want), ids(got)); d != "" {
		t.Fatalf("%+v (-want +got):\n%s", q, d)
	}
	return err
}

// write may learn of a collision late, in a later run: then the whole transaction is refused.
func (s step) write(t *rapid.T, tx *store.Tx, table *store.Table[row], m model, w row, exists bool) error {
	do := table.Put
	if s.what == "insert" {
		do = table.Insert
	}
	must := s.what == "insert" && exists || m.taken(tx.Now(), w)
	err := do(tx, w)
	if errors.Is(err, store.ErrExists) && !must {
		t.Fatalf("%s %+v answers %v", s.what, w, err)
	}
	if err == nil && must {
		return errDoomed
	}
	if err == nil {
		m[w.Realm+"/"+w.ID] = w
	}
	return err
}

func agree(t *rapid.T, want row, found bool, got row, err error) error {
	if !found {
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("found %+v, %v", got, err)
		}
		return nil
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Fatalf("row (-want +got):\n%s", d)
	}
	return err
}
