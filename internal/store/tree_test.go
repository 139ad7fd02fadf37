package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTree compares a tree, and copies taken of it on the way, with maps.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type pair struct {
			tree  tree
			model map[string]*cachedRow
		}
		live := pair{model: map[string]*cachedRow{}}
		var kept []pair
		e := &edit{}
		for range rapid.IntRange(0, 1200).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 400).Draw(t, "key"))
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				kept = append(kept, pair{live.tree, maps.Clone(live.model)})
				e = &edit{}
			case 1, 2, 3:
				live.tree.delete(e, key)
				delete(live.model, key)
			default:
				r := &cachedRow{key: key}
				live.tree.set(e, key, r)
				live.model[key] = r
			}
		}
		for _, p := range append(kept, live) {
			checkTree(t, &p.tree, p.model)
		}
	})
}

func checkTree(t *rapid.T, tr *tree, model map[string]*cachedRow) {
	want := slices.Sorted(maps.Keys(model))
	var got []string
	tr.from("", func(key string, r *cachedRow) bool {
		got = append(got, key)
		return model[key] == r
	})
	if !slices.Equal(want, got) || tr.size != len(want) {
		t.Fatalf("tree of %d has %v, want %v", tr.size, got, want)
	}
	for _, start := range []string{"", "2", "25", "9", "zz"} {
		i, _ := slices.BinarySearch(want, start)
		first := ""
		tr.from(start, func(key string, _ *cachedRow) bool { first = key; return false })
		if i < len(want) && first != want[i] || i == len(want) && first != "" {
			t.Fatalf("from %q finds %q first", start, first)
		}
	}
}
