package store

// begin a write: the table, the encoded row and its key.
func (tx *Tx) prepare(d *def, row any) (t *sqlTable, values packed, key string, err error) {
	if t, err = tx.table(d); err != nil {
		return nil, "", "", err
	}
	if !tx.writable {
		return nil, "", "", errReadOnly
	}
	if values, err = d.encode(row); err != nil {
		return nil, "", "", err
	}
	return t, values, d.key(values), nil
}

func (tx *Tx) insert(d *def, row any) error {
	t, values, key, err := tx.prepare(d, row)
	if err != nil {
		return err
	}
	parts := d.texts(values, d.keys)
	if c := tx.replicaOf(t); c != nil {
		if c.get(parts).live(d, tx.micros) {
			return &ExistsError{Table: d.spec.Name}
		}
		return tx.putCached(t, values, key, parts)
	}
	e := tx.entryOf(t, key, parts)
	if !e.known && e.op == opNone {
		if tx.cautious {
			if e, err = tx.load(t, key, parts); err != nil {
				return err
			}
		}
		e.known = true // absent, or the commit is lost and the next run looks
	}
	if e.exists(tx.micros) {
		return &ExistsError{Table: d.spec.Name}
	}
	return tx.putUncached(e, values)
}

func (tx *Tx) put(d *def, row any) error {
	t, values, key, err := tx.prepare(d, row)
	if err != nil {
		return err
	}
	if tx.replicaOf(t) != nil {
		return tx.putCached(t, values, key, d.texts(values, d.keys))
	}
	e := tx.entries.find(t, key)
	if e == nil {
		e = tx.entryOf(t, key, d.texts(values, d.keys))
	}
	return tx.putUncached(e, values)
}

// putUncached buffers a write. Unique indexes are left to the commit, unless that has gone wrong before.
func (tx *Tx) putUncached(e *entry, values packed) error {
	if tx.cautious {
		for i := range e.table.indexes {
			ix := &e.table.indexes[i]
			want := e.table.texts(values, ix.columns)
			if !ix.Unique || ix.leavesOut(want) {
				continue
			}
			other, err := tx.findBy(e.table, i, want, e.key)
			if err != nil {
				return err
			}
			if other != nil {
				return &ExistsError{Table: e.table.spec.Name, Index: ix.Name}
			}
		}
	}
	tx.write(e, opPut, values)
	return nil
}

// putCached writes to the transaction's own copy of the replica, and buffers the write for SQL.
func (tx *Tx) putCached(t *sqlTable, values packed, key string, parts []string) error {
	c := tx.fork(t)
	for i := range t.indexes {
		ix := &t.indexes[i]
		want := t.texts(values, ix.columns)
		if !ix.Unique || ix.leavesOut(want) {
			continue
		}
		if r := c.unique(i, want, tx.micros); r.there() && t.compareKey(r.packed, key) != 0 {
			return &ExistsError{Table: t.spec.Name, Index: ix.Name}
		}
	}
	r, err := t.keep(values) // which shares nothing with the caller and holds what SQL would give back
	if err != nil {
		return err
	}
	c.put(tx.edit, key, r)
	tx.write(tx.entryOf(t, key, parts), opPut, values)
	return nil
}

// fork returns the table in the transaction's own copy of the replica.
func (tx *Tx) fork(t *sqlTable) *cachedTable {
	if tx.edit == nil {
		tx.edit = &edit{}
		tx.feed = tx.cache.place
		tx.cache = tx.cache.fork()
	}
	tx.usesCache = true
	return &tx.cache.tables[t.cached]
}

func (tx *Tx) delete(d *def, parts []string) error {
	t, err := tx.table(d)
	if err != nil {
		return err
	}
	if !tx.writable {
		return errReadOnly
	}
	if _, err := tx.get(d, parts); err != nil {
		return err
	}
	key := joinKey(parts)
	if tx.replicaOf(t) != nil {
		tx.fork(t).delete(tx.edit, key)
		tx.write(tx.entryOf(t, key, parts), opDelete, "")
		return nil
	}
	e := tx.entryOf(t, key, parts)
	if e.op == opPut && e.known && e.rev == 0 {
		e.op, e.values, e.fresh = opNone, "", nil // made and unmade here; that it was absent still counts
		return nil
	}
	tx.write(e, opDelete, "")
	return nil
}
