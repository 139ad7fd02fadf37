package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

// TableCount is how full a table is whose rows expire. Rows that never do are not counted.
type TableCount struct {
	Table string
	// Live rows have not expired. Expired ones have, and await the sweep; they are counted up to 100,000.
	Live, Expired int64
}

// censusMost is how many expired rows are worth counting: the sweep is far behind then.
const censusMost = 100000

// Census counts the rows of the tables whose rows expire, in the order of the tables' names. It goes along the index on the expiry by
// step rows at a time (more only where rows share one microsecond) with a pause after each, and holds no view between them, so that
// neither readers nor commits feel it at any size; the counts are therefore not of one moment.
func (db *DB) Census(ctx context.Context, step int, pause time.Duration) ([]TableCount, error) {
	var counts []TableCount
	for name, t := range db.byName {
		if t.expiry < 0 {
			continue
		}
		c := TableCount{Table: name}
		if err := db.countTable(ctx, t, step, pause, &c); err != nil {
			return nil, err
		}
		counts = append(counts, c)
	}
	slices.SortFunc(counts, func(a, b TableCount) int { return strings.Compare(a.Table, b.Table) })
	return counts, nil
}

func (db *DB) countTable(ctx context.Context, t *sqlTable, rows int, pause time.Duration, c *TableCount) error {
	now := db.now().UnixMicro()
	return db.countSteps(ctx, pause, func(tx *Tx, step int) (more bool, err error) {
		if step == 0 {
			err = tx.number(t.countExpired, []any{now, int64(censusMost)}, &c.Expired)
			return true, err
		}
		bound, n := int64(never), int64(0)
		if err := tx.number(t.expiryAfter, []any{now, int64(rows - 1)}, &bound); err != nil {
			return false, err
		}
		err = tx.number(t.countBetween, []any{now, bound}, &n)
		c.Live, now = c.Live+n, bound
		return bound < never, err
	})
}

// countSteps runs step, each time in a view of its own, until it wants no more.
func (db *DB) countSteps(ctx context.Context, pause time.Duration, step func(tx *Tx, n int) (more bool, err error)) error {
	for n := 0; ; n++ {
		more := false
		err := db.View(ctx, func(tx *Tx) (err error) {
			more, err = step(tx, n)
			return err
		})
		if err != nil || !more {
			return err
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// number runs a query for one number; without a row the number stays.
func (tx *Tx) number(s *Statement, args []any, n *int64) error {
	return tx.query(s, args, func(v []any) error {
		*n, _ = v[0].(int64)
		return nil
	})
}

// censusStatements are for tables whose rows expire.
func (t *sqlTable) censusStatements() {
	e, from := t.columns[t.expiry].name, " FROM "+t.spec.Name+" WHERE "
	some := e + " IS NOT NULL AND " + e
	t.countExpired = &Statement{SQL: "SELECT count(*) FROM (SELECT " + e + from + some + " <= ? ORDER BY " + e + " LIMIT ?) AS waiting", Columns: 1}
	t.expiryAfter = &Statement{SQL: "SELECT " + e + from + some + " > ? ORDER BY " + e + " LIMIT 1 OFFSET ?", Columns: 1}
	t.countBetween = &Statement{SQL: "SELECT count(*)" + from + some + " > ? AND " + e + " <= ?", Columns: 1}
}
