package store

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"sync"
)

// hotRows remembers rows of uncached tables that this node committed last, so that a transaction that goes on where one before it
// ended need not read. It is for a node that is alone on its database, and exact there: a row is forgotten before a commit that
// writes it begins, and remembered anew once that commit is durable and before anybody is told so. What lies between is read from
// the database.
//
// Rows lie packed in memory of their own, of which the collector knows nothing. Where there is no room, the oldest go, of one half only:
// rows that are new have one, since most of them are used at once or not for long; rows that were changed later on have the other, so
// that those who come and go do not drive out those who stay.
type hotRows struct {
	seed   maphash.Seed
	shards [hotShards]hotShard
	shared *phrases
	close  func() // when no transaction can come any more
}

const (
	hotShards  = 16
	hotHalf    = 4       // segments of a half
	hotRoom    = 8 << 20 // bytes: some 30,000 refresh families
	hotSegment = hotRoom / hotShards / (2 * hotHalf)
)

// hotShard fills the segments of each half one after the other, and empties the first when the last is full.
type hotShard struct {
	mu       sync.Mutex
	places   map[uint64]int // hash of table and key → place of the record
	segments [2 * hotHalf][]byte
	filling  [2]int // of the new rows' half, and of the others'
}

// The halves.
const (
	newRows = iota
	keptRows
)

// hotRecord is a row: its size, the hash, the version (0: forgotten), the numbers of the table and of the key's bytes, the key,
// the packed row, shortened.
type hotRecord []byte

const hotHead = 4 + 8 + 8 + 2 + 2

func (r hotRecord) size() int         { return int(binary.LittleEndian.Uint32(r)) }
func (r hotRecord) hash() uint64      { return binary.LittleEndian.Uint64(r[4:]) }
func (r hotRecord) rev() int64        { return int64(binary.LittleEndian.Uint64(r[12:])) }
func (r hotRecord) setRev(rev int64)  { binary.LittleEndian.PutUint64(r[12:], uint64(rev)) }
func (r hotRecord) row() []byte       { return r[hotHead+int(binary.LittleEndian.Uint16(r[22:])) : r.size()] }
func (r hotRecord) of(table int) bool { return binary.LittleEndian.Uint16(r[20:]) == uint16(table) }

func (r hotRecord) has(key string) bool {
	n := int(binary.LittleEndian.Uint16(r[22:]))
	return n == len(key) && string(r[hotHead:hotHead+n]) == key
}

func newHotRows() *hotRows {
	room, giveBack := outside(hotRoom)
	h := &hotRows{seed: maphash.MakeSeed(), shared: newPhrases(), close: giveBack}
	for i := range h.shards {
		h.shards[i].places = map[uint64]int{}
	}
	for segment := range 2 * hotHalf { // the first ones side by side, since the last may never be written
		for i := range h.shards {
			h.shards[i].segments[segment], room = room[:0:hotSegment], room[hotSegment:]
		}
	}
	for i := range h.shards {
		h.shards[i].filling = [2]int{newRows * hotHalf, keptRows * hotHalf}
	}
	return h
}

// shard is where a row has its place, locked.
func (h *hotRows) shard(t *sqlTable, key string) (*hotShard, uint64) {
	hash := maphash.String(h.seed, key) + uint64(t.number)*0x9E3779B97F4A7C15
	s := &h.shards[hash%hotShards]
	s.mu.Lock()
	return s, hash
}

// find is the record of a row, nil if there is none.
func (s *hotShard) find(t *sqlTable, key string, hash uint64) hotRecord {
	place, ok := s.places[hash]
	if !ok {
		return nil
	}
	r := hotRecord(s.segments[place/hotSegment][place%hotSegment:])
	if !r.of(t.number) || !r.has(key) {
		return nil
	}
	return r[:r.size()]
}

// get returns the row that was committed last, and its version; ok is false if it is not remembered.
func (h *hotRows) get(t *sqlTable, key string) (row packed, rev int64, ok bool) {
	s, hash := h.shard(t, key)
	defer s.mu.Unlock()
	r := s.find(t, key, hash)
	if r == nil || r.rev() == 0 {
		return "", 0, false
	}
	return h.shared.lengthen(t, r.row()), r.rev(), true
}

// current says whether a row that was got is still the one committed last.
func (h *hotRows) current(e *entry) bool {
	s, hash := h.shard(e.table, e.key)
	defer s.mu.Unlock()
	r := s.find(e.table, e.key, hash)
	return r != nil && r.rev() == e.rev
}

// forget is called before a commit that writes the rows.
func (h *hotRows) forget(written []*entry) {
	for _, e := range written {
		s, hash := h.shard(e.table, e.key)
		if r := s.find(e.table, e.key, hash); r != nil {
			r.setRev(0)
		}
		s.mu.Unlock()
	}
}

// remember is called once a commit that wrote the rows is durable. Rows of tables in which nobody looks for one are left out.
func (h *hotRows) remember(written []*entry) {
	for _, e := range written {
		switch {
		case e.op == opPut && e.table.cached < 0 && e.table.recalled.Load():
			h.put(e)
		case e.op == opDelete: // it may have been written before it was deleted, by another commit of the batch
			h.forget([]*entry{e})
		}
	}
}

func (h *hotRows) put(e *entry) {
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	s, hash := h.shard(e.table, e.key)
	defer s.mu.Unlock()
	row := h.shared.shorten((*room)[:0], e.table, e.values, hash)
	*room = row
	size := hotHead + len(e.key) + len(row)
	r := s.find(e.table, e.key, hash)
	if r == nil || r.size() != size {
		half := newRows // where it stays while it is remembered: a code that is used will not be looked for again
		if r == nil && e.base != "" {
			half = keptRows
		} else if r != nil {
			half = s.places[hash] / hotSegment / hotHalf
		}
		if r = s.room(size, hash, half); r == nil {
			return
		}
		binary.LittleEndian.PutUint32(r, uint32(size))
		binary.LittleEndian.PutUint64(r[4:], hash)
		binary.LittleEndian.PutUint16(r[20:], uint16(e.table.number))
		binary.LittleEndian.PutUint16(r[22:], uint16(len(e.key)))
		copy(r[hotHead:], e.key)
	}
	r.setRev(e.next)
	copy(r.row(), row)
}

// room makes a new record in a half; nil for a row that is too large.
func (s *hotShard) room(size int, hash uint64, half int) hotRecord {
	delete(s.places, hash)
	if size > hotSegment/8 {
		return nil
	}
	filling := s.filling[half]
	if len(s.segments[filling])+size > hotSegment {
		filling = half*hotHalf + (filling+1)%hotHalf
		s.filling[half] = filling
		s.empty(filling)
	}
	segment := s.segments[filling]
	at := len(segment)
	segment = segment[:at+size]
	s.segments[filling] = segment
	s.places[hash] = filling*hotSegment + at
	return segment[at:]
}

// empty forgets the records of a segment.
func (s *hotShard) empty(segment int) {
	for rest := hotRecord(s.segments[segment]); len(rest) > 0; rest = rest[rest.size():] {
		if place, ok := s.places[rest.hash()]; ok && place == segment*hotSegment+len(s.segments[segment])-len(rest) {
			delete(s.places, rest.hash())
		}
	}
	s.segments[segment] = s.segments[segment][:0]
}

var errStale = errors.New("store: what was read is of two moments, and the transaction must run again")

// recall takes a row from hotRows instead of reading it, nil if it cannot. What it takes together with what was taken or read
// before is of one moment, or the run does not count.
func (tx *Tx) recall(t *sqlTable, key string, parts []string) (*entry, error) {
	if tx.db.hot == nil || !tx.writable || t.cached >= 0 {
		return nil, nil
	}
	if !t.recalled.Load() {
		t.recalled.Store(true)
	}
	// A view that is open answers by itself, a run after a conflict trusts the database alone.
	if tx.cautious || tx.snapshot != nil {
		return nil, nil
	}
	row, rev, ok := tx.db.hot.get(t, key)
	if !ok || t.expiryOf(row) <= max(tx.micros, t.swept.Load()) {
		return nil, nil
	}
	if err := tx.confirm(); err != nil {
		return nil, err
	}
	e := tx.entryOf(t, key, parts)
	e.known, e.rev, e.base = true, rev, row
	tx.recalled = append(tx.recalled, e)
	return e, nil
}

// confirm sees, after a read, that the rows recalled before it are still current: then all are of that read's moment.
func (tx *Tx) confirm() error {
	for _, e := range tx.recalled {
		if !tx.db.hot.current(e) {
			tx.stale = true
			return errStale
		}
	}
	return nil
}

// sweptUntil notes that rows that expired before a moment may be deleted from now on: one that is remembered is no longer exact.
func (t *sqlTable) sweptUntil(micros int64) {
	for {
		before := t.swept.Load()
		if before >= micros || t.swept.CompareAndSwap(before, micros) {
			return
		}
	}
}
