package store

import (
	"hash/maphash"
	"slices"
	"sort"
)

// hashed is a set of rows in the order of a hash, and of their keys where the hash is one: what finds rows by their key or by an
// index, without a copy of what they are found by. As a tree it is copied by assignment, and a write never touches a part made under
// another edit. The hash only narrows: who looks compares the rows.
type hashed struct {
	firsts []uint64 // the hash of each leaf's first row, so that a search stays in one array
	leaves []*hashedLeaf
	owner  *edit
}

type hashedLeaf struct {
	hashes []uint64
	rows   []*cachedRow
	owner  *edit
}

var hashSeed = maphash.MakeSeed()

// hashParts is the hash of a key, or of the values of an index.
func hashParts(parts []string) uint64 {
	var buf [keyRoom]byte
	return maphash.Bytes(hashSeed, appendKey(buf[:0], parts))
}

// hashKey is the hash of a joined key.
func hashKey(key string) uint64 { return maphash.String(hashSeed, key) }

// before says whether a row stands before a hash and a key.
func before(hash uint64, r *cachedRow, thanHash uint64, thanKey string) bool {
	if hash != thanHash {
		return hash < thanHash
	}
	return r.key < thanKey
}

// find is the leaf that has, or would take, a row; -1 if there is none at all.
func (t *hashed) find(hash uint64, key string) int {
	low, high := 0, len(t.firsts)
	for low < high {
		m := int(uint(low+high) >> 1)
		if first := t.firsts[m]; first < hash || first == hash && t.leaves[m].rows[0].key <= key {
			low = m + 1
		} else {
			high = m
		}
	}
	if low == 0 {
		return min(0, len(t.leaves)-1)
	}
	return low - 1
}

// place is where in the leaf a row is, or would be.
func (l *hashedLeaf) place(hash uint64, key string) int {
	return sort.Search(len(l.hashes), func(i int) bool { return !before(l.hashes[i], l.rows[i], hash, key) })
}

func (l *hashedLeaf) has(i int, hash uint64, key string) bool {
	return i < len(l.hashes) && l.hashes[i] == hash && l.rows[i].key == key
}

// from calls yield with the rows of a hash at and after the key, in the order of their keys, until it returns false.
func (t *hashed) from(hash uint64, key string, yield func(r *cachedRow) bool) {
	i := t.find(hash, key)
	if i < 0 {
		return
	}
	for j := t.leaves[i].place(hash, key); i < len(t.leaves); i++ {
		l := t.leaves[i]
		for ; j < len(l.hashes); j++ {
			if l.hashes[j] != hash || !yield(l.rows[j]) {
				return
			}
		}
		j = 0
	}
}

// get finds the row with a key, given in bytes, for which nothing is made to search for it.
func (t *hashed) get(key []byte) *cachedRow {
	hash := maphash.Bytes(hashSeed, key)
	i := t.find(hash, "")
	if i < 0 {
		return nil
	}
	for ; i < len(t.leaves); i++ {
		l := t.leaves[i]
		low, high := 0, len(l.hashes)
		for low < high {
			if m := int(uint(low+high) >> 1); l.hashes[m] < hash {
				low = m + 1
			} else {
				high = m
			}
		}
		for ; low < len(l.hashes) && l.hashes[low] == hash; low++ {
			if l.rows[low].key == string(key) {
				return l.rows[low]
			}
		}
		if low < len(l.hashes) {
			return nil
		}
	}
	return nil
}

// take makes the lists and the leaf at i the edit's own.
func (t *hashed) take(e *edit, i int) *hashedLeaf {
	if t.owner != e {
		t.firsts, t.leaves, t.owner = slices.Clone(t.firsts), slices.Clone(t.leaves), e
	}
	l := t.leaves[i]
	if l.owner != e {
		l = &hashedLeaf{hashes: slices.Clone(l.hashes), rows: slices.Clone(l.rows), owner: e}
		t.leaves[i] = l
	}
	return l
}

func (t *hashed) set(e *edit, hash uint64, r *cachedRow) {
	i := t.find(hash, r.key)
	if i < 0 {
		*t = hashed{[]uint64{hash}, []*hashedLeaf{{[]uint64{hash}, []*cachedRow{r}, e}}, e}
		return
	}
	l := t.take(e, i)
	j := l.place(hash, r.key)
	if l.has(j, hash, r.key) {
		l.rows[j] = r
		return
	}
	l.hashes, l.rows = slices.Insert(l.hashes, j, hash), slices.Insert(l.rows, j, r)
	t.firsts[i] = l.hashes[0]
	if len(l.hashes) > leafMax {
		at := len(l.hashes) / 2
		right := &hashedLeaf{hashes: slices.Clone(l.hashes[at:]), rows: slices.Clone(l.rows[at:]), owner: e}
		l.hashes, l.rows = slices.Clone(l.hashes[:at]), slices.Clone(l.rows[:at])
		t.firsts, t.leaves = slices.Insert(t.firsts, i+1, right.hashes[0]), slices.Insert(t.leaves, i+1, right)
	}
}

func (t *hashed) delete(e *edit, hash uint64, key string) {
	i := t.find(hash, key)
	if i < 0 {
		return
	}
	j := t.leaves[i].place(hash, key)
	if !t.leaves[i].has(j, hash, key) {
		return
	}
	l := t.take(e, i)
	l.hashes, l.rows = slices.Delete(l.hashes, j, j+1), slices.Delete(l.rows, j, j+1)
	if len(l.hashes) == 0 {
		t.firsts, t.leaves = slices.Delete(t.firsts, i, i+1), slices.Delete(t.leaves, i, i+1)
		return
	}
	t.firsts[i] = l.hashes[0]
}
