package postgres

import (
	"context"
	"sync"
	"time"
)

// patience is how long a database may be away before work that waits for it fails.
const patience = 2 * time.Second

// absence is the time since the database was last found not to be there. Once it has lasted, one at a time looks whether it
// is over, which may take until a deadline, and all others fail at once.
type absence struct {
	mu      sync.Mutex
	since   time.Time // zero if it is there
	last    error
	looking bool
}

// pass lets a connection be tried, or says why it need not be.
func (a *absence) pass() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() || time.Since(a.since) < patience {
		return nil
	}
	if a.looking {
		return a.last
	}
	a.looking = true
	return nil
}

// note takes what came of it, and says whether to try again.
func (a *absence) note(err error) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looking, a.last = false, err
	switch {
	case err == nil:
		a.since = time.Time{}
	case a.since.IsZero():
		a.since = time.Now()
	}
	return err != nil && time.Since(a.since) < patience
}

// connected connects, trying again for a moment while the database is away.
func (b *Backend) connected() (*conn, error) {
	deadline := time.Now().Add(reconnectTimeout)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		if err := b.away.pass(); err != nil {
			return nil, err
		}
		c, err := b.connect(context.Background(), deadline)
		if again := b.away.note(err); !again || time.Now().Add(wait).After(deadline) {
			return c, err
		}
		time.Sleep(wait)
	}
}

// usable returns the connection if it is in order, or a new one, opened for a trip that may take so long.
func (b *Backend) usable(c *conn, limit time.Duration) (*conn, time.Time, error) {
	deadline := time.Now().Add(limit)
	if c != nil {
		if c.start(deadline) == nil && !c.stale() && !c.of.before(b.newest.get()) {
			return c, deadline, nil
		}
		c.close()
	}
	c, err := b.connected()
	if err != nil {
		return nil, deadline, err
	}
	deadline = time.Now().Add(limit)
	return c, deadline, c.start(deadline)
}
