package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// pair has a unique value beside its key.
type pair struct {
	ID    string `store:"id,key"`
	Email string `store:"email"`
	Team  string `store:"team"`
	Count int64  `store:"count"`
}

var pairs = store.NewTable[pair](store.Spec{Name: "pairs", Indexes: []store.Index{
	{Name: "by_email", Columns: []string{"email"}, Unique: true, Sparse: true}, {Name: "by_team", Columns: []string{"team"}},
}})

func absent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// TestNoSkewBetweenNodes: two nodes at once each look at what the other is about to write. In every order at most one of
// them may go by what it saw: that a row is as it was, that none has a key, a unique value, a place in a range.
func TestNoSkewBetweenNodes(t *testing.T) {
	t.Parallel()
	at := postgrestest.Database(t)
	tables := append([]store.Definition{pairs}, all...)
	var nodes [2]*store.DB
	for i := range nodes {
		db, err := store.Open(t.Context(), open(t, at), tables, store.Options{Shared: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		nodes[i] = db
	}
	// Each case is what one of two does with its own name, me, after a look for the other's; it says whether it acted.
	cases := map[string]func(tx *store.Tx, me, other string) (bool, error){
		"rows": func(tx *store.Tx, me, other string) (bool, error) {
			if p, err := pairs.Get(tx, other); err != nil || p.Count == 0 {
				return false, err
			}
			return true, pairs.Put(tx, pair{ID: me})
		},
		"absent keys": func(tx *store.Tx, me, other string) (bool, error) {
			if _, err := pairs.Get(tx, other+"new"); !errors.Is(err, store.ErrNotFound) {
				return false, err
			}
			return true, pairs.Insert(tx, pair{ID: me + "new"})
		},
		"absent unique values": func(tx *store.Tx, me, other string) (bool, error) {
			if _, err := pairs.GetBy(tx, "by_email", other+"@"); !errors.Is(err, store.ErrNotFound) {
				return false, err
			}
			return true, pairs.Insert(tx, pair{ID: me + "mail", Email: me + "@"})
		},
	}
	for name, act := range cases {
		t.Run(name, func(t *testing.T) {
			for round := range 250 {
				names := [2]string{fmt.Sprint("a", round), fmt.Sprint("b", round)}
				for i := range nodes {
					if err := nodes[i].Update(t.Context(), func(tx *store.Tx) error { return pairs.Put(tx, pair{ID: names[i], Count: 1}) }); err != nil {
						t.Fatal(err)
					}
				}
				acted := both(t, func(i int, looked func()) (did bool) {
					err := nodes[i].Update(t.Context(), func(tx *store.Tx) (err error) {
						did, err = act(tx, names[i], names[1-i])
						looked()
						return err
					})
					if err != nil {
						t.Error(err)
					}
					return did
				})
				if acted != 1 {
					t.Errorf("round %d: %d acted", round, acted)
				}
			}
		})
	}
	t.Run("ranges", func(t *testing.T) { ranges(t, nodes) })
}

// ranges: one writes a setting and a mark if a team is empty; the other joins the team if the mark is not there. Not both.
func ranges(t *testing.T, nodes [2]*store.DB) {
	for round := range 250 {
		team, mark := fmt.Sprint("team", round), fmt.Sprint("mark", round)
		if err := nodes[0].Update(t.Context(), func(tx *store.Tx) error { return pairs.Put(tx, pair{ID: mark}) }); err != nil {
			t.Fatal(err)
		}
		closeTeam := func(tx *store.Tx) (bool, error) {
			rows, err := pairs.List(tx, store.Query{Index: "by_team", Values: []string{team}})
			if err != nil || len(rows) > 0 {
				return false, err
			}
			return true, errors.Join(pairs.Put(tx, pair{ID: mark, Count: 1}), settings.Put(tx, setting{ID: team}))
		}
		joinTeam := func(tx *store.Tx) (bool, error) {
			m, err := pairs.Get(tx, mark)
			if err != nil || m.Count > 0 {
				return false, err
			}
			return true, pairs.Insert(tx, pair{ID: fmt.Sprint("member", round), Team: team})
		}
		acted := both(t, func(i int, looked func()) (did bool) {
			err := nodes[i].Update(t.Context(), func(tx *store.Tx) (err error) {
				if i == 0 {
					did, err = closeTeam(tx)
				} else {
					did, err = joinTeam(tx)
				}
				looked()
				return absent(err)
			})
			if err != nil {
				t.Error(err)
			}
			return did
		})
		if acted != 1 {
			t.Errorf("round %d: %d acted", round, acted)
		}
	}
}

// both runs fn for 0 and 1 at once and counts who acted. looked is for each to call when it has looked: the first time it
// waits for the other, so that their commits meet.
func both(t *testing.T, fn func(i int, looked func()) bool) (acted int) {
	t.Helper()
	var did [2]bool
	var wg, meeting sync.WaitGroup
	meeting.Add(2)
	for i := range did {
		wg.Go(func() {
			did[i] = fn(i, sync.OnceFunc(func() {
				meeting.Done()
				meeting.Wait()
			}))
		})
	}
	wg.Wait()
	for _, d := range did {
		if d {
			acted++
		}
	}
	return acted
}
