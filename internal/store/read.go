package store

import (
	"fmt"
	"slices"
	"strings"
)

func (tx *Tx) get(d *def, parts []string) (r cachedRow, err error) {
	t, err := tx.table(d)
	if err != nil {
		return r, err
	}
	if len(parts) != len(d.keys) {
		return r, fmt.Errorf("store: table %s has %d key columns, not %d", d.spec.Name, len(d.keys), len(parts))
	}
	if c := tx.replicaOf(t); c != nil {
		if r = c.get(parts); r.live(d, tx.micros) {
			return r, nil
		}
		return r, ErrNotFound
	}
	e, err := tx.load(t, joinKey(parts), parts)
	if err != nil {
		return r, err
	}
	r.kept, err = e.current(tx.micros)
	return r, err
}

// own is a copy that shares no array with its original, so that the compiler can leave that on the caller's stack (slices.Clone of
// nothing gives the array back).
func own(parts []string) []string { return append(make([]string, 0, len(parts)), parts...) }

// load makes the row known to the transaction, reading it if it is not.
func (tx *Tx) load(t *sqlTable, key string, parts []string) (*entry, error) {
	if e := tx.entries.find(t, key); e != nil && (e.known || e.op != opNone) {
		return e, nil
	}
	if e, err := tx.recall(t, key, parts); e != nil || err != nil {
		return e, err
	}
	e := tx.keep(t, key, parts)
	e.known = true
	for _, p := range parts {
		if !validText(p) {
			return e, nil
		}
	}
	err := tx.query(t.get, keyArgs(parts, 0), func(v []any) error { return e.read(v, tx.micros) })
	if err != nil {
		e.known = false
		return nil, err
	}
	return e, nil
}

// keep is entryOf for a row about to be read: a transaction that cannot write has nothing to remember.
func (tx *Tx) keep(t *sqlTable, key string, parts []string) *entry {
	if !tx.writable {
		return newEntry(t, key, parts)
	}
	return tx.entryOf(t, key, parts)
}

// read takes the values of a row of SQL; an expired row is absent.
func (e *entry) read(v []any, now int64) error {
	n := len(e.table.columns)
	rev, ok := v[n].(int64)
	if !ok || rev == 0 {
		return fmt.Errorf("store: table %s: row without a version", e.table.spec.Name)
	}
	row, err := e.table.pack(v[:n])
	if err != nil {
		return err
	}
	e.known = true
	if e.table.expiryOf(row) <= now {
		return nil
	}
	e.rev, e.base = rev, row
	return nil
}

func (tx *Tx) getBy(d *def, index string, values []string) (r cachedRow, err error) {
	t, err := tx.table(d)
	if err != nil {
		return r, err
	}
	i := d.index(index)
	if i < 0 || !d.indexes[i].Unique || len(values) != len(d.indexes[i].columns) {
		return r, fmt.Errorf("store: table %s has no unique index %q of %d columns", d.spec.Name, index, len(values))
	}
	if d.indexes[i].leavesOut(values) {
		return r, ErrNotFound
	}
	if c := tx.replicaOf(t); c != nil {
		if r = c.unique(i, values, tx.micros); r.there() {
			return r, nil
		}
		return r, ErrNotFound
	}
	e, err := tx.findBy(t, i, own(values), "") // what it remembers; for the replica the caller's need not leave its stack
	if err != nil {
		return r, err
	}
	if e == nil {
		return r, ErrNotFound
	}
	r.kept, err = e.current(tx.micros)
	return r, err
}

// leavesOut says whether a sparse index has no row with those values.
func (x *indexDef) leavesOut(values []string) bool {
	return x.Sparse && values[len(values)-1] == ""
}

// findBy finds the row that has the values in a unique index, as the transaction sees it, passing over the row with the
// key except. It returns nil if there is none.
func (tx *Tx) findBy(t *sqlTable, index int, values []string, except string) (*entry, error) {
	for _, e := range tx.written {
		if e.table == t && e.op == opPut && e.key != except && e.exists(tx.micros) && t.matches(index, e.values, values) {
			return e, nil
		}
	}
	if slices.ContainsFunc(values, invalidText) {
		return nil, nil // no row can ever have them
	}
	var found *entry
	args := t.withNow(keyArgs(values, 1), tx.micros)
	err := tx.query(t.byIndex[index], args, func(v []any) (err error) {
		found, err = tx.note(t, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	if found != nil && (found.op != opNone || found.key == except) {
		return nil, nil // its value is this transaction's to give away
	}
	if found != nil {
		return found, nil
	}
	if tx.writable {
		tx.absent = append(tx.absent, lookup{t, index, values})
	}
	return nil, nil
}

// note makes an entry of a row that a query returned, unless the transaction already knows the row.
func (tx *Tx) note(t *sqlTable, v []any) (*entry, error) {
	parts := make([]string, len(t.keys))
	for i, c := range t.keys {
		s, ok := v[c].(string)
		if !ok {
			return nil, fmt.Errorf("store: table %s: key column %s holds %T", t.spec.Name, t.columns[c].name, v[c])
		}
		parts[i] = s
	}
	e := tx.keep(t, joinKey(parts), parts)
	if e.known || e.op != opNone {
		return e, nil
	}
	return e, e.read(v, tx.micros)
}

// matches compares a packed row with the values of an index.
func (t *sqlTable) matches(index int, row packed, values []string) bool {
	return t.has(row, t.indexes[index].columns, values)
}

func (tx *Tx) list(d *def, q Query, yield func(cachedRow) error) error {
	t, err := tx.table(d)
	if err != nil {
		return err
	}
	l := listing{tx: tx, t: t, index: -1, values: q.Values, after: q.After, limit: q.Limit}
	if q.Index != "" {
		l.index = d.index(q.Index)
		if l.index < 0 || len(q.Values) != len(d.indexes[l.index].columns) {
			// Cloned, because a q that an error holds would have to live on the heap whenever there is none, too.
			return fmt.Errorf("store: table %s has no index %q of %d columns", d.spec.Name, strings.Clone(q.Index), len(q.Values))
		}
		if d.indexes[l.index].leavesOut(q.Values) {
			return nil
		}
	} else if len(q.Values) > len(d.keys) {
		return fmt.Errorf("store: table %s has %d key columns, not %d", d.spec.Name, len(d.keys), len(q.Values))
	}
	if len(q.After) != 0 && len(q.After) != len(d.keys) {
		return fmt.Errorf("store: table %s: After needs all %d key columns", d.spec.Name, len(d.keys))
	}
	if slices.ContainsFunc(q.Values, invalidText) || slices.ContainsFunc(q.After, invalidText) {
		return nil
	}
	if c := tx.replicaOf(t); c != nil {
		return l.cached(c, yield)
	}
	kept := &listing{tx: tx, t: t, index: l.index, values: own(q.Values), after: own(q.After), limit: q.Limit}
	return kept.sql(yield)
}

// listing is one List under way.
type listing struct {
	tx     *Tx
	t      *sqlTable
	index  int // -1: by key
	values []string
	after  []string
	limit  int
}

func (l *listing) cached(c *cachedTable, yield func(cachedRow) error) (err error) {
	start := ""
	if len(l.after) > 0 {
		start = joinKey(l.after) + "\x00" // no key lies between
	}
	n := 0
	take := func(r cachedRow) bool {
		if r.live(c.def, l.tx.micros) {
			err = yield(r)
			n++
		}
		return err == nil && (l.limit == 0 || n < l.limit)
	}
	if l.index >= 0 {
		c.indexes[l.index].from(c, hashParts(l.values), start, func(s slot) bool {
			r := c.rows.get(s)
			return !c.def.has(r.packed, c.def.indexes[l.index].columns, l.values) || take(r)
		})
		return err
	}
	c.inOrder.from(c, inKeyOrder, max(start, joinKey(l.values)), func(s slot) bool {
		r := c.rows.get(s)
		return c.def.has(r.packed, c.def.keys[:len(l.values)], l.values) && take(r)
	})
	return err
}

// unbounded is the LIMIT of a query without one.
const unbounded = int64(1) << 62

func (l *listing) sql(yield func(cachedRow) error) error {
	shape := listShape{index: l.index}
	args := keyArgs(l.values, 2*len(l.t.keys)+2)
	if l.index < 0 {
		shape.prefix = len(l.values)
		if len(l.after) > 0 {
			switch c := slices.Compare(l.after[:shape.prefix], l.values); {
			case c > 0 || c == 0 && shape.prefix == len(l.t.keys):
				return nil
			case c < 0:
				l.after = nil
			}
		}
	}
	if len(l.after) > 0 {
		shape.after = len(l.t.keys) - shape.prefix
		for _, p := range l.after[shape.prefix:] {
			args = append(args, p)
		}
	}
	written := l.own()
	limit := unbounded
	if l.limit > 0 {
		limit = int64(l.limit + len(written))
	}
	var rows []*entry
	err := l.tx.query(l.t.list(shape), append(l.t.withNow(slices.Clone(args), l.tx.micros), limit), func(v []any) error {
		e, err := l.tx.note(l.t, v)
		rows = append(rows, e)
		return err
	})
	if err != nil {
		return err
	}
	l.remember(shape, args, rows, limit)
	return l.merge(rows, written, yield)
}

// own are this transaction's writes to the table.
func (l *listing) own() []*entry {
	var own []*entry
	for _, e := range l.tx.written {
		if e.table == l.t && e.op != opNone {
			own = append(own, e)
		}
	}
	return own
}

// remember keeps what is needed to see at commit whether the list would still find as many rows.
func (l *listing) remember(shape listShape, args []any, rows []*entry, limit int64) {
	if !l.tx.writable {
		return
	}
	shape.count = true
	if int64(len(rows)) == limit && len(l.t.keys) > shape.prefix {
		shape.upTo = true
		for _, p := range rows[len(rows)-1].parts[shape.prefix:] {
			args = append(args, p)
		}
	}
	l.tx.scans = append(l.tx.scans, scan{shape, l.t.withNow(args, l.tx.micros), slices.Clone(rows), l.t})
}

// merge lays the transaction's own writes over the rows read.
func (l *listing) merge(rows, own []*entry, yield func(cachedRow) error) error {
	rows = slices.DeleteFunc(rows, func(e *entry) bool { return e.op != opNone })
	for _, e := range own {
		if e.exists(l.tx.micros) && l.selects(e) {
			rows = append(rows, e)
		}
	}
	if len(own) > 0 {
		slices.SortFunc(rows, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	}
	for i, e := range rows {
		if l.limit > 0 && i == l.limit {
			return nil
		}
		row, err := e.current(l.tx.micros)
		if err != nil {
			return err
		}
		if err := yield(cachedRow{kept: row}); err != nil {
			return err
		}
	}
	return nil
}

// selects says whether the query covers an own write.
func (l *listing) selects(e *entry) bool {
	if len(l.after) > 0 && slices.Compare(e.parts, l.after) <= 0 {
		return false
	}
	if l.index >= 0 {
		return l.t.matches(l.index, e.values, l.values)
	}
	return slices.Equal(e.parts[:len(l.values)], l.values)
}
