package store

import (
	"encoding/binary"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// phrases are values that many of a table's rows share, such as the application a token is for: hotRows keeps a number instead. What
// has become a phrase stays one. Rows are shortened by one goroutine at a time or more, and lengthened beside them without a lock.
type phrases struct {
	texts atomic.Pointer[[]string] // by number; what is published never changes
	seed  maphash.Seed

	mu      sync.Mutex
	numbers map[string]uint64
	recent  map[column64][recentValues]sighting
}

const (
	maxPhrases   = 4096 // beyond, no more are learnt
	minPhrase    = 16   // bytes, so that a number pays
	maxPhrase    = 512
	recentValues = 8 // of a column, in which a value must come again, in another row, to become a phrase
)

// column64 is a column of a table, by their numbers.
type column64 struct{ table, column int }

// sighting is a value, in a row, by their hashes.
type sighting struct{ value, row uint64 }

func newPhrases() *phrases {
	p := &phrases{seed: maphash.MakeSeed(), numbers: map[string]uint64{}, recent: map[column64][recentValues]sighting{}}
	p.texts.Store(new([]string))
	return p
}

// shorten appends a packed row with numbers for its phrases: a value is twice its length plus one, and its bytes; or twice a phrase's
// number, plus one.
func (p *phrases) shorten(dst []byte, t *sqlTable, row packed, rowHash uint64) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range t.columns {
		var v string
		var null bool
		v, null, row = row.cut()
		switch c := &t.columns[i]; {
		case null:
			dst = append(dst, 0)
			continue
		case !c.key && (c.kind == Text || c.kind == JSON) && len(v) >= minPhrase && len(v) <= maxPhrase:
			if n, ok := p.number(column64{t.number, i}, v, rowHash); ok {
				dst = binary.AppendUvarint(dst, n<<1|1)
				continue
			}
		}
		dst = append(binary.AppendUvarint(dst, (uint64(len(v))+1)<<1), v...)
	}
	return dst
}

// number is that of a phrase. It learns those that come often.
func (p *phrases) number(at column64, v string, row uint64) (n uint64, ok bool) {
	if n, ok = p.numbers[v]; ok || len(p.numbers) == maxPhrases {
		return n, ok
	}
	now := sighting{maphash.String(p.seed, v), row}
	recent := p.recent[at]
	for _, s := range recent {
		if s.value == now.value && s.row != now.row {
			return p.learn(v), true
		}
	}
	copy(recent[1:], recent[:])
	recent[0] = now
	p.recent[at] = recent
	return 0, false
}

func (p *phrases) learn(v string) uint64 {
	v = string([]byte(v)) // which keeps no row alive
	texts := *p.texts.Load()
	n := uint64(len(texts))
	texts = append(texts[:n:n], v)
	p.texts.Store(&texts)
	p.numbers[v] = n
	return n
}

// lengthen makes the row that was shortened.
func (p *phrases) lengthen(t *sqlTable, short []byte) packed {
	room := packing.Get().(*[]byte)
	defer packing.Put(room)
	b, texts := (*room)[:0], *p.texts.Load()
	for range t.columns {
		head, n := binary.Uvarint(short)
		short = short[n:]
		switch {
		case head == 0:
			b = appendNull(b)
		case head&1 != 0:
			b = appendText(b, texts[head>>1])
		default:
			size := head>>1 - 1
			b = appendBytes(b, short[:size])
			short = short[size:]
		}
	}
	*room = b
	return packed(b)
}
