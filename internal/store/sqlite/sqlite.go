// Package sqlite keeps the store in one SQLite file of this process.
//
// The file is in WAL mode with synchronous=FULL: a commit that was acknowledged has been flushed. One connection writes,
// a few read beside it, each on its own consistent view. Exactly one process may have the file open (a lock file beside
// it sees to that); others go through that process. Network file systems are refused, because neither locks nor
// flushes can be relied on there.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/symbolon/symbolon/internal/store"
)

// ErrInUse says that another process, or another Backend of this one, has the database open.
var ErrInUse = errors.New("sqlite: the database is in use by another process")

const (
	// minVersion is the first SQLite without a race between writing and resetting the WAL that could corrupt the file.
	minVersion = "3.51.3"
	// fileReaders and memoryReaders bound the views open at once; more wait.
	fileReaders   = 16
	memoryReaders = 8
	// spareReaders is how many connections without a view are kept: reading waits for the processor, so that few views are open at once
	// for long, and a connection takes some hundred KiB.
	spareReaders = 4
	// writerCache and readerCache are the page caches of a connection, in KiB. A page of 4 KiB in a cache takes 8 KiB, because SQLite
	// adds to it and the allocator below rounds up to powers of two; and what is not in a cache is one read from the system's.
	writerCache = "2048"
	readerCache = "128"
)

// Backend is one open database. Open and Memory make it.
type Backend struct {
	dsn     string
	pragmas []string
	unlock  func() error

	writing  sync.Mutex
	writer   *conn // nil after a failure that left its state in doubt, until it is opened anew
	gathers  bool  // the log's writes wait for the flush
	carrying bool  // a checkpoint is under way
	carryAt  int64 // length of the log at which the next one begins
	carried  sync.WaitGroup

	slots chan struct{} // one token per view that may be open
	mu    sync.Mutex
	spare []*conn
}

// Open opens the database file, creating it (mode 0600) and its folder (mode 0700) if need be.
func Open(path string) (store.Backend, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := refuseNetwork(filepath.Dir(path)); err != nil {
		return nil, err
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	b := newBackend(path, "FULL", fileReaders)
	b.unlock = unlock
	if err := refuseInterrupted(path); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if err := b.create(path); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// OpenReadOnly opens the database file, which must exist, and changes nothing in it. It holds the file as Open does.
func OpenReadOnly(path string) (store.Backend, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, errors.Join(err, refuseInterrupted(path))
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	b := newBackend(path, "FULL", fileReaders)
	b.unlock = unlock
	b.dsn += "?mode=ro"
	if err := refuseInterrupted(path); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if b.writer, err = openConn(b.dsn, append(b.pragmas[:len(b.pragmas):len(b.pragmas)], "query_only = ON")); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %s: %w", path, err), b.Close())
	}
	if err := check(b.writer); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func newBackend(path, synchronous string, readers int) *Backend {
	return &Backend{
		dsn: (&url.URL{Scheme: "file", Path: path}).String(),
		pragmas: []string{
			"busy_timeout = 10000", "journal_mode = WAL", "synchronous = " + synchronous, "temp_store = MEMORY",
			"trusted_schema = OFF", "cache_size = -" + writerCache, "wal_autocheckpoint = 0",
		},
		gathers: synchronous == "FULL", carryAt: logLength,
		slots: make(chan struct{}, readers),
	}
}

// create makes the file before SQLite would, so that it and what SQLite puts beside it are nobody else's to read.
func (b *Backend) create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	c, err := b.connected()
	if err != nil {
		return fmt.Errorf("sqlite: %s: %w", path, err)
	}
	return check(c)
}

var (
	selectVersion = &store.Statement{SQL: "SELECT sqlite_version()", Columns: 1}
	selectJournal = &store.Statement{SQL: "PRAGMA journal_mode", Columns: 1}
	selectColumns = &store.Statement{SQL: "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY pk", Columns: 3}
)

// check sees that SQLite is one to be trusted and has taken the settings, which it may decline in silence.
func check(c *conn) error {
	version, err := c.text(selectVersion)
	if err != nil {
		return err
	}
	if versionLess(version, minVersion) {
		return fmt.Errorf("sqlite: SQLite %s may corrupt databases in WAL mode; %s or newer is needed", version, minVersion)
	}
	mode, err := c.text(selectJournal)
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("sqlite: the database is in journal mode %q and cannot be put in WAL mode", mode)
	}
	return nil
}

// text runs a query for one text.
func (c *conn) text(s *store.Statement) (text string, err error) {
	err = c.query(context.Background(), s, nil, func(v []any) error {
		text, _ = v[0].(string)
		return nil
	})
	return text, err
}

func versionLess(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m < n
		}
	}
	return len(x) < len(y)
}

// Dialect implements store.Backend.
func (b *Backend) Dialect() store.Dialect {
	return store.Dialect{
		Types: [...]string{
			store.Text: "TEXT", store.Int: "INTEGER", store.Bool: "BOOLEAN", store.Time: "BIGINT", store.Bytes: "BLOB",
			store.JSON: "JSONTEXT", // any name with TEXT in it keeps the value as text
		},
		Clock: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	}
}

// Lanes implements store.Backend: SQLite has one writer.
func (b *Backend) Lanes() int { return 1 }

// Columns implements store.Backend.
func (b *Backend) Columns(ctx context.Context, table string) (columns map[string]string, key []string, err error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	c, err := b.connected()
	if err != nil {
		return nil, nil, err
	}
	columns = map[string]string{}
	err = c.query(ctx, selectColumns, []any{table}, func(v []any) error {
		name, _ := v[0].(string)
		columns[name], _ = v[1].(string)
		if pk, _ := v[2].(int64); pk > 0 {
			key = append(key, name)
		}
		return nil
	})
	return columns, key, err
}

// Define implements store.Backend.
func (b *Backend) Define(ctx context.Context, statements []string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	c, err := b.connected()
	if err != nil {
		return err
	}
	if _, err := c.exec(beginWrite, nil); err != nil {
		return err
	}
	for _, s := range statements {
		if err := c.script(s); err != nil {
			return errors.Join(fmt.Errorf("sqlite: %s: %w", s, err), b.undo(c))
		}
	}
	if _, err := c.exec(commit, nil); err != nil {
		return errors.Join(err, b.undo(c))
	}
	return nil
}

// Alone implements store.Backend: this process is the only one.
func (b *Backend) Alone(_ context.Context, fn func() error) error { return fn() }

// Close implements store.Backend.
func (b *Backend) Close() error {
	b.carried.Wait()
	var errs []error
	b.mu.Lock()
	for _, c := range b.spare {
		errs = append(errs, c.close())
	}
	b.spare = nil
	b.mu.Unlock()
	b.writing.Lock()
	defer b.writing.Unlock()
	if b.writer != nil {
		errs = append(errs, b.writer.close())
		b.writer = nil
	}
	if b.unlock != nil {
		errs = append(errs, b.unlock())
		b.unlock = nil
	}
	return errors.Join(errs...)
}
