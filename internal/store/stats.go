package store

import "sync/atomic"

// Stats is what a DB has counted since Open. Counts only grow.
type Stats struct {
	// Commits by what became of them. Lost ones are run again; Collided ones had a unique value that another row has.
	Applied, Lost, Collided, Failed uint64
	// Unavailable are commits whose whole batch the backend could not carry out, and ReadErrors queries it could not.
	Unavailable, ReadErrors uint64
	// Retries are further runs of functions given to Update, and GaveUp the Updates that ended as ErrConflict.
	Retries, GaveUp uint64
	// FromMemory and ReadThrough are reads of cached tables: from the replica, and from the backend because the replica was in doubt.
	FromMemory, ReadThrough uint64
	// Swept are expired rows deleted by this node.
	Swept uint64
	// Position of the change feed that this node's memory has reached.
	Position int64
}

// counters are the live form of Stats.
type counters struct {
	verdicts                [verdicts]atomic.Uint64
	unavailable, readErrors atomic.Uint64
	retries, gaveUp         atomic.Uint64
	fromMemory, readThrough atomic.Uint64
	swept                   atomic.Uint64
}

// Stats is a reading of the counts, each exact, not all of one moment.
func (db *DB) Stats() Stats {
	c := &db.counters
	return Stats{
		Applied: c.verdicts[Applied].Load(), Lost: c.verdicts[Lost].Load(),
		Collided: c.verdicts[Collided].Load(), Failed: c.verdicts[Failed].Load(),
		Unavailable: c.unavailable.Load(), ReadErrors: c.readErrors.Load(),
		Retries: c.retries.Load(), GaveUp: c.gaveUp.Load(),
		FromMemory: c.fromMemory.Load(), ReadThrough: c.readThrough.Load(),
		Swept: c.swept.Load(), Position: db.replica.Load().position,
	}
}

// tally adds what a transaction read: once at its end, since the counts are everybody's.
func (tx *Tx) tally() {
	if tx.fromMemory > 0 {
		tx.db.counters.fromMemory.Add(tx.fromMemory)
	}
	if tx.readThrough > 0 {
		tx.db.counters.readThrough.Add(tx.readThrough)
	}
	tx.fromMemory, tx.readThrough = 0, 0
}
