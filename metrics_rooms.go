package symbolon

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/symbolon/symbolon/internal/audit"
)

// readRooms has the rooms' own counts read at every scrape.
func (s *Server) readRooms() {
	s.readStore()
	s.readAudit()
	m := s.metrics
	m.registry.MustRegister(keyMetrics{s.keys})
	const keys = "Signatures by where their signing key came from: memory, or derived anew, as for those that are refused."
	m.reads("symbolon_sigv4_keys_total", keys, prometheus.Labels{"source": "memory"}, func() uint64 { return s.verifier.Stats().Cached })
	m.reads("symbolon_sigv4_keys_total", keys, prometheus.Labels{"source": "derived"}, func() uint64 { return s.verifier.Stats().Derived })
	if s.limits != nil {
		s.readLimits()
	}
	m.shows("symbolon_sigv4_cached_keys", "Derived signing keys in memory.", func() float64 { return float64(s.verifier.Stats().Keys) })
}

func (s *Server) readLimits() {
	m, l := s.metrics, s.limits
	for _, kind := range []*limit{l.caller, l.application, l.address, l.signIn, l.global} {
		m.reads("symbolon_limited_requests_total", "Requests refused by a limit.", prometheus.Labels{"limit": kind.name}, kind.refused.Load)
	}
	m.shows("symbolon_limit_buckets", "Callers, applications and addresses that are counted apart now; at most 20,000.",
		func() float64 { return float64(l.held()) })
}

func (s *Server) readStore() {
	m := s.metrics
	const commits = "Commits by what became of them: applied, lost to another transaction (and run again), collided over a unique value, failed, unavailable."
	for outcome, read := range map[string]func() uint64{
		"applied":     func() uint64 { return s.db.Stats().Applied },
		"lost":        func() uint64 { return s.db.Stats().Lost },
		"collided":    func() uint64 { return s.db.Stats().Collided },
		"failed":      func() uint64 { return s.db.Stats().Failed },
		"unavailable": func() uint64 { return s.db.Stats().Unavailable },
	} {
		m.reads("symbolon_store_commits_total", commits, prometheus.Labels{"outcome": outcome}, read)
	}
	const reads = "Reads of configuration: from memory, or from the backend while the memory is in doubt."
	m.reads("symbolon_store_cached_reads_total", reads, prometheus.Labels{"source": "memory"}, func() uint64 { return s.db.Stats().FromMemory })
	m.reads("symbolon_store_cached_reads_total", reads, prometheus.Labels{"source": "backend"}, func() uint64 { return s.db.Stats().ReadThrough })
	m.reads("symbolon_store_retries_total", "Transactions run again after a conflict.", nil, func() uint64 { return s.db.Stats().Retries })
	m.reads("symbolon_store_conflicts_total", "Transactions given up after many conflicts.", nil, func() uint64 { return s.db.Stats().GaveUp })
	m.reads("symbolon_store_read_errors_total", "Queries the backend could not answer.", nil, func() uint64 { return s.db.Stats().ReadErrors })
	m.reads("symbolon_store_swept_rows_total", "Expired rows deleted by this node.", nil, func() uint64 { return s.db.Stats().Swept })
	m.shows("symbolon_store_feed_position", "Position of the change feed that this node has reached.", func() float64 { return float64(s.db.Stats().Position) })
	m.shows("symbolon_store_feed_lag_seconds", "Age of this node's knowledge of other nodes' changes; 0 on a single node. From 1 on it reads through.",
		func() float64 { return s.db.Lag().Seconds() })
	m.shows("symbolon_nodes", "Servers on this database that have reported within ten seconds, this one included; 0 on a store of its own.",
		func() float64 { return float64(s.NodeStats().Nodes) })
	m.shows("symbolon_clock_ahead_of_database_seconds", "How far this node's clock is ahead of the database's; negative if behind.",
		func() float64 { return s.NodeStats().ClockAhead.Seconds() })
}

func (s *Server) readAudit() {
	m := s.metrics
	m.reads("symbolon_audit_events_total", "Audit events written.", nil, func() uint64 { return s.audit.Stats().Events })
	m.reads("symbolon_audit_batches_total", "Writes to the audit log; each takes all events that wait.", nil, func() uint64 { return s.audit.Stats().Batches })
	m.reads("symbolon_audit_failures_total", "Writes to the audit log that failed; nothing is issued meanwhile.", nil, func() uint64 { return s.audit.Stats().Failures })
	m.shows("symbolon_audit_failing", "1 while the audit log cannot be written: every request is refused.", func() float64 {
		if s.audit.Failing() {
			return 1
		}
		return 0
	})
	standing := &probe{ask: func(context.Context) error { return s.audit.Standing() }}
	m.shows("symbolon_audit_damaged", "1 while the audit log's file has lost its name or lines that were written to it.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
		defer cancel()
		// A file that hangs is not damaged: readiness and the doctor tell of it.
		if err := standing.try(ctx); err != nil && !errors.Is(err, audit.ErrClosed) && !errors.Is(err, errNoAnswer) {
			return 1
		}
		return 0
	})
	m.reads("symbolon_audit_bytes_total", "Bytes written to the audit log.", nil, func() uint64 { return s.audit.Stats().Bytes })
	m.shows("symbolon_audit_waiting_events", "Audit events that wait for the log.", func() float64 { return float64(s.audit.Stats().Waiting) })
}

// reads registers a counter that a room keeps.
func (m *metrics) reads(name, help string, labels prometheus.Labels, read func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels},
		func() float64 { return float64(read()) }))
}

// shows registers a gauge that a room keeps.
func (m *metrics) shows(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// How the census of the store goes: in small steps with long pauses, and then a rest ten times as long as all of it took, so that a
// table of any size takes less than a hundredth of a CPU.
const (
	censusStep  = 5000
	censusPause = 20 * time.Millisecond
	censusEvery = time.Minute
	censusRest  = 10
)

// census counts the rows that expire until ctx ends.
func (s *Server) census(ctx context.Context) {
	for {
		began := time.Now()
		counts, err := s.db.Census(ctx, censusStep, censusPause)
		if err != nil && ctx.Err() == nil {
			s.config.Log.Warn("the store's rows cannot be counted", "error", err)
		}
		for _, c := range counts {
			s.metrics.rows.WithLabelValues(c.Table, "live").Set(float64(c.Live))
			s.metrics.rows.WithLabelValues(c.Table, "expired").Set(float64(c.Expired))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(censusEvery, censusRest*time.Since(began))):
		}
	}
}
