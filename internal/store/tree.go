package store

import (
	"slices"
	"sort"
)

// leafMax bounds the entries of one leaf: a write copies one leaf and the list of leaves, a lookup searches both.
const leafMax = 96

// edit owns the parts of a tree that were made during one change, so that a change of many rows copies each part once.
type edit struct{ _ byte }

// tree is an ordered map from key to row that is copied by assignment. Copies are independent: a write never touches a
// part made under another edit. Reading a copy that nobody writes needs no lock.
type tree struct {
	leaves []*leaf
	size   int
	owner  *edit
}

type leaf struct {
	keys  []string
	rows  []*cachedRow
	owner *edit
}

// find returns the leaf that has, or would take, the key; -1 in an empty tree.
func (t *tree) find(key string) int {
	i := sort.Search(len(t.leaves), func(i int) bool { return t.leaves[i].keys[0] > key })
	if i == 0 {
		return min(0, len(t.leaves)-1)
	}
	return i - 1
}

// from calls yield with the entries at and after the key, in order, until it returns false.
func (t *tree) from(key string, yield func(key string, r *cachedRow) bool) {
	i := t.find(key)
	if i < 0 {
		return
	}
	j, _ := slices.BinarySearch(t.leaves[i].keys, key)
	for ; i < len(t.leaves); i++ {
		l := t.leaves[i]
		for ; j < len(l.keys); j++ {
			if !yield(l.keys[j], l.rows[j]) {
				return
			}
		}
		j = 0
	}
}

// take makes the list of leaves and the leaf at i the edit's own.
func (t *tree) take(e *edit, i int) *leaf {
	if t.owner != e {
		t.leaves, t.owner = slices.Clone(t.leaves), e
	}
	l := t.leaves[i]
	if l.owner != e {
		l = &leaf{keys: slices.Clone(l.keys), rows: slices.Clone(l.rows), owner: e}
		t.leaves[i] = l
	}
	return l
}

func (t *tree) set(e *edit, key string, r *cachedRow) {
	i := t.find(key)
	if i < 0 {
		t.leaves = []*leaf{{keys: []string{key}, rows: []*cachedRow{r}, owner: e}}
		t.size, t.owner = 1, e
		return
	}
	l := t.take(e, i)
	j, found := slices.BinarySearch(l.keys, key)
	if found {
		l.rows[j] = r
		return
	}
	l.keys = slices.Insert(l.keys, j, key)
	l.rows = slices.Insert(l.rows, j, r)
	t.size++
	if len(l.keys) > leafMax {
		t.split(e, i, j == len(l.keys)-1)
	}
}

// split halves the leaf at i; a leaf filled in key order gives away only its last entry, so that loading leaves it full.
func (t *tree) split(e *edit, i int, appended bool) {
	l := t.leaves[i]
	at := len(l.keys) / 2
	if appended && i == len(t.leaves)-1 {
		at = len(l.keys) - 1
	}
	right := &leaf{keys: slices.Clone(l.keys[at:]), rows: slices.Clone(l.rows[at:]), owner: e}
	clear(l.rows[at:])
	clear(l.keys[at:])
	l.keys, l.rows = l.keys[:at], l.rows[:at]
	t.leaves = slices.Insert(t.leaves, i+1, right)
}

func (t *tree) delete(e *edit, key string) {
	i := t.find(key)
	if i < 0 {
		return
	}
	j, found := slices.BinarySearch(t.leaves[i].keys, key)
	if !found {
		return
	}
	l := t.take(e, i)
	l.keys = slices.Delete(l.keys, j, j+1)
	l.rows = slices.Delete(l.rows, j, j+1)
	t.size--
	if len(l.keys) == 0 {
		t.leaves = slices.Delete(t.leaves, i, i+1)
	}
}
