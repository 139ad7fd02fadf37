package sqlite

import (
	"context"

	"github.com/symbolon/symbolon/internal/store"
)

// Begin implements store.Backend.
func (b *Backend) Begin(ctx context.Context) (store.Snapshot, error) {
	select {
	case b.slots <- struct{}{}:
	default:
		select {
		case b.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c, err := b.reader()
	if err != nil {
		<-b.slots
		return nil, err
	}
	if _, err := c.exec(beginRead, nil); err != nil {
		b.discard(c)
		return nil, err
	}
	return &snapshot{b: b, c: c}, nil
}

// reader takes a spare connection or opens one.
func (b *Backend) reader() (*conn, error) {
	b.mu.Lock()
	if n := len(b.spare); n > 0 {
		c := b.spare[n-1]
		b.spare = b.spare[:n-1]
		b.mu.Unlock()
		return c, nil
	}
	b.mu.Unlock()
	return openConn(b.dsn, append(b.pragmas[:len(b.pragmas):len(b.pragmas)], "cache_size = -"+readerCache, "query_only = ON"))
}

// discard gives up a reader whose state is in doubt.
func (b *Backend) discard(c *conn) {
	_ = c.close() // it is broken already
	<-b.slots
}

// snapshot is one read transaction.
type snapshot struct {
	b      *Backend
	c      *conn
	broken bool
}

// Query implements store.Snapshot.
func (s *snapshot) Query(ctx context.Context, st *store.Statement, args []any, row func([]any) error) error {
	err := s.c.query(ctx, st, args, row)
	if err != nil && code(err) != 0 {
		s.broken = true
	}
	return err
}

// Release implements store.Snapshot.
func (s *snapshot) Release() {
	if _, err := s.c.exec(commit, nil); err != nil || s.broken {
		s.b.discard(s.c)
		return
	}
	s.b.mu.Lock()
	kept := len(s.b.spare) < spareReaders
	if kept {
		s.b.spare = append(s.b.spare, s.c)
	}
	s.b.mu.Unlock()
	if !kept {
		_ = s.c.close() // it has only read
	}
	<-s.b.slots
}
