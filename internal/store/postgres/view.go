package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

// views are the connections that read. First queries that wait while all are taken share the next view: one transaction,
// one round trip. A view ends when the last of those who share it lets it go.
type views struct {
	mu      sync.Mutex
	free    int // views that may be opened
	eager   int // those of them that are opened for whoever comes; others only for who has waited
	late    *time.Timer
	armed   bool
	idle    []*conn
	waiting []*question
	closed  bool
	open    sync.WaitGroup
}

const (
	sharers = 64 // first queries that share a view at most
	// eagerViews are opened as soon as somebody asks. More of them would be shared by fewer, and cost more; but where those that
	// are open are held on to, whoever has waited for latePatience gets another.
	eagerViews   = 2
	latePatience = 2 * time.Millisecond
	// exhaustion is how long a first query waits where all views are held.
	exhaustion = 5 * time.Second
)

var errExhausted = errors.New("postgres: all connections are in use (pool_max_conns)")

// question is a first query on its way.
type question struct {
	statement *store.Statement
	args      []any
	since     time.Time
	fate      atomic.Int32 // decided once: answered or left
	done      chan struct{}
	rows      [][]any
	view      *view
	err       error
}

const (
	undecided int32 = iota
	answered
	left
)

// view is an open read transaction.
type view struct {
	b       *Backend
	turn    chan struct{} // has the query that is under way
	c       *conn
	holders atomic.Int32
	over    bool // the transaction has ended
	eager   bool
}

func newView(b *Backend, c *conn) *view { return &view{b: b, turn: make(chan struct{}, 1), c: c} }

// snapshot is one user's share of a view.
type snapshot struct {
	b    *Backend
	view *view
}

// Begin implements store.Backend. The view begins with the first query.
func (b *Backend) Begin(ctx context.Context) (store.Snapshot, error) {
	return &snapshot{b: b}, ctx.Err()
}

// Query implements store.Snapshot.
func (s *snapshot) Query(ctx context.Context, st *store.Statement, args []any, row func([]any) error) error {
	if s.view != nil {
		return s.view.query(ctx, st, args, row)
	}
	q := &question{statement: st, args: args, since: time.Now(), done: make(chan struct{})}
	if err := s.b.ask(q); err != nil {
		return err
	}
	select {
	case <-q.done:
	case <-ctx.Done():
		if q.fate.CompareAndSwap(undecided, left) {
			return ctx.Err()
		}
		<-q.done
	}
	s.view = q.view
	if q.err != nil {
		return q.err
	}
	for _, r := range q.rows {
		if err := row(r); err != nil {
			return err
		}
	}
	return nil
}

// Release implements store.Snapshot.
func (s *snapshot) Release() {
	if s.view != nil {
		s.view.letGo()
		s.view = nil
	}
}

// ask hands in a question, and opens a view for it if one may be opened.
func (b *Backend) ask(q *question) error {
	v := &b.views
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return errClosed
	}
	v.waiting = append(v.waiting, q)
	if v.eager > 0 {
		v.eager--
		v.open.Add(1)
		go b.openView(nil, true)
		return nil
	}
	v.arm(b)
	return nil
}

// arm has somebody look after those who wait. It holds the lock.
func (v *views) arm(b *Backend) {
	if v.armed {
		return
	}
	v.armed = true
	pause := latePatience
	if v.free == 0 {
		pause = exhaustion / 10
	}
	if v.late == nil {
		v.late = time.AfterFunc(pause, b.lookAfter)
	} else {
		v.late.Reset(pause)
	}
}

// lookAfter opens another view if somebody has waited for long, and sends away who has waited for too long.
func (b *Backend) lookAfter() {
	v := &b.views
	v.mu.Lock()
	defer v.mu.Unlock()
	v.armed = false
	for len(v.waiting) > 0 && time.Since(v.waiting[0].since) >= exhaustion {
		q := v.waiting[0]
		v.waiting = slices.Delete(v.waiting, 0, 1)
		if q.err = errExhausted; q.fate.CompareAndSwap(undecided, answered) {
			close(q.done)
		}
	}
	if len(v.waiting) == 0 {
		return
	}
	if v.free > 0 && time.Since(v.waiting[0].since) >= latePatience {
		v.free--
		v.open.Add(1)
		go b.openView(nil, false)
	}
	v.arm(b)
}

// take returns questions to answer with one view; without any it gives the view's place back.
func (v *views) take(c *conn, eager bool) ([]*question, *conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.waiting) == 0 {
		if eager {
			v.eager++
		} else {
			v.free++
		}
		if c != nil && !v.closed && c.rest() == nil {
			v.idle = append(v.idle, c)
		} else if c != nil {
			c.close()
		}
		v.open.Done()
		return nil, nil
	}
	if n := len(v.idle); c == nil && n > 0 {
		c = v.idle[n-1]
		v.idle = v.idle[:n-1]
	}
	n := min(len(v.waiting), sharers)
	asked := append([]*question(nil), v.waiting[:n]...)
	rest := copy(v.waiting, v.waiting[n:])
	clear(v.waiting[rest:])
	v.waiting = v.waiting[:rest]
	return asked, c
}

// openView answers those who wait, over the connection of the view before if there was one.
func (b *Backend) openView(c *conn, eager bool) {
	for {
		asked, next := b.views.take(c, eager)
		if asked == nil {
			return
		}
		v := b.answer(asked, next)
		v.eager = eager
		if v.share(asked) {
			return // the last who lets go goes on here
		}
		c = v.end()
	}
}

// share tells the questions' owners and says whether any of them holds the view now.
func (v *view) share(asked []*question) bool {
	v.holders.Store(1) // this goroutine, until all are told
	for _, q := range asked {
		if q.err == nil {
			q.view = v
			v.holders.Add(1)
		}
		if q.fate.CompareAndSwap(undecided, answered) {
			close(q.done)
		} else if q.err == nil {
			v.holders.Add(-1)
		}
	}
	return v.holders.Add(-1) > 0
}

// letGo ends one share of the view.
func (v *view) letGo() {
	if v.holders.Add(-1) == 0 {
		v.b.nextView(v.end(), v.eager)
	}
}

// nextView is openView by somebody who has better things to do.
func (b *Backend) nextView(c *conn, eager bool) {
	b.views.mu.Lock()
	idle := len(b.views.waiting) == 0
	b.views.mu.Unlock()
	if idle {
		b.openView(c, eager) // finds nobody, unless one comes in this moment
		return
	}
	go b.openView(c, eager)
}

// end ends the view's transaction and returns its connection; nil if that is of no use. The end is not waited for: it goes
// with the next view, or at once if there is none.
func (v *view) end() *conn {
	c := v.c
	if c == nil || c.died != nil {
		return nil
	}
	if v.over {
		return c
	}
	c.out = c.out[:0]
	if c.execute(c.prepared[commitText], nil) != nil {
		c.close()
		return nil
	}
	c.sync()
	c.owed = true
	return c
}

// answer runs the questions in a new view. What fails because of the connection is tried once more on another: it has
// changed nothing. A question that the server refuses is left out of the next try, since it spoils the view.
func (b *Backend) answer(asked []*question, c *conn) *view {
	for failures := 0; ; {
		var refused *question
		var deadline time.Time
		var err error
		if c, deadline, err = b.usable(c, queryTimeout); err == nil {
			refused, err = c.questions(asked, deadline)
		}
		switch {
		case err == nil:
			return newView(b, c)
		case refused != nil && c.run(deadline, "ROLLBACK") == nil:
			refused.err = err
			asked = slices.DeleteFunc(slices.Clone(asked), func(q *question) bool { return q == refused })
			if len(asked) == 0 {
				v := newView(b, c)
				v.over = true
				return v
			}
			continue
		}
		if c != nil {
			c.close()
		}
		if failures++; c == nil || failures == 2 || !misplaced(err) {
			for _, q := range asked {
				q.err = fmt.Errorf("postgres: %w", err)
			}
			return newView(b, nil)
		}
		c = nil
	}
}

// close waits for open views and closes the connections.
func (v *views) close() error {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	v.open.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.idle {
		c.close()
	}
	v.idle = nil
	return nil
}
