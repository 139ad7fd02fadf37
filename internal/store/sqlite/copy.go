package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/symbolon/symbolon/internal/store"
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// How a long reading of the whole database shares the machine: it works for copyBurst, then rests copyRest times as long.
const (
	copyBurst = 2 * time.Millisecond
	copyRest  = 3
	copySteps = 400 // instructions of SQLite between two looks at the clock
)

var (
	vacuumInto  = &store.Statement{SQL: "VACUUM INTO ?"}
	pageCount   = &store.Statement{SQL: "PRAGMA page_count"}
	pageSize    = &store.Statement{SQL: "PRAGMA page_size"}
	integrity   = &store.Statement{SQL: "PRAGMA integrity_check(10)", Columns: 1}
	quickCheck  = &store.Statement{SQL: "PRAGMA quick_check(10)", Columns: 1}
	errDamaged  = errors.New("sqlite: the database is damaged")
	errCanceled = errors.New("sqlite: given up")
)

// Copy writes the database as it is at one moment into a new file at path (mode 0600), without the pages that hold nothing, and flushes
// it. Reading and committing go on meanwhile, on the write-ahead log, which grows until the copy is done. The copy rests three
// quarters of the time, so that the others hardly feel it. On an error nothing is left at path.
func (b *Backend) Copy(ctx context.Context, path string) error {
	if err := createFile(path); err != nil {
		return err
	}
	err := b.copyInto(ctx, path)
	if err != nil {
		return errors.Join(err, removeFile(path))
	}
	return syncFile(path)
}

func (b *Backend) copyInto(ctx context.Context, path string) error {
	c, err := openConn(b.dsn, b.pragmas)
	if err != nil {
		return err
	}
	defer c.close() //nolint:errcheck // it has only read
	err = c.paced(ctx, func() error {
		_, err := c.exec(vacuumInto, []any{path})
		return err
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errCanceled, context.Cause(ctx))
	}
	return err
}

// paced runs fn with the connection resting three quarters of the time and giving up when ctx ends.
func (c *conn) paced(ctx context.Context, fn func() error) error {
	began := time.Now()
	c.progress = func(*libc.TLS, uintptr) int32 {
		if worked := time.Since(began); worked >= copyBurst {
			time.Sleep(copyRest * worked)
			began = time.Now()
		}
		if ctx.Err() != nil {
			return 1
		}
		return 0
	}
	// SQLite's C is Go here: a pointer to a function is what a func value is. It must not lie on a stack, which moves.
	lib.Xsqlite3_progress_handler(c.tls, c.db, copySteps, *(*uintptr)(unsafe.Pointer(&c.progress)), 0)
	defer lib.Xsqlite3_progress_handler(c.tls, c.db, 0, 0, 0)
	return fn()
}

// Size is how many bytes the database has, the log apart; a copy has no more.
func (b *Backend) Size(ctx context.Context) (int64, error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	c, err := b.connected()
	if err != nil {
		return 0, err
	}
	pages, err := c.count(pageCount, nil)
	if err != nil {
		return 0, err
	}
	size, err := c.count(pageSize, nil)
	return pages * size, err
}

// Check reads the whole database and says what is wrong with its structure; whole looks at every index entry as well. It rests three
// quarters of the time.
func (b *Backend) Check(ctx context.Context, whole bool) error {
	c, err := openConn(b.dsn, append(b.pragmas[:len(b.pragmas):len(b.pragmas)], "query_only = ON"))
	if err != nil {
		return err
	}
	defer c.close() //nolint:errcheck // it has only read
	s := quickCheck
	if whole {
		s = integrity
	}
	var faults []error
	err = c.paced(ctx, func() error {
		return c.query(ctx, s, nil, func(v []any) error {
			if text, _ := v[0].(string); text != "ok" {
				faults = append(faults, errors.New(text))
			}
			return nil
		})
	})
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", errCanceled, context.Cause(ctx))
	}
	if len(faults) > 0 || err != nil {
		return fmt.Errorf("%w: %w", errDamaged, errors.Join(errors.Join(faults...), err))
	}
	return nil
}
