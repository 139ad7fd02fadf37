package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// query runs a further query in the view.
func (v *view) query(ctx context.Context, st *store.Statement, args []any, row func([]any) error) error {
	if err := v.await(ctx); err != nil {
		return err
	}
	defer func() { <-v.turn }()
	c, whole := v.c, false
	defer func() {
		if !whole { // row has panicked, or the connection is lost
			_ = c.lose(errors.New("a query was left half read"))
		}
	}()
	limit := queryTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	err := c.further(st, args, limit, row)
	whole = !errors.Is(err, errLost)
	if errors.Is(err, errLost) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// await waits for a query's turn, as long as for a view. The view is everybody's: who is too late must not touch its connection.
func (v *view) await(ctx context.Context) error {
	select {
	case v.turn <- struct{}{}:
	default:
		ctx, cancel := context.WithTimeoutCause(ctx, exhaustion, errExhausted)
		defer cancel()
		select {
		case v.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		<-v.turn
		return ctx.Err()
	}
	return nil
}

// further runs one query and reads its rows as they come, however many: each lot has the whole limit to arrive in.
func (c *conn) further(st *store.Statement, args []any, limit time.Duration, row func([]any) error) error {
	deadline := time.Now().Add(limit)
	t := c.texts.of(st).plain
	if err := errors.Join(c.start(deadline), c.prepare(deadline, t)); err != nil {
		return err
	}
	p := c.prepared[t]
	if err := c.execute(p, args); err != nil {
		return err
	}
	c.sync()
	if _, err := c.send(); err != nil {
		return err
	}
	n := 0
	_, err := c.reply(func(raw [][]byte) error {
		if n++; n%lot == 0 {
			if err := c.net.SetDeadline(time.Now().Add(limit)); err != nil {
				return err
			}
		}
		values, err := decode(p.columns, raw)
		if err != nil {
			return err
		}
		return row(values)
	})
	if errors.Is(err, errLost) {
		return err
	}
	ready := c.ready()
	return cmp.Or(ready, err)
}

// lot is how many rows of a query share a deadline.
const lot = 1000
