package store

import (
	"context"
	"fmt"
	"slices"
)

// replica is the content of all cached tables at one position of the feed. A published replica never changes; readers
// take it by one pointer load, writers copy the parts they change.
type replica struct {
	place
	tables []cachedTable
}

// place is a position of the feed and the moment of the change that led there, in Unix microseconds of the node that made it. Together
// they tell apart two histories that count alike: a database that fails over may lose what was not acknowledged yet, but heard of already,
// and others then reach the same position in another way.
type place struct{ position, at int64 }

func placeOf(v []any) (p place) {
	p.position, _ = v[0].(int64)
	p.at, _ = v[1].(int64)
	return p
}

// cachedTable is the content of a table: packed rows in pages, and what finds them.
type cachedTable struct {
	rows    rowPages
	inOrder slotSet // of the keys
	byKey   slotSet
	indexes []slotSet
	def     *def
}

// cachedRow is one row, nothing where there is none.
type cachedRow struct {
	packed packed
	kept   any // pointer to the row type, nil if it is decoded when it is read; nobody writes it
}

func (r cachedRow) there() bool { return r.packed != "" }

// live says that there is a row and that it has not expired.
func (r cachedRow) live(d *def, now int64) bool {
	return r.packed != "" && (d.expiry < 0 || d.expiryOf(r.packed) > now)
}

func (r *replica) fork() *replica {
	c := &replica{place: r.place, tables: slices.Clone(r.tables)}
	for i := range c.tables {
		c.tables[i].indexes = slices.Clone(c.tables[i].indexes)
	}
	return c
}

// keep makes a row of the replica of a packed one. It sees that the row can be read, as far as there may be doubt.
func (d *def) keep(row packed) (r cachedRow, err error) {
	r.packed = row
	switch {
	case !d.spec.Packed:
		r.kept, err = d.decodeToKeep(row)
	case d.documents:
		_, err = d.decode(row)
	}
	return r, err
}

// indexed are the values a row has in an index; not ok where a sparse index leaves it out.
func (d *def) indexed(row packed, index int, room []string) (values []string, ok bool) {
	ix := &d.indexes[index]
	for _, c := range ix.columns {
		v, _ := d.columnOf(row, c)
		room = append(room, v)
	}
	return room, !ix.leavesOut(room)
}

// cachedRowOf is keep for what a query returned.
func (d *def) cachedRowOf(values []any) (cachedRow, error) {
	row, err := d.pack(values)
	if err != nil {
		return cachedRow{}, err
	}
	return d.keep(row)
}

func (c *cachedTable) put(e *edit, key string, r cachedRow) {
	at, found := c.find(key)
	var old packed
	if found {
		old = c.rows.get(at).packed
		c.unindex(e, key, old, r.packed)
		c.rows.set(e, at, r)
	} else {
		at = c.rows.add(e, r)
		c.inOrder.add(e, c, inKeyOrder, key, at)
		c.byKey.add(e, c, hashKey(key), key, at)
	}
	var room [4]string
	for i := range c.indexes {
		if old != "" && c.def.sameIn(i, old, r.packed) {
			continue
		}
		if values, ok := c.def.indexed(r.packed, i, room[:0]); ok {
			c.indexes[i].add(e, c, hashParts(values), key, at)
		}
	}
}

// unindex takes a row out of the indexes in which the next one with its key stands elsewhere; in all of them if there is none.
func (c *cachedTable) unindex(e *edit, key string, old, next packed) {
	var room [4]string
	for i := range c.indexes {
		if next != "" && c.def.sameIn(i, old, next) {
			continue
		}
		if values, ok := c.def.indexed(old, i, room[:0]); ok {
			c.indexes[i].delete(e, c, hashParts(values), key)
		}
	}
}

// sameIn says whether two rows have the same values in an index.
func (d *def) sameIn(index int, a, b packed) bool {
	for _, c := range d.indexes[index].columns {
		v, _ := d.columnOf(a, c)
		if w, _ := d.columnOf(b, c); v != w {
			return false
		}
	}
	return true
}

func (c *cachedTable) delete(e *edit, key string) {
	at, found := c.find(key)
	if !found {
		return
	}
	c.unindex(e, key, c.rows.get(at).packed, "")
	c.inOrder.delete(e, c, inKeyOrder, key)
	c.byKey.delete(e, c, hashKey(key), key)
	c.rows.delete(e, at)
}

// find is the slot of the row with a joined key.
func (c *cachedTable) find(key string) (at slot, found bool) {
	c.byKey.having(hashKey(key), func(s slot) bool {
		at, found = s, c.def.compareKey(c.rows.get(s).packed, key) == 0
		return !found
	})
	return at, found
}

// get finds a row by its key.
func (c *cachedTable) get(parts []string) (found cachedRow) {
	c.byKey.having(hashParts(parts), func(s slot) bool {
		if r := c.rows.get(s); c.def.has(r.packed, c.def.keys, parts) {
			found = r
		}
		return !found.there()
	})
	return found
}

// unique finds the live row with the values in a unique index. Expired rows may stand beside it.
func (c *cachedTable) unique(index int, values []string, now int64) (found cachedRow) {
	c.indexes[index].having(hashParts(values), func(s slot) bool {
		if r := c.rows.get(s); r.live(c.def, now) && c.def.has(r.packed, c.def.indexes[index].columns, values) {
			found = r
		}
		return !found.there()
	})
	return found
}

// loadReplica reads all cached tables at one moment.
func (db *DB) loadReplica(ctx context.Context, snap Snapshot) (*replica, error) {
	at, err := readPlace(ctx, snap)
	if err != nil {
		return nil, err
	}
	r := &replica{place: at}
	for _, t := range db.cachedTables {
		e := &edit{}
		c := cachedTable{def: t.def, indexes: make([]slotSet, len(t.indexes))}
		err := snap.Query(ctx, t.all, nil, func(v []any) error {
			row, err := t.cachedRowOf(v)
			if err != nil {
				return err
			}
			c.put(e, t.key(row.packed), row)
			return nil
		})
		if err != nil {
			return nil, err
		}
		r.tables = append(r.tables, c)
	}
	return r, nil
}

var selectPlace = &Statement{SQL: "SELECT position, changed_at FROM " + feedTable + " WHERE id = 1", Columns: 2}

func readPlace(ctx context.Context, snap Snapshot) (p place, err error) {
	err = snap.Query(ctx, selectPlace, nil, func(v []any) error {
		p = placeOf(v)
		return nil
	})
	if err == nil && p.position == 0 {
		err = fmt.Errorf("store: table %s has lost its row", feedTable)
	}
	return p, err
}

// prune returns the replica without rows that expired before the time, or itself if there are none.
func (r *replica) prune(now int64) *replica {
	var pruned *replica
	e := &edit{}
	for i := range r.tables {
		t, dead := &r.tables[i], []string(nil)
		if t.def.expiry < 0 {
			continue
		}
		t.inOrder.from(t, inKeyOrder, "", func(s slot) bool {
			if row := t.rows.get(s); !row.live(t.def, now) {
				dead = append(dead, t.def.key(row.packed))
			}
			return true
		})
		if len(dead) > 0 && pruned == nil {
			pruned = r.fork()
		}
		for _, key := range dead {
			pruned.tables[i].delete(e, key)
		}
	}
	if pruned == nil {
		return r
	}
	return pruned
}
