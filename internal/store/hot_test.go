package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestHotRows: whatever is put in, forgotten and driven out, what is got is what was put last.
func TestHotRows(t *testing.T) {
	h := newHotRows()
	defer h.close()
	columns := []column{{kind: Text}, {kind: Text}, {kind: Time}, {kind: JSON}}
	tables := []*sqlTable{{def: &def{columns: columns}, number: 0, cached: -1}, {def: &def{columns: columns}, number: 1, cached: -1}}
	made := func(own string) packed {
		shared := fmt.Sprint("shared by many rows, number ", rand.IntN(5))
		b := appendNull(appendText(appendText(nil, own), shared))
		return packed(appendText(b, `["`+shared+`"]`))
	}
	model := map[rowID]*entry{}
	found, lost := 0, 0
	for n := range 60_000 {
		table := tables[rand.IntN(2)]
		table.recalled.Store(true)
		id := rowID{table, fmt.Sprint("key ", rand.IntN(20_000))}
		e := &entry{table: table, key: id.key, op: opPut, next: int64(n + 1), values: made(strings.Repeat(fmt.Sprint(n, " "), rand.IntN(300)))}
		if rand.IntN(2) == 0 {
			e.base = "what it was"
		}
		row, rev, ok := h.get(table, id.key)
		switch want := model[id]; {
		case !ok:
			lost++
		case want == nil || rev != want.next || row != want.values:
			t.Fatalf("%v: got version %d, %d bytes; put %+v", id, rev, len(row), want)
		default:
			found++
			if !h.current(&entry{table: table, key: id.key, rev: rev}) || h.current(&entry{table: table, key: id.key, rev: rev + 1}) {
				t.Fatal("the current version is not told from others")
			}
		}
		switch rand.IntN(10) {
		case 0:
			h.forget([]*entry{e})
			delete(model, id)
		case 1:
			e.op = opDelete
			h.remember([]*entry{e})
			delete(model, id)
		case 2:
			e.values = made(strings.Repeat("x", hotSegment)) // too large to keep
			h.remember([]*entry{e})
			delete(model, id)
		default:
			h.forget([]*entry{e})
			h.remember([]*entry{e})
			model[id] = e
		}
	}
	if found == 0 || lost == 0 {
		t.Errorf("%d rows found and %d not: the test shows nothing", found, lost)
	}
	total := 0
	for i := range h.shards {
		for _, s := range h.shards[i].segments {
			total += len(s)
		}
	}
	if total > hotRoom || total < hotRoom/2 {
		t.Errorf("%d bytes held, the bound is %d", total, hotRoom)
	}
	t.Logf("%d found, %d not, %d bytes", found, lost, total)
}

// TestHotRowsStay: rows that are changed again and again are not driven out by any number of new ones, nor the other way round.
func TestHotRowsStay(t *testing.T) {
	h := newHotRows()
	defer h.close()
	table := &sqlTable{def: &def{columns: []column{{kind: Text}}}, cached: -1}
	table.recalled.Store(true)
	put := func(key string, base packed) {
		h.remember([]*entry{{table: table, key: key, op: opPut, next: 1, base: base, values: packed(appendText(nil, strings.Repeat("x", 200)))}})
	}
	remembered := func(kind string, from, to int) (n int) {
		for i := from; i < to; i++ {
			if _, _, ok := h.get(table, fmt.Sprint(kind, i)); ok {
				n++
			}
		}
		return n
	}
	for i := range 5_000 {
		put(fmt.Sprint("kept ", i), "what it was")
	}
	for i := range 100_000 {
		put(fmt.Sprint("new ", i), "")
	}
	if n := remembered("kept ", 0, 5_000); n != 5_000 {
		t.Errorf("%d of 5000 rows stayed", n)
	}
	if n := remembered("new ", 95_000, 100_000); n != 5_000 {
		t.Errorf("%d of the newest 5000 rows are there", n)
	}
	for i := range 100_000 {
		put(fmt.Sprint("changed ", i), "what it was")
	}
	if n := remembered("new ", 95_000, 100_000); n != 5_000 {
		t.Errorf("%d of the newest 5000 rows are there after many changes of others", n)
	}
}
