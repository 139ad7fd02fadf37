package store

import (
	"context"
	"fmt"
	"reflect"
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

type cachedTable struct {
	rows    tree   // in the order of the keys
	byKey   hashed // the same rows
	indexes []hashed
	def     *def
}

type cachedRow struct {
	key    string
	row    any // pointer to the row type; nobody writes it
	expiry int64
}

func (r *replica) fork() *replica {
	c := &replica{place: r.place, tables: slices.Clone(r.tables)}
	for i := range c.tables {
		c.tables[i].indexes = slices.Clone(c.tables[i].indexes)
	}
	return c
}

func (d *def) newCachedRow(key string, values packed) (*cachedRow, error) {
	row, err := d.decodeToKeep(values)
	if err != nil {
		return nil, err
	}
	if len(d.keys) == 1 {
		key = reflect.ValueOf(row).Elem().Field(d.columns[d.keys[0]].field).String() // the row's own, which keeps no more alive
	}
	return &cachedRow{key: key, row: row, expiry: d.expiryOf(values)}, nil
}

// indexed are the values a row has in an index; not ok where a sparse index leaves it out.
func (r *cachedRow) indexed(d *def, index int, room []string) (values []string, ok bool) {
	ix := &d.indexes[index]
	row := reflect.ValueOf(r.row).Elem()
	for _, c := range ix.columns {
		room = append(room, row.Field(d.columns[c].field).String())
	}
	return room, !ix.leavesOut(room)
}

// has says whether the row has those values in an index.
func (r *cachedRow) has(d *def, index int, values []string) bool {
	row := reflect.ValueOf(r.row).Elem()
	for i, c := range d.indexes[index].columns {
		if row.Field(d.columns[c].field).String() != values[i] {
			return false
		}
	}
	return true
}

// cachedRowOf is newCachedRow of what a query returned.
func (d *def) cachedRowOf(values []any) (*cachedRow, error) {
	row, err := d.pack(values)
	if err != nil {
		return nil, err
	}
	return d.newCachedRow(d.key(row), row)
}

func (c *cachedTable) put(e *edit, r *cachedRow) {
	c.delete(e, r.key)
	c.rows.set(e, r.key, r)
	c.byKey.set(e, hashKey(r.key), r)
	var room [4]string
	for i := range c.indexes {
		if values, ok := r.indexed(c.def, i, room[:0]); ok {
			c.indexes[i].set(e, hashParts(values), r)
		}
	}
}

func (c *cachedTable) delete(e *edit, key string) {
	old := c.get(key)
	if old == nil {
		return
	}
	c.rows.delete(e, key)
	c.byKey.delete(e, hashKey(key), key)
	var room [4]string
	for i := range c.indexes {
		if values, ok := old.indexed(c.def, i, room[:0]); ok {
			c.indexes[i].delete(e, hashParts(values), key)
		}
	}
}

// get finds a row by its joined key.
func (c *cachedTable) get(key string) (found *cachedRow) {
	c.byKey.from(hashKey(key), key, func(r *cachedRow) bool {
		if r.key == key {
			found = r
		}
		return false
	})
	return found
}

// unique finds the live row with the values in a unique index. Expired rows may stand beside it.
func (c *cachedTable) unique(index int, values []string, now int64) (found *cachedRow) {
	c.indexes[index].from(hashParts(values), "", func(r *cachedRow) bool {
		if r.expiry > now && r.has(c.def, index, values) {
			found = r
		}
		return found == nil
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
		c := cachedTable{def: t.def, indexes: make([]hashed, len(t.indexes))}
		err := snap.Query(ctx, t.all, nil, func(v []any) error {
			row, err := t.cachedRowOf(v)
			if err != nil {
				return err
			}
			c.put(e, row)
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
		var dead []string
		if r.tables[i].def.expiry < 0 {
			continue
		}
		r.tables[i].rows.from("", func(key string, row *cachedRow) bool {
			if row.expiry <= now {
				dead = append(dead, key)
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
