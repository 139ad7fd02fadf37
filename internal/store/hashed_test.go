package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHashed compares hashed sets, and copies taken of them on the way, with maps. Few hashes make many rows of one.
func TestHashed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type place struct {
			hash uint64
			key  string
		}
		type pair struct {
			set   hashed
			model map[place]*cachedRow
		}
		hashes := rapid.Uint64Range(0, rapid.SampledFrom([]uint64{0, 3, 1 << 40}).Draw(t, "hashes"))
		live := pair{model: map[place]*cachedRow{}}
		var kept []pair
		e := &edit{}
		for range rapid.IntRange(0, 1200).Draw(t, "steps") {
			at := place{hashes.Draw(t, "hash"), fmt.Sprint(rapid.IntRange(0, 400).Draw(t, "key"))}
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				kept = append(kept, pair{live.set, maps.Clone(live.model)})
				e = &edit{}
			case 1, 2, 3:
				live.set.delete(e, at.hash, at.key)
				delete(live.model, at)
			default:
				r := &cachedRow{key: at.key}
				live.set.set(e, at.hash, r)
				live.model[at] = r
			}
		}
		for _, p := range append(kept, live) {
			rows := map[uint64][]string{}
			for at := range p.model {
				rows[at.hash] = append(rows[at.hash], at.key)
			}
			for hash, want := range rows {
				slices.Sort(want)
				for _, start := range []string{"", "2", "25", "9", "zz"} {
					i, _ := slices.BinarySearch(want, start)
					var got []string
					p.set.from(hash, start, func(r *cachedRow) bool {
						got = append(got, r.key)
						return p.model[place{hash, r.key}] == r
					})
					if !slices.Equal(want[i:], got) {
						t.Fatalf("hash %d from %q has %v, want %v", hash, start, got, want[i:])
					}
				}
			}
			p.set.from(1<<50, "", func(*cachedRow) bool { t.Fatal("finds a hash that is not there"); return false })
		}
	})
}

// TestHashedByKey: rows are found by their keys, others are not.
func TestHashedByKey(t *testing.T) {
	var s hashed
	e := &edit{}
	for n := range 5000 {
		key := strings.Repeat("k", n%7) + fmt.Sprint(n)
		s.set(e, hashKey(key), &cachedRow{key: key})
	}
	for n := range 10_000 {
		key := strings.Repeat("k", n%7) + fmt.Sprint(n)
		if r := s.get([]byte(key)); (r != nil) != (n < 5000) || r != nil && r.key != key {
			t.Fatalf("get %q finds %v", key, r)
		}
	}
	if hashParts([]string{"a", "b"}) != hashKey("a\x00b") {
		t.Error("a key hashes in two ways")
	}
	if new(hashed).get([]byte("a")) != nil {
		t.Error("something is in nothing")
	}
}
