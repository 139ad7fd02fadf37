package postgres

import (
	"errors"
	"time"
)

var (
	beginView = &text{sql: "BEGIN ISOLATION LEVEL REPEATABLE READ"}
	// A server that has become a standby, or was told to refuse writes, may be behind the one that took its place.
	showReadOnly = &text{sql: "SHOW transaction_read_only"}
	commitText   = &text{sql: "COMMIT"}
)

var errReadOnly = errors.New("the server does not take writes any more")

// questions opens a view and runs the questions in it, in one trip. It says which one the server refused.
func (c *conn) questions(asked []*question, deadline time.Time) (refused *question, err error) {
	texts := []*text{beginView, showReadOnly, commitText}
	for _, q := range asked {
		texts = append(texts, c.texts.of(q.statement).plain)
	}
	if err := c.prepare(deadline, texts...); err != nil {
		return nil, err
	}
	before := len(c.out)
	if err := errors.Join(c.execute(c.prepared[beginView], nil), c.execute(c.prepared[showReadOnly], nil)); err != nil {
		return nil, err
	}
	for _, q := range asked {
		if err := c.execute(c.prepared[c.texts.of(q.statement).plain], q.args); err != nil {
			c.out = c.out[:before]
			return q, err
		}
	}
	c.sync()
	if _, err := c.send(); err != nil {
		return nil, err
	}
	if err = c.writable(); err == nil {
		for _, q := range asked {
			q.rows = nil
			if _, err = c.reply(c.collect(q)); err != nil {
				refused = q
				break
			}
		}
	}
	if errors.Is(err, errLost) {
		return nil, err
	}
	ready := c.ready()
	if errors.Is(ready, errLost) {
		return nil, ready
	}
	return refused, err
}

// writable reads the replies to beginView and showReadOnly.
func (c *conn) writable() error {
	if _, err := c.reply(nil); err != nil {
		return err
	}
	_, err := c.reply(func(values [][]byte) error {
		if string(values[0]) == "on" {
			return c.lose(errReadOnly)
		}
		return nil
	})
	return err
}

func (c *conn) collect(q *question) func([][]byte) error {
	columns := c.prepared[c.texts.of(q.statement).plain].columns
	return func(raw [][]byte) error {
		values, err := decode(columns, raw)
		q.rows = append(q.rows, values)
		return err
	}
}

// decode makes values of a row that share nothing with it.
func decode(columns []uint32, raw [][]byte) (values []any, err error) {
	values = make([]any, len(raw))
	for i := range raw {
		if values[i], err = value(columns[i], raw[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}
