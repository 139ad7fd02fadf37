package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/symbolon/symbolon/internal/store"
	sqlite "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// conn is one connection with its prepared statements. It speaks to the driver itself: database/sql's pool, locks and
// conversions would cost more than the statements. One goroutine uses it at a time.
type conn struct {
	dc       driver.Conn
	prepared map[*store.Statement]prepared
	begin    *store.Statement
	args     []driver.NamedValue
}

type prepared interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// The statements around transactions.
var (
	beginRead   = &store.Statement{SQL: "BEGIN"}
	beginWrite  = &store.Statement{SQL: "BEGIN IMMEDIATE"}
	commit      = &store.Statement{SQL: "COMMIT"}
	rollback    = &store.Statement{SQL: "ROLLBACK"}
	savepoint   = &store.Statement{SQL: "SAVEPOINT member"}
	rollbackTo  = &store.Statement{SQL: "ROLLBACK TO member"}
	releaseSave = &store.Statement{SQL: "RELEASE member"}
)

// background: statements are short and local, and watching a context costs a goroutine each. Contexts are heeded between
// statements.
var background = context.Background()

func openConn(dsn string, pragmas []string) (*conn, error) {
	dc, err := new(sqlite.Driver).Open(dsn)
	if err != nil {
		return nil, err
	}
	c := &conn{dc: dc, prepared: map[*store.Statement]prepared{}}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			c.close()
			return nil, fmt.Errorf("PRAGMA %s: %w", p, err)
		}
	}
	return c, nil
}

func (c *conn) close() error {
	var errs []error
	for _, p := range c.prepared {
		errs = append(errs, p.Close())
	}
	c.prepared = nil
	return errors.Join(append(errs, c.dc.Close())...)
}

// script runs SQL that is not worth preparing.
func (c *conn) script(sql string) error {
	_, err := c.dc.(driver.ExecerContext).ExecContext(background, sql, nil)
	return err
}

func (c *conn) prepare(s *store.Statement) (prepared, error) {
	if p, ok := c.prepared[s]; ok {
		return p, nil
	}
	st, err := c.dc.(driver.ConnPrepareContext).PrepareContext(background, s.SQL)
	if err != nil {
		return nil, err
	}
	p, ok := st.(prepared)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: the driver's statements lack contexts"), st.Close())
	}
	c.prepared[s] = p
	return p, nil
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

func (c *conn) exec(s *store.Statement, args []any) (int64, error) {
	p, err := c.prepare(s)
	if err != nil {
		return 0, err
	}
	r, err := p.ExecContext(background, c.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *conn) query(ctx context.Context, s *store.Statement, args []any, row func([]any) error) (err error) {
	p, err := c.prepare(s)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(background, c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for n := 0; ; n++ {
		if n%64 == 63 && ctx.Err() != nil {
			return ctx.Err()
		}
		dest := make([]driver.Value, s.Columns)
		if err := rows.Next(dest); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		values := make([]any, s.Columns)
		for i, v := range dest {
			values[i] = v
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

// count runs a query for one number.
func (c *conn) count(s *store.Statement, args []any) (n int64, err error) {
	err = c.query(background, s, args, func(v []any) error {
		n, _ = v[0].(int64)
		return nil
	})
	return n, err
}

// code is SQLite's extended result code of an error, 0 if it has none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// constraint says whether an error concerns one statement alone, leaving the transaction as it was before.
func constraint(err error) (any, unique bool) {
	c := code(err)
	return c&0xff == lib.SQLITE_CONSTRAINT, c == lib.SQLITE_CONSTRAINT_UNIQUE
}
