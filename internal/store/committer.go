package store

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	maxBatch      = 256  // commits that share one flush
	maxBatchSteps = 8192 // a large commit goes with few others
)

// committer lets concurrent commits share one flush. There is no writer goroutine: whoever comes while nobody leads
// leads, and commits at once; who comes meanwhile waits, and one of those leads the next batch for all of them.
type committer struct {
	backend Backend
	admit   func(*pending) bool // the last look before a commit: false loses it
	settle  func([]*pending)    // after a batch, before its members are told
	flushed func(commits int, took time.Duration, err error)
	mu      sync.Mutex
	free    int // lanes without a leader
	queue   []*pending
	closed  bool
	idle    *sync.Cond // all lanes free and nothing queued
	lanes   int
	order   sync.RWMutex // between lanes; unused where there is one
}

func newCommitter(b Backend) *committer {
	c := &committer{backend: b, lanes: max(1, b.Lanes())}
	c.free = c.lanes
	c.idle = sync.NewCond(&c.mu)
	return c
}

var errClosed = errors.New("closed")

// submit carries out a commit, with others if others wait, and returns when its outcome is known. It does not heed any
// context: a commit that was handed over has an outcome, and the caller must learn it. An error means that the whole
// batch failed.
func (c *committer) submit(p *pending) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	if c.free == 0 {
		c.queue = append(c.queue, p)
		if p.lead == nil {
			p.lead = make(chan bool, 1)
		}
		c.mu.Unlock()
		if lead := <-p.lead; !lead {
			return p.err
		}
		c.mu.Lock()
	} else {
		c.free--
	}
	c.mu.Unlock()
	// Whoever could run now may have a commit, too: it comes along, and saves a flush. When nobody can, this costs nothing.
	runtime.Gosched()
	c.mu.Lock()
	batch := c.take(p)
	c.mu.Unlock()

	defer c.handOver() // even when the backend panics
	c.run(batch, p)
	return p.err
}

// take makes the leader's batch: itself and those who wait. It holds the lock.
func (c *committer) take(leader *pending) []*pending {
	n, steps := 0, len(leader.Steps)
	for n < len(c.queue) && n < maxBatch-1 && steps+len(c.queue[n].Steps) <= maxBatchSteps {
		steps += len(c.queue[n].Steps)
		n++
	}
	batch := append(make([]*pending, 0, n+1), leader)
	batch = append(batch, c.queue[:n]...)
	c.drop(n)
	return batch
}

// drop removes the first n of the queue.
func (c *committer) drop(n int) {
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
}

// handOver gives the lane to the first of those who wait, who then waits no more: another lane neither leads it nor takes it along.
func (c *committer) handOver() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 {
		next := c.queue[0]
		c.drop(1)
		next.lead <- true
		return
	}
	c.free++
	if c.free == c.lanes {
		c.idle.Broadcast()
	}
}

// run commits a batch for its leader and tells the other members. A batch that panics must not leave them waiting.
func (c *committer) run(batch []*pending, leader *pending) {
	failure := errors.New("commit did not finish")
	defer func() {
		for _, p := range batch {
			if failure != nil {
				p.err = failure
			}
			if p != leader {
				p.lead <- false
			}
		}
	}()
	exclusive := c.lanes > 1 && slices.ContainsFunc(batch, (*pending).raisesFeed)
	c.enter(exclusive)
	defer c.leave(exclusive) // before the members are told
	commits := make([]*Commit, 0, len(batch))
	for _, p := range batch {
		p.Outcome = Outcome{}
		if !c.admit(p) {
			p.Outcome = Outcome{Verdict: Lost, Step: -1}
			continue
		}
		commits = append(commits, &p.Commit)
	}
	if len(commits) > 0 {
		failure = c.flush(commits)
	} else {
		failure = nil
	}
	for _, p := range batch {
		p.err = failure
	}
	c.settle(batch)
}

// enter keeps the batches of other lanes out while one changes cached rows: from the last look at the replica until the change is in
// it, or else what was decided without the change could commit after it.
func (c *committer) enter(exclusive bool) {
	switch {
	case exclusive:
		c.order.Lock()
	case c.lanes > 1:
		c.order.RLock()
	}
}

func (c *committer) leave(exclusive bool) {
	switch {
	case exclusive:
		c.order.Unlock()
	case c.lanes > 1:
		c.order.RUnlock()
	}
}

func (c *committer) flush(commits []*Commit) error {
	if c.flushed == nil {
		return c.backend.Commit(commits)
	}
	began := time.Now()
	err := c.backend.Commit(commits)
	c.flushed(len(commits), time.Since(began), err)
	return err
}

// close refuses further commits and waits for those under way.
func (c *committer) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.free < c.lanes || len(c.queue) > 0 {
		c.idle.Wait()
	}
}

// expired says whether a moment on the monotonic clock has passed.
func expired(deadline time.Time) bool {
	return !deadline.IsZero() && time.Now().After(deadline)
}
