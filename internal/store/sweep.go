package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	sweepEvery = time.Second
	sweepBatch = 64 // rows deleted by one commit: small, so that nobody waits long behind it
	// The sweeper rests for as long as its last commit took, waiting included: it is in every second batch of a busy node, and has half of an
	// idle one.
	shortestRest = time.Millisecond
	longestRest  = 100 * time.Millisecond
	longestRound = 10 * time.Second
)

var trimFeed = &Statement{SQL: "DELETE FROM " + changeTable + " WHERE changed_at < ?"}

// Sweep deletes up to limit expired rows and says how many; a background loop of Open's calls it too.
func (db *DB) Sweep(ctx context.Context, limit int) (int, error) {
	if err := db.enter(); err != nil {
		return 0, err
	}
	defer db.active.Done()
	return db.sweep(ctx, limit)
}

func (db *DB) sweep(ctx context.Context, limit int) (int, error) {
	total := 0
	for _, t := range db.byName {
		if t.expiry < 0 {
			continue
		}
		for total < limit {
			want := min(sweepBatch, limit-total)
			n, err := db.sweepTable(ctx, t, want)
			total += n
			if err != nil {
				return total, err
			}
			if n < want {
				break
			}
		}
	}
	return total, nil
}

// sweepTable deletes some expired rows of one table. They are absent to everybody already, so that caches and the feed
// have nothing to learn.
func (db *DB) sweepTable(ctx context.Context, t *sqlTable, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := db.now().UnixMicro()
	t.sweptUntil(now)
	n, err := db.alone(t.sweep, []any{now, int64(limit), now})
	db.counters.swept.Add(uint64(n))
	return n, err
}

// alone commits one unconditional statement.
func (db *DB) alone(s *Statement, args []any) (int, error) {
	p := &pending{}
	p.step("", false, anyRows, s, args)
	if err := db.committer.submit(p); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch p.Outcome.Verdict {
	case Applied:
		return int(p.Outcome.Rows), nil
	case Failed:
		return 0, p.Outcome.Err
	}
	return 0, ErrConflict
}

// sweepLoop deletes expired rows in small steady steps.
func (db *DB) sweepLoop(ctx context.Context) {
	for round := 1; sleep(ctx, sweepEvery); round++ {
		db.sweepRound(ctx)
		if round%10 == 0 {
			db.pruneReplica()
		}
		if db.shared && round%60 == 0 {
			// The feed's age is told by the wall clock; a failure is made good a minute later.
			_, _ = db.alone(trimFeed, []any{time.Now().Add(-feedKept).UnixMicro()})
		}
	}
}

// sweepRound goes on, for longestRound at most, until no table has many expired rows: a step in each of them in turn. What fails is for the
// next round.
func (db *DB) sweepRound(ctx context.Context) {
	start := time.Now()
	var due []*sqlTable
	for _, t := range db.byName {
		if t.expiry >= 0 {
			due = append(due, t)
		}
	}
	for len(due) > 0 && time.Since(start) < longestRound {
		due = slices.DeleteFunc(due, func(t *sqlTable) bool {
			began := time.Now()
			n, err := db.sweepTable(ctx, t, sweepBatch)
			return err != nil || n < sweepBatch || !sleep(ctx, min(max(time.Since(began), shortestRest), longestRest))
		})
	}
}

func (db *DB) pruneReplica() {
	db.publish.Lock()
	defer db.publish.Unlock()
	db.replica.Store(db.replica.Load().prune(db.now().UnixMicro()))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
