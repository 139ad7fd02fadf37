package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/symbolon/symbolon/internal/store"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// conn is one connection with its prepared statements. It calls SQLite itself: the driver's rows, values and contexts
// cost more than the statements we run, in time and in allocations. One goroutine uses it at a time.
type conn struct {
	tls      *libc.TLS
	db       uintptr
	prepared map[*store.Statement]uintptr
	// arena holds the text and bytes bound to the statement that runs. Statements keep pointers into it after their run;
	// every parameter is bound anew before they run again.
	arena     uintptr
	arenaSize int
	log       *logFile // of the connection that writes
	progress  func(*libc.TLS, uintptr) int32
}

// resultError is an extended result code of SQLite with its message.
type resultError struct {
	code    int
	message string
}

func (e *resultError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.message, e.code) }

// code is SQLite's extended result code of an error, 0 if it has none.
func code(err error) int {
	var e *resultError
	if errors.As(err, &e) {
		return e.code
	}
	return 0
}

// constraint says whether an error concerns one statement alone, leaving the transaction as it was before.
func constraint(err error) (any, unique bool) {
	c := code(err)
	return c&0xff == lib.SQLITE_CONSTRAINT, c == lib.SQLITE_CONSTRAINT_UNIQUE
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

func openConn(dsn string, pragmas []string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), prepared: map[*store.Statement]uintptr{}}
	if err := c.open(dsn); err != nil {
		return nil, errors.Join(err, c.close())
	}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			return nil, errors.Join(fmt.Errorf("PRAGMA %s: %w", p, err), c.close())
		}
	}
	return c, nil
}

func (c *conn) open(dsn string) error {
	name, err := libc.CString(dsn)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	out := libc.Xmalloc(c.tls, pointerSize)
	if out == 0 {
		return errMemory
	}
	defer libc.Xfree(c.tls, out)
	*pointerAt(out) = 0
	// No mutex: a connection is used by one goroutine at a time.
	rc := lib.Xsqlite3_open_v2(c.tls, name, out, lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_CREATE|lib.SQLITE_OPEN_NOMUTEX|lib.SQLITE_OPEN_URI, 0)
	c.db = *pointerAt(out) // there is one even on failure, to tell the reason
	if rc != lib.SQLITE_OK {
		return c.failure(rc)
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return nil
}

func (c *conn) close() error {
	for _, p := range c.prepared {
		lib.Xsqlite3_finalize(c.tls, p) // repeats the error of the last run, which has been told
	}
	c.prepared = nil
	var err error
	if c.db != 0 {
		if rc := lib.Xsqlite3_close_v2(c.tls, c.db); rc != lib.SQLITE_OK {
			err = c.failure(rc)
		}
	}
	c.unwatch()
	libc.Xfree(c.tls, c.arena)
	c.tls.Close()
	return err
}

func (c *conn) failure(rc int32) error {
	message := libc.GoString(lib.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		message = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &resultError{int(rc), message}
}

// script runs one statement that is not worth keeping.
func (c *conn) script(sql string) error {
	s := &store.Statement{SQL: sql}
	defer c.forget(s)
	_, err := c.exec(s, nil)
	return err
}

// forget drops a statement that will not come again.
func (c *conn) forget(s *store.Statement) {
	if p, ok := c.prepared[s]; ok {
		lib.Xsqlite3_finalize(c.tls, p)
		delete(c.prepared, s)
	}
}

func (c *conn) prepare(s *store.Statement) (uintptr, error) {
	if p, ok := c.prepared[s]; ok {
		return p, nil
	}
	sql, err := libc.CString(s.SQL)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(c.tls, sql)
	out := libc.Xmalloc(c.tls, pointerSize)
	if out == 0 {
		return 0, errMemory
	}
	defer libc.Xfree(c.tls, out)
	*pointerAt(out) = 0
	if rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, sql, -1, lib.SQLITE_PREPARE_PERSISTENT, out, 0); rc != lib.SQLITE_OK {
		return 0, c.failure(rc)
	}
	c.prepared[s] = *pointerAt(out)
	return c.prepared[s], nil
}

// exec runs a write and says how many rows it affected.
func (c *conn) exec(s *store.Statement, args []any) (int64, error) {
	p, err := c.start(s, args)
	if err != nil {
		return 0, err
	}
	rc := lib.Xsqlite3_step(c.tls, p)
	for rc == lib.SQLITE_ROW {
		rc = lib.Xsqlite3_step(c.tls, p)
	}
	if rc != lib.SQLITE_DONE {
		err = c.failure(rc)
	}
	lib.Xsqlite3_reset(c.tls, p) // repeats the step's error
	if err != nil {
		return 0, err
	}
	return int64(lib.Xsqlite3_changes(c.tls, c.db)), nil
}

func (c *conn) query(ctx context.Context, s *store.Statement, args []any, row func([]any) error) error {
	p, err := c.start(s, args)
	if err != nil {
		return err
	}
	defer lib.Xsqlite3_reset(c.tls, p)
	for n := 1; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch rc := lib.Xsqlite3_step(c.tls, p); rc {
		case lib.SQLITE_ROW:
			values := make([]any, s.Columns)
			for i := range values {
				values[i] = c.value(p, int32(i))
			}
			if err := row(values); err != nil {
				return err
			}
		case lib.SQLITE_DONE:
			return nil
		default:
			return c.failure(rc)
		}
	}
}

// count runs a query for one number.
func (c *conn) count(s *store.Statement, args []any) (int64, error) {
	p, err := c.start(s, args)
	if err != nil {
		return 0, err
	}
	defer lib.Xsqlite3_reset(c.tls, p)
	if rc := lib.Xsqlite3_step(c.tls, p); rc != lib.SQLITE_ROW {
		return 0, c.failure(rc)
	}
	return lib.Xsqlite3_column_int64(c.tls, p, 0), nil
}

func (c *conn) value(p uintptr, i int32) any {
	switch lib.Xsqlite3_column_type(c.tls, p, i) {
	case lib.SQLITE_INTEGER:
		return lib.Xsqlite3_column_int64(c.tls, p, i)
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_column_double(c.tls, p, i)
	case lib.SQLITE_TEXT:
		at := lib.Xsqlite3_column_text(c.tls, p, i)
		text := memory(at, int(lib.Xsqlite3_column_bytes(c.tls, p, i)))
		if string(text) == "null" { // the commonest JSON, as a constant
			return "null"
		}
		return string(text)
	case lib.SQLITE_BLOB:
		at := lib.Xsqlite3_column_blob(c.tls, p, i)
		n := int(lib.Xsqlite3_column_bytes(c.tls, p, i))
		return append(make([]byte, 0, n), memory(at, n)...)
	}
	return nil // SQL's NULL
}
