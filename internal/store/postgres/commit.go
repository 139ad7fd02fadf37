package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/symbolon/symbolon/internal/store"
)

// maxRefusals is how often a batch is tried that the database refuses for the sake of other transactions.
const maxRefusals = 8

// Commit implements store.Backend: the whole batch in one transaction, one pipeline and one flush.
func (b *Backend) Commit(commits []*store.Commit) error {
	a := &attempts{b: b, rest: commits}
	c := <-b.lanes
	defer func() { b.lanes <- c }()
	given := c
	c = nil // whatever happens, nobody gets a connection in the middle of something
	err := a.run(given)
	c = a.conn
	return err
}

// attempts carry one batch out.
type attempts struct {
	b         *Backend
	rest      []*store.Commit // without those whose values cannot be sent
	conn      *conn
	carefully bool // one spoils it for all, or keeps all waiting: each for itself
	refusals  int  // by the database, for the sake of other transactions
	moves     int  // to another connection
}

func (a *attempts) run(c *conn) error {
	a.conn = c
	for len(a.rest) > 0 {
		c, deadline, err := a.b.usable(a.conn, commitTimeout)
		if a.conn = c; err != nil {
			a.conn = nil
			return fmt.Errorf("postgres: nothing was sent: %w", err)
		}
		t := a.b.newBatch(a.rest, a.carefully)
		what, err := t.commit(c, deadline)
		if misplaced(err) || c.died != nil {
			c.close()
			a.conn = nil
		}
		if what == settled {
			return nil
		}
		if a.again(t, what, err) {
			continue
		}
		if what == unknown {
			err = fmt.Errorf("%w: %w", store.ErrUncertain, err)
		}
		return fmt.Errorf("postgres: %s: %w", what, err)
	}
	return nil
}

// again prepares another attempt at what has certainly not been applied; false if there is none to make.
func (a *attempts) again(t *batch, what fate, err error) bool {
	switch {
	case what == unknown:
		return false
	case t.culprit != nil:
		t.culprit.Outcome = store.Outcome{Verdict: store.Failed, Err: err}
		a.rest = slices.DeleteFunc(slices.Clone(a.rest), func(c *store.Commit) bool { return c == t.culprit.Commit })
		return true
	case what == spoiled && !a.carefully:
		a.carefully = true
		return true
	case code(err) == lockTimeout && !a.carefully && len(a.rest) > 1:
		a.carefully = true // who wants what is locked for long must not keep the others
		return true
	case contended(err):
		if a.refusals++; a.refusals == maxRefusals || code(err) == lockTimeout {
			for _, m := range a.rest {
				m.Outcome = store.Outcome{Verdict: store.Lost}
			}
			a.rest = nil
			return true
		}
		time.Sleep(rand.N(time.Millisecond << a.refusals))
		return true
	case misplaced(err):
		a.moves++
		return a.moves == 1
	}
	return false
}

// fate is what has become of a batch in the database.
type fate uint8

const (
	settled fate = iota // committed; the outcomes are set
	refused             // nothing was applied, that is certain
	spoiled             // nothing was applied, since one member's values were refused
	unknown             // the connection was lost on the way: it may be applied or not
)

func (f fate) String() string {
	return [...]string{"committed", "nothing was applied", "nothing was applied", "lost"}[f]
}

// commit sends the batch and reads what became of it.
func (t *batch) commit(c *conn, deadline time.Time) (fate, error) {
	if err := c.prepare(deadline, t.texts()...); err != nil {
		return refused, err
	}
	if err := t.write(c); err != nil {
		c.out = c.out[:0]
		return spoiled, err
	}
	if sent, err := c.send(); err != nil {
		if sent {
			return unknown, err
		}
		return refused, err
	}
	err := t.read(c)
	if errors.Is(err, errLost) {
		var said *pgconn.PgError
		if errors.As(err, &said) && !c.heard {
			return refused, err // the server ended the connection before it read any of it
		}
		return unknown, err
	}
	if c.state != 'I' {
		_ = c.run(deadline, "ROLLBACK") // if this fails the connection is given up
	}
	switch {
	case c.warned != nil:
		return unknown, c.warned
	case err == nil:
		return settled, nil
	case own(err):
		return spoiled, err
	}
	return refused, err
}
