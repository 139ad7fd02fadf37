package audit

import "sync/atomic"

// Stats is what a Log has counted since Open. Counts only grow.
type Stats struct {
	// Events written, in how many Batches, each one call to the operating system; Failures are batches it did not take.
	Events, Batches, Failures uint64
	// Bytes written, which a log rotation does not set back.
	Bytes uint64
	// Waiting are the events that wait for their batch now.
	Waiting int
}

// counters are the live form of Stats; writers hold the turn.
type counters struct {
	events, batches, failures, bytes atomic.Uint64
	failing                          atomic.Bool
}

// Failing says that a write has failed and Check has not yet found room again: whoever is about to do what must be recorded had better
// not begin. It costs nothing and waits for nobody. That a short event has found a gap on a full disk since does not end it.
func (l *Log) Failing() bool { return l.counters.failing.Load() }

// count notes what became of a batch. Needs the turn.
func (l *Log) count(b *batch, size int64) {
	if b.err != nil {
		l.counters.failing.Store(true)
		l.counters.failures.Add(1)
		return
	}
	l.counters.batches.Add(1)
	l.counters.events.Add(uint64(len(b.ends)))
	l.counters.bytes.Add(uint64(size))
}

// Stats is a reading of the counts.
func (l *Log) Stats() Stats {
	s := Stats{
		Events: l.counters.events.Load(), Batches: l.counters.batches.Load(),
		Failures: l.counters.failures.Load(), Bytes: l.counters.bytes.Load(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending != nil {
		s.Waiting = len(l.pending.ends)
	}
	return s
}
