package symbolon

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/token"
)

const (
	// checkLimit is how long a readiness check may take before it counts as failed.
	checkLimit = time.Second
	// checkKept is how long an answer serves other askers: anybody may ask, and each asking costs a query.
	checkKept = 200 * time.Millisecond
	// maxLag is the age of the change feed from which on a node does not trust its memory of the configuration.
	maxLag = time.Second
)

// health answers who asks after this server: supervisors, which restart what is not alive, and load balancers, which leave alone what
// is not ready. Neither is ever kept waiting by a store or a disk that hangs.
type health struct {
	db       *store.DB
	log      *slog.Logger
	draining atomic.Bool
	nodes    atomic.Pointer[nodes] // nil before it has joined them
	jump     atomic.Pointer[clockJumped]
	probes   []*probe

	mu    sync.Mutex
	round *round
}

// probe is a check that has to ask somebody.
type probe struct {
	name string
	ask  func(context.Context) error
	says string      // what a failure means, without what only the log may tell
	busy atomic.Bool // the last asking has not come back
	down atomic.Bool // it failed the last time
}

// round is one asking of all probes, for everybody who wants to know meanwhile and shortly after.
type round struct {
	began  time.Time
	done   chan struct{}
	faults map[string]string // by name; set before done is closed
}

func newHealth(db *store.DB, l *audit.Log, keys *token.Keyring, log *slog.Logger) *health {
	return &health{db: db, log: log, probes: []*probe{
		{name: "audit", ask: l.Check, says: "the audit log cannot be written"},
		{name: "keys", ask: keys.Check, says: "the keys cannot be read, or the master key was replaced and this server not restarted with the new one"},
		{name: "store", ask: db.Ping, says: "the store does not answer"},
	}}
}

// alive says that the process answers, until it is closed. It asks nobody: a restart mends no database.
func (h *health) alive(w http.ResponseWriter, r *http.Request) {
	status, text := http.StatusOK, "ok"
	if h.db.Closed() {
		status, text = http.StatusServiceUnavailable, "closed"
	}
	healthAnswer(w, status, map[string]any{"status": text})
}

// ready is 200 while requests sent here can be expected to succeed, and else 503 with the name of each check that failed.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	faults := h.faults()
	answer := map[string]string{"drain": "ok", "feed": "ok", "nodes": "ok"}
	for _, p := range h.probes {
		answer[p.name] = "ok"
	}
	maps.Copy(answer, faults)
	status, text := http.StatusOK, "ready"
	if len(faults) > 0 {
		status, text = http.StatusServiceUnavailable, "unavailable"
	}
	body := map[string]any{"status": text, "checks": answer}
	if warnings := h.warnings(); len(warnings) > 0 {
		body["warnings"] = warnings
	}
	healthAnswer(w, status, body)
}

// faults are the checks that fail, by name, each with what to say of it; empty if the server is ready. It takes checkLimit at most.
func (h *health) faults() map[string]string {
	h.mu.Lock()
	if h.round == nil || time.Since(h.round.began) > checkKept {
		h.round = &round{began: time.Now(), done: make(chan struct{})}
		go h.run(h.round)
	}
	current := h.round
	h.mu.Unlock()
	<-current.done
	faults := maps.Clone(current.faults)
	if h.draining.Load() {
		faults["drain"] = "this server is going"
	}
	if lag := h.db.Lag(); lag >= maxLag {
		faults["feed"] = fmt.Sprintf("changes made on other nodes were last heard of %v ago", lag.Truncate(100*time.Millisecond))
	}
	if n := h.nodes.Load(); n != nil {
		if silence, ok := n.cutOff(); ok {
			faults["nodes"] = fmt.Sprintf("this node last reported to the others %v ago", silence.Truncate(time.Second))
		}
	}
	return faults
}

// run asks all probes at once and ends the round when the last has answered or run out of time.
func (h *health) run(r *round) {
	ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
	defer cancel()
	results := make([]error, len(h.probes))
	var all sync.WaitGroup
	for i, p := range h.probes {
		all.Go(func() { results[i] = p.try(ctx) })
	}
	all.Wait()
	r.faults = map[string]string{}
	for i, p := range h.probes {
		if results[i] != nil {
			r.faults[p.name] = p.says
		}
		h.note(p, results[i])
	}
	close(r.done)
}

var errNoAnswer = fmt.Errorf("no answer within %v", checkLimit)

// try asks, and stops waiting when ctx ends, even if whoever was asked does not heed it; nobody else is sent after one that hangs.
func (p *probe) try(ctx context.Context) error {
	if !p.busy.CompareAndSwap(false, true) {
		return errNoAnswer
	}
	answer := make(chan error, 1)
	go func() {
		defer p.busy.Store(false)
		answer <- p.ask(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errNoAnswer
	}
}

// note logs what changed.
func (h *health) note(p *probe, err error) {
	switch down := err != nil; {
	case down && !p.down.Swap(true):
		h.log.Warn("not ready: "+p.says, "error", err)
	case !down && p.down.Swap(false):
		h.log.Info("recovered: the check of the " + p.name + " passes again")
	}
}

func healthAnswer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone: nothing to do
}
