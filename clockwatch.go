package symbolon

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	clockEvery = 5 * time.Second
	// clockJump is by how much the wall clock may run apart from the monotonic one between two looks. A clock that is being slewed
	// stays far below it.
	clockJump = 2 * time.Second
)

// clockWatch notices when the wall clock jumps: tokens, signatures and expiry are judged by it. A machine that was suspended shows as a
// jump ahead.
type clockWatch struct {
	last    time.Time // with both clocks
	metrics *metrics
	health  *health
	log     *slog.Logger
}

// clockJumped is a jump, for /readyz.
type clockJumped struct {
	at time.Time // monotonic
	by time.Duration
}

// jumpTold is how long /readyz tells of a jump.
const jumpTold = time.Hour

// warnings are what does not make a server unready but is worth a look.
func (h *health) warnings() []string {
	j := h.jump.Load()
	if j == nil || time.Since(j.at) > jumpTold {
		return nil
	}
	return []string{fmt.Sprintf("the wall clock jumped by %v, %v ago", j.by.Truncate(time.Second), time.Since(j.at).Truncate(time.Second))}
}

// watchClock looks until ctx ends.
func (s *Server) watchClock(ctx context.Context) {
	w := &clockWatch{last: time.Now(), metrics: s.metrics, health: s.health, log: s.config.Log}
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := time.Now()
			w.look(now, now.Sub(w.last))
		}
	}
}

// look compares how far the wall clock has gone since the last look with the time that has passed.
func (w *clockWatch) look(now time.Time, passed time.Duration) {
	jump := now.Round(0).Sub(w.last.Round(0)) - passed
	w.last = now
	if jump.Abs() < clockJump {
		return
	}
	w.metrics.clockJumps.Inc()
	w.metrics.clockJump.Set(jump.Seconds())
	w.health.jump.Store(&clockJumped{time.Now(), jump})
	w.log.Error("the wall clock has jumped: tokens and signatures are judged by it", "by", jump.Truncate(time.Millisecond))
}
