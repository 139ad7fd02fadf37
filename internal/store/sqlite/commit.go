package sqlite

import (
	"errors"

	"github.com/symbolon/symbolon/internal/store"
)

// connected returns the writer's connection, opened anew if a failure has cost it. The caller holds b.writing.
func (b *Backend) connected() (*conn, error) {
	if b.writer == nil {
		c, err := openConn(b.dsn, b.pragmas)
		if err != nil {
			return nil, err
		}
		if err := c.watchLog(b.gathers); err != nil {
			return nil, errors.Join(err, c.close())
		}
		b.writer = c
	}
	return b.writer, nil
}

// Commit implements store.Backend: all commits in one SQL transaction and one flush.
func (b *Backend) Commit(commits []*store.Commit) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	c, err := b.connected()
	if err != nil {
		return err
	}
	if err := b.apply(c, commits); err != nil {
		return err
	}
	b.carryOver(c)
	return nil
}

func (b *Backend) apply(c *conn, commits []*store.Commit) error {
	if len(commits) == 1 && len(commits[0].Steps) == 1 {
		return b.single(c, commits[0])
	}
	if _, err := c.exec(beginWrite, nil); err != nil {
		return errors.Join(err, b.undo(c))
	}
	applied := false
	for _, m := range commits {
		if err := c.member(m); err != nil {
			return errors.Join(err, b.undo(c))
		}
		applied = applied || m.Outcome.Verdict == store.Applied
	}
	end := commit
	if !applied {
		end = rollback
	}
	if _, err := c.exec(end, nil); err != nil {
		return errors.Join(err, b.undo(c))
	}
	return nil
}

// single runs one statement, which SQLite commits by itself.
func (b *Backend) single(c *conn, m *store.Commit) error {
	if err := c.steps(m); err != nil {
		return errors.Join(err, b.undo(c))
	}
	return nil
}

// undo leaves no transaction open. A connection of which that is not certain is given up.
func (b *Backend) undo(c *conn) error {
	// SQLite ends the transaction itself on some errors; ROLLBACK then says that there is none.
	_, _ = c.exec(rollback, nil)
	b.writer = nil
	return c.close()
}

// member runs one commit within the batch. An error means that the whole batch must be undone.
func (c *conn) member(m *store.Commit) error {
	writes := 0
	for i := range m.Steps {
		if !m.Steps[i].Check {
			writes++
		}
	}
	if writes <= 1 {
		return c.steps(m) // checks come first and a write that misses has done nothing
	}
	if _, err := c.exec(savepoint, nil); err != nil {
		return err
	}
	if err := c.steps(m); err != nil {
		return err
	}
	if m.Outcome.Verdict != store.Applied {
		if _, err := c.exec(rollbackTo, nil); err != nil {
			return err
		}
	}
	_, err := c.exec(releaseSave, nil)
	return err
}

// steps runs the steps up to the first that does not come to what it must, and sets the outcome.
func (c *conn) steps(m *store.Commit) error {
	m.Outcome = store.Outcome{}
	for i := range m.Steps {
		s := &m.Steps[i]
		var n int64
		var err error
		if s.Check {
			n, err = c.count(s.Statement, s.Args)
		} else {
			n, err = c.exec(s.Statement, s.Args)
			m.Outcome.Rows = n
		}
		if err != nil {
			any, unique := constraint(err)
			switch {
			case unique:
				m.Outcome = store.Outcome{Verdict: store.Collided, Step: i}
			case any:
				m.Outcome = store.Outcome{Verdict: store.Failed, Step: i, Err: err}
			default:
				return err
			}
			return nil
		}
		if s.Want >= 0 && n != s.Want {
			m.Outcome = store.Outcome{Verdict: store.Lost, Step: i}
			return nil
		}
	}
	return nil
}
