package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

var (
	raiseFeed    = &Statement{SQL: "UPDATE " + feedTable + " SET position = ?, changed_at = ? WHERE id = 1 AND position = ? AND changed_at = ?"}
	insertChange = &Statement{SQL: "INSERT INTO " + changeTable +
		" (position, part, table_name, row_key, changed_at) VALUES (?, ?, ?, ?, ?)"}
)

// pending is a commit on its way through the committer.
type pending struct {
	Commit
	subjects []string // what each step is about, to tell contenders for one row from others
	// cached says that decisions rest on the replica at this position; it must still be the node's own when the commit
	// begins, unless the commit checks the feed itself.
	cached   bool
	place    place
	deadline time.Time // when the replica stops being trustworthy; zero for never
	written  []*entry  // the rows it writes, each once
	// publish is the replica to install once the commit is durable, nil if it changes no cached row.
	publish *replica

	lead chan bool // true: lead the next batch; false: this commit is done
	err  error     // the whole batch failed
	args []any     // room for the steps' arguments
}

// pendings are commits that are over, for their room.
var pendings = sync.Pool{New: func() any { return new(pending) }}

// done gives the room of a commit to another one. Nobody may look at it any more.
func (p *pending) done() {
	clear(p.Steps)
	clear(p.subjects)
	clear(p.args)
	*p = pending{Commit: Commit{Steps: p.Steps[:0]}, subjects: p.subjects[:0], args: p.args[:0], lead: p.lead}
	pendings.Put(p)
}

func (p *pending) step(subject string, check bool, want int64, s *Statement, args []any) {
	p.Steps = append(p.Steps, Step{Statement: s, Args: args, Check: check, Want: want})
	p.subjects = append(p.subjects, subject)
}

// anyRows is the Want of a write that may affect any number of rows.
const anyRows = -1

func newRevision() int64 { return rand.Int64N(math.MaxInt64) + 1 }

// build turns what the transaction read and wants into one conditional commit; nil if it writes nothing.
func (tx *Tx) build() (*pending, error) {
	writes := 0
	for _, e := range tx.written {
		if e.op != opNone {
			writes++
		}
	}
	if writes == 0 {
		return nil, nil
	}
	if tx.writesFeed && tx.edit == nil {
		if err := tx.readFeed(); err != nil {
			return nil, err
		}
	}
	p := pendings.Get().(*pending)
	p.cached, p.written = tx.usesCache && !tx.writesFeed, tx.written
	if tx.usesCache {
		p.deadline = tx.deadline
	}
	if tx.cache != nil {
		p.place = tx.cache.place
	}
	tx.checks(p)
	next := place{tx.feed.position + 1, time.Now().UnixMicro()}
	if tx.writesFeed {
		p.step("", false, 1, raiseFeed, []any{next.position, next.at, tx.feed.position, tx.feed.at})
		tx.changes(p, next)
	}
	for _, e := range tx.written {
		if e.op == opDelete {
			tx.deleteStep(p, e)
		}
	}
	for _, e := range tx.written {
		if e.op == opPut {
			e.next = newRevision()
			tx.putSteps(p, e)
		}
	}
	tx.recount(p)
	if tx.edit != nil {
		tx.cache.place = next
		p.publish = tx.cache
	}
	return p, nil
}

// readFeed learns the feed's place from the same view as the transaction's reads.
func (tx *Tx) readFeed() error {
	return tx.query(selectPlace, nil, func(v []any) error {
		tx.feed = placeOf(v)
		return nil
	})
}

// checks are the conditions that no write of the transaction carries itself.
func (tx *Tx) checks(p *pending) {
	for _, e := range tx.entries.all {
		if e.op != opNone || !e.known {
			continue
		}
		if e.rev != 0 {
			p.step(e.key, true, 1, e.table.countRev, append(keyArgs(e.parts, 1), e.rev))
			continue
		}
		valid := true
		for _, part := range e.parts {
			valid = valid && validText(part)
		}
		if valid {
			p.step(e.key, true, 0, e.table.countLive, e.table.withNow(keyArgs(e.parts, 1), tx.micros))
		}
	}
	for _, a := range tx.absent {
		p.step(joinKey(a.values), true, 0, a.table.countByIndex[a.index], a.table.withNow(keyArgs(a.values, 1), tx.micros))
	}
	if !tx.writesFeed {
		return
	}
	for _, s := range tx.scans {
		p.step(s.table.spec.Name, true, int64(len(s.rows)), s.table.list(s.shape), s.args)
	}
}

// recount counts the ranges once more where commits run beside each other: whoever is to come before this transaction
// has committed when all that it writes is written, and whoever comes after it cannot matter. Its own rows do not count.
func (tx *Tx) recount(p *pending) {
	if !tx.writesFeed || !tx.db.dialect.Concurrent || len(tx.scans) == 0 {
		return
	}
	var mine []any
	for _, e := range tx.written {
		if e.op == opPut {
			mine = append(mine, e.next)
		}
	}
	for _, s := range tx.scans {
		want := int64(0)
		for _, e := range s.rows {
			if e.op == opNone {
				want++
			}
		}
		shape := s.shape
		shape.not = len(mine)
		p.step(s.table.spec.Name, true, want, s.table.list(shape), append(slices.Clone(s.args), mine...))
	}
}

// changes tell other nodes which rows to read again to come to the next place.
func (tx *Tx) changes(p *pending, next place) {
	if !tx.db.shared {
		return
	}
	part := int64(0)
	for _, e := range tx.written {
		if e.table.cached >= 0 && e.op != opNone {
			p.step("", false, 1, insertChange, []any{next.position, part, e.table.spec.Name, []byte(e.key), next.at})
			part++
		}
	}
}

func (tx *Tx) deleteStep(p *pending, e *entry) {
	if e.known && e.rev != 0 {
		p.step(e.key, false, 1, e.table.remove, append(keyArgs(e.parts, 1), e.rev))
		return
	}
	p.step(e.key, false, anyRows, e.table.drop, keyArgs(e.parts, 0))
}

func (tx *Tx) putSteps(p *pending, e *entry) {
	t := e.table
	for i, drop := range t.dropByIndex {
		if drop == nil {
			continue
		}
		// An expired row is absent, whether or not it has been swept: it must not hold a unique value.
		want := t.texts(e.values, t.indexes[i].columns)
		if t.indexes[i].leavesOut(want) {
			continue
		}
		t.sweptUntil(tx.micros)
		p.step(e.key, false, anyRows, drop, append(append(keyArgs(want, 1+len(e.parts)), tx.micros), keyArgs(e.parts, 0)...))
	}
	start := len(p.args)
	if e.known && e.rev != 0 {
		s, set := t.update(t.changed(e.base, e.values))
		p.args = append(t.appendArgs(p.args, e.values, set), e.next)
		for _, part := range e.parts {
			p.args = append(p.args, part)
		}
		p.args = append(p.args, e.rev)
		p.step(e.key, false, 1, s, p.args[start:len(p.args):len(p.args)])
		return
	}
	p.args = append(t.appendArgs(p.args, e.values, 1<<len(t.columns)-1), e.next)
	s := t.upsert
	if e.known {
		s, p.args = t.insert, t.withNow(p.args, tx.micros)
	}
	p.step(e.key, false, 1, s, p.args[start:len(p.args):len(p.args)])
}
