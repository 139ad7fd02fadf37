package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// textType compares byte by byte, as the kernel does.
const textType = `TEXT COLLATE "C"`

// typeNames are the dialect's types by the names of the information schema.
var typeNames = map[string]string{
	"text": textType, "bigint": "BIGINT", "boolean": "BOOLEAN", "timestamp with time zone": "TIMESTAMPTZ", "bytea": "BYTEA",
	"json": "JSON", "jsonb": "JSON",
}

// defineTimeout bounds one round of schema work that waits for other nodes; indexes of large tables take long.
const defineTimeout = time.Hour

// Schema work that waits for others says so after sayAfter, and then every sayAgain.
const (
	sayAfter = time.Second
	sayAgain = time.Minute

	forOthers = "others' transactions to end"  // with a lock of a table
	forLock   = "another node's schema change" // with the lock of Alone
)

// schemaCache has all tables' columns as they were a moment ago, so that asking for each of them costs one look.
type schemaCache struct {
	mu      sync.Mutex
	at      time.Time
	columns map[string]map[string]string
	keys    map[string][]string
}

const schemaFresh = time.Second

func (s *schemaCache) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
}

var (
	selectColumns = &text{"SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()"}
	selectKeys    = &text{"SELECT k.table_name, k.column_name FROM information_schema.table_constraints AS t " +
		"JOIN information_schema.key_column_usage AS k ON k.constraint_name = t.constraint_name AND k.table_schema = t.table_schema " +
		"AND k.table_name = t.table_name WHERE t.constraint_type = 'PRIMARY KEY' AND t.table_schema = current_schema() " +
		"ORDER BY k.table_name, k.ordinal_position"}
)

// Columns implements store.Backend.
func (b *Backend) Columns(ctx context.Context, table string) (columns map[string]string, key []string, err error) {
	s := &b.schema
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) > schemaFresh {
		if err := b.readSchema(ctx); err != nil {
			return nil, nil, fmt.Errorf("postgres: %w", err)
		}
		s.at = time.Now()
	}
	return s.columns[table], s.keys[table], nil
}

func (b *Backend) readSchema(ctx context.Context) error {
	deadline := time.Now().Add(openTimeout)
	c, err := b.connectPlain(ctx, deadline)
	if err != nil {
		return err
	}
	defer c.close()
	b.schema.columns, b.schema.keys = map[string]map[string]string{}, map[string][]string{}
	err = c.all(deadline, selectColumns, func(table, column, kind string) {
		if b.schema.columns[table] == nil {
			b.schema.columns[table] = map[string]string{}
		}
		if name, ok := typeNames[kind]; ok {
			kind = name
		}
		b.schema.columns[table][column] = kind
	})
	if err != nil {
		return err
	}
	return c.all(deadline, selectKeys, func(table, column, _ string) {
		b.schema.keys[table] = append(b.schema.keys[table], column)
	})
}

// all runs a query of up to three texts.
func (c *conn) all(deadline time.Time, t *text, row func(a, b, c string)) error {
	if err := errors.Join(c.start(deadline), c.prepare(deadline, t)); err != nil {
		return err
	}
	if err := c.execute(c.prepared[t], nil); err != nil {
		return err
	}
	c.sync()
	if _, err := c.send(); err != nil {
		return err
	}
	_, err := c.reply(func(v [][]byte) error {
		var s [3]string
		for i := range min(len(v), len(s)) {
			s[i] = string(v[i])
		}
		row(s[0], s[1], s[2])
		return nil
	})
	if errors.Is(err, errLost) {
		return err
	}
	return errors.Join(err, c.ready())
}

// Define implements store.Backend. An index of a table that is already in use is built beside it while writes go on, and
// takes its place when it is whole; everything else is one transaction. Each waits for others, and is tried
// again, by itself: what is done before it would be refused if it were done twice.
func (b *Backend) Define(ctx context.Context, statements []string) error {
	defer b.schema.forget()
	together, indexes := arrangeDefinitions(statements)
	if len(together) > 0 {
		err := b.withDefiner(ctx, forOthers, func(c *conn, deadline time.Time) error { return c.transaction(deadline, together) })
		if err != nil {
			return err
		}
	}
	for _, x := range indexes {
		err := b.withDefiner(ctx, forOthers, func(c *conn, deadline time.Time) error { return c.replaceIndex(deadline, x) })
		if err != nil {
			return fmt.Errorf("%s: %w", x.create, err)
		}
	}
	return nil
}

func (c *conn) transaction(deadline time.Time, statements []string) error {
	if err := c.run(deadline, "BEGIN; "+strings.Join(statements, "; ")+"; COMMIT"); err != nil {
		return errors.Join(err, c.rollBack(deadline))
	}
	return nil
}

func (c *conn) replaceIndex(deadline time.Time, x index) error {
	texts := x.online()
	for _, s := range texts[:2] {
		if err := c.run(deadline, s); err != nil {
			return err
		}
	}
	return c.transaction(deadline, append(texts[2:], x.note...))
}

// online are the statements that build the index under another name, and the two that put it in its place.
func (x *index) online() []string {
	next := x.name + "_next"
	return []string{
		"DROP INDEX IF EXISTS " + next, // one that was interrupted is of no use
		strings.Replace(x.create, " INDEX "+x.name+" ", " INDEX CONCURRENTLY "+next+" ", 1),
		"DROP INDEX IF EXISTS " + x.name,
		"ALTER INDEX " + next + " RENAME TO " + x.name,
	}
}

func (c *conn) rollBack(deadline time.Time) error {
	if c.died != nil || c.state == 'I' {
		return nil
	}
	return c.run(deadline, "ROLLBACK")
}

// index is one to be built on a table in use.
type index struct {
	name, create string
	note         []string // what is written down once it is there
}

// arrangeDefinitions sets apart the indexes of tables that these statements do not make. The kernel's order is: drop the
// index, create it, note it.
func arrangeDefinitions(statements []string) (together []string, indexes []index) {
	made := map[string]bool{}
	for _, s := range statements {
		if rest, ok := strings.CutPrefix(s, "CREATE TABLE IF NOT EXISTS "); ok {
			made[strings.Fields(rest)[0]] = true
		}
	}
	for i := 0; i < len(statements); i++ {
		words := strings.Fields(strings.Replace(statements[i], "CREATE UNIQUE INDEX", "CREATE INDEX", 1))
		if len(words) < 5 || words[0] != "CREATE" || words[1] != "INDEX" || words[3] != "ON" || made[words[4]] {
			together = append(together, statements[i])
			continue
		}
		x := index{name: words[2], create: statements[i]}
		if n := len(together); n > 0 && together[n-1] == "DROP INDEX IF EXISTS "+x.name {
			together = together[:n-1]
		}
		if i+1 < len(statements) && strings.HasPrefix(statements[i+1], "INSERT INTO ") {
			i++
			x.note = statements[i : i+1]
		}
		indexes = append(indexes, x)
	}
	return together, indexes
}

// withDefiner runs fn on a connection that may wait: for locks, which stand in others' way while they are waited for, only
// a moment at a time. What it waits for is said in the log.
func (b *Backend) withDefiner(ctx context.Context, what string, fn func(c *conn, deadline time.Time) error) error {
	deadline := time.Now().Add(defineTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	began := time.Now()
	say := began.Add(sayAfter)
	for {
		err := b.define(ctx, deadline, fn)
		if errors.Is(err, errLost) && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err) // that was how it was told to stop
		}
		if code(err) == denied { // also where all is there: a role sees the tables on which it has rights
			return fmt.Errorf("%w: this role may not make the schema: run `symbolon migrate` as one that may, and give this one SELECT, INSERT, "+
				"UPDATE and DELETE on all tables", err)
		}
		if !raced(err) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		if time.Now().After(say) {
			slog.Info("postgres: the schema: waiting for "+what, "since", time.Since(began).Round(time.Second), "error", err)
			say = time.Now().Add(sayAgain)
		}
		time.Sleep(20*time.Millisecond + rand.N(100*time.Millisecond))
	}
}

func (b *Backend) define(ctx context.Context, deadline time.Time, fn func(c *conn, deadline time.Time) error) error {
	c, err := b.connectPlain(ctx, time.Now().Add(openTimeout))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer c.close()
	if err := c.tune(time.Now().Add(openTimeout), slices.Concat(keepalive, attention)); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Now()) })()
	if err := c.run(deadline, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '2s'"); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := fn(c, deadline); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// symbolon_schema_lock has the one row that whoever changes the schema holds. Others ask again and again: who waits in the
// database for a row is waited for by a build of an index.
const (
	makeLock = "CREATE TABLE IF NOT EXISTS symbolon_schema_lock (id BIGINT PRIMARY KEY)"
	seedLock = "INSERT INTO symbolon_schema_lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING"
	holdLock = "SELECT id FROM symbolon_schema_lock WHERE id = 1 FOR UPDATE NOWAIT"
)

// Alone implements store.Backend: the lock is a row, held by a transaction that ends with this node's connection if not
// before.
func (b *Backend) Alone(ctx context.Context, fn func() error) error {
	var inside error
	err := b.withDefiner(ctx, forLock, func(c *conn, deadline time.Time) error {
		for _, s := range []string{makeLock, seedLock, "BEGIN", holdLock} {
			if err := c.run(deadline, s); err != nil {
				return err // another node is at it
			}
		}
		b.schema.forget()
		inside = fn()
		return c.run(deadline, "COMMIT")
	})
	return errors.Join(inside, err)
}

var _ store.Backend = (*Backend)(nil)
