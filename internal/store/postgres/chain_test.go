package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/postgres/postgrestest"
)

// other is the second row of a commit.
type other struct {
	ID    string   `store:"id,key"`
	Part  string   `store:"part,key"`
	Names []string `store:"names"`
	By    string   `store:"made_by"`
}

var others = store.NewTable[other](store.Spec{Name: "others"})

// TestChains: commits of two writes alike travel in one statement, and each is still whole or not at all: who misses the
// first row does not get the second, and the other way round.
func TestChains(t *testing.T) {
	t.Parallel()
	nodes := openAll(t, postgrestest.Database(t), 2, append([]store.Definition{others}, all...)...)
	const workers, rounds = 48, 12
	var won, missed atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for round := range rounds {
				me := fmt.Sprint(w, "-", round)
				first, second := me, me
				switch w % 3 {
				case 0:
					first = fmt.Sprint("same-", round) // many want one first row
				case 1:
					second = fmt.Sprint("same-", round) // or one second row
				}
				err := nodes[w%2].Update(t.Context(), func(tx *store.Tx) error {
					if err := items.Insert(tx, item{ID: first, Name: me}); err != nil {
						return err
					}
					return others.Insert(tx, other{ID: second, Part: "p", Names: []string{"a\"b", me}, By: me})
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, store.ErrExists):
					missed.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// Of each round's 16 that want one first row one wins, and so of the 16 that want one second row.
	if want := int64(rounds * (16 + 2)); won.Load() != want || won.Load()+missed.Load() != workers*rounds {
		t.Errorf("%d won and %d missed, want %d", won.Load(), missed.Load(), want)
	}
	err := nodes[0].View(t.Context(), func(tx *store.Tx) error {
		firsts, err := items.List(tx, store.Query{})
		seconds, errS := others.List(tx, store.Query{})
		makers := map[string]bool{}
		for _, f := range firsts {
			makers[f.Name] = true
		}
		for _, s := range seconds {
			if !makers[s.By] || len(s.Names) != 2 || s.Names[1] != s.By {
				t.Errorf("a second row without its first: %+v", s)
			}
		}
		if int64(len(firsts)) != won.Load() || int64(len(seconds)) != won.Load() {
			t.Errorf("%d first rows and %d second rows of %d commits", len(firsts), len(seconds), won.Load())
		}
		return errors.Join(err, errS)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestChainOfUpdateAndInsert: a code that is redeemed by many at once is redeemed once, with its one family.
func TestChainOfUpdateAndInsert(t *testing.T) {
	t.Parallel()
	nodes := openAll(t, postgrestest.Database(t), 2, append([]store.Definition{others}, all...)...)
	for round := range 10 {
		code := fmt.Sprint("code-", round)
		if err := putItem(nodes[0], item{ID: code}); err != nil {
			t.Fatal(err)
		}
		var won atomic.Int64
		var wg sync.WaitGroup
		for w := range 20 {
			wg.Go(func() {
				won.Add(1)
				err := nodes[w%2].Update(t.Context(), func(tx *store.Tx) error {
					c, err := items.Get(tx, code)
					if err != nil {
						return err
					}
					if c.Count > 0 {
						return store.ErrExists
					}
					c.Count++
					return errors.Join(items.Put(tx, c), others.Insert(tx, other{ID: code, Part: fmt.Sprint(w)}))
				})
				if err != nil {
					won.Add(-1)
				}
				if err != nil && !errors.Is(err, store.ErrExists) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		err := nodes[1].View(t.Context(), func(tx *store.Tx) error {
			families, err := others.List(tx, store.Query{Values: []string{code}})
			if won.Load() != 1 || len(families) != 1 {
				t.Errorf("%d redeemed it, with %d families", won.Load(), len(families))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
