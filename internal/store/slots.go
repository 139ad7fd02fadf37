package store

import (
	"hash/maphash"
	"slices"
	"sort"
)

// slotSet is some rows of a table, by their slots, in the order of a hash, and of their keys where the hash is one: what finds rows by
// their key or by an index, without a copy of what they are found by. It is copied by assignment. Copies are independent: a write
// never touches a part made under another edit, and reading a copy that nobody writes needs no lock. The hash only narrows: who looks
// compares the rows.
type slotSet struct {
	firsts []hashedSlot // of each leaf, so that a search stays in one array
	leaves []*slotLeaf
	owner  *edit
}

type slotLeaf struct {
	all   []hashedSlot
	owner *edit
}

// hashedSlot is a hash, in its upper half, and a slot.
type hashedSlot uint64

// leafMax bounds the slots of one leaf: a write copies one leaf and the lists of leaves, a search goes through both.
const leafMax = 96

func (h hashedSlot) hash() uint32 { return uint32(h >> 32) }
func (h hashedSlot) slot() slot   { return slot(h) }

var hashSeed = maphash.MakeSeed()

// hashParts is the hash of a key, or of the values of an index.
func hashParts(parts []string) uint32 {
	var buf [keyRoom]byte
	return uint32(maphash.Bytes(hashSeed, appendKey(buf[:0], parts)))
}

// hashKey is the hash of a joined key.
func hashKey(key string) uint32 { return uint32(maphash.String(hashSeed, key)) }

// inKeyOrder is the hash of all rows in the set that has them in the order of their keys.
const inKeyOrder = 0

// compare says how an entry stands to a hash and a key: before, at or after them.
func (h hashedSlot) compare(t *cachedTable, hash uint32, key string) int {
	switch {
	case h.hash() < hash:
		return -1
	case h.hash() > hash:
		return 1
	}
	return t.def.compareKey(t.rows.get(h.slot()).packed, key)
}

// find is the leaf that has, or would take, a row; -1 if there is none at all.
func (s *slotSet) find(t *cachedTable, hash uint32, key string) int {
	after := sort.Search(len(s.firsts), func(i int) bool { return s.firsts[i].compare(t, hash, key) > 0 })
	if after == 0 {
		return min(0, len(s.leaves)-1)
	}
	return after - 1
}

// place is where in the leaf a row is, or would be.
func (l *slotLeaf) place(t *cachedTable, hash uint32, key string) (i int, found bool) {
	if n := len(l.all); l.all[n-1].compare(t, hash, key) < 0 { // as when rows come in the order of their keys
		return n, false
	}
	i = sort.Search(len(l.all), func(i int) bool { return l.all[i].compare(t, hash, key) >= 0 })
	return i, l.all[i].compare(t, hash, key) == 0
}

// from calls yield with the rows of a hash at and after the key, in the order of their keys, until it returns false.
func (s *slotSet) from(t *cachedTable, hash uint32, key string, yield func(slot) bool) {
	i := s.find(t, hash, key)
	if i < 0 {
		return
	}
	for j, _ := s.leaves[i].place(t, hash, key); i < len(s.leaves); i++ {
		l := s.leaves[i]
		for ; j < len(l.all); j++ {
			if l.all[j].hash() != hash || !yield(l.all[j].slot()) {
				return
			}
		}
		j = 0
	}
}

// having calls yield with the rows of a hash until it returns false; it looks at no row itself.
func (s *slotSet) having(hash uint32, yield func(slot) bool) {
	low, high := 0, len(s.firsts)
	for low < high {
		if m := int(uint(low+high) >> 1); s.firsts[m].hash() < hash {
			low = m + 1
		} else {
			high = m
		}
	}
	for i := max(0, low-1); i < len(s.leaves); i++ {
		l := s.leaves[i]
		j, high := 0, len(l.all)
		for j < high {
			if m := int(uint(j+high) >> 1); l.all[m].hash() < hash {
				j = m + 1
			} else {
				high = m
			}
		}
		for ; j < len(l.all); j++ {
			if l.all[j].hash() != hash || !yield(l.all[j].slot()) {
				return
			}
		}
	}
}

// take makes the lists and the leaf at i the edit's own.
func (s *slotSet) take(e *edit, i int) *slotLeaf {
	if s.owner != e {
		s.firsts, s.leaves, s.owner = slices.Clone(s.firsts), slices.Clone(s.leaves), e
	}
	l := s.leaves[i]
	if l.owner != e {
		l = &slotLeaf{slices.Clone(l.all), e}
		s.leaves[i] = l
	}
	return l
}

// add puts a row in that is not there.
func (s *slotSet) add(e *edit, t *cachedTable, hash uint32, key string, at slot) {
	entry := hashedSlot(hash)<<32 | hashedSlot(at)
	i := s.find(t, hash, key)
	if i < 0 {
		*s = slotSet{[]hashedSlot{entry}, []*slotLeaf{{[]hashedSlot{entry}, e}}, e}
		return
	}
	l := s.take(e, i)
	j, _ := l.place(t, hash, key)
	l.all = slices.Insert(l.all, j, entry)
	s.firsts[i] = l.all[0]
	if len(l.all) <= leafMax {
		return
	}
	half := len(l.all) / 2
	if j == leafMax && i == len(s.leaves)-1 {
		half = leafMax // filled in order: it stays full
	}
	right := &slotLeaf{slices.Clone(l.all[half:]), e}
	l.all = slices.Clone(l.all[:half])
	s.firsts, s.leaves = slices.Insert(s.firsts, i+1, right.all[0]), slices.Insert(s.leaves, i+1, right)
}

// delete takes a row out. It must not be gone from its slot yet.
func (s *slotSet) delete(e *edit, t *cachedTable, hash uint32, key string) {
	i := s.find(t, hash, key)
	if i < 0 {
		return
	}
	j, found := s.leaves[i].place(t, hash, key)
	if !found {
		return
	}
	l := s.take(e, i)
	l.all = slices.Delete(l.all, j, j+1)
	if len(l.all) == 0 {
		s.firsts, s.leaves = slices.Delete(s.firsts, i, i+1), slices.Delete(s.leaves, i, i+1)
		return
	}
	s.firsts[i] = l.all[0]
}
